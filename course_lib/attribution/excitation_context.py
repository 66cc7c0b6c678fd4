"""The context in which a backward pass is excitation backprop."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import torch

from .backward_rules import BackwardRules, operation_name
from .excitation_rules import excitation_rules
from .excitation_shares import LinearMap, Relevance
from .excitation_sum import RESIDUALS


class ExcitationBackpropContext(BackwardRules):
    """While active, the network's operations hand relevance down instead of gradients.

    In `y.backward(p)` the "gradient" of each activation is then its relevance. With x the inputs
    of a layer, p_i the relevance of its output i:

    - linear layer or convolution, W+ = max(W, 0), no bias: p'_j = x_j sum_i W+_ij p_i / z_i with
      z = W+ x. Where x has negative entries, z = W+ x+ + W- x- with x- = min(x, 0): an input and a
      weight that are both negative excite as well.
    - average pooling, mean: alike, with weights all equal.
    - a + b: p |a| / (|a| + |b|) to a, the rest to b; see `residual`.
    - activations, BatchNorm, dropout, multiplication by constants: p' = p.
    - max pooling, concatenation, reshaping: to the input that each output is a copy of.

    0 / 0 is 0 throughout. So p' >= 0, and its sum stays that of p, except where a unit has
    relevance to which no input contributed (z_i = 0): this is lost, and noted in `lost`. Only
    where a negative unit may have relevance, before a BatchNorm, a sum or an average, and inputs
    inhibit a unit that none excites, these share by magnitude, |W_ij x_j|, instead.

    BatchNorm passes relevance on as if its scale were positive. Fold it into the convolution first
    if its scale may be negative.

    Args:
        enable: False makes the context do nothing.
        debug: print the name of each operation as its rule is applied.
        residual: how the terms of a sum share: "magnitude"; "signed", a / (a + b), TorchRay's
            rule for `EltwiseSum` (shares may be negative, and large where the terms cancel);
            "branch", all to the term with most linear layers behind it, nothing to the skip
            connection.

    Attributes:
        lost: layer or operation -> relevance lost there in the backward passes since the context
            was entered, one number per image.

    Raises:
        ValueError: an unknown `residual`; and, when the network runs, an operation for which
            excitation backprop is not defined (attention, LayerNorm, GELU, products of
            activations, ...); the message names the methods that are.

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
        if residual not in RESIDUALS:
            raise ValueError(
                f"residual must be one of {', '.join(map(repr, RESIDUALS))}, not {residual!r}."
            )
        self.enable = enable
        self.debug = debug
        self.relevance = Relevance(residual=residual)
        self.on_linear: Callable[[LinearMap, torch.Tensor], None] | None = None
        rules = excitation_rules(self.relevance, self._linear) if enable else {}
        super().__init__(rules, name="Excitation backprop", nonlinear=())

    @property
    def lost(self) -> dict[str, torch.Tensor]:
        return self.relevance.lost

    def _linear(self, layer: LinearMap, output: torch.Tensor) -> None:
        if self.on_linear is not None:
            self.on_linear(layer, output)

    def __enter__(self) -> ExcitationBackpropContext:
        if self._depth == 0:
            self.relevance.lost.clear()
        super().__enter__()
        return self

    def _warn(self) -> None:
        if self.enable and not self.met:
            warnings.warn(
                f"{self.name} met no operation that it has a rule for: the gradients are the "
                f"ordinary ones.",
                stacklevel=4,
            )

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        before = sum(self.met.values()) if self.debug else 0
        result = super().__torch_function__(func, types, args, kwargs)
        if self.debug and sum(self.met.values()) > before:
            print(f"excitation backprop: {operation_name(func)}")
        return result
