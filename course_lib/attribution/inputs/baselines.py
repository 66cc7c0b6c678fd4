"""The image without what is to be explained: what a method compares with."""

from __future__ import annotations

from typing import Any

import torch

from ..maps.imaging import imsmooth
from .checks import as_number, check_like

# Of the longer side: objects that fill a quarter of it leave no trace.
_BLUR = 0.1

Baseline = float | str | torch.Tensor


def baseline_of(input: torch.Tensor, baseline: Any, name: str = "The baseline") -> torch.Tensor:
    """The images that a baseline stands for.

    Args:
        input: images, N x C x H x W.
        baseline: a number, for all pixels: 0 is black, or the mean colour where images are
            normalised; "mean", each image's own mean colour; "blurred", the image under a Gaussian
            blur with a tenth of the longer side; or images, N x C x H x W or 1 x C x H x W.
        name: what to call it in messages.

    Returns:
        N x C x H x W, like the input.

    Raises:
        ValueError: it is none of these.

    >>> baseline_of(torch.tensor([[[[0.0, 1.0]]]]), "mean").tolist()
    [[[[0.5, 0.5]]]]
    """
    if isinstance(baseline, torch.Tensor) and baseline.dim():
        return check_like(baseline.detach(), input, name)
    number = as_number(baseline)
    if number is not None:
        return check_like(torch.full_like(input[:1], number), input, name)
    if baseline == "mean":
        return input.mean((2, 3), keepdim=True).expand_as(input)
    if baseline == "blurred":
        return imsmooth(input, _BLUR * max(input.shape[2:]), padding_mode="replicate")
    raise ValueError(f'{name} must be a number, "mean", "blurred" or images, not {baseline!r}.')
