"""How an output's relevance is shared among the inputs that made it: rules as data.

p'_j = sum_i c_ij / z_i p_i, with c_ij what input j contributes to z_i. A rule says how z is formed.
It is linear in the inputs, or in parts of them; so by Euler's theorem the contribution of x to z is
x dz/dx, and one autograd function does for everything that shares.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import add
from typing import Any

import torch
from torch.autograd.function import once_differentiable

from .calls import is_in_place, operation_name

Operation = Callable[..., Any]
Of = Callable[[torch.Tensor], torch.Tensor]
Lose = Callable[[str, torch.Tensor], None]
Divided = tuple[list[torch.Tensor], torch.Tensor | None]

# What zennit adds to |z| as well.
STABILISER = 1e-6
# A megabyte of the weights at a time, for each image: what is read once stays in the cache.
_WEIGHTS_AT_ONCE = 2**18


def same(t: torch.Tensor) -> torch.Tensor:
    return t


def above(t: torch.Tensor) -> torch.Tensor:
    return t.clamp(min=0)


def below(t: torch.Tensor) -> torch.Tensor:
    return t.clamp(max=0)


@dataclass(frozen=True)
class Portion:
    """Some of an output's relevance, and how it is shared: z = sum of g(W) f(x), plus h(b).

    Attributes:
        pairs: (f, g).
        bias: h; what is the bias's share is lost. None leaves the bias out.
        factor: how many times the relevance this portion is.
        sign: 1 or -1 for those outputs only where W x + b has this sign; 0 for all.
    """

    pairs: tuple[tuple[Of, Of], ...]
    bias: Of | None = None
    factor: float = 1
    sign: int = 0


@dataclass(frozen=True)
class LinearRule:
    """How the outputs of linear layers and convolutions share their relevance.

    Attributes:
        portions: what the relevance is divided into.
        epsilon: what is added to |z|; None for 0 / 0 = 0, and p lost where z = 0.
    """

    portions: tuple[Portion, ...]
    epsilon: float | None = STABILISER


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


def divide(
    excite: Operation,
    inputs: Sequence[torch.Tensor],
    p: torch.Tensor,
    epsilon: float | None = None,
) -> Divided:
    """What each input gets of p, and that part of p to which none contributed (None for none).

    Args:
        excite: from the inputs to z.
        inputs: x; their shares are x (dz/dx)^T (p / z).
        p: relevance, of the shape of z.
        epsilon: see `LinearRule`.
    """
    with torch.enable_grad():
        leaves = [x.detach().requires_grad_() for x in inputs]
        z = excite(*leaves)
    quotient, left = _over(p, z.detach(), epsilon)
    pulled = torch.autograd.grad(z, leaves, quotient.to(z.dtype))
    shares = [x.detach() * g for x, g in zip(leaves, pulled, strict=True)]
    return shares, left if left is not None and bool(left.any()) else None


def _over(
    p: torch.Tensor, z: torch.Tensor, epsilon: float | None
) -> tuple[torch.Tensor, torch.Tensor | None]:
    """p / z, and p where z is 0. Denormal numbers count as 0, since p / z would overflow."""
    if epsilon is not None:
        return p / torch.copysign(z.new_tensor(epsilon), z).add_(z), None
    least, tiny = float(z.amin()), torch.finfo(z.dtype).tiny
    if least > tiny:
        return p / z, None
    nothing = (z.abs() if least < 0 else z) <= tiny
    return p / z.masked_fill(nothing, torch.inf), p * nothing


class Sharing:
    """How one operation divides its outputs' relevance among its inputs.

    Args:
        name: what messages call it.
        lose: called with the name and the relevance that no input takes.
        excite: from the inputs to z.
        magnitude: from the inputs to the z that divides what `excite` left over, if any.
        epsilon: see `LinearRule`.
    """

    def __init__(
        self,
        name: str,
        lose: Lose,
        excite: Operation,
        magnitude: Operation | None = None,
        epsilon: float | None = None,
    ) -> None:
        self.name, self.lose, self.excite = name, lose, excite
        self.magnitude, self.epsilon = magnitude, epsilon

    def __call__(self, inputs: list[torch.Tensor], p: torch.Tensor) -> list[torch.Tensor]:
        shares, left = self.divide(inputs, p)
        if left is not None and self.magnitude is not None:
            more, left = divide(self.magnitude, inputs, left)
            shares = [a + b for a, b in zip(shares, more, strict=True)]
        if self.epsilon is not None:
            left = reduce(torch.sub, map(_by_image, shares), _by_image(p))
        if left is not None:
            self.lose(self.name, left)
        return shares

    def divide(self, inputs: list[torch.Tensor], p: torch.Tensor) -> Divided:
        return divide(self.excite, inputs, p, self.epsilon)


class LinearSharing(Sharing):
    """A linear layer or convolution by a `LinearRule`.

    The weights are read when the relevance passes, so that those negated behind autograd's back
    (`weight.data.neg_()`, as code written for TorchRay does) are not missed.

    Args:
        rule: how z is formed.
        excite: (x, W, b) -> W x + b.
        weight, bias: W and b, None for no bias.

    Attributes:
        scale: what the weights are multiplied by: -1 to share as if they were negated.
        foldable: whether what follows for each channel may be folded into it.
    """

    scale: float | torch.Tensor = 1.0
    foldable = False

    def __init__(
        self,
        name: str,
        lose: Lose,
        rule: LinearRule,
        excite: Operation,
        weight: torch.Tensor,
        bias: torch.Tensor | None = None,
    ) -> None:
        super().__init__(name, lose, excite, epsilon=rule.epsilon)
        self.rule, self.weight, self.bias = rule, weight, bias

    def count_by_magnitude(self) -> None:
        """Have what no input excites shared by those that inhibit it."""
        apply, weight = self.excite, self.weight
        self.magnitude = lambda x: apply(x.abs(), _wide(weight).abs(), None)

    def fold(self, scale: torch.Tensor, shift: torch.Tensor) -> None:
        """Take the outputs for scale (W x + b) + shift, for each channel."""
        self.scale = _wide(scale).view(-1, *[1] * (self.weight.dim() - 1))
        bias = 0 if self.bias is None else _wide(self.bias)
        self.bias = _wide(scale) * bias + _wide(shift)
        self.foldable = False

    def divide(self, inputs: list[torch.Tensor], p: torch.Tensor) -> Divided:
        (x,) = inputs
        bias = None if self.bias is None else _wide(self.bias)
        positive = None
        found: list[Divided] = []
        for portion in self.rule.portions:
            its = p
            if portion.sign:
                if positive is None:
                    positive = self.excite(x, self._scaled(), bias) >= 0
                its = p * (positive if portion.sign > 0 else ~positive)
                if not bool(its.any()):
                    continue
            (share,), left = self._divide(portion, x, bias, its)
            found.append(([share if portion.factor == 1 else share * portion.factor], left))
        shares = [share for (share,), _ in found]
        lefts = [left for _, left in found if left is not None]
        return (
            [reduce(add, shares) if shares else torch.zeros_like(x)],
            reduce(add, lefts) if lefts else None,
        )

    def _divide(
        self, portion: Portion, x: torch.Tensor, bias: torch.Tensor | None, p: torch.Tensor
    ) -> Divided:
        pairs = portion.pairs
        if bool(x.amin() >= 0):
            pairs = tuple((same if f is above else f, g) for f, g in pairs if f is not below)
        b = None if portion.bias is None or bias is None else portion.bias(bias)
        parts = [f(x) for f, _ in pairs]
        if x.dim() == self.weight.dim() == 2 and x.device.type == "cpu":
            return self._divide_dense(parts, [g for _, g in pairs], b, p)
        w = self._scaled()
        weights = [g(w) for _, g in pairs]

        def excite(*us: torch.Tensor) -> torch.Tensor:
            biases = [b, *[None] * (len(us) - 1)]
            return reduce(add, map(self.excite, us, weights, biases))

        shares, left = divide(excite, parts, p, self.epsilon)
        return [reduce(add, shares)], left

    def _divide_dense(
        self, parts: list[torch.Tensor], of: list[Of], b: torch.Tensor | None, p: torch.Tensor
    ) -> Divided:
        """`divide` for N x J inputs, reading once those rows of W that have relevance.

        A classifier's weights are the bulk of many a network, and of its time for one image.
        """
        pulled, left = [torch.zeros_like(u) for u in parts], torch.zeros_like(p)
        active = p.any(0).nonzero()[:, 0]
        rows_at_once = max(8, _WEIGHTS_AT_ONCE // self.weight.shape[1]) * len(p)
        for rows in active.split(rows_at_once) if len(active) else ():
            some = self._scaled(rows)
            weights = [g(some) for g in of]
            z = reduce(add, (u @ w.t() for u, w in zip(parts, weights, strict=True)))
            quotient, nothing = _over(p[:, rows], z if b is None else z + b[rows], self.epsilon)
            if nothing is not None:
                left[:, rows] = nothing
            for total, w in zip(pulled, weights, strict=True):
                total.addmm_(quotient, w)
        share = reduce(add, (u * g for u, g in zip(parts, pulled, strict=True)))
        return [share], left if bool(left.any()) else None

    def _scaled(self, rows: Any = slice(None)) -> torch.Tensor:
        scale = self.scale
        w = _wide(self.weight.detach()[rows])
        if isinstance(scale, torch.Tensor):
            return w * scale[rows]
        return w if scale == 1 else w * scale


def _by_image(t: torch.Tensor) -> torch.Tensor:
    return t.reshape(len(t), -1).sum(1)


def _wide(t: torch.Tensor) -> torch.Tensor:
    """Half precision holds neither p / z for a small z nor a sum of many small shares."""
    t = t.detach()
    return t if t.dtype in (torch.float32, torch.float64) else t.float()
