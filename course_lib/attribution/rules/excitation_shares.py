"""How one operation divides the relevance of its outputs among its inputs.

Each is an autograd function whose forward is the operation itself and whose "gradient" is the
relevance p. Shares are never negative (but for the signed sum), and those of one output add up to
its p; an output to which nothing contributed has nobody to hand its p to, and loses it.

No copy of the weights' positive part is kept between calls: forming it again takes 2 % of a
network's time, and a weight changed behind autograd's back (`weight.data.neg_()`, as code written
for TorchRay does between its two contrastive passes) is then never missed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch.autograd.function import once_differentiable
from torch.utils.weak import WeakTensorKeyDictionary

from .excitation_graph import RelevanceFunction, is_linear_layer

Run = Callable[[], torch.Tensor]

# A megabyte of the weights at a time: what is read once stays in the cache until it is done with.
_ROWS_AT_ONCE = 2**18


@dataclass
class Relevance:
    """What the rules of one context share.

    Attributes:
        residual: how `+` shares: "magnitude", "signed" or "branch".
        untracked: activations below the layer at which the backward pass ends, which require no
            gradient, but have their share in a sum.
        names: id of a weight -> what messages call its layer.
        keep: whether layers keep what the next backward pass through the same graph needs again.
        lost: name -> relevance that was lost there, one number per row of the batch.
    """

    residual: str = "magnitude"
    untracked: WeakTensorKeyDictionary = field(default_factory=WeakTensorKeyDictionary)
    names: dict[int, str] = field(default_factory=dict)
    keep: bool = False
    lost: dict[str, torch.Tensor] = field(default_factory=dict)

    def lose(self, name: str, amount: torch.Tensor) -> None:
        """Note relevance lost at `name`; `amount` has the shape of the operation's output."""
        rows = amount.detach().reshape(len(amount), -1).sum(1) if amount.dim() else amount[None]
        if not bool(rows.any()):
            return
        earlier = self.lost.get(name)
        if earlier is not None and earlier.shape == rows.shape:
            rows = rows + earlier
        self.lost[name] = rows


@contextmanager
def own_arithmetic(x: torch.Tensor) -> Iterator[None]:
    """Within a backward pass: no rules, no autocast, and a graph of one's own."""
    with (
        torch._C.DisableTorchFunction(),
        torch.autocast(x.device.type, enabled=False),
        torch.enable_grad(),
    ):
        yield


def wide(t: torch.Tensor) -> torch.Tensor:
    """Half precision holds neither p / z for a small z nor a sum of many small shares."""
    t = t.detach()
    return t if t.dtype in (torch.float32, torch.float64) else t.float()


def infinite_where_nothing(z: torch.Tensor) -> torch.Tensor | None:
    """Replace zeros of z by infinity, in place, so that p / z is 0 there; return where.

    Denormal numbers count as zero, since p / z would overflow. One comparison of the smallest
    entry is most often all that it costs, where `torch.where(z > 0, p / z, 0)` takes four passes.
    """
    tiny = torch.finfo(z.dtype).tiny
    if bool(z.amin() > tiny):
        return None
    nothing = z <= tiny
    z.masked_fill_(nothing, torch.inf)
    return nothing


class _Contributions:
    """z = sum_k A_k u_k for maps A_k and parts u_k, all products non-negative; shares u_k A_k^T."""

    def __init__(self, terms: Sequence[tuple[Callable[..., torch.Tensor], torch.Tensor]]) -> None:
        self.parts = [part.detach().requires_grad_() for _, part in terms]
        outputs = [run(part) for (run, _), part in zip(terms, self.parts, strict=True)]
        self.z = outputs[0] if len(outputs) == 1 else outputs[0] + outputs[1]
        self.denominator = self.z.detach()
        self.nothing = infinite_where_nothing(self.denominator)

    def shares(self, p: torch.Tensor, keep: bool) -> torch.Tensor:
        q = p / self.denominator
        pulled = torch.autograd.grad(self.z, self.parts, q, retain_graph=keep)
        shares = [u.detach() * g for u, g in zip(self.parts, pulled, strict=True)]
        return shares[0] if len(shares) == 1 else shares[0] + shares[1]

    def lost(self, p: torch.Tensor) -> torch.Tensor | None:
        """That part of p to which nothing contributed; None when it is none."""
        return None if self.nothing is None else p * self.nothing


