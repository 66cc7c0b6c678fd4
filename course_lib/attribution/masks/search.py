"""What a search for extremal masks is given, and what it gives back."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import torch

from ..inputs.checks import what_it_is

Each = Callable[[int, torch.Tensor, torch.Tensor], None]
"""Called after each iteration with its number, and the rewards and area terms of all masks."""


@dataclass
class Problem:
    """What a mask is and what it earns.

    Attributes:
        start: parameters of masks of ones, M x ..., in [0, 1].
        areas: M areas, as shares.
        render: (parameters) -> (mask, the part of it whose area counts), both with a row per mask.
        reward: (mask, indices of the masks in it, flipped or not) -> one reward per mask.
        jitter: whether every other reward is that of the image flipped left-right.
        groups: M numbers, the same for masks that differ in their area alone.
        known: rewards that one search has asked for and another would ask for again.
    """

    start: torch.Tensor
    areas: torch.Tensor
    render: Callable[[torch.Tensor], tuple[torch.Tensor, torch.Tensor]]
    reward: Callable[[torch.Tensor, torch.Tensor, bool], torch.Tensor]
    jitter: bool
    groups: torch.Tensor
    known: dict[Hashable, torch.Tensor] = field(default_factory=dict)

    @cached_property
    def reward_range(self) -> torch.Tensor:
        """How far apart each mask's rewards are for all kept and all perturbed; 1 if they agree."""
        with torch.no_grad():
            mask, _ = self.render(self.start)
            everything = torch.arange(len(mask), device=mask.device)
            kept, perturbed = [
                self.reward(end(mask), everything, False)
                for end in (torch.ones_like, torch.zeros_like)
            ]
            check_reward(kept, len(mask), "with all kept")
            check_reward(perturbed, len(mask), "with all perturbed")
            distance = (kept - perturbed).abs().to(mask.dtype)
        return torch.where(distance > 0, distance, torch.ones_like(distance))


@dataclass
class Found:
    """Parameters M x ..., history M x 2 x T (reward, area term), and the iterations of each, M."""

    parameters: torch.Tensor
    history: torch.Tensor
    iterations: torch.Tensor


class Search(ABC):
    """A way to parameters of masks that earn much.

    Attributes:
        usual_iterations: how many it takes, unless another number is asked for.
    """

    usual_iterations: int

    @abstractmethod
    def run(
        self, problem: Problem, max_iter: int, tol: float | None, each: Each, done: int
    ) -> Found:
        """Look for masks, in at most `max_iter` iterations.

        Args:
            problem: the masks' parameters, areas and rewards.
            max_iter: the largest number of iterations.
            tol: a mask of which no value changes by more than this within ten iterations is done;
                None to go on to the end.
            each: called after each iteration.
            done: iterations of other searches that came before.

        Raises:
            ValueError: a reward that is not finite, or not one number per mask; or one without a
                gradient, where the search asks for it.
        """

    def repeats(self, earlier: Search, problem: Problem) -> bool:
        """Whether this search would find just what an earlier one has found."""
        return False


def check_reward(reward: Any, masks: int, when: str) -> None:
    """Raise ValueError unless there is one finite reward per mask, in a tensor."""
    if not isinstance(reward, torch.Tensor) or reward.shape != (masks,):
        raise ValueError(
            f"The reward function must give one reward per mask, a tensor of shape ({masks},), but "
            f"gave {what_it_is(reward)}."
        )
    if not bool(torch.isfinite(reward.detach()).all()):
        raise ValueError(f"The reward was infinite or not a number {when}.")
