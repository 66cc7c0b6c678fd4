"""The table of excitation backprop: how each torch operation hands down its outputs' relevance.

p'_j = sum_i c_ij / z_i p_i, with c_ij what input j contributes to the excitation z_i of output i.
z is linear in the inputs, or in their positive and negative parts; so by Euler's theorem the
contribution of x to z is x dz/dx, and one autograd function does for everything that shares.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial, reduce
from operator import add
from typing import Any, NoReturn

import torch
import torch.nn.functional as F
from torch import nn
from torch.autograd.function import once_differentiable
from torch.nn.modules._functions import BackwardHookFunction
from torch.overrides import handle_torch_function, has_torch_function

from ..inputs.checks import check_choice, shape_text
from ..inputs.notices import warn
from .backward_rules import BackwardRules, Rule
from .calls import is_in_place, operation_name, tensors_in
from .graph import kind_of, nodes_behind, only_moves

Operation = Callable[..., Any]
Lose = Callable[[str, torch.Tensor], None]
Divided = tuple[list[torch.Tensor], torch.Tensor | None]

RESIDUALS = ("magnitude", "signed", "branch")
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
_PASSING = "batch_norm local_response_norm neg"
_DROPOUTS = (
    "dropout dropout1d dropout2d dropout3d alpha_dropout feature_alpha_dropout feature_dropout"
)
_PRODUCTS = "mul multiply div divide true_divide"
_SUMS = "add sub subtract rsub"
_SIGNS = {"add": 1, "sub": -1, "subtract": -1}
_NAMESPACES = (F, torch, torch.Tensor, torch.special, torch.linalg)
_LINEAR = frozenset(["linear", *_CONVOLUTIONS.split()])
_BARRED = "excitation backprop is not defined"
_REFLECTED = {"rdiv": "div", "rmatmul": "matmul"}
# A megabyte of the weights at a time, for each image: what is read once stays in the cache.
_WEIGHTS_AT_ONCE = 2**18


@dataclass(frozen=True)
class Call:
    """A call of a torch function, as a rule gets it."""

    func: Operation
    args: tuple[Any, ...]
    kwargs: dict[str, Any]

    def __call__(self) -> Any:
        return self.func(*self.args, **self.kwargs)

    @property
    def name(self) -> str:
        return operation_name(self.func)

    @property
    def in_place(self) -> bool:
        return is_in_place(self.func, self.args, self.kwargs)

    @property
    def values(self) -> tuple[Any, ...]:
        return (*self.args, *self.kwargs.values())

    @property
    def x(self) -> Any:
        return self.args[0] if self.args else self.kwargs["input"]

    def on(self, u: Any) -> Call:
        """The same with another x."""
        others = {key: value for key, value in self.kwargs.items() if key != "input"}
        return Call(self.func, (u, *self.args[1:]), others)


class Share(torch.autograd.Function):
    """A call; backward, its output's relevance p goes to the inputs as each contributed to it."""

    @staticmethod
    def forward(ctx: Any, call: Call, sharing: Sharing, *inputs: torch.Tensor) -> torch.Tensor:
        ctx.sharing = sharing
        overwritten = inputs[0].data_ptr() if call.in_place else None
        ctx.save_for_backward(*(x.clone() if x.data_ptr() == overwritten else x for x in inputs))
        y = call()
        if call.in_place:
            ctx.mark_dirty(inputs[0])
        return y

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, p: torch.Tensor) -> Any:
        inputs = ctx.saved_tensors
        with torch._C.DisableTorchFunction(), torch.autocast(p.device.type, enabled=False):
            shares = ctx.sharing([_wide(x) for x in inputs], _wide(p))
            return None, None, *(s.to(x.dtype) for s, x in zip(shares, inputs, strict=True))


