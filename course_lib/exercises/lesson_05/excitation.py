"""Any linear operation; backward, the inputs share the relevance p of the outputs."""

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
    SMALL,
    activations,
    all_handed_on,
    in_the_network,
    note_finite,
    numbers,
    table,
)


class Excitation(Function):
    """Any linear operation; backward, the inputs share the relevance p of the outputs.

    `layer(x)` is what the network computes; `positive(x)` is z, the same with its weights' positive
    part and no bias.
    """

    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        layer: Callable[[Tensor], Tensor],
        positive: Callable[[Tensor], Tensor],
    ) -> Tensor:
        ctx.save_for_backward(x)
        ctx.positive = positive
        return layer(x)

    @staticmethod
    def backward(ctx: Any, p: Tensor) -> Any:
        (x,) = ctx.saved_tensors
        with torch.enable_grad():
            u = x.detach().requires_grad_()
            z = ctx.positive(u)
            q = torch.where(z > 0, p / z, 0).detach()
            (pulled,) = torch.autograd.grad((z * q).sum(), u)
        return x * pulled, None, None


def conv_forms(weight: Tensor, bias: Tensor | None, **options: Any) -> tuple[Any, Any]:
    """A convolution as it is, and with its weights' positive part and no bias."""
    above = weight.clamp(min=0)
    return (
        lambda u: F.conv2d(u, weight, bias, **options),
        lambda u: F.conv2d(u, above, None, **options),
    )


def pool_forms(size: int, **options: Any) -> tuple[Any, Any]:
    """Average pooling, which has no negative weights and no bias."""
    return (lambda u: F.avg_pool2d(u, size, **options),) * 2


def probe_excitation(answer: type[Function], rng: torch.Generator) -> Outcome:
    """Several operations; two in a row; outputs that nothing excites; outputs of a small z."""
    x = activations(rng, 2, 3, 7, 6)
    weight, bias = numbers(rng, 4, 3, 3, 3), numbers(rng, 4)
    convolution = conv_forms(weight, bias, stride=2, padding=1)
    # filter 1 has no weights that excite, and in a corner all pixels are dark
    silent = 3 * weight
    silent[1] = -silent[1].abs()
    dark = x.clone()
    dark[:, :, :4, :4] = 0
    cases = {
        "a convolution": (x, convolution),
        "average pooling": (x, pool_forms(2, padding=1)),
        "a convolution with outputs that nothing excites": (dark, conv_forms(silent, None)),
    }
    outcome: Outcome = {}
    for name, (inputs, forms) in cases.items():
        leaf = inputs.clone().requires_grad_()
        y = call(answer.apply, leaf, *forms)
        outcome[f"forward: the output of {name}"] = y.detach() if isinstance(y, Tensor) else y
        p = numbers(rng, *forms[0](x).shape)
        pulled = pull(answer, y, {"x": leaf}, p)["x"]
        note_finite(outcome, f"backward: relevance of the inputs of {name}", pulled)
        if inputs is x:
            outcome[f"relevance is conserved by {name}"] = close(pulled.sum(), p.sum())

    leaf = x.clone().requires_grad_()
    y = answer.apply(answer.apply(leaf, *convolution).relu() + 0.1, *pool_forms(2))
    outcome["relevance of the inputs of a convolution with average pooling after it"] = pull(
        answer, y, {"x": leaf}, numbers(rng, *y.shape)
    )["x"]
    hardly = answer.apply(0.1 * SMALL * leaf, *convolution)
    p = numbers(rng, *hardly.shape).abs()
    shares = pull(answer, hardly, {"x": leaf}, p)["x"] / (0.1 * SMALL)
    outcome["outputs that are excited by little hand on all that they have"] = all_handed_on(
        shares, p
    )
    return outcome


def convolutions(answer: type[Function], rng: torch.Generator) -> Outcome:
    """As the rule of all the linear operations of a network."""
    return in_the_network(table(answer), rng)


HINTS = [
    "The same three steps as in the linear layer: z, q, shares. z comes from "
    "`ctx.positive`, and the product with W+ transposed from autograd.",
    "A function can be kept in ctx as an attribute: `ctx.positive = positive`. Tensors go "
    "through `save_for_backward`.",
    "In backward: `with torch.enable_grad():`, `u = x.detach().requires_grad_()`, and "
    "`z = ctx.positive(u)`.",
    "`q = torch.where(z > 0, p / z, 0).detach()`, then "
    "`(pulled,) = torch.autograd.grad((z * q).sum(), u)`.",
    "The end: `return x * pulled, None, None`.",
]

mistake = Mistakes()


def _excitation(
    way_back: Callable[..., Tensor],
    *,
    forward: Callable[..., Tensor] = lambda x, layer, positive: layer(x),
    returned: Callable[[Tensor], Any] = lambda shares: (shares, None, None),
) -> type[Function]:
    """The autograd function with backward way_back(x, p, layer, positive)."""

    class Rule(Function):
        @staticmethod
        def forward(ctx: Any, x: Tensor, layer: Any, positive: Any) -> Tensor:
            ctx.save_for_backward(x)
            ctx.forms = layer, positive
            return forward(x, layer, positive)

        @staticmethod
        def backward(ctx: Any, p: Tensor) -> Any:
            (x,) = ctx.saved_tensors
            return returned(way_back(x, p, *ctx.forms))

    return Rule


def _pull(x: Tensor, operation: Callable[[Tensor], Tensor], q: Callable[[Tensor], Tensor]) -> Any:
    """The gradient of sum(q(z) z) at x with z = operation(x)."""
    with torch.enable_grad():
        u = x.detach().requires_grad_()
        z = operation(u)
        return torch.autograd.grad((q(z) * z).sum(), u)[0]


