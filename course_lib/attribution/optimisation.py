"""The ascents that find extremal masks: many masks at once, each with its own area."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from course_lib.attribution.area import area_penalty, mask_area
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


def best_masks(
    problem: Problem,
    plan: Sequence[tuple[Schedule, int]],
    tol: float | None,
    each: Callable[[int, torch.Tensor, torch.Tensor], None],
) -> Ascent:
    r"""Maximise reward - weight * area penalty in several ascents, and keep the best of each mask.

    The reward has many local maxima, and which one an ascent ends in is chance to some degree.
    Masks are compared by

    .. math:: \phi(m) + \tfrac{1}{5} \phi(\hat m) - \tfrac{r}{2} \max(0, |m| / a - 1),

    the reward, less a share of its range r for an area |m| above the one asked for. The second term
    is that of the flat mask of the share a of the pixels which m ranks highest: where the area is
    too small for a smooth mask to show anything, it tells which of two knows where to look.

    Args:
        problem: the masks' parameters, areas and rewards.
        plan: the ascents, each with its largest number of iterations.
        tol: a mask of which no value changes by more than this within ten iterations is done and
            left out of the rest of that ascent; None to go on to the end.
        each: called after each iteration with its number, the rewards and the area terms of all
            masks (those that are done keep their last).

    Returns:
        The best parameters; the histories of the ascents, one after the other; all iterations.

    Raises:
        ValueError: a reward that is not finite, or not one number per mask.
    """
    scale = problem.start.new_ones(len(problem.start))
    if any(schedule.relative for schedule, _ in plan):
        scale = _reward_range(problem)
    best: Ascent | None = None
    for schedule, max_iter in plan:
        done = 0 if best is None else best.history.shape[2]
        ascent = _ascend(problem, schedule, max_iter, tol, each, scale, done)
        best = ascent if best is None else _better(problem, scale, best, ascent)
    assert best is not None
    return best


def _better(problem: Problem, scale: torch.Tensor, first: Ascent, second: Ascent) -> Ascent:
    gain = _worth(problem, scale, second) > _worth(problem, scale, first)
    chosen = gain.view(-1, *(1,) * (problem.start.dim() - 1))
    return Ascent(
        torch.where(chosen, second.parameters, first.parameters),
        torch.cat((first.history, second.history), 2),
        first.iterations + second.iterations,
    )


def _worth(problem: Problem, scale: torch.Tensor, ascent: Ascent) -> torch.Tensor:
    with torch.no_grad():
        mask, counted = problem.render(ascent.parameters)
        everything = torch.arange(len(mask), device=mask.device)
        compared = torch.cat((mask, _highest(mask, problem.areas)))
        reward = problem.reward(compared, everything.repeat(2), False)
        _check_reward(reward, len(compared), "of the masks found")
        smooth, flat = reward.chunk(2)
        excess = mask_area(counted) / problem.areas.to(counted) - 1
        return smooth + flat / 5 - scale / 2 * excess.clamp(min=0)


def _highest(mask: torch.Tensor, areas: torch.Tensor) -> torch.Tensor:
    """1 for each mask's highest values, as many as its area says, 0 for the rest."""
    flat = torch.zeros_like(mask).flatten(1)
    for row, values, area in zip(flat, mask.flatten(1), areas.tolist(), strict=True):
        row[values.topk(max(1, round(area * len(values)))).indices] = 1
    return flat.view_as(mask)


def _ascend(
    problem: Problem,
    schedule: Schedule,
    max_iter: int,
    tol: float | None,
    each: Callable[[int, torch.Tensor, torch.Tensor], None],
    scale: torch.Tensor,
    done: int,
) -> Ascent:
    """One ascent; `done` iterations of others came before it."""
    parameters = problem.start.clone()
    count = len(parameters)
    stepper = schedule.stepper(parameters, max_iter)
    if not schedule.relative:
        scale = torch.ones_like(scale)
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
        _check_reward(reward, len(active), f"in iteration {done + t + 1}")
        penalty = -weight * area_penalty(counted, problem.areas[active.cpu()])
        (gradient,) = torch.autograd.grad((reward + penalty).sum(), current)
        with torch.no_grad():
            gradient /= scale[active].view(-1, *(1,) * (gradient.dim() - 1))
            stepped = stepper.step(current.detach(), gradient, active, t)
            parameters[active] = stepped.clamp_(0, 1)
            latest[active] = torch.stack((reward, penalty), 1).to(latest.dtype)
            iterations[active] += 1
            rows.append(latest.clone())
            each(done + t, latest[:, 0], latest[:, 1])
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
