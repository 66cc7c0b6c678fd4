"""The gradient method: which pixels would change the score most?"""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from .inputs.targets import Target
from .saliency import saliency

__all__ = ["gradient"]


def gradient(
    model: nn.Module,
    input: torch.Tensor,
    target: Target,
    saliency_layer: str | nn.Module = "",
    resize: bool | tuple[int, int] = False,
    resize_mode: str = "bilinear",
    smooth: float = 0,
    **kwargs: Any,
) -> Any:
    """Explain a score by its gradient: s = max_c |dphi/dx_c|.

    Arguments, results and errors are those of `saliency`.
    Shapes: input N x C x H x W, map N x 1 x H x W in score units per unit of the input.

    Paper: K. Simonyan, A. Vedaldi, A. Zisserman, "Deep inside convolutional networks: visualising
    image classification models and saliency maps", ICLR workshop 2014.

    >>> net = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(4, 2, bias=False))
    >>> with torch.no_grad():
    ...     _ = net[1].weight.copy_(torch.tensor([[1.0, -2, 3, -4], [0, 0, 0, 0]]))
    >>> gradient(net, torch.rand(1, 1, 2, 2), 0).tolist()
    [[[[1.0, 2.0], [3.0, 4.0]]]]
    """
    return saliency(
        model,
        input,
        target,
        saliency_layer=saliency_layer,
        resize=resize,
        resize_mode=resize_mode,
        smooth=smooth,
        **kwargs,
    )