class LinearMap:
    """A linear layer without its bias.

    Args:
        apply: (x, w) -> W x, for `F.linear` or any convolution.
        weight: the layer's weights, read when the relevance passes.
        name: what messages call the layer.
        dense: whether `apply` is `F.linear`.
        key: the tensor that the model knows the weights as.

    Attributes:
        contrasted: hand down what the layer would hand down minus what it would hand down with
            its weights negated.
        by_magnitude: a unit that no input excites has its relevance shared by those that inhibit
            it; see `count_by_magnitude`.
    """

    def __init__(
        self,
        apply: Callable[[torch.Tensor, torch.Tensor], torch.Tensor],
        weight: torch.Tensor,
        name: str,
        *,
        dense: bool = False,
        key: torch.Tensor | None = None,
    ) -> None:
        self.apply = apply
        self.weight = weight
        self.name = name
        self.dense = dense
        self.key = id(weight if key is None else key)
        self.contrasted = False
        self.by_magnitude = False
        self._kept: dict[bool, _Contributions] = {}

    def shares(
        self, x: torch.Tensor, p: torch.Tensor, *, negated: bool = False, keep: bool = False
    ) -> tuple[torch.Tensor, torch.Tensor | None]:
        """The relevance of the inputs x, and that part of p which was lost (None for none)."""
        shares, lost = self._excited(x, p, negated, keep)
        if lost is None or not self.by_magnitude or self.contrasted or not bool(lost.any()):
            return shares, lost
        w = wide(self.weight).abs()
        either = _Contributions([(lambda u: self.apply(u, w), x.abs())])
        return shares + either.shares(lost, keep=False), either.lost(lost)

    def _excited(
        self, x: torch.Tensor, p: torch.Tensor, negated: bool, keep: bool
    ) -> tuple[torch.Tensor, torch.Tensor | None]:
        if self.dense:
            return _dense_shares(x, wide(self.weight), p, negated)
        held = self._kept.get(negated)
        if held is None:
            held = self._contributions(x, negated)
            if keep:
                self._kept[negated] = held
        return held.shares(p, keep), held.lost(p)

    def _contributions(self, x: torch.Tensor, negated: bool) -> _Contributions:
        w = wide(self.weight)
        if negated:
            w = -w
        above = w.clamp(min=0)
        if bool(x.amin() >= 0):
            return _Contributions([(lambda u: self.apply(u, above), x)])
        below = w.clamp(max=0)
        return _Contributions(
            [
                (lambda u: self.apply(u, above), x.clamp(min=0)),
                (lambda u: self.apply(u, below), x.clamp(max=0)),
            ]
        )


def _dense_shares(
    x: torch.Tensor, w: torch.Tensor, p: torch.Tensor, negated: bool
) -> tuple[torch.Tensor, torch.Tensor | None]:
    """The same for z = W x, reading each row of W once, and only those rows that have relevance.

    The weights of a classifier are the bulk of many a network, and of its time for one image.
    """
    flat_x, flat_p = x.reshape(-1, x.shape[-1]), p.reshape(-1, p.shape[-1])
    rows = flat_p.any(0).nonzero()[:, 0]
    signed = bool(x.amin() < 0)
    parts = [flat_x.clamp(min=0), flat_x.clamp(max=0)] if signed else [flat_x]
    pulled = [torch.zeros_like(part) for part in parts]
    lost = None
    few = len(flat_x) <= 8 and w.device.type == "cpu"
    step = max(8, _ROWS_AT_ONCE // w.shape[1]) if few else max(1, len(rows))
    for chosen in rows.split(step) if len(rows) else ():
        some = w[chosen]
        if negated:
            some.neg_()
        matrices = [some.clamp(min=0), some.clamp_(max=0)] if signed else [some.clamp_(min=0)]
        z = flat_x.new_zeros(len(flat_x), len(chosen))
        for part, matrix in zip(parts, matrices, strict=True):
            z.addmm_(part, matrix.t())
        above = flat_p[:, chosen]
        nothing = infinite_where_nothing(z)
        if nothing is not None:
            lost = torch.zeros_like(flat_p) if lost is None else lost
            lost[:, chosen] = above * nothing
        q = above / z
        for target, matrix in zip(pulled, matrices, strict=True):
            target.addmm_(q, matrix)
    shares = pulled[0].mul_(parts[0])
    if signed:
        shares.addcmul_(pulled[1], parts[1])
    return shares.view_as(x), None if lost is None else lost.view_as(p)


class LinearShares(RelevanceFunction):
    """p'_j = x_j sum_i W+_ij p_i / z_i with z = W+ x, for inputs x >= 0, no bias.

    Where the input has negative entries (the image, a linear bottleneck), an input and a weight
    that are both negative excite the unit as well: with x+ = max(x, 0), x- = min(x, 0) and W+, W-
    alike, z = W+ x+ + W- x- and p'_j = x+_j sum_i W+_ij p_i / z_i + x-_j sum_i W-_ij p_i / z_i.
    """

    is_linear_layer = True

    @staticmethod
    def forward(
        ctx: Any, x: torch.Tensor, run: Run, layer: LinearMap, relevance: Relevance
    ) -> torch.Tensor:
        ctx.save_for_backward(x)
        ctx.layer, ctx.relevance = layer, relevance
        return run()

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, p: torch.Tensor) -> Any:
        (x,) = ctx.saved_tensors
        layer, relevance = ctx.layer, ctx.relevance
        with own_arithmetic(x):
            wide_x = wide(x)
            wide_p = wide(p).to(wide_x.dtype)
            shares, lost = layer.shares(wide_x, wide_p, keep=relevance.keep)
            if layer.contrasted:
                shares = shares - layer.shares(wide_x, wide_p, negated=True, keep=relevance.keep)[0]
            elif lost is not None:
                relevance.lose(relevance.names.get(layer.key, layer.name), lost)
        return shares.to(x.dtype), None, None, None


