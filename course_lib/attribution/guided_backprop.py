"""Guided backpropagation: the gradient's and DeConvNet's conditions together."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Unpack

import torch
from torch import nn

from .inputs.options import SaliencyOptions
from .inputs.targets import Target
from .methods import method
from .rules.relu import HookedReLUs, positive
from .saliency import gradient_to_saliency, saliency

__all__ = ["GuidedBackpropContext", "GuidedBackpropReLU", "guided_backprop"]


class GuidedBackpropReLU(torch.autograd.Function):
    """max(x, 0) forward; backward the gradient where both it and x are positive.

    >>> x = torch.tensor([-1.0, 1.0, -1.0, 1.0], requires_grad=True)
    >>> GuidedBackpropReLU.apply(x).backward(torch.tensor([2.0, 2.0, -2.0, -2.0]))
    >>> x.grad.tolist()
    [0.0, 2.0, 0.0, 0.0]
    """

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor) -> torch.Tensor:
        ctx.save_for_backward(x)
        return x.clamp(min=0)

    @staticmethod
    def backward(ctx: Any, p: torch.Tensor) -> torch.Tensor:
        (x,) = ctx.saved_tensors
        return p.clamp(min=0) * (x > 0)


class GuidedBackpropContext(HookedReLUs):
    """While active, ReLU and ReLU6 go backward by p where p > 0 and 0 < x (< 6), 0 elsewhere.

    For the manual form: `with GuidedBackpropContext(): y = model(x); y.backward(gradient)`, then
    `gradient_to_saliency(x)`. Holds in its own thread; warns on leaving if the model had no ReLU
    or other nonlinearities (see `BackwardRules`).

    >>> x = torch.tensor([-1.0, 1.0], requires_grad=True)
    >>> with GuidedBackpropContext():
    ...     torch.nn.ReLU()(x).backward(torch.tensor([2.0, 2.0]))
    >>> x.grad.tolist()
    [0.0, 2.0]
    """

    def __init__(self) -> None:
        super().__init__(GuidedBackpropReLU, _hook, "Guided backprop")


def _hook(node: Any) -> None:
    node.register_prehook(positive)


@method("Guided backprop", needs="ReLU or ReLU6")
def guided_backprop(
    model: nn.Module,
    input: torch.Tensor,
    target: Target,
    saliency_layer: str | nn.Module = "",
    *,
    gradient_to_saliency: Callable[[torch.Tensor], torch.Tensor] = gradient_to_saliency,
    **options: Unpack[SaliencyOptions],
) -> Any:
    """s = max_c |p_c|: explain a score by guided backprop, the gradient p with another ReLU rule.

    At each ReLU with input x and incoming gradient p, p goes on where p > 0 and x > 0; at each
    ReLU6 where p > 0 and 0 < x < 6.

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
        UserWarning: the model has no ReLU, or nonlinearities of another kind, by name.
            Autograd functions of the model's own and scripted functions can't be seen: they get
            their ordinary gradient without a warning.

    Paper: J. T. Springenberg, A. Dosovitskiy, T. Brox, M. Riedmiller, "Striving for simplicity:
    the all convolutional net", ICLR workshop 2015.

    >>> net = torch.nn.Sequential(torch.nn.ReLU(), torch.nn.Flatten(), torch.nn.Linear(3, 1))
    >>> with torch.no_grad():
    ...     _ = net[2].weight.copy_(torch.tensor([[3.0, -2.0, 5.0]]))
    >>> guided_backprop(net, torch.tensor([[[[-1.0, 1.0, 1.0]]]]), 0).tolist()
    [[[[0.0, 0.0, 5.0]]]]
    """
    return saliency(
        model,
        input,
        target,
        saliency_layer,
        context_builder=GuidedBackpropContext,
        gradient_to_saliency=gradient_to_saliency,
        **options,
    )
