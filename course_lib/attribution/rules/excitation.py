"""The rules of excitation backprop: z by the excitation alone, W+ x+ + W- x-."""

from __future__ import annotations

from typing import Any

import torch

from ..inputs.checks import check_choice
from .calls import operation_name
from .graph import nodes_behind
from .operations import Operations, RelevanceRules, linear_sharing
from .sharing import (
    Call,
    LinearRule,
    Operation,
    Portion,
    Sharing,
    above,
    below,
    same,
)

RESIDUALS = ("magnitude", "signed", "branch")
PAIRS = ((above, above), (below, below))


class Excitation(Operations):
    """Operations whose outputs' relevance goes to the inputs that excite them.

    Args:
        residual: how the terms of a sum share.
    """

    epsilon = None

    def __init__(self, residual: str) -> None:
        rule = LinearRule((Portion(PAIRS),), epsilon=None)
        super().__init__("Excitation backprop", rule, rule)
        self.residual = residual
        self.of_term = same if residual == "signed" else torch.abs

    def lose(self, name: str, left: torch.Tensor) -> None:
        # What is left of a difference p - q has two signs that must not cancel.
        super().lose(name, left if self.residual == "signed" else left.abs())

    def of_average(self, call: Call) -> Sharing:
        """Inputs x+ share what is theirs, and an output without any is shared by |x|."""
        bare = call.on(None)
        _count_by_magnitude(call.x)
        return Sharing(
            call.name,
            self.lose,
            lambda u: bare.on(u if bool(u.amin() >= 0) else u.clamp(min=0))(),
            lambda u: bare.on(u.abs())(),
        )

    def batch_norm(self, call: Call) -> Any:
        _count_by_magnitude(call.x)
        return self.through(call)

    def terms(self, call: Call) -> tuple[list[torch.Tensor], list[float]]:
        terms, scales = super().terms(call)
        if len(terms) > 1:
            for term in terms:
                _count_by_magnitude(term)
        if self.residual == "branch":
            depths = [_linear_layers_behind(term) for term in terms]
            kept = [i for i, depth in enumerate(depths) if depth == max(depths)]
            terms, scales = [terms[i] for i in kept], [scales[i] for i in kept]
        return terms, scales


class ExcitationBackpropContext(RelevanceRules):
    """While active, the network's operations hand relevance down instead of gradients.

    In `y.backward(p)` the "gradient" of each activation is then its relevance. With x the inputs
    of a layer, p_i the relevance of its output i:

    - linear layer or convolution, W+ = max(W, 0), no bias: p'_j = x_j sum_i W+_ij p_i / z_i with
      z = W+ x. Where x has negative entries, z = W+ x+ + W- x- with x- = min(x, 0): an input and a
      weight that are both negative excite as well.
    - average pooling, mean, sum, resizing: alike, with their own weights on x+; where no input is
      positive, by |x|.
    - a + b: p |a| / (|a| + |b|) to a, the rest to b; see `residual`. The terms of a difference
      and of an `eltwise_sum` of any number share alike. Numbers, parameters, buffers and other
      constants take nothing.
    - activations, softmax among them, BatchNorm, dropout, multiplication by constants: p' = p.
    - max pooling, concatenation, reshaping: to the input that each output is a copy of.

    0 / 0 is 0 throughout. So p' >= 0, and its sum stays that of p, except where a unit has
    relevance to which no input contributed (z_i = 0): this is lost, and noted in `lost`. Only
    where a negative unit may have relevance, before a BatchNorm, a sum or an average with no
    activation between, and inputs inhibit a unit that none excites, these share by magnitude,
    |W_ij x_j|, instead.

    A tensor is a constant if it doesn't depend on the image: on what the first linear layer or
    convolution reads, or on a tensor that requires a gradient and is no parameter.

    BatchNorm passes relevance on as if its scale were positive. Fold it into the convolution first
    if its scale may be negative.

    Args:
        enable: False makes the context do nothing.
        debug: print the name of each operation as its rule is applied.
        residual: how the terms of a sum share: "magnitude"; "signed", a / (a + b), TorchRay's
            rule for `EltwiseSum` (shares may be negative, and large where the terms cancel);
            "branch", all to the term with the longest chain of linear layers behind it, nothing
            to the skip connection; where chains are equally long, by magnitude.

    Attributes:
        lost: layer or operation -> relevance lost there in the backward passes since the context
            was entered, one number per image.

    Raises:
        ValueError: an unknown `residual`; and, when relevance arrives there, an operation for
            which excitation backprop is not defined (attention, LayerNorm, GELU, products of
            activations, ...); the message names the methods that are. Autograd functions of the
            network's own and scripted functions can't be seen here and get their ordinary
            gradient; `excitation_backprop` refuses them.

    >>> layer = torch.nn.Linear(3, 1)
    >>> with torch.no_grad():
    ...     _ = layer.weight.copy_(torch.tensor([[1.0, 2.0, -1.0]]))
    >>> x = torch.tensor([[4.0, 2.0, 5.0]], requires_grad=True)
    >>> with ExcitationBackpropContext():
    ...     layer(x).backward(torch.ones(1, 1))
    >>> x.grad.tolist()
    [[0.5, 0.5, 0.0]]
    """

    def __init__(
        self, enable: bool = True, debug: bool = False, residual: str = "magnitude"
    ) -> None:
        check_choice("residual", residual, RESIDUALS)
        super().__init__(Excitation(residual), enable)
        self.enable, self.debug = enable, debug

    def __torch_function__(
        self,
        func: Operation,
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        if not self.enable:
            return func(*args, **(kwargs or {}))
        if self.debug and operation_name(func) in self._rules:
            print(f"excitation backprop: {operation_name(func)}")
        return super().__torch_function__(func, types, args, kwargs)


def _count_by_magnitude(x: torch.Tensor) -> None:
    """Tell the linear layers that x comes from that its negative units have relevance too.

    After an activation, a unit with relevance is one that was excited. But a BatchNorm may shift a
    negative unit above zero, and a sum or an average counts its terms by magnitude; if such a unit
    has inhibiting inputs only, these made it what it is, and share its relevance.
    """

    def ends(node: Any) -> bool:
        return hasattr(node, "sharing") or not getattr(node, "keeps_sign", True)

    for node in nodes_behind(x, until=ends):
        sharing = linear_sharing(node)
        if sharing is not None:
            sharing.count_by_magnitude()


def _linear_layers_behind(x: torch.Tensor) -> int:
    """The largest number of linear layers on a way from the image to x."""
    longest: dict[Any, int] = {}
    for node in sorted(nodes_behind(x), key=lambda node: node._sequence_nr()):
        before = [longest.get(earlier, 0) for earlier, _ in node.next_functions]
        longest[node] = (linear_sharing(node) is not None) + max(before, default=0)
    return longest.get(x.grad_fn, 0)
