"""Linear approximation: what each position contributes to the score, to first order."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Unpack

import torch
from torch import nn

from .inputs.options import ContextOptions
from .inputs.targets import Target
from .methods import method
from .saliency import gradient_of, saliency

__all__ = ["gradient_to_linear_approx_saliency", "linear_approx"]


def gradient_to_linear_approx_saliency(x: torch.Tensor) -> torch.Tensor:
    """s = sum_c x_c dphi/dx_c.

    Args:
        x: N x C x H x W activations, with their gradient in `x.grad`.

    Returns:
        N x 1 x H x W, detached, of either sign.

    Raises:
        ValueError: x has no gradient.

    >>> x = torch.tensor([[[[1.0]], [[2.0]]]], requires_grad=True)
    >>> (x * torch.tensor([3.0, -5.0]).view(1, 2, 1, 1)).sum().backward()
    >>> gradient_to_linear_approx_saliency(x).tolist()
    [[[[-7.0]]]]
    """
    return (x.detach() * gradient_of(x)).sum(dim=1, keepdim=True)


@method("Linear approximation", signed=True)
def linear_approx(
    model: nn.Module,
    input: torch.Tensor,
    target: Target,
    saliency_layer: str | nn.Module = "",
    *,
    gradient_to_saliency: Callable[
        [torch.Tensor], torch.Tensor
    ] = gradient_to_linear_approx_saliency,
    **options: Unpack[ContextOptions],
) -> Any:
    """s = sum_c x_c dphi/dx_c: explain a score by its linear approximation at a layer.

    x are the activations of `saliency_layer`, or the input itself (then this is gradient times
    input).

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
        The maps are in score units, of either sign: their sum is the score when the network is
        linear and without bias from there on.

    Raises:
        ValueError, TypeError: as `saliency`.

    Paper: B. Kim et al., "Interpretability beyond feature attribution: TCAV", ICML 2018, and
    S. Rebuffi, R. Fong, X. Ji, A. Vedaldi, "There and back again: revisiting backpropagation
    saliency methods", CVPR 2020.

    >>> net = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(4, 2, bias=False))
    >>> x = torch.rand(1, 1, 2, 2)
    >>> bool(linear_approx(net, x, 1).sum().isclose(net(x)[0, 1]))
    True
    """
    return saliency(
        model, input, target, saliency_layer, gradient_to_saliency=gradient_to_saliency, **options
    )