def count_by_magnitude(x: torch.Tensor) -> None:
    """Tell the linear layers that x comes from that its negative units have relevance too.

    After an activation, a unit with relevance is one that was excited. But a BatchNorm may shift a
    negative unit above zero, and a sum or an average counts its terms by magnitude; if such a unit
    has inhibiting inputs only, these made it what it is, and share its relevance.
    """
    waiting: list[Any] = [x.grad_fn]
    seen: set[Any] = set()
    while waiting:
        node = waiting.pop()
        if node is None or node in seen:
            continue
        seen.add(node)
        layer = getattr(node, "layer", None)
        if isinstance(layer, LinearMap):
            layer.by_magnitude = True
        elif getattr(node, "keeps_sign", True) and not is_linear_layer(node):
            waiting.extend(earlier for earlier, _ in node.next_functions)


class AverageShares(RelevanceFunction):
    """p'_j = x_j sum_i A_ij p_i / z_i with z = A x, A >= 0: pooling, mean, resizing.

    An average is taken of feature maps before their BatchNorm too (DenseNet), where a negative sum
    may have relevance. So inputs x+ share what is theirs, and an average of inputs that are all
    negative is shared by their magnitude.
    """

    @staticmethod
    def forward(
        ctx: Any,
        x: torch.Tensor,
        run: Run,
        average: Callable[[torch.Tensor], torch.Tensor],
        name: str,
        relevance: Relevance,
    ) -> torch.Tensor:
        ctx.save_for_backward(x)
        ctx.average, ctx.name, ctx.relevance = average, name, relevance
        ctx.keeps_sign = False
        count_by_magnitude(x)
        return run()

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, p: torch.Tensor) -> Any:
        (x,) = ctx.saved_tensors
        with own_arithmetic(x):
            wide_x = wide(x)
            wide_p = wide(p).to(wide_x.dtype)
            signed = bool(wide_x.amin() < 0)
            above = _Contributions([(ctx.average, wide_x.clamp(min=0) if signed else wide_x)])
            shares, lost = above.shares(wide_p, keep=False), above.lost(wide_p)
            if signed and lost is not None:
                either = _Contributions([(ctx.average, wide_x.abs())])
                shares, lost = shares + either.shares(lost, keep=False), either.lost(lost)
            if lost is not None:
                ctx.relevance.lose(ctx.name, lost)
        return shares.to(x.dtype), None, None, None, None


class PassThrough(RelevanceFunction):
    """p' = p, for operations that change each unit by itself: activations, BatchNorm, scaling.

    `keeps_sign` says that a negative unit may have relevance because its output has.
    """

    @staticmethod
    def forward(
        ctx: Any, x: torch.Tensor, run: Run, in_place: bool, keeps_sign: bool
    ) -> torch.Tensor:
        ctx.shape, ctx.keeps_sign = x.shape, keeps_sign
        output = run()
        if in_place:
            ctx.mark_dirty(x)
        return output

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, p: torch.Tensor) -> Any:
        return p.sum_to_size(ctx.shape), None, None, None


class OverConstant(RelevanceFunction):
    """The same for an operation that writes x's result over a constant: `constant += x`."""

    @staticmethod
    def forward(ctx: Any, constant: torch.Tensor, x: torch.Tensor, run: Run) -> torch.Tensor:
        ctx.shape = x.shape
        ctx.mark_dirty(constant)
        return run()

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, p: torch.Tensor) -> Any:
        return None, p.sum_to_size(ctx.shape), None
