"""DeConvNet: let only what speaks for the class through each ReLU."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Unpack

import torch
from torch import nn

from .inputs.notices import warn
from .inputs.options import SaliencyOptions
from .inputs.targets import Target
from .methods import method
from .rules.relu import HookedReLUs, positive
from .saliency import gradient_to_saliency, saliency

__all__ = ["DeConvNetContext", "DeConvNetReLU", "deconvnet"]


class DeConvNetReLU(torch.autograd.Function):
    """max(x, 0) forward; backward the gradient's positive part, whatever x was.

    >>> x = torch.tensor([-1.0, 1.0, -1.0, 1.0], requires_grad=True)
    >>> DeConvNetReLU.apply(x).backward(torch.tensor([2.0, 2.0, -2.0, -2.0]))
    >>> x.grad.tolist()
    [2.0, 2.0, 0.0, 0.0]
    """

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor) -> torch.Tensor:
        return x.clamp(min=0)

    @staticmethod
    def backward(ctx: Any, p: torch.Tensor) -> torch.Tensor:
        return p.clamp(min=0)


# Operations whose gradient is the same whatever went in, with this rule at the ReLUs, and what a
# network asks of its tensors.
_BLIND = frozenset(
    (
        *("relu", "hardtanh", "threshold", "clamp", "clamp_min", "linear", "batch_norm", "dropout"),
        *("conv1d", "conv2d", "conv3d", "conv_transpose2d", "avg_pool2d", "adaptive_avg_pool2d"),
        *("mean", "sum", "add", "sub", "cat", "chunk", "split", "pad", "interpolate"),
        *("flatten", "view", "reshape", "unflatten", "squeeze", "unsqueeze", "permute"),
        *("transpose", "contiguous", "clone", "channel_shuffle", "get", "size", "dim", "len"),
        *("detach", "grad", "is_floating_point", "new_empty", "zeros_like"),
    )
)


class DeConvNetContext(HookedReLUs):
    """While active, ReLU and ReLU6 go backward by p where p > 0, 0 elsewhere.

    For the manual form: `with DeConvNetContext(): y = model(x); y.backward(gradient)`, then
    `gradient_to_saliency(x)`. Holds in its own thread; warns on leaving if the model had no ReLU
    or other nonlinearities (see `BackwardRules`).

    >>> x = torch.tensor([-1.0, 1.0], requires_grad=True)
    >>> with DeConvNetContext():
    ...     torch.nn.ReLU()(x).backward(torch.tensor([2.0, -2.0]))
    >>> x.grad.tolist()
    [2.0, 0.0]
    """

    def __init__(self) -> None:
        super().__init__(DeConvNetReLU, _hook, "DeConvNet")


def _hook(node: Any) -> None:
    node.register_hook(lambda _, gradients: positive(gradients))


@method("DeConvNet", needs="ReLU or ReLU6")
def deconvnet(
    model: nn.Module,
    input: torch.Tensor,
    target: Target,
    saliency_layer: str | nn.Module = "",
    *,
    gradient_to_saliency: Callable[[torch.Tensor], torch.Tensor] = gradient_to_saliency,
    **options: Unpack[SaliencyOptions],
) -> Any:
    """s = max_c |p_c|: explain a score by DeConvNet, the gradient p with another rule at ReLUs.

    At each ReLU or ReLU6 with input x and incoming gradient p, p goes on where p > 0. (The ordinary
    gradient: where x > 0, and for ReLU6 x < 6.)

    Args:
        model: maps N x C x H x W images to N x K or N x K x H' x W' scores.
        input: N x C x H x W, any floating dtype, on the model's device.
        target: a class, one per image, several per image, or a gradient; see `parse_target`.
        saliency_layer: name of the layer, or the layer, whose output x is; "" for the input.
        gradient_to_saliency: from a tensor with `.grad` to its map.
        {options}

    Returns:
        N x 1 x H x W maps, detached; K x 1 x H x W for K targets of one image, N x K x H x W for
        N rows of them; (maps, probes) if debug. Nothing is changed.

    Raises:
        ValueError, TypeError: as `saliency`; a compiled or scripted model.

    Warns:
        UserWarning: the model has no ReLU, or nonlinearities of another kind, by name; or no max
            pooling, by which alone the map depends on the image.
            Autograd functions of the model's own and scripted functions can't be seen: they get
            their ordinary gradient without a warning.

    Paper: M. D. Zeiler, R. Fergus, "Visualizing and understanding convolutional networks",
    ECCV 2014.

    >>> net = nn.Sequential(nn.ReLU(), nn.MaxPool2d(1), nn.Flatten(), nn.Linear(2, 1))
    >>> with torch.no_grad():
    ...     _ = net[3].weight.copy_(torch.tensor([[3.0, -2.0]]))
    >>> deconvnet(net, torch.tensor([[[[-1.0, 1.0]]]]), 0).tolist()
    [[[[3.0, 0.0]]]]
    """
    context = DeConvNetContext()

    def the_context() -> DeConvNetContext:
        return context

    the_context.__name__ = "DeConvNet"
    result = saliency(
        model,
        input,
        target,
        saliency_layer,
        context_builder=the_context,
        gradient_to_saliency=gradient_to_saliency,
        **options,
    )
    if context.rules.met and context.rules.ran <= _BLIND:
        warn(
            "DeConvNet's map of this network is the same for every image: it depends on the image "
            "by max pooling alone, and this network has none."
        )
    return result
