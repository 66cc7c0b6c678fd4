"""The gradient method: which pixels would change the score most?"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Unpack

import torch
from torch import nn

from .inputs.options import ContextOptions
from .inputs.targets import Target
from .methods import method
from .saliency import gradient_to_saliency, saliency

__all__ = ["gradient", "gradient_to_saliency"]


@method("Gradient")
def gradient(
    model: nn.Module,
    input: torch.Tensor,
    target: Target,
    saliency_layer: str | nn.Module = "",
    *,
    gradient_to_saliency: Callable[[torch.Tensor], torch.Tensor] = gradient_to_saliency,
    **options: Unpack[ContextOptions],
) -> Any:
    """s = max_c |dphi/dx_c|: explain a score by its gradient.

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
        ValueError, TypeError: as `saliency`.

    Paper: K. Simonyan, A. Vedaldi, A. Zisserman, "Deep inside convolutional networks: visualising
    image classification models and saliency maps", ICLR workshop 2014.

    >>> net = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(4, 2, bias=False))
    >>> with torch.no_grad():
    ...     _ = net[1].weight.copy_(torch.tensor([[1.0, -2, 3, -4], [0, 0, 0, 0]]))
    >>> gradient(net, torch.rand(1, 1, 2, 2), 0).tolist()
    [[[[1.0, 2.0], [3.0, 4.0]]]]
    """
    return saliency(
        model, input, target, saliency_layer, gradient_to_saliency=gradient_to_saliency, **options
    )
