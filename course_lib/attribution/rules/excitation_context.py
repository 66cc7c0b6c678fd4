"""The context in which a backward pass is excitation backprop."""

from __future__ import annotations

from collections.abc import Callable, Container
from typing import Any

import torch

from ..inputs.notices import warn
from .backward_rules import BackwardRules
from .calls import operation_name
from .excitation_graph import tensors_in
from .excitation_rules import LINEAR_LAYERS, excitation_rules
from .excitation_shares import LinearMap, Relevance
from .excitation_sum import RESIDUALS


class ExcitationBackpropContext(BackwardRules):
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

    A tensor is a constant if it doesn't depend on the image. Of tensors that require no gradient,
    those count as activations that a linear layer or convolution has read or made in this
    context, and what was made of them; of the others, those with such a layer behind them or a
    tensor that is no parameter.

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
        ValueError: an unknown `residual`; and, when the network runs, an operation for which
            excitation backprop is not defined (attention, LayerNorm, GELU, products of
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
        if residual not in RESIDUALS:
            raise ValueError(
                f"residual must be one of {', '.join(map(repr, RESIDUALS))}, not {residual!r}."
            )
        self.enable = enable
        self.debug = debug
        self.relevance = Relevance(residual=residual)
        # Set while a run is below the layer at which its backward pass ends: what runs there
        # tells by `requires_grad` that it comes from the image, and needs nothing more.
        self.below = False
        self.on_linear: Callable[[LinearMap, torch.Tensor], None] | None = None
        rules = excitation_rules(self.relevance, self._linear) if enable else {}
        super().__init__(rules, name="Excitation backprop", nonlinear=())

    @property
    def lost(self) -> dict[str, torch.Tensor]:
        return self.relevance.lost

    @property
    def ruled(self) -> Container[str]:
        """Names of the operations that have a rule, if only to be refused."""
        return self._rules.keys()

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
            warn(
                f"{self.name} met no operation that it has a rule for: the gradients are the "
                f"ordinary ones.",
            )

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        if self.below:
            return self._without_a_rule(func, args, kwargs or {})
        before = sum(self.met.values()) if self.debug else 0
        result = super().__torch_function__(func, types, args, kwargs)
        if self.debug and sum(self.met.values()) > before:
            print(f"excitation backprop: {operation_name(func)}")
        if self.enable and _is_untracked(result):
            self._note_untracked(func, (*args, *(kwargs or {}).values()), result)
        return result

    def _without_a_rule(
        self, func: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        """The operation with a graph, but without the activations that a backward pass needs."""
        name = operation_name(func)
        if name in self._rules:
            self.met.setdefault(name, 0)
        with torch.autograd.graph.saved_tensors_hooks(_forget, _forget):
            result = func(*args, **kwargs)
        if _is_untracked(result):
            self._note_untracked(func, (*args, *kwargs.values()), result)
        return result

    def _note_untracked(self, func: Callable[..., Any], args: tuple[Any, ...], result: Any) -> None:
        """Note an activation that requires no gradient: a linear layer has read or made it."""
        untracked = self.relevance.untracked
        if operation_name(func) in LINEAR_LAYERS:
            untracked.update({args[0]: True, result: True})
        elif any(x in untracked for x in tensors_in(args)):
            untracked[result] = True


def _is_untracked(result: Any) -> bool:
    return isinstance(result, torch.Tensor) and not result.requires_grad


def _forget(saved: Any) -> Any:
    """Nothing goes back there, so nothing is needed."""