class Through(torch.autograd.Function):
    """A call; backward, its output's relevance p goes to the last input as it is: p' = p.

    A call in place overwrites the first input. `keeps_sign` says whether a negative unit may have
    relevance because its output has.
    """

    @staticmethod
    def forward(ctx: Any, call: Call, keeps_sign: bool, *inputs: torch.Tensor) -> torch.Tensor:
        ctx.keeps_sign, ctx.shapes = keeps_sign, [x.shape for x in inputs]
        y = call()
        if call.in_place:
            ctx.mark_dirty(inputs[0])
        return y

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, p: torch.Tensor) -> Any:
        *others, shape = ctx.shapes
        # None would stop the relevance of the rest of a tensor of which a slice is overwritten.
        return None, None, *(p.new_zeros(other) for other in others), p.sum_to_size(shape)


def divide(excite: Operation, inputs: Sequence[torch.Tensor], p: torch.Tensor) -> Divided:
    """What each input gets of p, and that part of p to which none contributed (None for none).

    Args:
        excite: from the inputs to z.
        inputs: x; their shares are x (dz/dx)^T (p / z), and 0 / 0 is 0. Denormal numbers count as
            0, since p / z would overflow.
        p: relevance, of the shape of z.
    """
    with torch.enable_grad():
        leaves = [x.detach().requires_grad_() for x in inputs]
        z = excite(*leaves)
    excited, left = z.detach(), None
    least, tiny = float(excited.amin()), torch.finfo(z.dtype).tiny
    if not least > tiny:
        nothing = (excited.abs() if least < 0 else excited) <= tiny
        excited, left = excited.masked_fill(nothing, torch.inf), p * nothing
    pulled = torch.autograd.grad(z, leaves, (p / excited).to(z.dtype))
    shares = [x.detach() * g for x, g in zip(leaves, pulled, strict=True)]
    return shares, left if left is not None and bool(left.any()) else None


class Sharing:
    """How one operation divides its outputs' relevance among its inputs.

    Args:
        name: what messages call it.
        lose: called with the name and the relevance that no input takes.
        excite: from the inputs to z.
        magnitude: from the inputs to the z that divides what `excite` left over, if any.
    """

    def __init__(
        self, name: str, lose: Lose, excite: Operation, magnitude: Operation | None = None
    ) -> None:
        self.name, self.lose, self.excite, self.magnitude = name, lose, excite, magnitude

    def __call__(self, inputs: list[torch.Tensor], p: torch.Tensor) -> list[torch.Tensor]:
        shares, left = self.divide(inputs, p)
        if left is not None and self.magnitude is not None:
            more, left = divide(self.magnitude, inputs, left)
            shares = [a + b for a, b in zip(shares, more, strict=True)]
        if left is not None:
            self.lose(self.name, left)
        return shares

    def divide(self, inputs: list[torch.Tensor], p: torch.Tensor) -> Divided:
        return divide(self.excite, inputs, p)


class LinearSharing(Sharing):
    """A linear layer or convolution: z = W+ x+ + W- x-, without its bias.

    The weights are read when the relevance passes, so that those negated behind autograd's back
    (`weight.data.neg_()`, as code written for TorchRay does) are not missed.

    Args:
        excite: (x, W) -> W x.
        weight: W.

    Attributes:
        sign: -1 to share as if the weights were negated.
    """

    sign = 1

    def __init__(self, name: str, lose: Lose, excite: Operation, weight: torch.Tensor) -> None:
        super().__init__(name, lose, excite)
        self.weight = weight

    def count_by_magnitude(self) -> None:
        """Have what no input excites shared by those that inhibit it."""
        apply, weight = self.excite, self.weight
        self.magnitude = lambda x: apply(x.abs(), _wide(weight).abs())

    def divide(self, inputs: list[torch.Tensor], p: torch.Tensor) -> Divided:
        (x,) = inputs
        if x.dim() == self.weight.dim() == 2 and x.device.type == "cpu":
            return _divide_dense(x, self.weight.detach(), self.sign, p)
        w = _wide(self.weight) * self.sign if self.sign < 0 else _wide(self.weight)
        above = w.clamp(min=0)
        if bool(x.amin() >= 0):
            return divide(lambda u: self.excite(u, above), inputs, p)
        below = w.clamp(max=0)
        return divide(
            lambda u: self.excite(u.clamp(min=0), above) + self.excite(u.clamp(max=0), below),
            inputs,
            p,
        )


