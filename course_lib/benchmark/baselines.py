"""Explanations that look at no network: what a method has to beat."""

from __future__ import annotations

from typing import Any

import torch

from .regions import centred_disc


def centre(model: Any, x: torch.Tensor, target: Any = None) -> torch.Tensor:
    """A map that points at the middle of each image, N x 1 x H x W: it falls to 0 at the corners.

    Photographers put objects there, so it beats chance; in an even number of pixels the middle ones
    tie. The baseline of Zhang et al. 2016.

    >>> centre(None, torch.zeros(2, 3, 5, 5)).flatten(1).argmax(1).tolist()
    [12, 12]
    """
    disc = centred_disc(*x.shape[2:])
    return (disc - disc.min()).to(x).expand(len(x), -1, -1, -1)
