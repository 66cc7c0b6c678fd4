"""How each torch operation hands down its outputs' relevance, for methods that share it.

Which operations share it, pass it on or only move units about is the same for all of them; how
those that share form z is the method's own.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import partial, reduce
from operator import add
from typing import Any, NoReturn

import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.modules._functions import BackwardHookFunction

from ..inputs.checks import shape_text
from ..inputs.notices import warn
from .backward_rules import BackwardRules, Rule
from .calls import bind, tensors_in
from .eltwise_sum import EltwiseSumFunction, eltwise_sum
from .graph import kind_of, nodes_behind, only_moves
from .sharing import (
    STABILISER,
    Call,
    LinearRule,
    LinearSharing,
    Of,
    Operation,
    Share,
    Sharing,
    Through,
    same,
)

_CONVOLUTIONS = "conv1d conv2d conv3d conv_transpose1d conv_transpose2d conv_transpose3d"
_AVERAGES = (
    "avg_pool1d avg_pool2d avg_pool3d adaptive_avg_pool1d adaptive_avg_pool2d "
    "adaptive_avg_pool3d mean sum interpolate upsample"
)
_ACTIVATIONS = (
    "relu hardtanh leaky_relu rrelu prelu elu selu celu softplus logsigmoid sigmoid hardsigmoid "
    "tanh softsign softshrink hardshrink threshold clamp clamp_min clamp_max softmax log_softmax "
    "abs expit"
)
_PASSING = "local_response_norm neg"
_DROPOUTS = (
    "dropout dropout1d dropout2d dropout3d alpha_dropout feature_alpha_dropout feature_dropout"
)
_PRODUCTS = "mul multiply div divide true_divide"
_SUMS = "add sub subtract rsub"
_SIGNS = {"add": 1, "sub": -1, "subtract": -1}
_NAMESPACES = (F, torch, torch.Tensor, torch.special, torch.linalg)
_LINEAR = frozenset(["linear", *_CONVOLUTIONS.split()])
_BARRED = "no relevance can pass"
_REFLECTED = {"rdiv": "div", "rmatmul": "matmul"}


class Operations:
    """The rules of one context: torch function -> how its outputs' relevance goes down.

    Here averages and sums share in proportion, signs and all; activations and what multiplies by a
    constant pass it on; and a BatchNorm right behind a linear layer or convolution is one layer
    with it. Where a method does otherwise, it overrides `of_average`, `terms`, `batch_norm`.

    Args:
        title: how messages call the method.
        dense: how linear layers share.
        convolution: how convolutions do.
        first: how the first ones after the image do; None for as all others.

    Attributes:
        epsilon: for averages and sums; see `LinearRule`.
        of_term: what of each term of a sum counts.
        names: id of a weight -> what messages call its layer.
        lost: name -> relevance that no unit took there, one number per image.
        barred: names of the operations met that are undefined.
    """

    epsilon: float | None = STABILISER

    def __init__(
        self,
        title: str,
        dense: LinearRule,
        convolution: LinearRule,
        first: LinearRule | None = None,
    ) -> None:
        self.title, self.dense, self.convolution, self.first = title, dense, convolution, first
        self.of_term: Of = same
        self.names: dict[int, str] = {}
        self.lost: dict[str, torch.Tensor] = {}
        self.barred: set[str] = set()

    def table(self) -> dict[Operation, Rule]:
        """For `BackwardRules`.

        Operations that only move units about (reshaping, concatenation, max pooling, padding)
        need no rule: their ordinary gradient hands each output's relevance to the input it is a
        copy of.
        """
        rules: dict[Operation, Rule] = {}
        for names, rule in (
            (f"linear {_CONVOLUTIONS}", self.linear),
            ("matmul mm", self.matmul),
            (_AVERAGES, self.average),
            (_ACTIVATIONS, self.activation),
            ("batch_norm", self.batch_norm),
            (_PASSING, self.through),
            (_DROPOUTS, self.dropout),
            (_PRODUCTS, self.product),
            (_SUMS, self.total),
        ):
            found = (getattr(space, name, None) for name in names.split() for space in _NAMESPACES)
            functions = [eltwise_sum] if rule == self.total else []
            for function in (*functions, *filter(callable, found)):
                rules[function] = partial(_call, rule)
        return rules

    def lose(self, name: str, left: torch.Tensor) -> None:
        """Note relevance that no unit took; `left` is N x ..., or a number."""
        rows = left.reshape(len(left), -1).sum(1) if left.dim() else left[None]
        if name in self.lost and self.lost[name].shape == rows.shape:
            rows = self.lost[name] + rows
        self.lost[name] = rows

    def linear(self, call: Call) -> Any:
        options = dict(call.kwargs)
        named = [options.pop(key, None) for key in ("input", "weight", "bias")]
        x, weight, bias = (*call.args[:3], *named[len(call.args[:3]) :])
        func, rest = call.func, call.args[3:]
        return self._linear(
            call, x, weight, weight, bias, lambda u, w, b: func(u, w, b, *rest, **options)
        )

    def matmul(self, call: Call) -> Any:
        x, weight = call.values[:2]
        if _carries(weight) or weight.dim() != 2:
            return self.undefined(call)
        return self._linear(call, x, weight.t(), weight, None, F.linear)

    def _linear(
        self,
        call: Call,
        x: torch.Tensor,
        w: torch.Tensor,
        key: torch.Tensor,
        b: torch.Tensor | None,
        apply: Operation,
    ) -> Any:
        if not x.requires_grad:
            return NotImplemented
        name = self.names.get(id(key), f"{call.name} with weights {shape_text(key)}")
        rule = self.convolution if "conv" in call.name else self.dense
        if self.first is not None and not any(map(linear_sharing, nodes_behind(x))):
            rule = self.first
        sharing = LinearSharing(name, self.lose, rule, apply, w, b)
        # A channel of the output is a row of W, and a plane of an output with as many dimensions.
        sharing.foldable = "transpose" not in call.name and x.dim() == w.dim()
        return Share.apply(call, sharing, x)

    def average(self, call: Call) -> Any:
        x = call.x
        if "bicubic" in call.values:
            return self.undefined(call)
        if not x.requires_grad or (call.name in ("sum", "mean") and _is_total(call)):
            return NotImplemented
        return Share.apply(call, self.of_average(call), x)

    def of_average(self, call: Call) -> Sharing:
        bare = call.on(None)
        return Sharing(call.name, self.lose, lambda u: bare.on(u)(), epsilon=self.epsilon)

    def activation(self, call: Call) -> Any:
        return Through.apply(call, False, call.x) if call.x.requires_grad else NotImplemented

    def through(self, call: Call) -> Any:
        return Through.apply(call, True, call.x) if call.x.requires_grad else NotImplemented

    def batch_norm(self, call: Call) -> Any:
        """Fold it into the linear layer before, and pass on what arrives."""
        layer = linear_sharing(call.x.grad_fn)
        bound = bind(call.func, call.args, call.kwargs) if call.func is F.batch_norm else None
        if layer and layer.foldable and bound and not bound["training"]:
            mean, variance, gain, shift = (
                bound[key] for key in ("running_mean", "running_var", "weight", "bias")
            )
            scale = (variance + bound["eps"]).rsqrt()
            scale = scale if gain is None else scale * gain
            layer.fold(scale, -mean * scale if shift is None else shift - mean * scale)
        return self.through(call)

    def dropout(self, call: Call) -> Any:
        with torch.no_grad():
            y = call()
        if y is call.x:
            # In eval mode. What a rule gives would be a view, not to be overwritten.
            return y
        return Through.apply(Call(lambda: y, (), {}), True, call.x)

    def product(self, call: Call) -> Any:
        factors = call.values[:2]
        carriers = [factor for factor in factors if _carries(factor)]
        if not carriers:
            return NotImplemented
        divides = call.name not in ("mul", "multiply") and _carries(factors[1])
        if len(carriers) > 1 or divides:
            return self.undefined(call)
        return self._with_constant(call, carriers[0])

    def total(self, call: Call) -> Any:
        terms, scales = self.terms(call)
        if len(terms) < 2:
            return self._with_constant(call, terms[0]) if terms else NotImplemented
        return Share.apply(call, self.of_sum(call, scales), *terms)

    def terms(self, call: Call) -> tuple[list[torch.Tensor], list[float]]:
        """The terms of a sum or difference that share, and what each is multiplied by."""
        values: Sequence[Any] = call.args
        scales = [1.0] * len(values)
        if call.func is not eltwise_sum:
            values = (*values, *(call.kwargs[k] for k in ("input", "other") if k in call.kwargs))
            alpha = float(call.kwargs.get("alpha", 1))
            scales = [-alpha, 1.0] if call.name == "rsub" else [1.0, alpha * _SIGNS[call.name]]
        kept = [i for i, value in enumerate(values[: len(scales)]) if _carries(value)]
        kept = [i for i in kept if values[i].dim()]
        return [values[i] for i in kept], [scales[i] for i in kept]

    def of_sum(self, call: Call, scales: Sequence[float]) -> Sharing:
        def excite(*values: torch.Tensor) -> torch.Tensor:
            parts = [v if k == 1 else v * k for v, k in zip(values, scales, strict=True)]
            return reduce(add, map(self.of_term, parts))

        return Sharing(call.name, self.lose, excite, epsilon=self.epsilon)

    def _with_constant(self, call: Call, x: torch.Tensor) -> torch.Tensor:
        """x times or plus something that takes no relevance, and that x may be written over."""
        overwritten = call.args[:1] if call.in_place and call.args[0] is not x else ()
        return Through.apply(call, True, *overwritten, x)

    def undefined(self, call: Call) -> Any:
        """Run an operation that no relevance can pass, and say so when any arrives."""
        carries = any(map(_carries, tensors_in(call.values)))
        result = call()
        return self._barred(result, call.name) if carries else result

    def unruled(self, call: Call) -> Any:
        """Run an operation without a rule: one that only moves units, or else is undefined."""
        given = list(tensors_in(call.values))
        if not any(t.requires_grad for t in given):
            return call()
        if call.in_place and given[0]._is_view():
            # The graph doesn't show what was done to a view in place.
            shown = self.unruled(call.on(given[0].clone()))
            is_barred = shown.grad_fn is not None and _BARRED in shown.grad_fn.metadata
            return given[0].copy_(shown) if is_barred else call()
        before = {t.grad_fn for t in given}
        result = call()
        made = (nodes_behind(y, until=before.__contains__) for y in tensors_in((result,)))
        only_moved = all(node in before or only_moves(node) for nodes in made for node in nodes)
        if only_moved or not any(map(_carries, given)):
            return result
        return self._barred(result, call.name)

    def _barred(self, result: Any, name: str) -> Any:
        """The same result, refused when relevance arrives there."""
        self.barred.add(name)
        for y in tensors_in((result,)):
            if y.grad_fn is not None:
                node: Any = y.grad_fn
                node.metadata[_BARRED] = True
                node.register_prehook(lambda p: self.refuse(_REFLECTED.get(name, name)))
        return result

    def refuse(self, name: str) -> NoReturn:
        """ValueError for an operation of this name."""
        from ..methods import methods

        *others, last = (m.name for m in methods().values() if not m.needs)
        raise ValueError(
            f"{self.title} is not defined for {name}, which this network uses: it needs "
            f"activations that are weighted sums of others. Defined for this network are "
            f"{', '.join(others)} and {last}."
        )

    def refuse_unseen(self, y: torch.Tensor, x: torch.Tensor) -> None:
        """ValueError for an operation from x to y that torch doesn't show to the rules."""
        first = 0 if x.grad_fn is None else x.grad_fn._sequence_nr()

        def is_beyond(node: Any) -> bool:
            # Where relevance is barred, none has arrived.
            return node._sequence_nr() < first or _BARRED in node.metadata

        for node in nodes_behind(y, until=is_beyond):
            function = getattr(node, "_forward_cls", None)
            if (
                is_beyond(node)
                or function in (Share, Through, EltwiseSumFunction, BackwardHookFunction)
                or (function is None and only_moves(node))
            ):
                continue
            if function is not None:
                self.refuse(function.__name__)
            name = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", kind_of(node.name())).lower()
            if node.name().startswith(("SumBackward0", "MeanBackward0")):
                self.refuse(f"{name} over everything, images included")
            self.refuse(f"{name} in a scripted function")


