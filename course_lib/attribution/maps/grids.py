"""Read a layer's activations as N x C x H x W, whatever way round the layer gives them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable

import torch
from torch import nn

from ..inputs.checks import shape_text
from ..network.layers import modules_of

_CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.ConvTranspose1d, nn.ConvTranspose2d)
_BATCH_NORMS = (nn.BatchNorm1d, nn.BatchNorm2d)


def channels_second(
    x: torch.Tensor, layer: nn.Module, model: nn.Module, input: torch.Tensor, where: str
) -> Callable[[torch.Tensor], torch.Tensor]:
    """How to turn a layer's output, so that its channels are in the second place.

    Convolutions and BatchNorm work on the second dimension, `nn.Linear` and `nn.LayerNorm` on the
    last. So which of them is that of the channels is told by the layers inside the given one; for
    one without any, such as an activation or a `Flatten`, by the last that ran before it in the
    network, which is run once more to find out.

    Args:
        x: the output, of any number of dimensions. N x C x H x W and N x C x L stay as they are;
            N x H x W x C is turned; the tokens N x L x D of a vision transformer, a few of which in
            front (class token, registers) are no patches, are put on their grid of square patches.
        layer: the layer in `model` that gave it.
        input: the N x C x H x W images.
        where: what to call the layer in errors.

    Returns:
        A function of x, or of a gradient like x.

    Raises:
        ValueError: tokens or positions are on no grid of square patches of the image, such as the
            heads x tokens inside of an attention.

    >>> norm, x, images = nn.LayerNorm(8), torch.zeros(2, 25, 8), torch.zeros(2, 3, 32, 48)
    >>> channels_second(x, norm, norm, images, "the layer")(x).shape
    torch.Size([2, 8, 4, 6])
    """
    if x.dim() not in (3, 4) or not _ends_with_channels(x, layer, model, input):
        return lambda t: t
    height, width = input.shape[2:]
    if x.dim() == 4:
        if abs(x.shape[2] - x.shape[1] * width / height) < 1:
            return lambda t: t.movedim(-1, 1)
    else:
        found = patch_grid(x.shape[1], height, width)
        if found is not None:
            extra, grid = found
            return lambda t: t[:, extra:].transpose(1, 2).unflatten(2, grid)
    raise ValueError(
        f"The output of {where} has shape {shape_text(x)}, which is no grid of square patches of "
        f"a {height} x {width} image: choose another layer."
    )


def patch_grid(tokens: int, height: int, width: int) -> tuple[int, tuple[int, int]] | None:
    """On which grid of square patches a vision transformer's tokens lie.

    Args:
        tokens: how many there are; up to eight in front are no patches.
        height, width: of the image.

    Returns:
        How many are no patches, and the grid's (rows, columns); None if they lie on none.

    >>> patch_grid(25, 32, 48), patch_grid(26, 32, 48), patch_grid(50, 32, 48)
    ((1, (4, 6)), (2, (4, 6)), None)
    """
    for extra in range(min(9, tokens)):
        patches = tokens - extra
        side = math.isqrt(height * width // patches)
        grid = (height // side, width // side) if side else (0, 0)
        if grid[0] * grid[1] == patches and height % side == 0 and width % side == 0:
            return extra, grid
    return None


def _ends_with_channels(
    x: torch.Tensor, layer: nn.Module, model: nn.Module, input: torch.Tensor
) -> bool:
    if x.dim() == 4 and not any(isinstance(m, nn.LayerNorm) for m in modules_of(model)):
        return False
    last, second = _widths(modules_of(layer))
    if not last and not second:
        last, second = _widths(_latest_before(layer, model, input))
        # What it gave may have been permuted since.
        if x.shape[1] not in last | second and x.shape[-1] in second:
            return True
    return x.shape[-1] in last and x.shape[1] not in (second if x.dim() == 3 else last | second)


def _widths(modules: Iterable[nn.Module]) -> tuple[set[int], set[int]]:
    """How many channels layers give in the last, and in the second dimension."""
    last, second = set(), set()
    for m in modules:
        if isinstance(m, nn.Linear):
            last.add(m.out_features)
        elif isinstance(m, nn.LayerNorm):
            last.add(m.normalized_shape[-1])
        elif isinstance(m, _CONVOLUTIONS):
            second.add(m.out_channels)
        elif isinstance(m, _BATCH_NORMS):
            second.add(m.num_features)
    return last, second


def _latest_before(layer: nn.Module, model: nn.Module, input: torch.Tensor) -> list[nn.Module]:
    """The layer with weights that ran last before this one did, if any."""
    latest: list[nn.Module] = []
    found: list[nn.Module] = []

    def ran(module: nn.Module, *_: object) -> None:
        latest[:] = [module]

    handles = [layer.register_forward_pre_hook(lambda *_: found.__setitem__(slice(None), latest))]
    for m in modules_of(model):
        if any(_widths([m])):
            handles.append(m.register_forward_hook(ran))
    try:
        with torch.no_grad():
            model(input.detach().clone())
    finally:
        for handle in handles:
            handle.remove()
    return found
