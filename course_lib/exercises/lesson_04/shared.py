"""What several exercises of lesson 04 share."""

from __future__ import annotations

from torch import Tensor


def carrying(x: Tensor, g: Tensor) -> Tensor:
    leaf = x.detach().clone().requires_grad_()
    leaf.grad = g
    return leaf
