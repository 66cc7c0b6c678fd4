"""Grad-CAM: a layer's channels, weighted by their mean gradient."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Unpack

import torch
from torch import nn

from .inputs.checks import shape_text
from .inputs.options import ContextOptions
from .inputs.targets import Target
from .methods import method
from .saliency import gradient_of, saliency

__all__ = ["grad_cam", "gradient_to_grad_cam_saliency"]


def gradient_to_grad_cam_saliency(x: torch.Tensor) -> torch.Tensor:
    """s = max(0, sum_c x_c mean_u(dphi/dx_c)), u the positions.

    Args:
        x: N x C x H x W activations, with their gradient in `x.grad`.

    Returns:
        N x 1 x H x W, detached, >= 0.

    Raises:
        ValueError: x has no gradient, or another number of dimensions.

    >>> x = torch.tensor([[[[1.0, 2.0]], [[1.0, 0.0]]]], requires_grad=True)
    >>> (x * torch.tensor([[[1.0, 3.0]], [[-4.0, -4.0]]])).sum().backward()
    >>> gradient_to_grad_cam_saliency(x).tolist()
    [[[[0.0, 4.0]]]]
    """
    gradient = gradient_of(x)
    if x.dim() != 4:
        raise ValueError(
            f"Grad-CAM needs activations of shape N x C x H x W, not "
            f"{shape_text(x)}: choose a layer before the positions are pooled."
        )
    weights = gradient.mean(dim=(2, 3), keepdim=True)
    return (x.detach() * weights).sum(dim=1, keepdim=True).clamp(min=0)


@method("Grad-CAM", layer="needed")
def grad_cam(
    model: nn.Module,
    input: torch.Tensor,
    target: Target,
    saliency_layer: str | nn.Module = "",
    *,
    gradient_to_saliency: Callable[[torch.Tensor], torch.Tensor] = gradient_to_grad_cam_saliency,
    **options: Unpack[ContextOptions],
) -> Any:
    """s = max(0, sum_c x_c mean_u(dphi/dx_c)): explain a score by Grad-CAM at a layer.

    x are the activations of `saliency_layer`, u their positions; the tokens of a vision transformer
    are put on their grid first.

    Args:
        model: maps N x C x H x W images to N x K or N x K x H' x W' scores.
        input: N x C x H x W, any floating dtype, on the model's device.
        target: a class, one per image, several per image, or a gradient; see `parse_target`.
            Several classes share one forward pass, and one batched backward pass to the layer.
        saliency_layer: name of the layer, or the layer; it must be given, and have positions.
        gradient_to_saliency: from a tensor with `.grad` to its map.
        {options}

    Returns:
        N x 1 x h x w maps, detached; K x 1 x H x W for K targets of one image, N x K x H x W for
        N rows of them; (maps, probes) if debug. Nothing is changed.
        The maps are in score units, >= 0.

    Raises:
        ValueError: no `saliency_layer` is given; its output has no positions, such as N x C, or
            only the class token of it is read from there on; or as for `saliency`.
        TypeError: as `saliency`.

    Paper: R. R. Selvaraju et al., "Grad-CAM: visual explanations from deep networks via
    gradient-based localization", ICCV 2017.

    >>> net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    >>> grad_cam(net, torch.rand(1, 3, 8, 8), [0, 1, 2], saliency_layer="1").shape
    torch.Size([3, 1, 6, 6])
    """
    if saliency_layer == "":
        raise ValueError("Grad-CAM needs a layer: give saliency_layer, by name.")
    return saliency(
        model, input, target, saliency_layer, gradient_to_saliency=gradient_to_saliency, **options
    )
