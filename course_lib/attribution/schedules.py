"""How extremal masks are searched for: the paper's ascent, and two much shorter ones."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator

import torch


class Stepper(ABC):
    """Turns gradients into steps, remembering what it needs of earlier ones."""

    @abstractmethod
    def step(
        self, parameters: torch.Tensor, gradient: torch.Tensor, active: torch.Tensor, t: int
    ) -> torch.Tensor:
        """The next parameters of the masks `active`, uphill from `parameters`, in iteration t."""


class Schedule(ABC):
    """Step sizes and area weights over the iterations of one ascent from masks of ones."""

    usual_iterations: int
    relative: bool
    """Whether rewards are counted in units of their range: all kept - all perturbed."""

    @abstractmethod
    def area_weight(self, t: int, max_iter: int) -> float:
        """The weight of the area penalty in iteration t (from 0)."""

    @abstractmethod
    def stepper(self, parameters: torch.Tensor, max_iter: int) -> Stepper:
        """A new stepper for parameters M x ..."""


class PaperSchedule(Schedule):
    r"""Gradient ascent with momentum, 800 iterations.

    Velocity v = 0.9 v + 0.1 g (v = g at first), step 0.01 v, area weight 300 * 1.0035^t: Fong,
    Patrick and Vedaldi (2019), arXiv 1910.08485, as in TorchRay.
    """

    usual_iterations = 800
    relative = False
    first_weight, growth, rate = 300.0, 1.0035, 0.01

    def area_weight(self, t: int, max_iter: int) -> float:
        return self.first_weight * self.growth**t

    def stepper(self, parameters: torch.Tensor, max_iter: int) -> Stepper:
        return _Momentum(parameters)


class _Momentum(Stepper):
    def __init__(self, parameters: torch.Tensor) -> None:
        self._velocity = torch.zeros_like(parameters)

    def step(
        self, parameters: torch.Tensor, gradient: torch.Tensor, active: torch.Tensor, t: int
    ) -> torch.Tensor:
        velocity = gradient if t == 0 else 0.9 * self._velocity[active] + 0.1 * gradient
        self._velocity[active] = velocity
        return parameters + PaperSchedule.rate * velocity


class LongStepSchedule(Schedule):
    r"""The paper's ascent in fewer, longer steps.

    An iteration stands for k of the paper's: its step is k times as long, and the area weight grows
    by 1.0035^k. The first steps decide where the mask goes and must be short, and so must the last,
    for the area term is the steeper the larger its weight: k rises from 3 by 6 % an iteration up to
    24, and is never above 3700 / weight. Momentum is 0.7, from no velocity. Weights and steps are
    the paper's for rewards whose range is 13.5, that of a classifier's logits, and in proportion
    for others.
    """

    relative = True
    momentum = 0.7
    range_meant = 13.5
    first_length, lengthening, longest, stable = 3.0, 1.06, 24.0, 3700.0

    def __init__(self) -> None:
        self._pace = tuple(self._paces())
        self.usual_iterations = len(self._pace)

    def _paces(self) -> Iterator[tuple[float, float]]:
        """(k, area weight) of each iteration."""
        paper = PaperSchedule()
        weight = paper.area_weight(0, 0) / self.range_meant
        last = paper.area_weight(paper.usual_iterations, 0) / self.range_meant
        t = 0
        while weight < last:
            k = min(self.first_length * self.lengthening**t, self.longest, self.stable / weight)
            yield k, weight
            weight *= paper.growth**k
            t += 1

    def _at(self, t: int, max_iter: int) -> tuple[float, float]:
        return self._pace[t * self.usual_iterations // max_iter]

    def area_weight(self, t: int, max_iter: int) -> float:
        return self._at(t, max_iter)[1]

    def step_size(self, t: int, max_iter: int) -> float:
        k, _ = self._at(t, max_iter)
        times_as_long = self.usual_iterations / max_iter
        return PaperSchedule.rate * self.range_meant * k * times_as_long

    def stepper(self, parameters: torch.Tensor, max_iter: int) -> Stepper:
        return _LongSteps(parameters, [self.step_size(t, max_iter) for t in range(max_iter)])


class _LongSteps(Stepper):
    def __init__(self, parameters: torch.Tensor, step_sizes: list[float]) -> None:
        self._velocity = torch.zeros_like(parameters)
        self._step_sizes = step_sizes

    def step(
        self, parameters: torch.Tensor, gradient: torch.Tensor, active: torch.Tensor, t: int
    ) -> torch.Tensor:
        velocity = gradient.lerp(self._velocity[active], LongStepSchedule.momentum)
        self._velocity[active] = velocity
        return parameters + self._step_sizes[t] * velocity


class AdamSchedule(Schedule):
    r"""Adam at rate 0.05, with an area weight 13 * 50^(t / (T - 1)) over T iterations.

    Adam's steps do not grow with the gradient, so its weights begin below the paper's: where the
    area term outweighs the score, a mask shrinks everywhere alike instead of giving up first what
    the score needs least.
    """

    usual_iterations = 60
    relative = True
    first_weight, last_weight = 13.0, 650.0

    def area_weight(self, t: int, max_iter: int) -> float:
        share = t / max(1, max_iter - 1)
        return self.first_weight * (self.last_weight / self.first_weight) ** share

    def stepper(self, parameters: torch.Tensor, max_iter: int) -> Stepper:
        return _Adam(parameters)


class _Adam(Stepper):
    rate, decay, square_decay = 0.05, 0.9, 0.999

    def __init__(self, parameters: torch.Tensor) -> None:
        self._mean = torch.zeros_like(parameters)
        self._square = torch.zeros_like(parameters)

    def step(
        self, parameters: torch.Tensor, gradient: torch.Tensor, active: torch.Tensor, t: int
    ) -> torch.Tensor:
        mean = self._mean[active].lerp(gradient, 1 - self.decay)
        square = self._square[active].lerp(gradient.square(), 1 - self.square_decay)
        self._mean[active], self._square[active] = mean, square
        size = (square / (1 - self.square_decay ** (t + 1))).sqrt() + 1e-8
        return parameters + self.rate * mean / (1 - self.decay ** (t + 1)) / size


SCHEDULES: dict[str, tuple[type[Schedule], ...]] = {
    "fast": (LongStepSchedule, AdamSchedule),
    "paper": (PaperSchedule,),
}
"""The ascents of each schedule, of whose masks the best are kept."""


def usual_iterations(schedule: str) -> int:
    """How many iterations all ascents of a schedule take together, unless another number is asked.

    >>> usual_iterations("paper")
    800
    """
    return sum(ascent().usual_iterations for ascent in SCHEDULES[schedule])


def planned(schedule: str, max_iter: int) -> list[tuple[Schedule, int]]:
    """The ascents of a schedule and how many of `max_iter` iterations in all each may take.

    >>> [iterations for _, iterations in planned("paper", 30)]
    [30]
    """
    ascents = [ascent() for ascent in SCHEDULES[schedule]]
    usual, left, plan = sum(a.usual_iterations for a in ascents), max_iter, []
    for ascent in ascents:
        share = min(left, math.ceil(max_iter * ascent.usual_iterations / usual))
        if share:
            plan.append((ascent, share))
        left -= share
    return plan
