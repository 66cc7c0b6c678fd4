"""Boxes around objects."""

from __future__ import annotations

from torch import Tensor

Box = tuple[int, int, int, int]
"""Top, left, bottom, right, in pixels; the last two are not part of it."""


def box_around(region: Tensor, margin: int = 0) -> Box:
    """The smallest box that holds a region, with a margin as far as the image goes.

    Args:
        region: booleans (H, W), at least one of them true.
        margin: in pixels.

    Raises:
        ValueError: the region is empty, or not (H, W).

    >>> import torch
    >>> region = torch.zeros(9, 9, dtype=torch.bool)
    >>> region[2, 3:5] = True
    >>> box_around(region), box_around(region, 3)
    ((2, 3, 3, 5), (0, 0, 6, 8))
    """
    if region.dim() != 2 or not bool(region.any()):
        raise ValueError(
            "A box is drawn around a region (H, W) with a pixel in it at least, not around "
            f"{'an empty one' if region.dim() == 2 else f'the shape {tuple(region.shape)}'}."
        )
    rows, columns = region.any(1).nonzero(), region.any(0).nonzero()
    height, width = region.shape
    return (
        max(0, int(rows[0]) - margin),
        max(0, int(columns[0]) - margin),
        min(height, int(rows[-1]) + 1 + margin),
        min(width, int(columns[-1]) + 1 + margin),
    )
