"""Relevance mass: how much of a map's positive relevance lies on the object?"""

from __future__ import annotations

from typing import Any

import torch

from .maps import fit, largest, mean_where
from .protocols import protocol


def mass_inside(
    saliency: torch.Tensor, truth: torch.Tensor, mode: str = "bilinear"
) -> torch.Tensor:
    r"""The share of the positive relevance s+ = max(0, s) that lies in the mask M.

    mass = sum over u in M of s+(u) / sum over all u of s+(u). A map without positive relevance
    counts as one that has it, in equal parts, where it is largest: so a constant map scores chance
    whatever the constant. (L. Arras, A. Osman, W. Samek: CLEVR-XAI: A Benchmark Dataset for the
    Ground Truth Evaluation of Neural Network Explanations. Information Fusion 81, 2022.)

    Args:
        saliency: maps, N x 1 x h x w.
        truth: where the object is, N x H x W or one H x W for all.
        mode: how maps of another size are resized: "bilinear", or "nearest-exact".

    Returns:
        N numbers from 0 to 1: 1 for the truth itself, 0 for its negative, and for a constant map
        the object's share of the image.

    Raises:
        TypeError, ValueError: a map is not finite, a mask is empty, or shapes do not fit.

    >>> saliency = torch.tensor([[[[3.0, 1.0], [0.0, -5.0]]]])
    >>> mass_inside(saliency, torch.tensor([[1, 0], [0, 1]])).item()
    0.75
    """
    maps, masks = fit(saliency, truth, mode)
    positive = maps.clamp(min=0)
    # The largest value becomes 1: sums of what is near the end of its type would not be finite.
    peaks = positive.flatten(1).max(1).values
    positive = positive / peaks.where(peaks > 0, torch.ones_like(peaks))[:, None, None]
    total = positive.flatten(1).sum(1)
    inside = (positive * masks).flatten(1).sum(1) / total.where(peaks > 0, torch.ones_like(total))
    return inside.where(peaks > 0, mean_where(masks, largest(maps)).to(inside))


@protocol("relevance mass inside the object")
def relevance_mass(
    model: Any, x: Any, target: Any, saliency: torch.Tensor, truth: torch.Tensor
) -> torch.Tensor:
    """`mass_inside` the object. Chance is the object's share of the image."""
    return mass_inside(saliency, truth)
