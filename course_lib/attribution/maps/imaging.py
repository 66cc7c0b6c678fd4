"""Smooth and resize maps."""

from __future__ import annotations

import math
from typing import Any

import torch
import torch.nn.functional as F

from ..inputs.checks import check_choice, exact_dtype, finite_number, is_whole, whole_number

PADDING_MODES = ("constant", "reflect", "replicate", "circular")
RESIZE_MODES = ("nearest", "nearest-exact", "bilinear", "bicubic", "area")


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
        sigma: standard deviation in pixels, the same along both axes; 0 does not blur (padding and
            stride still hold).
        stride: keep every stride-th row and column, from the first on.
        padding: pixels added on each side of the result.
        padding_mode: how maps go on outside, along each axis by itself and as far as needed:
            "constant", "reflect" (the border is not repeated, but a single pixel is), "replicate"
            or "circular".
        padding_value: the value outside for "constant".

    Returns:
        N x C x H' x W' of the same dtype, with H' = floor((H + 2 padding - 1) / stride) + 1.

    Raises:
        ValueError: sigma is negative or not finite, stride or padding is not a whole number of at
            least 1 or 0, padding_mode is none of the above, or the tensor has another number of
            dimensions, no pixels or no floating dtype.

    >>> imsmooth(torch.ones(1, 1, 5, 5), 1.0, padding_mode="replicate").allclose(torch.ones(1))
    True
    >>> imsmooth(torch.ones(1, 1, 5, 5), 1.0, padding=2).shape
    torch.Size([1, 1, 9, 9])
    """
    _check_maps(tensor)
    spread = finite_number("sigma", sigma)
    stride, padding = whole_number("stride", stride), whole_number("padding", padding, least=0)
    check_choice("padding_mode", padding_mode, PADDING_MODES)
    if tensor.dtype in (torch.float16, torch.bfloat16):
        # Rounded once; and torch's convolution of float16 with such a kernel hangs on a CPU.
        single = imsmooth(tensor.float(), sigma, stride, padding, padding_mode, padding_value)
        return single.to(tensor.dtype)
    kernel = _gaussian(spread, tensor)
    width = len(kernel) // 2
    channels = tensor.shape[1]
    rows = kernel.view(1, 1, -1, 1).expand(channels, 1, -1, 1)
    columns = kernel.view(1, 1, 1, -1).expand(channels, 1, 1, -1)
    x = _extend(tensor, width + padding, padding_mode, padding_value)
    x = F.conv2d(x, rows, stride=(stride, 1), groups=channels)
    return F.conv2d(x, columns, stride=(1, stride), groups=channels)


def _check_maps(tensor: torch.Tensor) -> None:
    if tensor.dim() != 4:
        raise ValueError(f"imsmooth needs N x C x H x W maps, not {tensor.dim()} dimensions.")
    if 0 in tensor.shape[1:]:
        raise ValueError(f"imsmooth needs maps with pixels, not of shape {tuple(tensor.shape)}.")
    if not tensor.is_floating_point():
        raise ValueError(f"imsmooth needs maps of a floating dtype, not {tensor.dtype}.")


def _gaussian(sigma: float, like: torch.Tensor) -> torch.Tensor:
    """The kernel along one axis, 2 ceil(4 sigma) + 1 numbers."""
    width = math.ceil(4 * sigma)
    i = torch.arange(
        -width,
        width + 1,
        device=like.device,
        dtype=exact_dtype(like),
    )
    kernel = torch.exp(-0.5 * (i / sigma) ** 2) if sigma else torch.ones_like(i)
    return (kernel / kernel.sum()).to(like.dtype)


def _extend(x: torch.Tensor, margin: int, mode: str, value: float) -> torch.Tensor:
    if mode == "constant":
        return F.pad(x, (margin,) * 4, value=value)
    # F.pad reflects and wraps by at most one image size.
    for axis in (2, 3):
        x = x.index_select(axis, _inside(x.shape[axis], margin, mode, x.device))
    return x


def _inside(size: int, margin: int, mode: str, device: torch.device) -> torch.Tensor:
    """For each pixel from -margin to size + margin - 1, the one inside whose value it has."""
    i = torch.arange(-margin, size + margin, device=device)
    if mode == "replicate":
        return i.clamp(0, size - 1)
    if mode == "circular":
        return i % size
    period = max(1, 2 * (size - 1))
    return torch.minimum(i % period, -i % period)


def check_resize(size: Any, mode: str) -> None:
    """ValueError unless `resize_saliency` can resize to this size in this mode."""
    if size is False or size is None:
        return
    sides = size if isinstance(size, (tuple, list)) else ()
    if size is not True and not (len(sides) == 2 and all(is_whole(s, 1) for s in sides)):
        raise ValueError(
            f"resize must be True, False or (width, height) in whole pixels, not {size!r}."
        )
    check_choice("resize_mode", mode, RESIZE_MODES)


def resize_saliency(
    tensor: torch.Tensor, saliency: torch.Tensor, size: Any, mode: str = "bilinear"
) -> torch.Tensor:
    """Resize N x C x H x W maps.

    Args:
        tensor: the input image, N x C x H x W.
        saliency: the maps.
        size: False or None for no change, True for the size of `tensor`, or (width, height) in
            whole pixels.
        mode: nearest, nearest-exact, bilinear, bicubic or area, as in
            `torch.nn.functional.interpolate` (align_corners and antialias off).

    Raises:
        ValueError: size is something else, or not positive, or the mode is unknown, or maps to be
            resized have another number of dimensions.

    >>> resize_saliency(torch.zeros(1, 3, 8, 6), torch.zeros(1, 1, 4, 3), True).shape
    torch.Size([1, 1, 8, 6])
    >>> resize_saliency(torch.zeros(1, 3, 8, 6), torch.zeros(1, 1, 4, 3), (5, 7)).shape
    torch.Size([1, 1, 7, 5])
    """
    check_resize(size, mode)
    if size is False or size is None:
        return saliency
    if saliency.dim() != 4:
        raise ValueError(
            "Only N x C x H x W maps can be resized; this layer's have "
            f"{saliency.dim()} dimensions."
        )
    height, width = tensor.shape[2:] if size is True else (int(size[1]), int(size[0]))
    corners = False if mode in ("bilinear", "bicubic") else None
    return F.interpolate(saliency, (height, width), mode=mode, align_corners=corners)
