"""Mean over the last dimension, weighted by softmax(coldness * values)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from ..engine.exercise import Exercise, Mistakes, Outcome
from ..engine.probes import call, rand
from . import LESSON


def smooth_maximum(values: Tensor, coldness: float = 20.0) -> Tensor:
    """Mean over the last dimension, weighted by softmax(coldness * values)."""
    weights = (coldness * values).softmax(-1)
    return (weights * values).sum(-1)


def probe_smooth_maximum(answer: Callable[..., Any], rng: torch.Generator) -> Outcome:
    """Values of both signs at three temperatures, values that overflow an exponential, slopes."""
    values = rand(rng, 3, 4, 6, dtype=torch.float32)
    outcome: Outcome = {
        "smooth maximum": call(answer, values),
        "smooth maximum with coldness 3": call(answer, values, 3.0),
        "smooth maximum with coldness=0.5": call(answer, values, coldness=0.5),
        "smooth maximum of a list of numbers": call(answer, values[0, 0]),
    }
    # rows so far apart that the maximum of all says nothing of a row's own
    large = call(answer, 100 * values + 300 * torch.arange(4.0).view(4, 1))
    if isinstance(large, Tensor):
        # two results with NaN are never equal, so this mistake could not be named
        outcome["it is finite, for large values too"] = bool(torch.isfinite(large).all())
        large = large.nan_to_num(posinf=0, neginf=0)
    outcome["smooth maximum of large values"] = large
    leaf = values.clone().requires_grad_()
    cold = call(answer, leaf, 3.0)
    weights = rand(rng, 3, 4, dtype=torch.float32)
    if cold.requires_grad:
        (outcome["gradient at the values"],) = torch.autograd.grad((cold * weights).sum(), leaf)
    else:
        outcome["gradient at the values"] = None
    return outcome


HINTS = [
    "A weighted mean: the larger a value, the (much) larger its weight.",
    "The weights are `(coldness * values).softmax(-1)`; they add up to 1.",
    "Weights times values, summed over the last dimension.",
]

mistake = Mistakes()


@mistake(
    "The values are right, but you cut the weights off from the gradient. They depend on the "
    "values too, and which value should win is what a mask learns by them: no `detach`, no "
    "`no_grad`."
)
def _weights_cut_off(values, coldness=20.0):
    return ((coldness * values).softmax(-1).detach() * values).sum(-1)


@mistake(
    "The values are right, but no gradient leads back to them: somewhere you `detach` them, or "
    "compute inside `no_grad`."
)
def _all_cut_off(values, coldness=20.0):
    return smooth_maximum(values.detach(), coldness)


@mistake(
    "You subtract the largest of *all* values. Where another row is far larger, `exp` of what is "
    "left is 0 throughout, and 0 divided by 0 is no number. Subtract each row's own largest value, "
    "or let `softmax` do it."
)
def _one_maximum_for_all(values, coldness=20.0):
    weights = (coldness * (values - values.max())).exp()
    return (weights * values).sum(-1) / weights.sum(-1)


mistake("The coldness is 20 where nothing else is said: `coldness=20.0`.")(
    lambda values, coldness=10.0: smooth_maximum(values, coldness)
)

mistake("Negative values count as they are: leave their sign to them.")(
    lambda values, coldness=20.0: ((coldness * values.abs()).softmax(-1) * values).sum(-1)
)

mistake("You cut negative values off at 0. They compete like all others.")(
    lambda values, coldness=20.0: smooth_maximum(values.clamp(min=0), coldness)
)

mistake(
    "With a minus before the coldness the smallest value weighs most: this is a smooth minimum."
)(lambda values, coldness=20.0: smooth_maximum(values, -coldness))

mistake("This is the plain maximum. Only its one winner gets a gradient.")(
    lambda values, coldness=20.0: values.amax(-1)
)

mistake(
    "This is the plain mean: the coldness doesn't enter. Weight the values by "
    "`softmax(coldness * values)`."
)(lambda values, coldness=20.0: values.mean(-1))

mistake("You forgot the coldness: `softmax(values)` is nearly even, so you get nearly the mean.")(
    lambda values, coldness=20.0: (values.softmax(-1) * values).sum(-1)
)

mistake(
    "`logsumexp / coldness` is another smooth maximum, and always above the largest "
    "value. Here it is a mean, weighted by the softmax."
)(lambda values, coldness=20.0: (coldness * values).logsumexp(-1) / coldness)


@mistake(
    "`exp` of a large number is infinite, and infinite divided by infinite is no number. "
    "`softmax` knows how to avoid that: it subtracts the largest value "
    "first."
)
def _overflows(values, coldness=20.0):
    weights = torch.exp(coldness * values)
    return (weights * values).sum(-1) / weights.sum(-1)


mistake(
    "The weights add up to 1 already. You divide by the number of values once more: a sum, "
    "not a mean."
)(lambda values, coldness=20.0: ((coldness * values).softmax(-1) * values).mean(-1))

mistake("You divide by the coldness. The larger it is, the closer to the maximum: multiply.")(
    lambda values, coldness=20.0: ((values / coldness).softmax(-1) * values).sum(-1)
)

mistake(
    "The coldness belongs inside the softmax. Outside it makes everything larger, and no "
    "weight more decided."
)(lambda values, coldness=20.0: (coldness * values.softmax(-1) * values).sum(-1))

mistake(
    "You always take a coldness of 20. That is what it is when nothing is said; use the argument."
)(lambda values, coldness=20.0: ((20 * values).softmax(-1) * values).sum(-1))

mistake("These are the weights. What is asked for is the mean of the values with these weights.")(
    lambda values, coldness=20.0: (coldness * values).softmax(-1).amax(-1)
)

mistake("The softmax goes over the first dimension; the values that compete stand in the last.")(
    lambda values, coldness=20.0: ((coldness * values).softmax(0) * values).sum(-1)
)

mistake(
    "You count the dimensions from the front. `values` may have any number of them; the last one "
    "is always -1."
)(lambda values, coldness=20.0: ((coldness * values).softmax(2) * values).sum(2))


@mistake(
    "You raise the weights to the power of the coldness. Then the large ones win, too, but the "
    "weights don't add up to 1 any more: put the coldness inside the softmax."
)
def _power_of_the_weights(values, coldness=20.0):
    return (values.softmax(-1) ** coldness * values).sum(-1)


@mistake(
    "One number for all. The values that compete stand in the last dimension, and each of the "
    "others keeps its own: `.sum(-1)`."
)
def _one_for_all(values, coldness=20.0):
    return ((coldness * values).softmax(-1) * values).sum()


EXERCISE = Exercise(
    name="smooth_maximum",
    lesson=LESSON.id,
    after="perturb",
    points=1,
    answer="smooth_maximum",
    reference=smooth_maximum,
    probe=probe_smooth_maximum,
    mistakes=mistake,
    hints=HINTS,
)
