"""Give a network's layer other activations than those it computed."""

from __future__ import annotations

import math
import threading
from types import TracebackType
from typing import Any

import torch
from torch import nn

from ..inputs.checks import is_compiled, refuse_scripted, shape_text
from ..network.layers import get_module, layer_name
from ..network.preserved import is_other_thread


class LayerReplacement:
    """Runs a network with one layer's output replaced by given activations.

    Inside the context, calling it with activations of M rows runs the network on `images` repeated
    to M rows and puts the activations in the layer's place, in its own thread. Leaving takes the
    hook away again.

    Args:
        model: the network.
        layer: a layer's name, or the layer.
        images: N x C x H x W, the input of the network.

    Attributes:
        activations: what the layer computes for the images, N x C x ...; those of a layer that
            gives N x H x W x C (see `ends_with_channels`) as N x C x H x W, and given back so; the
            patches of one that gives tokens, N x L x D, on their grid (see `token_grid`), where
            the tokens in front stay as they are.

    Raises:
        ValueError: there is no such layer, or it is scripted; it does not run exactly once; or its
            output is not one floating tensor with a row per image; it gives tokens that are on no
            grid, or of which the network reads none but those in front.

    >>> net = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.ReLU(), torch.nn.Flatten())
    >>> with LayerReplacement(net, "0", torch.rand(1, 3, 4, 4)) as run:
    ...     print(run.activations.shape, float(run(torch.zeros(2, 4, 2, 2), [0, 0]).sum()))
    torch.Size([1, 4, 2, 2]) 0.0
    """

    def __init__(self, model: nn.Module, layer: str | nn.Module, images: torch.Tensor) -> None:
        self.model = model
        self.images = images
        self.layer = get_module(model, layer)
        self.name = layer_name(model, layer)
        refuse_scripted(self.layer, f"layer {self.name!r}")
        self._thread = threading.get_ident()
        self.activations = torch.empty(0)
        self._given: torch.Tensor | None = None
        self._outputs: list[Any] = []
        self._at_end = False
        self._in_front: torch.Tensor | None = None
        self._rows: Any = None

    def __enter__(self) -> LayerReplacement:
        self._hook = self.layer.register_forward_hook(self._replace)
        try:
            with torch.no_grad():
                self._outputs.clear()
                self.model(self.images)
            if not self._outputs and is_compiled(self.model):
                raise ValueError(
                    f"The layer {self.name!r} of a compiled or scripted model can't be perturbed: "
                    f"give the original model."
                )
            if len(self._outputs) != 1:
                times = f"{len(self._outputs)} times" if self._outputs else "not at all"
                raise ValueError(
                    f"The layer {self.name!r} must run once in a forward pass, but runs {times}."
                )
            (output,) = self._outputs
            if not isinstance(output, torch.Tensor):
                raise ValueError(
                    f"The layer {self.name!r} must give one tensor, but gives a "
                    f"{type(output).__name__}."
                )
            if output.dim() < 2 or len(output) != len(self.images):
                raise ValueError(
                    f"The layer {self.name!r} must give a row per image, {len(self.images)}, but "
                    f"gives the shape {tuple(output.shape)}."
                )
            self._at_end = ends_with_channels(self.layer, output)
            self.activations = output.movedim(-1, 1) if self._at_end else output
            if output.dim() == 3 and output.is_floating_point():
                self._take_tokens(output)
        except BaseException:
            self._hook.remove()
            raise
        return self

    def __call__(self, activations: torch.Tensor, images: Any) -> Any:
        """The network's output for M rows of activations, row i being of image images[i]."""
        self._given, self._rows = activations, images
        try:
            return self.model(self.images[images])
        finally:
            self._given = None

    def _take_tokens(self, tokens: torch.Tensor) -> None:
        self.activations = token_grid(tokens, self.images, f"layer {self.name!r}")
        in_front = tokens.shape[1] - self.activations[0, 0].numel()
        self._in_front = tokens[:, :in_front]
        rows = torch.arange(len(tokens), device=tokens.device)
        with torch.no_grad():
            given = [self.activations, torch.zeros_like(self.activations)]
            scores = [self(x, rows) for x in given]
        if all(isinstance(y, torch.Tensor) for y in scores) and torch.equal(*scores):
            raise ValueError(
                f"The scores don't depend on the patches at layer {self.name!r}: the network reads "
                f"only its class token from there on; choose an earlier layer."
            )

    def _replace(self, module: nn.Module, inputs: Any, output: Any) -> torch.Tensor | None:
        if is_other_thread(self._thread):
            return None
        if self._given is None:
            # The next layer may work in place.
            self._outputs.append(
                output.detach().clone() if isinstance(output, torch.Tensor) else output
            )
            return None
        given = self._given.movedim(1, -1) if self._at_end else self._given
        if self._in_front is not None:
            patches = given.flatten(2).transpose(1, 2)
            given = torch.cat((self._in_front[self._rows].to(patches), patches), 1)
        return given.clone(memory_format=torch.contiguous_format)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._hook.remove()


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
