"""The ascent that finds extremal masks: many masks at once, each with its own area."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch

from course_lib.attribution.area import area_penalty
from course_lib.attribution.schedules import Schedule

# Masks are compared with themselves this many iterations ago: an even number, so that an image
# flipped left-right every other iteration is compared with one flipped the same way.
_WINDOW = 10


@dataclass
class Problem:
    """What a mask is and what it earns.

    Attributes:
        start: parameters to start from, M x ..., in [0, 1].
        areas: M areas, as shares.
        render: (parameters) -> (mask, the part of it whose area counts), both with a row per mask.
        reward: (mask, indices of the masks in it, flipped or not) -> one reward per mask.
    """

    start: torch.Tensor
    areas: torch.Tensor
    render: Callable[[torch.Tensor], tuple[torch.Tensor, torch.Tensor]]
    reward: Callable[[torch.Tensor, torch.Tensor, bool], torch.Tensor]
    jitter: bool


@dataclass
class Ascent:
    """How it went: parameters M x ..., history M x 2 x T (reward, area term), iterations M."""

    parameters: torch.Tensor
    history: torch.Tensor
    iterations: torch.Tensor


class Report:
    """Tells how an ascent goes: a progress bar, lines printed now and then, a caller's function."""

    def __init__(
        self,
        max_iter: int,
        progress: bool,
        print_iter: int | None,
        callback: Callable[[int, int], object] | None = None,
    ) -> None:
        self._max_iter, self._progress, self._print_iter = max_iter, progress, print_iter
        self._callback = callback
        self._bar: Any = None

    def __enter__(self) -> Report:
        if self._progress:
            from tqdm.auto import tqdm

            self._bar = tqdm(total=self._max_iter, desc="Extremal masks", unit="step")
        return self

    def __call__(self, t: int, reward: torch.Tensor, area: torch.Tensor) -> None:
        if self._bar is not None:
            self._bar.update()
        if self._print_iter and t % self._print_iter == 0:
            pairs = zip(reward.tolist(), area.tolist(), strict=True)
            print(f"[{t + 1:4d}/{self._max_iter}]", *(f"{r:.2f}/{a:.2f}" for r, a in pairs))
        if self._callback is not None:
            self._callback(t + 1, self._max_iter)

    def __exit__(self, *exception: object) -> None:
        if self._bar is not None:
            self._bar.close()


def ascend(
    problem: Problem,
    schedule: Schedule,
    max_iter: int,
    tol: float | None,
    each: Callable[[int, torch.Tensor, torch.Tensor], None],
) -> Ascent:
    r"""Maximise reward - weight * area penalty over each mask's parameters, kept in [0, 1].

    Args:
        problem: the masks' parameters, areas and rewards.
        schedule: step and area weight of each iteration.
        max_iter: T, the largest number of iterations.
        tol: a mask of which no value changes by more than this within ten iterations is done and
            left out of the rest; None to go on to the end.
        each: called after each iteration with its number, the rewards and the area terms of all
            masks (those that are done keep their last).

    Raises:
        ValueError: a reward that is not finite, or not one number per mask.
    """
    parameters = problem.start.clone()
    count = len(parameters)
    stepper = schedule.stepper(parameters)
    scale = _reward_range(problem) if schedule.relative else parameters.new_ones(count)
    active = torch.arange(count, device=parameters.device)
    iterations = torch.zeros(count, dtype=torch.long, device=parameters.device)
    latest = parameters.new_zeros(count, 2)
    before: torch.Tensor | None = None
    rows = []
    for t in range(max_iter):
        weight = schedule.area_weight(t, max_iter) * scale[active]
        current = parameters[active].requires_grad_()
        mask, counted = problem.render(current)
        reward = problem.reward(mask, active, problem.jitter and t % 2 == 0)
        _check_reward(reward, len(active), f"in iteration {t + 1}")
        penalty = -weight * area_penalty(counted, problem.areas[active.cpu()])
        (ascent,) = torch.autograd.grad((reward + penalty).sum(), current)
        with torch.no_grad():
            stepped = stepper.step(current.detach(), ascent, active, t, max_iter)
            parameters[active] = stepped.clamp_(0, 1)
            latest[active] = torch.stack((reward, penalty), 1).to(latest.dtype)
            iterations[active] += 1
            rows.append(latest.clone())
            each(t, latest[:, 0], latest[:, 1])
            if tol is not None and t % _WINDOW == 0:
                kept = mask.detach()
                if before is not None:
                    moved = (kept - before).abs().flatten(1).amax(1) > tol
                    active, kept = active[moved], kept[moved]
                before = kept
                if len(active) == 0:
                    break
    history = torch.stack(rows, 2) if rows else latest.new_zeros(count, 2, 0)
    return Ascent(parameters, history, iterations)


def _reward_range(problem: Problem) -> torch.Tensor:
    """How far apart each mask's rewards are for all kept and all perturbed; 1 where they agree."""
    with torch.no_grad():
        mask, _ = problem.render(problem.start)
        everything = torch.arange(len(mask), device=mask.device)
        kept, perturbed = (
            problem.reward(end(mask), everything, False)
            for end in (torch.ones_like, torch.zeros_like)
        )
        _check_reward(kept, len(mask), "with all kept")
        _check_reward(perturbed, len(mask), "with all perturbed")
        distance = (kept - perturbed).abs().to(mask.dtype)
    return torch.where(distance > 0, distance, torch.ones_like(distance))


def _check_reward(reward: torch.Tensor, masks: int, when: str) -> None:
    if reward.shape != (masks,):
        raise ValueError(
            f"The reward function must give one reward per mask, shape ({masks},), but gave "
            f"{tuple(reward.shape)}."
        )
    if not bool(torch.isfinite(reward.detach()).all()):
        raise ValueError(f"The reward was infinite or not a number {when}.")
