"""a + b; backward, each gets its share |a| / (|a| + |b|) of p, and nothing of 0 + 0."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd import Function

from course_lib.attribution.rules.backward_rules import BackwardRules

from ..engine.exercise import Exercise, Mistakes, Outcome
from ..engine.probes import call, close, pull
from . import LESSON
from .excitation import Excitation
from .shared import SMALL, PassReLU, all_handed_on, note_finite, numbers, table


class ExcitationSum(Function):
    """a + b; backward, each gets its share |a| / (|a| + |b|) of p, and nothing of 0 + 0."""

    @staticmethod
    def forward(ctx: Any, a: Tensor, b: Tensor) -> Tensor:
        ctx.save_for_backward(a, b)
        return a + b

    @staticmethod
    def backward(ctx: Any, p: Tensor) -> Any:
        a, b = ctx.saved_tensors
        total = a.abs() + b.abs()
        q = torch.where(total > 0, p / total, 0)
        return a.abs() * q, b.abs() * q


def _terms(rng: torch.Generator, *shape: int) -> Tensor:
    """Numbers of both signs, none of them near 0."""
    t = numbers(rng, *shape)
    return t + 0.1 * t.sign()


def probe_sum(answer: type[Function], rng: torch.Generator) -> Outcome:
    """Two terms of either sign; both 0, or opposite; three terms in two sums; tiny ones."""
    a, b, p = _terms(rng, 2, 3, 4), _terms(rng, 2, 3, 4), numbers(rng, 2, 3, 4)
    outcome: Outcome = {}
    for case in ("", " where both are 0 or cancel"):
        if case:
            a[:, 0], b[:, 0] = 0, 0
            b[:, 1] = -a[:, 1]
        leaves = {"a": a.clone().requires_grad_(), "b": b.clone().requires_grad_()}
        y = call(answer.apply, *leaves.values())
        outcome[f"forward: the sum{case}"] = y.detach() if isinstance(y, Tensor) else y
        shares = pull(answer, y, leaves, p)
        for term, share in shares.items():
            note_finite(outcome, f"backward: relevance of {term}{case}", share)
        if not case:
            outcome["the two add up to p"] = close(shares["a"] + shares["b"], p)

    leaves["c"] = _terms(rng, 2, 3, 4).requires_grad_()
    y = answer.apply(answer.apply(leaves["a"], leaves["b"]), leaves["c"])
    for term, share in pull(answer, y, leaves, p).items():
        note_finite(outcome, f"relevance of {term} in (a + b) + c, two sums", share)

    tiny = {term: (SMALL * _terms(rng, 2, 3)).requires_grad_() for term in "ab"}
    p = numbers(rng, 2, 3).abs()
    shares = pull(answer, answer.apply(*tiny.values()), tiny, p)
    outcome["tiny terms get all of p too"] = all_handed_on(shares["a"] + shares["b"], p)
    return outcome


def residual_blocks(answer: type[Function], rng: torch.Generator) -> Outcome:
    """The relevance at the bottom of two residual blocks with ReLUs that work in place."""
    x = numbers(rng, 2, 3, 4, 5)
    filters = [numbers(rng, 3, 3, 1, 1) for _ in range(2)]
    with BackwardRules(
        {torch.add: answer, F.relu: PassReLU, F.conv2d: table(Excitation)[F.conv2d]}
    ):
        leaf = out = x.abs().requires_grad_()
        for weight in filters:
            shortcut = out
            out = F.conv2d(out, weight, None)
            out += shortcut
            out = F.relu(out, inplace=True)
    (relevance,) = torch.autograd.grad((out * numbers(rng, 2, 3, 4, 5)).sum(), leaf)
    outcome: Outcome = {}
    note_finite(outcome, "the relevance at the bottom of two residual blocks", relevance)
    return outcome


HINTS = [
    "The same idea as before: who contributed how much? Here there are two contributors, "
    "and their contributions are |a| and |b|.",
    "`total = a.abs() + b.abs()`, and p divided by it where it is not 0.",
    "`q = torch.where(total > 0, p / total, 0)`, then `return a.abs() * q, b.abs() * q`.",
]

mistake = Mistakes()


def _sum(backward: Callable[[Tensor, Tensor, Tensor], Any]) -> type[Function]:
    """The autograd function of a + b with backward(p, a, b)."""

    class Sum(Function):
        @staticmethod
        def forward(ctx: Any, a: Tensor, b: Tensor) -> Tensor:
            ctx.save_for_backward(a, b)
            return a + b

        @staticmethod
        def backward(ctx: Any, p: Tensor) -> Any:
            return backward(p, *ctx.saved_tensors)

    return Sum


mistake(
    "Both get all of p: that is the ordinary gradient of a sum, and the relevance has doubled."
)(_sum(lambda p, a, b: (p.clone(), p.clone())))

mistake("Each gets a half, however much it contributed. Share by magnitude.")(
    _sum(lambda p, a, b: (p / 2, p / 2))
)


def _weighted(strength: Callable[[Tensor], Tensor]) -> type[Function]:
    """Shares of a and b in proportion to their strength."""

    def backward(p, a, b):
        a, b = strength(a), strength(b)
        q = torch.where(a + b != 0, p / (a + b), 0)
        return a * q, b * q

    return _sum(backward)


mistake(
    "You share by a / (a + b). When a = 3 and b = -2 that gives a three times p, and b "
    "minus twice p: take magnitudes, |a| / (|a| + |b|)."
)(_weighted(lambda t: t))

mistake(
    "You share by a / (a + b). When a = 3 and b = -2 that gives a three times p, and where both "
    "are 0 it divides by 0: take magnitudes, and 0 where their sum is 0."
)(_sum(lambda p, a, b: (a / (a + b) * p, b / (a + b) * p)))

mistake(
    "You count the positive parts alone. Then a sum of two negative terms loses all its "
    "relevance: take magnitudes."
)(_weighted(lambda t: t.clamp(min=0)))

mistake("You share by the squares, which favours the larger term. Take magnitudes.")(
    _weighted(lambda t: t.square())
)


def _divides_by_zero(p, a, b):
    total = a.abs() + b.abs()
    return p * a.abs() / total, p * b.abs() / total


mistake(
    "Where a and b are both 0 you divide by 0. The shares are 0 there: "
    "`torch.where(total > 0, p / total, 0)`."
)(_sum(_divides_by_zero))


def _what_is_left(p, a, b):
    total = a.abs() + b.abs()
    share = torch.where(total > 0, a.abs() / total, 0)
    return p * share, p * (1 - share)


mistake(
    "You give b what a leaves, p less a's share. Where both are 0 that would be all of p: "
    "compute b's share in the same way as a's."
)(_sum(_what_is_left))


def _of_the_other(p, a, b):
    total = a.abs() + b.abs()
    q = torch.where(total > 0, p / total, 0)
    return b.abs() * q, a.abs() * q


mistake("The shares are swapped: a gets what is b's.")(_sum(_of_the_other))


def _over(first, second, total):
    return torch.where(total > 0, first / total, 0), torch.where(total > 0, second / total, 0)


mistake(
    "You divide by |a + b|. Where the two nearly cancel that is tiny, and the shares are "
    "larger than p. Take the magnitudes first, then add: |a| + |b|."
)(_sum(lambda p, a, b: _over(p * a.abs(), p * b.abs(), (a + b).abs())))

mistake(
    "The signs are still there above the line: a negative term would get negative "
    "relevance. Take |a| and |b| there too."
)(_sum(lambda p, a, b: _over(p * a, p * b, a.abs() + b.abs())))

mistake("These are the shares themselves. What is shared is p: multiply by it.")(
    _sum(lambda p, a, b: _over(a.abs(), b.abs(), a.abs() + b.abs()))
)

mistake("`backward` returns one gradient for each argument of `forward`: two, for a and for b.")(
    _sum(lambda p, a, b: p * a.abs() / (a.abs() + b.abs()))
)


@mistake(
    "a and b are kept in the class, which all its calls share: the second sum's take the place of "
    "the first's. Each call has a `ctx` of its own: `ctx.save_for_backward(a, b)`."
)
class _KeptInTheClass(Function):
    kept: Any = None

    @staticmethod
    def forward(ctx, a, b):
        _KeptInTheClass.kept = a, b
        return a + b

    @staticmethod
    def backward(ctx, p):
        a, b = _KeptInTheClass.kept
        total = a.abs() + b.abs()
        q = torch.where(total > 0, p / total, 0)
        return a.abs() * q, b.abs() * q


mistake("Relevance may be negative too. You cut it off at 0; share it as it is.")(
    _sum(
        lambda p, a, b: _over(p.clamp(min=0) * a.abs(), p.clamp(min=0) * b.abs(), a.abs() + b.abs())
    )
)

mistake("All goes to the larger of the two. Each gets its share, |a| / (|a| + |b|) and |b| / ...")(
    _sum(
        lambda p, a, b: (
            torch.where(a.abs() > b.abs(), p, 0),
            torch.where(a.abs() > b.abs(), 0, p),
        )
    )
)

EXERCISE = Exercise(
    name="excitation_sum",
    lesson=LESSON.id,
    after="relevance_at",
    points=2,
    answer="ExcitationSum",
    reference=ExcitationSum,
    probe=probe_sum,
    then=residual_blocks,
    mistakes=mistake,
    hints=HINTS,
)
