"""The searches that find extremal masks, and which of their masks are kept."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch

from .area import mask_area
from .ascents import AdamAscent, PaperAscent
from .placement import DiscPlacement
from .search import Each, Found, Problem, Search, check_reward

SCHEDULES: dict[str, dict[str, tuple[Search, ...]]] = {
    "fast": {
        "places": (DiscPlacement(), DiscPlacement(closer=1)),
        "channels": (AdamAscent(),),
    },
    "paper": {"places": (PaperAscent(),), "channels": (PaperAscent(),)},
}
"""The searches of each schedule, of whose masks the best are kept, for what masks are over."""


Plan = list[tuple[Search, int]]
"""Searches, one after another, and how many iterations each takes at most."""


def usual_plan(schedule: str, over: str, problem: Problem) -> Plan:
    """The searches of a schedule, less those that would repeat an earlier one on this problem.

    Args:
        schedule: a key of `SCHEDULES`.
        over: what the masks are over, "places" or "channels".
        problem: what is searched for.
    """
    searches: list[Search] = []
    for search in SCHEDULES[schedule][over]:
        if not any(search.repeats(earlier, problem) for earlier in searches):
            searches.append(search)
    return [(search, search.usual_iterations) for search in searches]


def shared_out(plan: Plan, max_iter: int) -> Plan:
    """The same plan in `max_iter` iterations in all, each search with its part of them.

    >>> shared_out([("this search", 40), ("that search", 10)], 15)
    [('this search', 12), ('that search', 3)]
    """
    usual, left, shared = sum(iterations for _, iterations in plan), max_iter, []
    for search, iterations in plan:
        share = min(left, math.ceil(max_iter * iterations / usual))
        if share:
            shared.append((search, share))
        left -= share
    return shared


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
            self._bar.update(t + 1 - self._bar.n)
        if self._print_iter and t % self._print_iter == 0:
            pairs = zip(reward.tolist(), area.tolist(), strict=True)
            print(f"[{t + 1:4d}/{self._max_iter}]", *(f"{r:.2f}/{a:.2f}" for r, a in pairs))
        if self._callback is not None:
            self._callback(t + 1, self._max_iter)

    def __exit__(self, *exception: object) -> None:
        if self._bar is not None:
            self._bar.close()


def best_masks(problem: Problem, plan: Plan, tol: float | None, each: Each) -> Found:
    r"""Maximise the reward by several searches, and keep the best of each mask.

    The reward has many local maxima, and which one a search ends in is chance to some degree. Masks
    are compared by

    .. math:: \phi(m) + \tfrac{1}{20} \phi(\hat m) - \tfrac{r}{2} \max(0, |m| / a - 1),

    the reward, less a share of its range r for an area |m| above the one asked for. The second term
    is that of the flat mask of the share a of the pixels which m ranks highest: where the area is
    too small for a smooth mask to show anything, it tells which of two knows where to look.

    Args:
        problem: the masks' parameters, areas and rewards.
        plan: the searches, each with its largest number of iterations.
        tol: as for `Search.run`.
        each: called after each iteration with its number in the plan, the rewards and the area
            terms of all masks (those that are done keep their last).

    Returns:
        The best parameters; the histories of the searches, one after the other; all iterations.

    Raises:
        ValueError: a reward that is not finite, or not one number per mask.
    """
    best: Found | None = None
    done = 0
    for search, max_iter in plan:
        found = search.run(problem, max_iter, tol, each, done)
        best = found if best is None else _better(problem, best, found)
        done += max_iter
    assert best is not None
    return best


def _better(problem: Problem, first: Found, second: Found) -> Found:
    gain = _worth(problem, second.parameters) > _worth(problem, first.parameters)
    chosen = gain.view(-1, *(1,) * (problem.start.dim() - 1))
    return Found(
        torch.where(chosen, second.parameters, first.parameters),
        torch.cat((first.history, second.history), 2),
        first.iterations + second.iterations,
    )


def _worth(problem: Problem, parameters: torch.Tensor) -> torch.Tensor:
    with torch.no_grad():
        mask, counted = problem.render(parameters)
        everything = torch.arange(len(mask), device=mask.device)
        compared = torch.cat((mask, _highest(mask, problem.areas)))
        reward = problem.reward(compared, everything.repeat(2), False)
        check_reward(reward, len(compared), "of the masks found")
        smooth, flat = reward.chunk(2)
        excess = mask_area(counted) / problem.areas.to(counted) - 1
        return smooth + flat / 20 - problem.reward_range / 2 * excess.clamp(min=0)


def _highest(mask: torch.Tensor, areas: torch.Tensor) -> torch.Tensor:
    """1 for each mask's highest values, as many as its area says, 0 for the rest."""
    flat = torch.zeros_like(mask).flatten(1)
    for row, values, area in zip(flat, mask.flatten(1), areas.tolist(), strict=True):
        row[values.topk(max(1, round(area * len(values)))).indices] = 1
    return flat.view_as(mask)
