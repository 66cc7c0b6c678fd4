"""Smooth and resize maps."""

from __future__ import annotations

import math
from typing import Any

import torch
import torch.nn.functional as F


def imsmooth(
    tensor: torch.Tensor,
    sigma: float,
    stride: int = 1,
    padding: int = 0,
    padding_mode: str = "constant",
    padding_value: float = 0,
) -> torch.Tensor:
    r"""Blur N x C x H x W maps with a Gaussian.

    The separable kernel is f_i proportional to exp(-i^2 / (2 sigma^2)) for i = -W .. W with
    W = ceil(4 sigma), and sums to one. The maps are extended by W + `padding` pixels on each
    side, so that with stride 1 and no extra padding the size stays the same.

    Args:
        tensor: N x C x H x W, any floating dtype.
        sigma: standard deviation in pixels; 0 leaves the maps as they are.
        stride: keep every stride-th pixel.
        padding: pixels added on each side of the result.
        padding_mode: "constant", "reflect", "replicate" or "circular"; how maps go on outside.
        padding_value: the value outside for "constant".

    Returns:
        N x C x H' x W' with H' = floor((H + 2 padding - 1) / stride) + 1.

    Raises:
        ValueError: sigma is negative or the tensor has another number of dimensions.

    >>> imsmooth(torch.ones(1, 1, 5, 5), 1.0, padding_mode="replicate").allclose(torch.ones(1))
    True
    >>> imsmooth(torch.ones(1, 1, 5, 5), 1.0, padding=2).shape
    torch.Size([1, 1, 9, 9])
    """
    if sigma < 0:
        raise ValueError(f"sigma must be at least 0, not {sigma}.")
    if tensor.dim() != 4:
        raise ValueError(f"imsmooth needs N x C x H x W maps, not {tensor.dim()} dimensions.")
    width = math.ceil(4 * sigma)
    i = torch.arange(
        -width,
        width + 1,
        device=tensor.device,
        dtype=torch.float64 if (tensor.dtype == torch.float64) else torch.float32,
    )
    kernel = torch.exp(-0.5 * (i / sigma) ** 2) if sigma else torch.ones_like(i)
    kernel = (kernel / kernel.sum()).to(tensor.dtype)
    channels = tensor.shape[1]
    rows = kernel.view(1, 1, -1, 1).expand(channels, 1, -1, 1)
    columns = kernel.view(1, 1, 1, -1).expand(channels, 1, 1, -1)
    x = _extend(tensor, width + padding, padding_mode, padding_value)
    x = F.conv2d(x, rows, stride=(stride, 1), groups=channels)
    return F.conv2d(x, columns, stride=(1, stride), groups=channels)


def _extend(x: torch.Tensor, margin: int, mode: str, value: float) -> torch.Tensor:
    if mode == "constant":
        return F.pad(x, (margin,) * 4, value=value)
    # Reflection and wrapping reach at most one image size per step.
    while margin > 0:
        step = margin
        if mode == "reflect":
            step = min(margin, min(x.shape[2:]) - 1)
        elif mode == "circular":
            step = min(margin, min(x.shape[2:]))
        if step <= 0:
            # A single pixel has nothing to reflect.
            step, x = margin, F.pad(x, (margin,) * 4, mode="replicate")
        else:
            x = F.pad(x, (step,) * 4, mode=mode)
        margin -= step
    return x


def resize_saliency(
    tensor: torch.Tensor, saliency: torch.Tensor, size: Any, mode: str = "bilinear"
) -> torch.Tensor:
    """Resize N x C x H x W maps.

    Args:
        tensor: the input image, N x C x H x W.
        saliency: the maps.
        size: False for no change, True for the size of `tensor`, or (width, height) in pixels.
        mode: an interpolation mode of `torch.nn.functional.interpolate`.

    Raises:
        ValueError: size is something else, or not positive, or the mode is unknown.

    >>> resize_saliency(torch.zeros(1, 3, 8, 6), torch.zeros(1, 1, 4, 3), True).shape
    torch.Size([1, 1, 8, 6])
    >>> resize_saliency(torch.zeros(1, 3, 8, 6), torch.zeros(1, 1, 4, 3), (5, 7)).shape
    torch.Size([1, 1, 7, 5])
    """
    if size is False or size is None:
        return saliency
    if size is True:
        height, width = tensor.shape[2:]
    elif isinstance(size, (tuple, list)) and len(size) == 2 and all(int(s) > 0 for s in size):
        width, height = map(int, size)
    else:
        raise ValueError(f"resize must be True, False or (width, height), not {size!r}.")
    if saliency.dim() != 4:
        raise ValueError(
            "Only N x C x H x W maps can be resized; this layer's have "
            f"{saliency.dim()} dimensions."
        )
    if mode not in ("nearest", "nearest-exact", "bilinear", "bicubic", "area"):
        raise ValueError(
            f"resize_mode must be nearest, nearest-exact, bilinear, bicubic or area, not {mode!r}."
        )
    corners = False if mode in ("bilinear", "bicubic") else None
    return F.interpolate(saliency, (height, width), mode=mode, align_corners=corners)
