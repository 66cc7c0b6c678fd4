"""The smallest part of an image that is enough for the network."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from ..extremal_perturbation import check_areas, extremal_perturbation
from ..inputs.checks import (
    as_number,
    check_callable,
    check_finite,
    check_image,
    check_model,
    check_scores,
    what_it_is,
)
from ..inputs.targets import parse_target
from ..network.preserved import preserved
from .rewards import PRESERVE_VARIANT, simple_reward

AREAS = (0.025, 0.05, 0.1, 0.2, 0.3, 0.4, 0.6, 0.8)


@dataclass(frozen=True)
class ExtremalArea:
    """The smallest sufficient area of each image, and what it was chosen from.

    Attributes:
        area: N areas, 1 where no mask was enough.
        mask: N x 1 x H x W, the masks of these areas, of ones where no mask was enough.
        threshold: N scores that a mask had to keep.
        areas: the A areas tried, in rising order.
        masks: N x A x 1 x H x W.
        scores: N x A, the score that each mask kept.
    """

    area: torch.Tensor
    mask: torch.Tensor
    threshold: torch.Tensor
    areas: tuple[float, ...]
    masks: torch.Tensor
    scores: torch.Tensor


def extremal_area(
    model: nn.Module,
    input: torch.Tensor,
    target: Any,
    share: float = 0.9,
    areas: Sequence[float] | float = AREAS,
    *,
    activation: Callable[[torch.Tensor], torch.Tensor] | None = None,
    **options: Any,
) -> ExtremalArea:
    r"""Find the smallest area whose extremal mask keeps a share of the whole image's score.

    .. math:: a^* = \min \{ a : f(\Phi(m_a \otimes x)) \ge q\, f(\Phi(x)) \},

    with the extremal masks m_a of the given areas, the score Phi of the target, the activation f
    and the share q. It says how much of the image the network needs. Paper: Fong, Patrick and
    Vedaldi (2019), arXiv 1910.08485, section 2.1.

    Args:
        model: the network.
        input: images, N x C x H x W.
        target: an int, or one class per image.
        share: q, in (0, 1].
        areas: the areas to try, shares in (0, 1) in any order; duplicates count once.
        activation: f, from N x C scores to as many numbers, such as `torch.sigmoid` for a network
            of logits; None for the scores themselves, which must then be positive. Scores of shape
            N x C x H x W are averaged over positions before.
        options: further arguments of `extremal_perturbation`, such as `perturbation` or `step`,
            but not `variant`, `reward_func`, `layer`, `over`, `resize` or `smooth`: the masks are
            those of the image that preserve the score, as they were found.

    Returns:
        `ExtremalArea`.

    Raises:
        TypeError, ValueError: share is out of range; the target is not one class per image; the
            activation gives something else than one finite number per score; the whole image's
            score is not positive, so that a share of it means nothing; one of the options above is
            given; or as for `extremal_perturbation`.

    >>> class Corner(torch.nn.Module):
    ...     def forward(self, x):
    ...         return x[:, :, :8, :8].mean((2, 3))
    >>> found = extremal_area(Corner(), torch.ones(1, 3, 28, 28), 0, 0.8, [0.05, 0.4],
    ...                       perturbation="fade", step=4, sigma=4)
    >>> [round(a, 2) for a in found.area.tolist()]
    [0.4]
    """
    check_model(model)
    check_image(input)
    if not 0 < (as_number(share) or 0) <= 1:
        raise ValueError(f"share must be in (0, 1], not {share!r}.")
    if activation is not None:
        check_callable("activation", activation)
    for name in ("variant", "reward_func", "layer", "over", "resize", "smooth"):
        if name in options:
            raise ValueError(f"extremal_area has no argument {name!r}.")
    tried = sorted(set(check_areas(areas)))
    with preserved(model, input), torch.no_grad():
        whole = _activated(check_scores(model(input), len(input)), activation)
    classes = parse_target(target, whole)
    if classes.is_floating_point() or classes.shape[1] != 1:
        raise ValueError("extremal_area needs one class per image as its target.")
    threshold = share * whole.gather(1, classes).squeeze(1)
    if not bool((threshold > 0).all()):
        raise ValueError(
            "A share of the whole image's score means nothing where that score is not positive: "
            "give an activation such as torch.sigmoid."
        )
    kept = threshold

    def reward(scores: torch.Tensor, target: int | torch.Tensor, variant: str) -> torch.Tensor:
        nonlocal kept
        kept = simple_reward(_activated(scores.detach(), activation), target, variant)
        return simple_reward(scores, target, variant)

    found = extremal_perturbation(
        model, input, classes[:, 0], tried, reward_func=reward, variant=PRESERVE_VARIANT, **options
    )
    # The last rewards asked for are those of the masks returned.
    rows = (len(input), len(tried))
    masks, scores = found.masks.unflatten(0, rows), kept.unflatten(0, rows)
    enough = scores >= threshold[:, None]
    first = enough.long().argmax(1)
    any_enough = enough.any(1)
    each = torch.arange(len(input), device=masks.device)
    smallest = torch.tensor(tried, device=masks.device)[first]
    mask = masks[each, first]
    return ExtremalArea(
        area=torch.where(any_enough, smallest, torch.ones_like(smallest)),
        mask=torch.where(any_enough.view(-1, 1, 1, 1), mask, torch.ones_like(mask)),
        threshold=threshold,
        areas=tuple(tried),
        masks=masks,
        scores=scores,
    )


def _activated(
    scores: torch.Tensor, activation: Callable[[torch.Tensor], torch.Tensor] | None
) -> torch.Tensor:
    if scores.dim() == 4:
        scores = scores.mean((2, 3))
    if activation is None:
        return scores
    given: Any = activation(scores)
    if not isinstance(given, torch.Tensor) or given.shape != scores.shape:
        raise ValueError(
            f"The activation must give one number per score, a tensor of shape "
            f"{tuple(scores.shape)}, but gave {what_it_is(given)}."
        )
    return check_finite(given, "The activation's output")
