"""What every protocol asks of a relevance map and of the truth, and how it reads them.

A map is N x 1 x h x w, finite. The truth is where the object is: N x H x W or H x W, true or false,
or shares of which a half and more count as the object. Maps of another size than the truth are
resized bilinearly, as methods do it with `resize=True`.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F

from course_lib.attribution.inputs.checks import check_finite, shape_text


def check_maps(saliency: torch.Tensor) -> torch.Tensor:
    """The maps, detached, in float64 on the CPU.

    Raises:
        TypeError: they are no tensor.
        ValueError: they are not N x 1 x h x w, or not finite.

    >>> check_maps(torch.full((1, 1, 2, 2), float("nan")))
    Traceback (most recent call last):
    ...
    ValueError: The map must be finite, but holds NaN at [0, 0, 0, 0].
    """
    if not isinstance(saliency, torch.Tensor):
        raise TypeError(f"A map is a torch.Tensor, not {type(saliency).__name__}.")
    if saliency.dim() != 4 or saliency.shape[1] != 1 or saliency.numel() == 0:
        raise ValueError(f"Maps have shape N x 1 x H x W, not {shape_text(saliency)}.")
    check_finite(saliency, "The map")
    return saliency.detach().cpu().double()


def check_truth(truth: torch.Tensor) -> torch.Tensor:
    """The truth as N x H x W booleans on the CPU.

    Raises:
        TypeError: it is no tensor.
        ValueError: it has another number of dimensions, holds NaN, or an object has no pixel.

    >>> check_truth(torch.tensor([[0.4, 0.5]])).tolist()
    [[[False, True]]]
    >>> check_truth(torch.zeros(2, 2))
    Traceback (most recent call last):
    ...
    ValueError: The mask is empty: there is no object that a map could point at.
    """
    if not isinstance(truth, torch.Tensor):
        raise TypeError(f"A mask is a torch.Tensor, not {type(truth).__name__}.")
    if truth.dim() not in (2, 3):
        raise ValueError(f"Masks have shape N x H x W or H x W, not {shape_text(truth)}.")
    check_finite(truth, "The mask")
    masks = truth.cpu() if truth.dim() == 3 else truth.cpu()[None]
    masks = masks >= 0.5 if masks.is_floating_point() else masks != 0
    if masks.numel() == 0 or not bool(masks.flatten(1).any(1).all()):
        raise ValueError("The mask is empty: there is no object that a map could point at.")
    return masks


def fit(
    saliency: torch.Tensor, truth: torch.Tensor, mode: str = "bilinear"
) -> tuple[torch.Tensor, torch.Tensor]:
    """Maps and truth of one size, N x H x W each.

    Args:
        saliency: maps, N x 1 x h x w.
        truth: where the object is, N x H x W, or H x W for all.
        mode: how maps of another size are resized: "bilinear", or "nearest-exact".

    Raises:
        TypeError, ValueError: as `check_maps` and `check_truth` do, or there are not as many masks
            as maps (one mask stands for all).

    >>> maps, masks = fit(torch.rand(2, 1, 4, 4), torch.ones(8, 8))
    >>> maps.shape, masks.shape
    (torch.Size([2, 8, 8]), torch.Size([2, 8, 8]))
    """
    maps, masks = check_maps(saliency), check_truth(truth)
    if len(masks) not in (1, len(maps)):
        raise ValueError(f"There are {len(maps)} maps and {len(masks)} masks; give one mask each.")
    if maps.shape[2:] != masks.shape[1:]:
        corners = False if mode == "bilinear" else None
        maps = F.interpolate(maps, masks.shape[1:], mode=mode, align_corners=corners)
    return maps[:, 0], masks.expand(len(maps), -1, -1)


def largest(maps: torch.Tensor) -> torch.Tensor:
    """Where each of N x H x W maps is largest: booleans, several where pixels tie.

    >>> largest(torch.tensor([[[1.0, 3.0], [3.0, 2.0]]])).tolist()
    [[[False, True], [True, False]]]
    """
    return maps == maps.flatten(1).max(1).values[:, None, None]


def mean_where(values: torch.Tensor, where: torch.Tensor) -> torch.Tensor:
    """The mean of the values, N x H x W, over those pixels: N numbers."""
    chosen = where.flatten(1).to(torch.float64)
    return (values.flatten(1).to(torch.float64) * chosen).sum(1) / chosen.sum(1)
