"""Read the activations of a transformer's layer as N x C x H x W."""

from __future__ import annotations

import math

import torch
from torch import nn

from ..inputs.checks import shape_text


def token_grid(x: torch.Tensor, input: torch.Tensor, where: str = "the layer") -> torch.Tensor:
    """Put the tokens of a vision transformer back on their grid of square patches.

    Args:
        x: N x L x D tokens, a few of which in front (class token, registers) are no patches.
        input: the N x C x H x W images.
        where: what to call the layer in the error.

    Returns:
        N x D x h x w, h w <= L.

    Raises:
        ValueError: no square patch size fits.

    >>> token_grid(torch.zeros(2, 1 + 4 * 6, 8), torch.zeros(2, 3, 32, 48)).shape
    torch.Size([2, 8, 4, 6])
    """
    height, width = input.shape[2:]
    for extra in range(min(9, x.shape[1])):
        patches = x.shape[1] - extra
        side = math.isqrt(height * width // patches)
        rows, columns = (height // side, width // side) if side else (0, 0)
        if rows * columns == patches and height % side == 0 and width % side == 0:
            return x[:, extra:].transpose(1, 2).unflatten(2, (rows, columns))
    raise ValueError(
        f"The output of {where} has shape {shape_text(x)}, which is no grid of "
        f"square patches of a {height} x {width} image."
    )


def ends_with_channels(layer: nn.Module, x: torch.Tensor) -> bool:
    """Whether a layer's output x is N x H x W x C, as in Swin transformers.

    `nn.LayerNorm` and `nn.Linear` work on the last dimension, convolutions and BatchNorm on the
    second. So the last one is that of the channels if one of the former in the layer (or the layer
    itself) is as wide as x's last dimension, and none of all is as wide as its second. A layer
    without any, such as an activation, does not show it.

    Args:
        layer: the layer.
        x: its output.

    >>> x = torch.zeros(1, 7, 7, 12)
    >>> ends_with_channels(nn.LayerNorm(12), x), ends_with_channels(nn.GELU(), x)
    (True, False)
    """
    if x.dim() != 4:
        return False
    last, second = set(), set()
    for m in layer.modules():
        if isinstance(m, nn.Linear):
            last.add(m.out_features)
        elif isinstance(m, nn.LayerNorm):
            last.add(m.normalized_shape[-1])
        elif isinstance(m, nn.Conv2d):
            second.add(m.out_channels)
        elif isinstance(m, nn.BatchNorm2d):
            second.add(m.num_features)
    return x.shape[3] in last and x.shape[1] not in last | second
