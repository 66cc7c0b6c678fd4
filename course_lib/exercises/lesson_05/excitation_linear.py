"""A linear layer; backward, the inputs share the relevance p of the outputs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd import Function

from ..engine.exercise import Exercise, Mistakes, Outcome
from ..engine.probes import call, close, pull
from . import LESSON
from .shared import (
    NOTHING_FOR_THEM,
    SMALL,
    PassReLU,
    activations,
    all_handed_on,
    given_to,
    in_the_network,
    note_finite,
    numbers,
    shared,
)


class ExcitationLinear(Function):
    """A linear layer; backward, the inputs share the relevance p of the outputs.

    The library's own (`course_lib.attribution.rules.excitation`) also takes inputs that are
    negative, half precision, and any linear operation.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        ctx.save_for_backward(x, weight)
        return F.linear(x, weight, bias)

    @staticmethod
    def backward(ctx: Any, p: Tensor) -> Any:
        x, weight = ctx.saved_tensors
        above = weight.clamp(min=0)
        z = x @ above.T
        q = torch.where(z > 0, p / z, 0)
        return x * (q @ above), None, None


def probe_linear(answer: type[Function], rng: torch.Generator) -> Outcome:
    """One layer; two in a row; outputs that nothing excites; outputs of a small z."""
    x, weight, bias = activations(rng, 3, 5), numbers(rng, 4, 5), numbers(rng, 4)
    weight[:, 0] = weight[:, 0].abs() + 0.5
    p = numbers(rng, 3, 4)
    kept = weight.clone()
    outcome: Outcome = {}
    leaf = x.clone().requires_grad_()
    y = call(answer.apply, leaf, weight, bias)
    outcome["forward: the output"] = y.detach() if isinstance(y, Tensor) else y
    shares = pull(answer, y, {"x": leaf}, p)["x"]
    outcome["backward: relevance of the inputs"] = shares
    outcome["the weights are as before"] = torch.equal(weight, kept)
    weight = kept.clone()
    outcome["each image keeps its relevance"] = close(shares.sum(1), p.sum(1))

    hidden = call(answer.apply, leaf, weight, bias).relu() + 0.1
    above = numbers(rng, 2, 4).abs()
    y = call(answer.apply, hidden, above, None)
    outcome["forward: the output without a bias"] = y.detach()
    outcome["relevance of the inputs of two layers, one after the other"] = pull(
        answer, y, {"x": leaf}, numbers(rng, 3, 2)
    )["x"]
    trained = weight.clone().requires_grad_(), bias.clone().requires_grad_()
    outcome[NOTHING_FOR_THEM] = given_to(answer.apply(leaf, *trained), trained)

    hardly = answer.apply(SMALL * leaf, weight, None)
    shares = pull(answer, hardly, {"x": leaf}, p.abs())["x"] / SMALL
    outcome["outputs that are excited by little hand on all that they have"] = all_handed_on(
        shares, p.abs()
    )
    # output 2 has no weights that excite, and of output 3 the one that does has silent inputs
    x[:, 1] = 0
    leaf = x.clone().requires_grad_()
    weight[2:] = -weight[2:].abs()
    weight[3, 1] = 3.0
    y = answer.apply(leaf, weight, None)
    shares = pull(answer, y, {"x": leaf}, p)["x"]
    note_finite(outcome, "relevance when nothing excites outputs 2 and 3", shares)
    return outcome


def classifier(answer: type[Function], rng: torch.Generator) -> Outcome:
    """As the rule of a network's classifier."""
    return in_the_network({F.linear: answer, F.relu: PassReLU}, rng)


HINTS = [
    "Three lines: z, then p divided by z, then the shares. Each is one matrix product or less.",
    "`x` is (N, J) and `W+` is (I, J), so `x @ above.T` is z, (N, I).",
    "`q = torch.where(z > 0, p / z, 0)`; the sum over i in the formula is `q @ above`, (N, J).",
    "`save_for_backward(x, weight)` in forward; backward returns three things, "
    "`x * (q @ above), None, None`.",
]

mistake = Mistakes()


def _linear(
    backward: Callable[[Tensor, Tensor, Tensor, Tensor | None], Any],
    forward: Callable[..., Tensor] = F.linear,
) -> type[Function]:
    """The autograd function of a linear layer with backward(p, x, weight, y), y its output."""

    class Linear(Function):
        @staticmethod
        def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
            y = forward(x, weight, bias)
            ctx.save_for_backward(x, weight, y)
            return y

        @staticmethod
        def backward(ctx: Any, p: Tensor) -> Any:
            x, weight, y = ctx.saved_tensors
            return backward(p, x, weight, y)

    return Linear


def _all_weights_batch(p, x, weight):
    z = x @ weight.T
    return x * (torch.where(z > 0, p / z, 0) @ weight)


mistake(
    "The negative weights take part. Only the positive part excites: "
    "`weight.clamp(min=0)`, in z and in the shares."
)(_linear(lambda p, x, weight, y: (_all_weights_batch(p, x, weight), None, None)))


def _divided_by(below: Callable[[Tensor, Tensor, Tensor], Tensor]) -> type[Function]:
    """Shares by the positive weights, with below(x, weight, y) for z."""

    def backward(p, x, weight, y):
        z = below(x, weight, y)
        return x * (torch.where(z > 0, p / z, 0) @ weight.clamp(min=0)), None, None

    return _linear(backward)


