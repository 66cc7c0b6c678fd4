"""How alike two maps are: in the order of their values, and in their structure."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from course_lib.attribution.inputs.checks import shape_text
from course_lib.attribution.maps.imaging import imsmooth

from .maps import check_maps

WINDOW = 1.5
"""Standard deviation of structural similarity's window in pixels."""


def rank_likeness(one: Tensor, other: Tensor) -> Tensor:
    r"""Spearman's rank correlation of the values of two maps, N numbers in [-1, 1].

    The Pearson correlation of the ranks, those of equal values being their mean. A constant map has
    no order: its correlation counts as 0.

    Args:
        one, other: maps of one size, N x 1 x h x w.

    >>> x = torch.tensor([[[[1.0, 2.0, 3.0, 4.0]]]])
    >>> rank_likeness(x, x**3).item(), rank_likeness(x, -x).item()
    (1.0, -1.0)
    """
    first, second = (_mean_ranks(maps.flatten(1)) for maps in _pair(one, other))
    return F.cosine_similarity(first - first.mean(1, True), second - second.mean(1, True), dim=1)


def structural_likeness(one: Tensor, other: Tensor) -> Tensor:
    r"""Structural similarity of two maps, each scaled to [0, 1]: N numbers in [-1, 1].

    The mean over the pixels of

        (2 m n + c) (2 C + d) / ((m^2 + n^2 + c) (S^2 + T^2 + d)),

    m and n being the maps' means, S^2 and T^2 their variances and C their covariance in a Gaussian
    window of 1.5 pixels, c = 0.01^2 and d = 0.03^2. (Z. Wang, A. Bovik, H. Sheikh, E. Simoncelli:
    Image Quality Assessment: From Error Visibility to Structural Similarity. IEEE TIP 13, 2004.)

    Args:
        one, other: maps of one size, N x 1 x h x w.

    >>> x = torch.rand(1, 1, 8, 8)
    >>> round(structural_likeness(x, 5 * x - 1).item(), 6)
    1.0
    """
    first, second = map(_scaled, _pair(one, other))
    m, n = _window(first), _window(second)
    variances = (
        _window(first * first) - m * m,
        _window(second * second) - n * n,
    )
    covariance = _window(first * second) - m * n
    c, d = 0.01**2, 0.03**2
    luminance = (2 * m * n + c) / (m * m + n * n + c)
    structure = (2 * covariance + d) / (sum(variances) + d)
    return (luminance * structure).flatten(1).mean(1)


def _pair(one: Tensor, other: Tensor) -> tuple[Tensor, Tensor]:
    first, second = check_maps(one), check_maps(other)
    if first.shape != second.shape:
        raise ValueError(
            f"Maps that are compared have one shape, not {shape_text(one)} and {shape_text(other)}."
        )
    return first, second


def _mean_ranks(values: Tensor) -> Tensor:
    """The rank of each value in its row, the mean of the places where values are equal."""
    ordered = values.sort(1).values
    below = torch.searchsorted(ordered, values.contiguous())
    up_to = torch.searchsorted(ordered, values.contiguous(), right=True)
    return (below + up_to - 1).to(values) / 2


def _scaled(maps: Tensor) -> Tensor:
    low, high = maps.amin((1, 2, 3), keepdim=True), maps.amax((1, 2, 3), keepdim=True)
    spread = high - low
    return (maps - low) / spread.where(spread > 0, torch.ones_like(spread))


def _window(maps: Tensor) -> Tensor:
    return imsmooth(maps, WINDOW, padding_mode="replicate")
