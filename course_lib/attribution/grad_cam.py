"""Grad-CAM: a layer's channels, weighted by their mean gradient."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from .inputs.checks import shape_text
from .inputs.targets import Target
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


def grad_cam(
    model: nn.Module,
    input: torch.Tensor,
    target: Target,
    saliency_layer: str | nn.Module = "",
    resize: bool | tuple[int, int] = False,
    resize_mode: str = "bilinear",
    smooth: float = 0,
    gradient_to_saliency: Callable[[torch.Tensor], torch.Tensor] = gradient_to_grad_cam_saliency,
    **kwargs: Any,
) -> Any:
    """Explain a score by Grad-CAM at a layer: s = max(0, sum_c x_c mean_u(dphi/dx_c)).

    x are the activations of `saliency_layer`, which must be given, N x C x h x w; the tokens of a
    vision transformer are put on their grid first, and a layer from which on only the class token
    is read is refused. Takes the arguments of `saliency`: grad_cam(model, input, target,
    saliency_layer, resize=False, resize_mode="bilinear", smooth=0, ...), and returns and raises
    the same. Maps are N x 1 x h x w, in score units.

    Several classes share one forward pass, and one batched backward pass to the layer:
    grad_cam(model, image, list(range(20)), saliency_layer=...) gives 20 x 1 x h x w.

    Raises:
        ValueError: no `saliency_layer` is given; its output has no positions, such as N x C; or as
            for `saliency`.

    Paper: R. R. Selvaraju et al., "Grad-CAM: visual explanations from deep networks via
    gradient-based localization", ICCV 2017.

    >>> net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    >>> grad_cam(net, torch.rand(1, 3, 8, 8), [0, 1, 2], saliency_layer="1").shape
    torch.Size([3, 1, 6, 6])
    """
    if saliency_layer == "":
        raise ValueError("Grad-CAM needs a layer: give saliency_layer, by name.")
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