mistake(
    "You divide by the layer's output, which has the negative weights and the bias in it. "
    "z is made of the positive weights alone."
)(_divided_by(lambda x, weight, y: y))

mistake(
    "z has the bias in it. Nobody contributed the bias: z is made of the inputs and the "
    "positive weights alone."
)(_divided_by(lambda x, weight, y: x @ weight.clamp(min=0).T + (y - x @ weight.T)))

mistake(
    "You cut z off at 0 after adding everything up. Cut each weight first, then add: "
    "`x @ weight.clamp(min=0).T`."
)(_divided_by(lambda x, weight, y: (x @ weight.T).relu()))


def _shares_of(p, x, z, weight):
    return x * (torch.where(z > 0, p / z, 0) @ weight.clamp(min=0)), None, None


def _not_transposed(p, x, weight, y):
    return _shares_of(p, x, x @ weight.clamp(min=0), weight)


mistake(
    "For z the weights must be transposed: x is (N, J) and W is (I, J), so z = x @ W+.T is (N, I)."
)(_linear(_not_transposed))


def _transposed_twice(p, x, weight, y):
    above = weight.clamp(min=0)
    return x * ((p / (x @ above.T)) @ above.T), None, None


mistake(
    "z needs the transposed weights, the way down does not: q is (N, I) and W is (I, J), "
    "so q @ W+ is (N, J)."
)(_linear(_transposed_twice))


@mistake(
    "In `backward` nothing is there to unpack. What it needs must be saved in `forward`: "
    "`ctx.save_for_backward(x, weight)`."
)
class _SavesNothing(Function):
    @staticmethod
    def forward(ctx, x, weight, bias):
        return F.linear(x, weight, bias)

    @staticmethod
    def backward(ctx, p):
        x, weight = ctx.saved_tensors
        return shared(x, weight, p), None, None


def _without_x_batch(p, x, weight):
    above = weight.clamp(min=0)
    z = x @ above.T
    return torch.where(z > 0, p / z, 0) @ above


mistake(
    "The factor x is missing: you hand on q times W+. An input that is silent has "
    "contributed nothing."
)(_linear(lambda p, x, weight, y: (_without_x_batch(p, x, weight), None, None)))

mistake("You don't divide by z: these are contributions, not shares, and they don't add up to p.")(
    _linear(lambda p, x, weight, y: (x * (p @ weight.clamp(min=0)), None, None))
)

mistake("That is the ordinary gradient of a linear layer.")(
    _linear(lambda p, x, weight, y: (p @ weight, None, None))
)


def _no_guard_batch(p, x, weight):
    above = weight.clamp(min=0)
    return x * ((p / (x @ above.T)) @ above)


mistake(
    "Where nothing excites an output, z is 0 and p / z is infinite or not a number. "
    "`torch.where(z > 0, p / z, 0)` hands on 0 there."
)(_linear(lambda p, x, weight, y: (_no_guard_batch(p, x, weight), None, None)))


def _rule(p, x, weight, y):
    return shared(x, weight, p), None, None


mistake(
    "Forward must stay the layer that it is, with all weights: the network's scores may "
    "not change. Only the way back uses the positive part."
)(_linear(_rule, lambda x, weight, bias: F.linear(x, weight.clamp(min=0), bias)))

mistake("The bias is gone from the forward pass. It gets no relevance, but the network needs it.")(
    _linear(_rule, lambda x, weight, bias: F.linear(x, weight))
)

mistake(
    "`backward` returns one gradient for each argument of `forward`: for x the shares, and "
    "None for weight and bias."
)(_linear(lambda p, x, weight, y: shared(x, weight, p)))


def _clamps_the_weight(p, x, weight, y):
    weight.data.clamp_(min=0)
    return shared(x, weight, p), None, None


mistake("You changed the weights themselves. They belong to the network: `clamp`, not `clamp_`.")(
    _linear(_clamps_the_weight)
)


@mistake(
    "`x` and `weight` are kept in the class, which all its calls share: the second layer's take "
    "the place of the first's. Each call has a `ctx` of its own: "
    "`ctx.save_for_backward(x, weight)`."
)
class _KeptInTheClass(Function):
    kept: Any = None

    @classmethod
    def keep(cls, *kept: Tensor) -> None:
        _KeptInTheClass.kept = kept

    @staticmethod
    def forward(ctx, x, weight, bias):
        _KeptInTheClass.keep(x, weight)
        return F.linear(x, weight, bias)

    @staticmethod
    def backward(ctx, p):
        x, weight = _KeptInTheClass.kept
        return shared(x, weight, p), None, None


mistake("`bias` may be None, and None can't be added: `F.linear(x, weight, bias)` knows that.")(
    _linear(_rule, lambda x, weight, bias: x @ weight.T + bias)
)

mistake(
    "The weights get a gradient. They have no part in the relevance: `backward` returns None for "
    "the weight and for the bias."
)(_linear(lambda p, x, weight, y: (shared(x, weight, p), p.T @ x, p.sum(0))))

mistake(
    "Relevance may be negative too, as in section 7. You cut it off at 0; hand it on as it is."
)(_linear(lambda p, x, weight, y: (shared(x, weight, p.clamp(min=0)), None, None)))

EXERCISE = Exercise(
    name="excitation_linear",
    lesson=LESSON.id,
    after="excitation_by_hand",
    points=2,
    answer="ExcitationLinear",
    reference=ExcitationLinear,
    probe=probe_linear,
    then=classifier,
    mistakes=mistake,
    hints=HINTS,
)
