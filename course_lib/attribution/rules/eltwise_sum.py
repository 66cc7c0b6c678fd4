"""A residual connection's sum as a function and a layer of its own, as TorchRay writes it."""

from __future__ import annotations

from functools import reduce
from operator import add
from typing import Any

import torch
from torch import nn
from torch.autograd.function import once_differentiable
from torch.overrides import handle_torch_function, has_torch_function

from .sharing import divide


class EltwiseSumFunction(torch.autograd.Function):
    """a + b + ...; backward, a takes p a / (a + b + ...): TorchRay's rule for sums.

    >>> a, b = torch.tensor([1.0], requires_grad=True), torch.tensor([3.0], requires_grad=True)
    >>> EltwiseSumFunction.apply(a, b).backward()
    >>> a.grad.item(), b.grad.item()
    (0.25, 0.75)
    """

    @staticmethod
    def forward(ctx: Any, *inputs: torch.Tensor) -> torch.Tensor:
        ctx.save_for_backward(*inputs)
        return reduce(add, inputs)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, p: torch.Tensor) -> Any:
        with torch._C.DisableTorchFunction():
            return tuple(divide(lambda *terms: reduce(add, terms), ctx.saved_tensors, p)[0])


def eltwise_sum(*inputs: torch.Tensor) -> torch.Tensor:
    """The sum of tensors of one shape, as a residual connection takes it.

    In an `ExcitationBackpropContext` its terms share the relevance; elsewhere, and in its
    forward pass everywhere, it is plain addition. A model that uses `+` needs no such change
    here (it did in TorchRay): the context has a rule for `+` too.

    Raises:
        TypeError: no tensor is given.

    >>> eltwise_sum(torch.tensor([1.0]), torch.tensor([2.0]), torch.tensor([3.0])).tolist()
    [6.0]
    """
    if not inputs:
        raise TypeError("eltwise_sum needs at least one tensor.")
    if has_torch_function(inputs):
        return handle_torch_function(eltwise_sum, inputs, *inputs)
    return reduce(add, inputs)


class EltwiseSum(nn.Module):
    """`eltwise_sum` as a layer.

    >>> EltwiseSum()(torch.ones(2), torch.ones(2)).tolist()
    [2.0, 2.0]
    """

    def forward(self, *inputs: torch.Tensor) -> torch.Tensor:
        return eltwise_sum(*inputs)
