"""Linear approximation: what each position contributes to the score, to first order."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from .inputs.targets import Target
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


def linear_approx(
    model: nn.Module,
    input: torch.Tensor,
    target: Target,
    saliency_layer: str | nn.Module = "",
    resize: bool | tuple[int, int] = False,
    resize_mode: str = "bilinear",
    smooth: float = 0,
    gradient_to_saliency: Callable[
        [torch.Tensor], torch.Tensor
    ] = gradient_to_linear_approx_saliency,
    **kwargs: Any,
) -> Any:
    """Explain a score by its linear approximation at a layer: s = sum_c x_c dphi/dx_c.

    x are the activations of `saliency_layer`, or the input itself (then this is gradient times
    input). Takes the arguments of `saliency`: linear_approx(model, input, target,
    saliency_layer="", resize=False, resize_mode="bilinear", smooth=0, ...), and returns and raises
    the same. Maps are N x 1 x H x W, in score units, of either sign: their sum is the score when
    the network is linear and without bias from there on.

    Paper: B. Kim et al., "Interpretability beyond feature attribution: TCAV", ICML 2018, and
    S. Rebuffi, R. Fong, X. Ji, A. Vedaldi, "There and back again: revisiting backpropagation
    saliency methods", CVPR 2020.

    >>> net = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(4, 2, bias=False))
    >>> x = torch.rand(1, 1, 2, 2)
    >>> bool(linear_approx(net, x, 1).sum().isclose(net(x)[0, 1]))
    True
    """
    return saliency(
        model,
        input,
        target,
        saliency_layer=saliency_layer,
        resize=resize,
        resize_mode=resize_mode,
        smooth=smooth,
        gradient_to_saliency=gradient_to_saliency,
        **kwargs,
    )