class RelevanceRules(BackwardRules):
    """While active, the network's operations hand relevance down instead of gradients.

    Args:
        operations: how each does.

    Attributes:
        lost: layer or operation -> relevance lost there in the backward passes since the context
            was entered, one number per image.
    """

    def __init__(self, operations: Operations, enable: bool = True) -> None:
        self.operations = operations
        table = operations.table() if enable else {}
        super().__init__(table, name=operations.title, nonlinear=())

    @property
    def lost(self) -> dict[str, torch.Tensor]:
        return self.operations.lost

    def __enter__(self) -> RelevanceRules:
        if self._depth == 0:
            self.lost.clear()
            self.operations.barred.clear()
        super().__enter__()
        return self

    def _warn(self) -> None:
        if self._rules and not self.met and not self.operations.barred:
            warn(
                f"{self.name} met no operation that it has a rule for: the gradients are the "
                f"ordinary ones.",
            )

    def __torch_function__(
        self,
        func: Operation,
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        call = Call(func, args, kwargs or {})
        if call.name not in self._rules:
            return self.operations.unruled(call)
        if call.name in _LINEAR and torch.is_grad_enabled():
            call = _with_image(call)
        return super().__torch_function__(func, types, call.args, call.kwargs)


def linear_sharing(node: Any) -> LinearSharing | None:
    """How this node of a graph shares, if it is a linear layer or convolution."""
    sharing = getattr(node, "sharing", None)
    return sharing if isinstance(sharing, LinearSharing) else None


def depends_on_image(x: torch.Tensor) -> bool:
    """Whether x is an activation, and not computed from the network's parameters alone.

    An activation has a linear layer behind it, or a tensor that requires a gradient and is no
    parameter, such as the image.
    """
    if x.grad_fn is None:
        return x.requires_grad and not isinstance(x, nn.Parameter)
    return any(
        linear_sharing(node) is not None
        or (hasattr(node, "variable") and not isinstance(node.variable, nn.Parameter))
        for node in nodes_behind(x)
    )


def _call(rule: Callable[[Call], Any], func: Operation, args: Any, kwargs: Any) -> Any:
    return rule(Call(func, args, kwargs))


def _with_image(call: Call) -> Call:
    """A linear layer's call with an x that requires a gradient: an activation or the image."""
    x = call.x
    if x.requires_grad or isinstance(x, nn.Parameter):
        return call
    return call.on(x.detach().clone().requires_grad_())


def _is_total(call: Call) -> bool:
    """Whether all of x becomes one number: what `y[:, 3].sum().backward()` starts from.

    That is no layer of a network, and each score starts with the same relevance.
    """
    dim = next((call.kwargs[key] for key in ("dim", "axis") if key in call.kwargs), None)
    dim = call.args[1] if len(call.args) > 1 else dim
    return dim is None or call.x.dim() == 1


def _carries(value: Any) -> bool:
    """Whether relevance may pass to this operand."""
    return isinstance(value, torch.Tensor) and value.requires_grad and depends_on_image(value)
