"""Masks found by gradient ascent: the paper's, and a much shorter one."""

from __future__ import annotations

from abc import ABC, abstractmethod

import torch

from .area import area_penalty
from .search import Each, Found, Problem, Search, check_reward

# Masks are compared with themselves this many iterations ago: an even number, so that an image
# flipped left-right every other iteration is compared with one flipped the same way.
_WINDOW = 10


class Stepper(ABC):
    """Turns gradients into steps, remembering what it needs of earlier ones."""

    @abstractmethod
    def step(
        self, parameters: torch.Tensor, gradient: torch.Tensor, active: torch.Tensor, t: int
    ) -> torch.Tensor:
        """The next parameters of the masks `active`, uphill from `parameters`, in iteration t."""


class GradientAscent(Search):
    r"""Goes uphill from masks of ones, under an area penalty whose weight grows.

    In iteration t = 0, 1, ..., the gradient is that of

    .. math:: \phi(m) / r - w_t\, R_a(m),

    with the reward phi, the weight w_t and the penalty R_a (`area_penalty`); a `Stepper` makes it
    into a step, and the parameters are clamped to [0, 1]. `history` holds phi and -r w_t R_a.

    Attributes:
        relative: whether rewards are divided by their range, so that r = |phi(1) - phi(0)|, the
            distance between the rewards of a mask of ones and of one of zeros, or 1 if they agree;
            else r = 1.
    """

    relative: bool

    @abstractmethod
    def area_weight(self, t: int, max_iter: int) -> float:
        """The weight of the area penalty in iteration t (from 0)."""

    @abstractmethod
    def stepper(self, parameters: torch.Tensor) -> Stepper:
        """A new stepper for parameters M x ..."""

    def run(
        self, problem: Problem, max_iter: int, tol: float | None, each: Each, done: int
    ) -> Found:
        parameters = problem.start.clone()
        count = len(parameters)
        stepper = self.stepper(parameters)
        scale = problem.reward_range if self.relative else problem.start.new_ones(count)
        active = torch.arange(count, device=parameters.device)
        iterations = torch.zeros(count, dtype=torch.long, device=parameters.device)
        latest = parameters.new_zeros(count, 2)
        before: torch.Tensor | None = None
        history = []
        for t in range(max_iter):
            weight = self.area_weight(t, max_iter) * scale[active]
            current = parameters[active].requires_grad_()
            mask, counted = problem.render(current)
            reward = problem.reward(mask, active, problem.jitter and t % 2 == 0)
            check_reward(reward, len(active), f"in iteration {done + t + 1}")
            if not reward.requires_grad:
                raise ValueError(
                    "The reward has no gradient with respect to the mask: use schedule='fast' over "
                    "places, or a network and reward that are differentiable."
                )
            penalty = -weight * area_penalty(counted, problem.areas[active.cpu()])
            (gradient,) = torch.autograd.grad((reward + penalty).sum(), current)
            with torch.no_grad():
                gradient /= scale[active].view(-1, *(1,) * (gradient.dim() - 1))
                stepped = stepper.step(current.detach(), gradient, active, t)
                parameters[active] = stepped.clamp_(0, 1)
                latest[active] = torch.stack((reward, penalty), 1).to(latest.dtype)
                iterations[active] += 1
                history.append(latest.clone())
                each(done + t, latest[:, 0], latest[:, 1])
                if tol is not None and t % _WINDOW == 0:
                    kept = mask.detach()
                    if before is not None:
                        moved = (kept - before).abs().flatten(1).amax(1) > tol
                        active, kept = active[moved], kept[moved]
                    before = kept
                    if len(active) == 0:
                        break
        return Found(parameters, torch.stack(history, 2), iterations)


class PaperAscent(GradientAscent):
    r"""Gradient ascent with momentum, 800 iterations.

    Velocity v = 0.9 v + 0.1 g (v = g at t = 0), step 0.01 v, area weight 300 * 1.0035^t: Fong,
    Patrick and Vedaldi (2019), arXiv 1910.08485, as in TorchRay.
    """

    usual_iterations = 800
    relative = False
    first_weight, growth, rate = 300.0, 1.0035, 0.01

    def area_weight(self, t: int, max_iter: int) -> float:
        return self.first_weight * self.growth**t

    def stepper(self, parameters: torch.Tensor) -> Stepper:
        return _Momentum(parameters)


class _Momentum(Stepper):
    def __init__(self, parameters: torch.Tensor) -> None:
        self._velocity = torch.zeros_like(parameters)

    def step(
        self, parameters: torch.Tensor, gradient: torch.Tensor, active: torch.Tensor, t: int
    ) -> torch.Tensor:
        velocity = gradient if t == 0 else 0.9 * self._velocity[active] + 0.1 * gradient
        self._velocity[active] = velocity
        return parameters + PaperAscent.rate * velocity


class AdamAscent(GradientAscent):
    r"""Adam at rate 0.05, with an area weight 13 * 50^(t / (T - 1)) over T iterations, usually 40.

    Rewards are divided by their range, the distance between the reward of a mask of ones and that
    of zeros; `history` holds both terms times the range.

    Adam's steps do not grow with the gradient, so its weights begin below the paper's: where the
    area term outweighs the score, a mask shrinks everywhere alike instead of giving up first what
    the score needs least.
    """

    usual_iterations = 40
    relative = True
    first_weight, last_weight = 13.0, 650.0

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
        self, parameters: torch.Tensor, gradient: torch.Tensor, active: torch.Tensor, t: int
    ) -> torch.Tensor:
        mean = self._mean[active].lerp(gradient, 1 - self.decay)
        square = self._square[active].lerp(gradient.square(), 1 - self.square_decay)
        self._mean[active], self._square[active] = mean, square
        size = (square / (1 - self.square_decay ** (t + 1))).sqrt() + 1e-8
        return parameters + self.rate * mean / (1 - self.decay ** (t + 1)) / size