def _q_not_constant(x, p, layer, positive):
    return x * _pull(x, positive, lambda z: torch.where(z > 0, p / z, 0))


mistake(
    "Everything comes out as 0, as it does when q depends on z: the sum of q z is then the sum "
    "of p, which does not change with u. Make q a constant: `.detach()`."
)(_excitation(_q_not_constant))


def _no_graph(x, p, layer, positive):
    u = x.detach().requires_grad_()
    z = positive(u)
    q = torch.where(z > 0, p / z, 0)
    return x * torch.autograd.grad((z * q).sum(), u)[0]


mistake(
    "PyTorch has recorded nothing that leads back from z. Inside `backward` it records "
    "only in a `with torch.enable_grad():`, and only what comes from a tensor that asks "
    "for a gradient: `u = x.detach().requires_grad_()`."
)(_excitation(_no_graph))


def _tuple_not_unpacked(x, p, layer, positive):
    with torch.enable_grad():
        u = x.detach().requires_grad_()
        z = positive(u)
        return x * torch.autograd.grad((p * z).sum(), u)


mistake(
    "`torch.autograd.grad` returns a tuple, even of one gradient. Unpack it: `(pulled,) = "
    "...`, or `[0]`."
)(_excitation(_tuple_not_unpacked))


def _saved_tuple_not_unpacked(x, p, layer, positive):
    saved: Any = (x,)
    return saved.detach()


mistake(
    "You treat a tuple as a tensor. `ctx.saved_tensors` is one, even of one tensor, and so is what "
    "`torch.autograd.grad` returns. Unpack it: `(x,) = ctx.saved_tensors`."
)(_excitation(_saved_tuple_not_unpacked))


def _shares(x, p, layer, positive):
    return x * _pull(x, positive, lambda z: torch.where(z > 0, p / z, 0).detach())


@mistake("`backward` looks for a function that `forward` has not kept: `ctx.positive = positive`.")
class _ForgetsTheFunction(Function):
    @staticmethod
    def forward(ctx, x, layer, positive):
        ctx.save_for_backward(x)
        return layer(x)

    @staticmethod
    def backward(ctx, p):
        (x,) = ctx.saved_tensors
        return _shares(x, p, None, ctx.positive), None, None


@mistake(
    "`save_for_backward` is for tensors. A function is kept as an attribute: "
    "`ctx.positive = positive`."
)
class _SavesTheFunction(Function):
    @staticmethod
    def forward(ctx, x, layer, positive):
        ctx.save_for_backward(x, positive)
        return layer(x)

    @staticmethod
    def backward(ctx, p):
        x, positive = ctx.saved_tensors
        return _shares(x, p, None, positive), None, None


mistake(
    "The factor x is missing at the end: the gradient of sum(q z) is the sum over i in the "
    "formula, and the share is x times it."
)(
    _excitation(
        lambda x, p, layer, positive: _pull(
            x, positive, lambda z: torch.where(z > 0, p / z, 0).detach()
        )
    )
)

mistake(
    "You use `layer` for z, which has the negative weights and the bias in it. z is `positive(x)`."
)(
    _excitation(
        lambda x, p, layer, positive: (
            x * _pull(x, layer, lambda z: torch.where(z > 0, p / z, 0).detach())
        )
    )
)

mistake("You don't divide p by z. These are contributions, not shares.")(
    _excitation(lambda x, p, layer, positive: x * _pull(x, positive, lambda z: p))
)

mistake("Where z is 0, p / z is infinite or not a number: `torch.where(z > 0, p / z, 0)`.")(
    _excitation(lambda x, p, layer, positive: x * _pull(x, positive, lambda z: (p / z).detach()))
)

mistake("Forward returns `positive(x)`. The network must compute what it always does: `layer(x)`.")(
    _excitation(_shares, forward=lambda x, layer, positive: positive(x))
)

mistake(
    "`backward` returns one gradient for each argument of `forward`: the shares, and None "
    "for the two functions."
)(_excitation(_shares, returned=lambda shares: shares))


@mistake(
    "`positive` is kept in the class, which all its calls share: the second layer's takes the "
    "place of the first's. Each call has a `ctx` of its own: `ctx.positive = positive`."
)
class _KeptInTheClass(Function):
    positive: Any = None

    @staticmethod
    def forward(ctx, x, layer, positive):
        ctx.save_for_backward(x)
        _KeptInTheClass.positive = positive
        return layer(x)

    @staticmethod
    def backward(ctx, p):
        (x,) = ctx.saved_tensors
        return _shares(x, p, None, _KeptInTheClass.positive), None, None


mistake(
    "Relevance may be negative too, as in section 7. You cut it off at 0; hand it on as it is."
)(_excitation(lambda x, p, layer, positive: _shares(x, p.clamp(min=0), layer, positive)))

mistake(
    "You take the gradient of a mean, which is one of the sum divided by the number of entries."
)(
    _excitation(
        lambda x, p, layer, positive: (
            x * _pull(x, positive, lambda z: torch.where(z > 0, p / z, 0).detach() / z.numel())
        )
    )
)

EXERCISE = Exercise(
    name="excitation",
    lesson=LESSON.id,
    after="excitation_linear",
    points=3,
    answer="Excitation",
    reference=Excitation,
    probe=probe_excitation,
    then=convolutions,
    mistakes=mistake,
    hints=HINTS,
)
