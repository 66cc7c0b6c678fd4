"""How far a mask is from one of zeros and ones of a given area."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch.autograd.function import once_differentiable


def area_penalty(
    mask: torch.Tensor, areas: Sequence[float], pixels: int | None = None
) -> torch.Tensor:
    r"""How far a mask is from one of zeros and ones of that area, wherever the ones are.

    .. math:: R_a(m) = \frac{1}{P} \sum_i (\operatorname{sort}(m)_i - r_{a,i})^2,

    where :math:`r_a` is zeros followed by :math:`P - \lfloor (1 - a) P \rfloor` ones. Fong, Patrick
    and Vedaldi (2019, arXiv 1910.08485), section 2.1. Only the value that parts the ones from the
    zeros is looked for, nothing is sorted; values that tie with it share the ones evenly.

    Args:
        mask: float tensor (M, ...).
        areas: M numbers in (0, 1), the area of each mask as a share of P.
        pixels: P, by default all the values of a mask; of a mask that goes beyond the image, the
            image's.

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
    size = flat.shape[1] if pixels is None else pixels
    ones = [size - int(size * (1 - area)) for area in areas]
    return _AreaPenalty.apply(flat, ones) / size


def fit_area(mask: torch.Tensor, areas: Sequence[float], pixels: int) -> torch.Tensor:
    r"""Masks with the rims narrowed or widened until each has its area.

    An ascent leaves a mask's area some per cent from the one asked for, most where the mask is
    small and mostly rim. So each mask is raised to a power, :math:`m^\gamma` with :math:`1/4 \le
    \gamma \le 4`, found by bisection: the order of its values stays, a rim of the generator's
    becomes :math:`\sqrt\gamma` times as steep.

    Args:
        mask: float tensor (M, ...) with values in [0, 1].
        areas: M numbers in (0, 1), shares of `pixels`.
        pixels: what a mask's sum is compared with.

    Returns:
        Tensor like `mask`, whose sums are `areas` times `pixels` where such a power gives that.

    >>> mask = torch.tensor([[1.0, 0.5, 0.0, 0.0]])
    >>> fit_area(mask, [0.3125], 4)
    tensor([[1.0000, 0.2500, 0.0000, 0.0000]])
    """
    flat = mask.flatten(1)
    wanted = torch.tensor(areas, device=flat.device, dtype=flat.dtype) * pixels
    low, high = torch.full_like(wanted, -2), torch.full_like(wanted, 2)
    for _ in range(24):
        middle = (low + high) / 2
        too_large = flat.pow(middle.exp2()[:, None]).sum(1) > wanted
        low, high = torch.where(too_large, middle, low), torch.where(too_large, high, middle)
    return flat.pow(((low + high) / 2).exp2()[:, None]).to(mask.dtype).view_as(mask)


class _AreaPenalty(torch.autograd.Function):
    """The sum of squares, not yet divided."""

    @staticmethod
    def forward(ctx: Any, flat: torch.Tensor, ones: list[int]) -> torch.Tensor:
        threshold = flat.new_full((len(flat), 1), math.inf)
        for number in set(ones) - {0}:
            rows = torch.tensor([n == number for n in ones], device=flat.device)
            kth = flat.shape[1] - number + 1
            threshold[rows] = flat[rows].kthvalue(kth, dim=1, keepdim=True).values
        above = flat > threshold
        tied = flat == threshold
        wanted = torch.tensor(ones, device=flat.device)[:, None] - above.sum(1, keepdim=True)
        ties = tied.sum(1, keepdim=True)
        share = (wanted / ties.clamp(min=1)).to(flat.dtype)
        distance = flat - above.to(flat.dtype) - tied.to(flat.dtype) * share
        ctx.save_for_backward(distance)
        return distance.square().sum(1) + (ties * share * (1 - share)).squeeze(1)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *upstreams: torch.Tensor) -> tuple[torch.Tensor, None]:
        (distance,) = ctx.saved_tensors
        return 2 * distance * upstreams[0][:, None], None
