"""How extremal masks are searched for: the paper's ascent, and a much shorter one."""

from __future__ import annotations

from abc import ABC, abstractmethod

import torch


class Stepper(ABC):
    """Turns gradients into steps, remembering what it needs of earlier ones."""

    @abstractmethod
    def step(
        self,
        parameters: torch.Tensor,
        gradient: torch.Tensor,
        active: torch.Tensor,
        t: int,
        max_iter: int,
    ) -> torch.Tensor:
        """The next parameters of the masks `active`, uphill from `parameters`."""


class Schedule(ABC):
    """Step sizes and area weights over the iterations."""

    max_iter: int
    relative: bool
    """Whether area weights are counted in units of the reward's range: all kept - all perturbed."""

    @abstractmethod
    def start(self, shape: tuple[int, ...], areas: torch.Tensor) -> torch.Tensor:
        """Parameters to start from, M x shape, for M areas."""

    @abstractmethod
    def area_weight(self, t: int, max_iter: int) -> float:
        """The weight of the area penalty in iteration t (from 0)."""

    @abstractmethod
    def stepper(self, parameters: torch.Tensor) -> Stepper:
        """A new stepper for parameters M x ..."""


class PaperSchedule(Schedule):
    r"""Gradient ascent with momentum, 800 iterations from a mask of ones.

    Velocity v = 0.9 v + 0.1 g (v = g at first), step 0.01 v, area weight 300 * 1.0035^t: Fong,
    Patrick and Vedaldi (2019), arXiv 1910.08485, as in TorchRay.
    """

    max_iter = 800
    relative = False

    def start(self, shape: tuple[int, ...], areas: torch.Tensor) -> torch.Tensor:
        return torch.ones(len(areas), *shape)

    def area_weight(self, t: int, max_iter: int) -> float:
        return 300 * 1.0035**t

    def stepper(self, parameters: torch.Tensor) -> Stepper:
        return _Momentum(parameters)


class _Momentum(Stepper):
    def __init__(self, parameters: torch.Tensor) -> None:
        self._velocity = torch.zeros_like(parameters)

    def step(
        self,
        parameters: torch.Tensor,
        gradient: torch.Tensor,
        active: torch.Tensor,
        t: int,
        max_iter: int,
    ) -> torch.Tensor:
        velocity = gradient if t == 0 else 0.9 * self._velocity[active] + 0.1 * gradient
        self._velocity[active] = velocity
        return parameters + 0.01 * velocity


class FastSchedule(Schedule):
    r"""Adam from a mask of ones, with an area weight that rises fast.

    Adam at rate 0.05, area weight 13 r * 50^(t / (T - 1)) over T iterations, where r is the range
    of the mask's reward, between all kept and all perturbed: so a network whose scores are all ten
    times as large gets the same masks. For a range of about 15, that of logits, the weight starts
    below the paper's, for Adam's steps do not grow with the gradient: where the area term outweighs
    the score, a mask shrinks everywhere alike instead of giving up first what the score needs
    least. It ends at twice the paper's last, which it reaches in a tenth of the iterations.
    """

    max_iter = 80
    relative = True
    first_weight, last_weight = 13.0, 650.0

    def start(self, shape: tuple[int, ...], areas: torch.Tensor) -> torch.Tensor:
        return torch.ones(len(areas), *shape)

    def area_weight(self, t: int, max_iter: int) -> float:
        share = t / max(1, max_iter - 1)
        return self.first_weight * (self.last_weight / self.first_weight) ** share

    def stepper(self, parameters: torch.Tensor) -> Stepper:
        return _Adam(parameters)


class _Adam(Stepper):
    rate, decay, square_decay = 0.05, 0.9, 0.999

    def __init__(self, parameters: torch.Tensor) -> None:
        self._mean = torch.zeros_like(parameters)
        self._square = torch.zeros_like(parameters)

    def step(
        self,
        parameters: torch.Tensor,
        gradient: torch.Tensor,
        active: torch.Tensor,
        t: int,
        max_iter: int,
    ) -> torch.Tensor:
        mean = self._mean[active].lerp(gradient, 1 - self.decay)
        square = self._square[active].lerp(gradient.square(), 1 - self.square_decay)
        self._mean[active], self._square[active] = mean, square
        size = (square / (1 - self.square_decay ** (t + 1))).sqrt() + 1e-8
        return parameters + self.rate * mean / (1 - self.decay ** (t + 1)) / size


SCHEDULES: dict[str, type[Schedule]] = {"fast": FastSchedule, "paper": PaperSchedule}