def _divide_dense(x: torch.Tensor, w: torch.Tensor, sign: int, p: torch.Tensor) -> Divided:
    """`divide` for z = W x and N x J inputs, reading once those rows of W that have relevance.

    A classifier's weights are the bulk of many a network, and of its time for one image.
    """
    above, below = x.clamp(min=0), x.clamp(max=0)
    signed, tiny = bool(below.any()), torch.finfo(x.dtype).tiny
    to_above, to_below, left = torch.zeros_like(x), torch.zeros_like(x), torch.zeros_like(p)
    rows_at_once = max(8, _WEIGHTS_AT_ONCE // w.shape[1]) * len(x)
    for rows in p.any(0).nonzero()[:, 0].split(rows_at_once):
        some = _wide(w[rows]) * sign
        positive = some.clamp(min=0)
        z = above @ positive.t()
        if signed:
            negative = some.clamp_(max=0)
            z += below @ negative.t()
        nothing, here = z <= tiny, p[:, rows]
        left[:, rows] = here * nothing
        q = here / z.masked_fill_(nothing, torch.inf)
        to_above.addmm_(q, positive)
        if signed:
            to_below.addmm_(q, negative)
    return [above * to_above + below * to_below], left if bool(left.any()) else None


def _wide(t: torch.Tensor) -> torch.Tensor:
    """Half precision holds neither p / z for a small z nor a sum of many small shares."""
    t = t.detach()
    return t if t.dtype in (torch.float32, torch.float64) else t.float()


class Excitation:
    """The rules of one context: torch function -> how its outputs' relevance goes down.

    Args:
        residual: how the terms of a sum share.

    Attributes:
        names: id of a weight -> what messages call its layer.
        lost: name -> relevance that no unit took there, one number per image.
        barred: names of the operations met that are undefined.
    """

    def __init__(self, residual: str) -> None:
        self.residual = residual
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
        """Note relevance that no unit took; `left` has the shape of the operation's output."""
        # What is left of a difference p - q has two signs that must not cancel.
        left = left if self.residual == "signed" else left.abs()
        rows = left.reshape(len(left), -1).sum(1) if left.dim() else left[None]
        if name in self.lost and self.lost[name].shape == rows.shape:
            rows = self.lost[name] + rows
        self.lost[name] = rows

    def linear(self, call: Call) -> Any:
        options = dict(call.kwargs)
        named = [options.pop(key, None) for key in ("input", "weight", "bias")]
        x, weight, _ = (*call.args[:3], *named[len(call.args[:3]) :])
        func, rest = call.func, call.args[3:]
        return self._linear(
            call, x, weight, weight, lambda u, w: func(u, w, None, *rest, **options)
        )

    def matmul(self, call: Call) -> Any:
        x, weight = call.values[:2]
        if _carries(weight) or weight.dim() != 2:
            return self.undefined(call)
        return self._linear(call, x, weight.t(), weight, F.linear)

    def _linear(
        self, call: Call, x: torch.Tensor, w: torch.Tensor, key: torch.Tensor, apply: Operation
    ) -> Any:
        if not x.requires_grad:
            return NotImplemented
        name = self.names.get(id(key), f"{call.name} with weights {shape_text(key)}")
        return Share.apply(call, LinearSharing(name, self.lose, apply, w), x)

    def average(self, call: Call) -> Any:
        """Inputs x+ share what is theirs, and an output without any is shared by |x|."""
        x, bare = call.x, call.on(None)
        if "bicubic" in call.values:
            return self.undefined(call)
        if not x.requires_grad or (call.name in ("sum", "mean") and _is_total(call)):
            return NotImplemented
        _count_by_magnitude(x)
        sharing = Sharing(
            call.name,
            self.lose,
            lambda u: bare.on(u if bool(u.amin() >= 0) else u.clamp(min=0))(),
            lambda u: bare.on(u.abs())(),
        )
        return Share.apply(call, sharing, x)

    def activation(self, call: Call) -> Any:
        return Through.apply(call, False, call.x) if call.x.requires_grad else NotImplemented

    def through(self, call: Call) -> Any:
        if not call.x.requires_grad:
            return NotImplemented
        if call.name == "batch_norm":
            _count_by_magnitude(call.x)
        return Through.apply(call, True, call.x)

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
        terms, scales = _summands(call)
        if len(terms) > 1:
            for term in terms:
                _count_by_magnitude(term)
        if self.residual == "branch":
            depths = [_linear_layers_behind(term) for term in terms]
            terms = [t for t, depth in zip(terms, depths, strict=True) if depth == max(depths)]
        if len(terms) < 2:
            return self._with_constant(call, terms[0]) if terms else NotImplemented
        signed = self.residual == "signed"

        def excite(*values: torch.Tensor) -> torch.Tensor:
            parts = [v if k == 1 else v * k for v, k in zip(values, scales, strict=True)]
            return reduce(add, parts if signed else [part.abs() for part in parts])

        return Share.apply(call, Sharing(call.name, self.lose, excite), *terms)

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
                node.register_prehook(lambda p: refuse(_REFLECTED.get(name, name)))
        return result


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
        self.enable, self.debug = enable, debug
        self.excitation = Excitation(residual)
        table = self.excitation.table() if enable else {}
        super().__init__(table, name="Excitation backprop", nonlinear=())

    @property
    def lost(self) -> dict[str, torch.Tensor]:
        return self.excitation.lost

    def __enter__(self) -> ExcitationBackpropContext:
        if self._depth == 0:
            self.lost.clear()
            self.excitation.barred.clear()
        super().__enter__()
        return self

    def _warn(self) -> None:
        if self.enable and not self.met and not self.excitation.barred:
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
        if not self.enable:
            return call()
        if call.name not in self._rules:
            return self.excitation.unruled(call)
        if self.debug:
            print(f"excitation backprop: {call.name}")
        if call.name in _LINEAR and torch.is_grad_enabled():
            call = _with_image(call)
        return super().__torch_function__(func, types, call.args, call.kwargs)


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


def refuse(name: str) -> NoReturn:
    """ValueError for an operation of this name."""
    from ..methods import methods

    *others, last = (m.name for m in methods().values() if not m.needs)
    raise ValueError(
        f"Excitation backprop is not defined for {name}, which this network uses: it needs "
        f"activations that are weighted sums of others. Defined for this network are "
        f"{', '.join(others)} and {last}."
    )


def refuse_unseen(y: torch.Tensor, x: torch.Tensor) -> None:
    """ValueError for an operation on the way from x to y that torch doesn't show to the rules."""
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
            refuse(function.__name__)
        name = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", kind_of(node.name())).lower()
        if node.name().startswith(("SumBackward0", "MeanBackward0")):
            refuse(f"{name} over everything, images included")
        refuse(f"{name} in a scripted function")


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


def _summands(call: Call) -> tuple[list[torch.Tensor], list[float]]:
    """The terms of a sum or difference that may have relevance, and what each is multiplied by."""
    values: Sequence[Any] = call.args
    scales = [1.0] * len(values)
    if call.func is not eltwise_sum:
        values = (*values, *(call.kwargs[k] for k in ("input", "other") if k in call.kwargs))[:2]
        alpha = float(call.kwargs.get("alpha", 1))
        scales = [-alpha, 1.0] if call.name == "rsub" else [1.0, alpha * _SIGNS[call.name]]
    kept = [i for i, value in enumerate(values) if _carries(value) and value.dim()]
    return [values[i] for i in kept], [scales[i] for i in kept]


def _carries(value: Any) -> bool:
    """Whether relevance may pass to this operand."""
    return isinstance(value, torch.Tensor) and value.requires_grad and depends_on_image(value)
