"""How the terms of a sum share its relevance: residual connections."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from operator import add
from typing import Any

import torch
from torch import nn
from torch.autograd.function import once_differentiable
from torch.overrides import handle_torch_function, has_torch_function

from .excitation_graph import RelevanceFunction, is_linear_layer
from .excitation_shares import (
    Relevance,
    Run,
    count_by_magnitude,
    infinite_where_nothing,
    own_arithmetic,
    wide,
)

RESIDUALS = ("magnitude", "signed", "branch")


class SumShares(RelevanceFunction):
    """The terms of y = a + b + ... share the relevance p of y.

    - "magnitude": p |a| / (|a| + |b|). Never negative; lost only where all terms are 0.
    - "signed": p a / (a + b), as TorchRay's `EltwiseSum`. Large and of both signs where the terms
      cancel; lost where they cancel altogether.
    - "branch": all to the term with the longest chain of linear layers behind it, none to the
      skip connection; terms with equally long ones share by magnitude.
    """

    @staticmethod
    def forward(
        ctx: Any,
        run: Run,
        in_place: bool,
        scales: Sequence[float],
        name: str,
        relevance: Relevance,
        *terms: torch.Tensor,
    ) -> torch.Tensor:
        ctx.used = _deepest(terms) if relevance.residual == "branch" else [True] * len(terms)
        overwritten = terms[0].data_ptr() if in_place else None
        ctx.save_for_backward(*(t.clone() if t.data_ptr() == overwritten else t for t in terms))
        ctx.in_place, ctx.scales, ctx.name, ctx.relevance = in_place, scales, name, relevance
        ctx.keeps_sign = False
        for term in terms:
            count_by_magnitude(term)
        output = run()
        if in_place:
            ctx.mark_dirty(terms[0])
        return output

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, p: torch.Tensor) -> Any:
        terms = ctx.saved_tensors
        with own_arithmetic(p), torch.no_grad():
            if sum(ctx.used) == 1:
                shares = [p if used else None for used in ctx.used]
            else:
                shares = _shares(ctx, terms, p)
            if ctx.in_place and shares[0] is None:
                # Where a slice is overwritten, None would stop the rest of its tensor's as well.
                shares[0] = torch.zeros_like(p)
            shares = [
                share.sum_to_size(term.shape).to(term.dtype)
                if share is not None and needed
                else None
                for share, term, needed in zip(shares, terms, ctx.needs_input_grad[5:], strict=True)
            ]
        return (None,) * 5 + tuple(shares)


def _shares(ctx: Any, terms: Sequence[torch.Tensor], p: torch.Tensor) -> list[torch.Tensor | None]:
    signed = ctx.relevance.residual == "signed"
    wide_p = wide(p)
    parts: list[torch.Tensor | None] = []
    for term, scale, used in zip(terms, ctx.scales, ctx.used, strict=True):
        part = wide(term).to(wide_p.dtype)
        if signed:
            part = part * scale
        else:
            part = part.abs() * abs(scale) if abs(scale) != 1 else part.abs()
        parts.append(part if used else None)
    whole = reduce(add, [part for part in parts if part is not None])
    if signed:
        cancelled = whole == 0
        nothing = cancelled if bool(cancelled.any()) else None
        whole = whole.masked_fill(cancelled, torch.inf)
    else:
        nothing = infinite_where_nothing(whole)
    if nothing is not None:
        ctx.relevance.lose(ctx.name, wide_p * nothing)
    q = wide_p / whole
    return [None if part is None else part * q for part in parts]


def _deepest(terms: Sequence[torch.Tensor]) -> list[bool]:
    depths = [_linear_layers_behind(term) for term in terms]
    return [depth == max(depths) for depth in depths]


def _linear_layers_behind(term: torch.Tensor) -> int:
    """The largest number of linear layers on a way from the input to this tensor."""
    longest: dict[Any, int] = {}
    stack = [term.grad_fn] if term.grad_fn is not None else []
    while stack:
        node = stack[-1]
        before = [earlier for earlier, _ in node.next_functions if earlier is not None]
        waiting = [earlier for earlier in before if earlier not in longest]
        if waiting:
            stack.extend(waiting)
            continue
        stack.pop()
        longest[node] = is_linear_layer(node) + max(
            (longest[earlier] for earlier in before), default=0
        )
    return longest[term.grad_fn] if term.grad_fn is not None else 0


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
