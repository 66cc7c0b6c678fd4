"""What explorers compute in the background: functions that a thread or another process can call.

Each takes the network, and `tell`, which it calls now and then with what there is so far. What
`tell` raises ends the job.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from course_lib.attribution.extremal_perturbation import extremal_perturbation
from course_lib.attribution.masks.perturbation import Perturbation
from course_lib.attribution.network.fast import run_fast
from course_lib.attribution.network.preserved import preserved
from course_lib.attribution.rise import RiseMasks

Tell = Callable[..., None]

TOLD_EVERY = 0.2
"""Seconds between two calls of `tell`: more often nobody sees it."""

MASKS_TOGETHER = 8
"""How many masked images RISE gives the network at once: few, so that it is soon stopped."""


@dataclass(frozen=True)
class FoundMasks:
    """What extremal perturbation found for A areas.

    Args:
        masks: shape (A, H, W), in [0, 1].
        seen: what the network was given of the image under each mask, shape (A, C, H, W).
        scores: the network's score for the class on each, shape (A,).
        covered: share of the image that each mask covers, shape (A,).
    """

    masks: Tensor
    seen: Tensor
    scores: Tensor
    covered: Tensor


def find_masks(
    model: nn.Module,
    tell: Tell,
    *,
    x: Tensor,
    target: int,
    areas: Sequence[float],
    variant: str,
    perturbation: str,
    options: dict[str, Any],
) -> FoundMasks:
    """Extremal masks of all areas, optimised together.

    It tells the iteration, how many there are, and the masks as they are then, (A, H, W).

    Args:
        model: the network.
        tell: see above.
        x: one image, (1, C, H, W).
        target: the class.
        areas, variant, perturbation, options: arguments of `extremal_perturbation`.
    """
    current: list[Tensor] = []
    told = time.monotonic()

    def watch(masks: Tensor) -> None:
        current[:] = [masks]

    def step(iteration: int, total: int) -> None:
        nonlocal told
        if iteration == total or time.monotonic() - told >= TOLD_EVERY:
            tell(iteration, total, current[0][:, 0].float().cpu())
            told = time.monotonic()

    found = extremal_perturbation(
        model,
        x,
        target,
        areas=list(areas),
        variant=variant,
        perturbation=perturbation,
        callback=step,
        watch=watch,
        **options,
    )
    masks = found.masks
    pyramid = Perturbation(x, type=perturbation, border=options.get("border", "edge"))
    with preserved(model), torch.no_grad():
        seen = pyramid.apply(1 - masks if variant == "delete" else masks)
        scores = model(seen)[:, target]
    return FoundMasks(
        masks[:, 0].float().cpu(), seen.cpu(), scores.float().cpu(), found.covered.cpu()
    )


def masked_scores(model: nn.Module, tell: Tell, *, x: Tensor, num_masks: int, seed: int) -> Tensor:
    """The network's scores for an image under each of RISE's random masks, (num_masks, classes).

    It tells the scores so far, (k, classes), and how many masks there are.

    Args:
        model: the network.
        tell: see above.
        x: one image, (1, C, H, W).
        num_masks, seed: as for `RiseMasks`.
    """
    masks = RiseMasks(x.shape[2:], num_masks, seed=seed, device=x.device)
    scores: list[Tensor] = []
    told = time.monotonic()
    with preserved(model), torch.no_grad():
        for start in range(0, num_masks, MASKS_TOGETHER):
            mask = masks[start : start + MASKS_TOGETHER].to(x.dtype)
            scores.append(run_fast(model, x * mask).float().cpu())
            if time.monotonic() - told >= TOLD_EVERY:
                tell(torch.cat(scores), num_masks)
                told = time.monotonic()
    return torch.cat(scores)
