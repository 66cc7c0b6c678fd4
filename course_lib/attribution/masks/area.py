"""How far a mask is from a flat one of a given area."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch.autograd.function import once_differentiable


def area_penalty(mask: torch.Tensor, areas: Sequence[float] | torch.Tensor) -> torch.Tensor:
    r"""Mean squared distance of a mask's sorted values to those of a flat mask of that area.

    .. math:: R_a(m) = \frac{1}{P} \sum_{i=1}^{P} (\operatorname{sort}(m)_i - r_{a,i})^2,

    where :math:`r_a` is :math:`\lfloor (1 - a) P \rfloor` zeros followed by ones. It is 0 only for
    masks of zeros and ones of area a, and says nothing about where the ones are. Fong, Patrick and
    Vedaldi (2019, arXiv 1910.08485), section 2.1. Only the value that parts the ones from the zeros
    is looked for, nothing is sorted; values that tie with it share the ones evenly.

    Args:
        mask: float tensor (M, ...), P values per mask.
        areas: M numbers in (0, 1), the area of each mask as a share of P.

    Returns:
        Tensor (M,), differentiable in ``mask``.

    Raises:
        ValueError: there is not one area per mask.

    >>> mask = torch.tensor([[0.0, 1.0, 0.0, 0.0], [0.5, 1.0, 0.0, 0.0]])
    >>> area_penalty(mask, [0.25, 0.25])
    tensor([0.0000, 0.0625])
    """
    if len(areas) != len(mask):
        raise ValueError(f"There must be one area per mask, {len(mask)}, but got {len(areas)}.")
    flat = mask.flatten(1)
    size = flat.shape[1]
    ones = [size - int(size * (1 - float(area))) for area in areas]
    return _AreaPenalty.apply(flat, tuple(ones))


def mask_area(mask: torch.Tensor) -> torch.Tensor:
    """The area of each mask, its mean value: (M, ...) to (M,).

    >>> mask_area(torch.tensor([[0.0, 1.0, 0.0, 0.0], [0.5, 1.0, 0.0, 0.0]]))
    tensor([0.2500, 0.3750])
    """
    return mask.flatten(1).mean(1)


class _AreaPenalty(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, flat: torch.Tensor, ones: tuple[int, ...]) -> torch.Tensor:
        size = flat.shape[1]
        threshold = flat.new_full((len(flat), 1), math.inf)
        for number in set(ones) - {0}:
            rows = torch.tensor([n == number for n in ones], device=flat.device)
            threshold[rows] = flat[rows].kthvalue(size - number + 1, dim=1, keepdim=True).values
        above = flat > threshold
        tied = flat == threshold
        wanted = torch.tensor(ones, device=flat.device)[:, None] - above.sum(1, keepdim=True)
        ties = tied.sum(1, keepdim=True)
        share = (wanted / ties.clamp(min=1)).to(flat.dtype)
        distance = flat - above.to(flat.dtype) - tied.to(flat.dtype) * share
        ctx.save_for_backward(distance)
        split = (ties * share * (1 - share)).squeeze(1)
        return (distance.square().sum(1) + split) / size

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *upstreams: torch.Tensor) -> tuple[torch.Tensor, None]:
        (distance,) = ctx.saved_tensors
        return distance * (upstreams[0][:, None] * (2 / distance.shape[1])), None
