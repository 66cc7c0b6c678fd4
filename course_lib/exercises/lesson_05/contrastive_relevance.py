"""Shares of x (N, J) with the weights W (I, J), less those with the weights -W."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from ..engine.exercise import Exercise, Mistakes, Outcome
from ..engine.probes import call, rand, randint
from . import LESSON
from .shared import note_finite, shared


def contrastive_relevance(x: Tensor, W: Tensor, p: Tensor) -> Tensor:
    """Shares of x (N, J) with the weights W (I, J), less those with the weights -W."""
    return shared(x, W, p) - shared(x, -W, p)


def probe_contrastive(answer: Callable[..., Any], rng: torch.Generator) -> Outcome:
    """The difference at a classifier; then with a class that no input speaks against."""
    x, W = rand(rng, 2, 6).abs(), rand(rng, 4, 6)
    W[:, 0], W[:, 1] = W[:, 0].abs() + 0.1, -W[:, 1].abs() - 0.1
    target = randint(rng, 0, 4)
    p = F.one_hot(torch.tensor([target, (target + 1) % 4]), 4).to(x)
    difference = call(answer, x, W, p)
    outcome: Outcome = {"relevance for the class less that against it": difference}
    if isinstance(difference, Tensor):
        outcome["the two halves cancel in the sum"] = bool((difference.sum(1).abs() < 1e-6).all())
    W[target] = W[target].abs()
    note_finite(outcome, "the same when no weight of the class is negative", call(answer, x, W, p))
    return outcome


HINTS = [
    "Two passes of the linear rule with the same x and the same p: one with W, one with "
    "-W. The answer is their difference.",
    "A small helper inside your function, `shares(W)`, saves writing the rule twice: z, "
    "q, x times q @ W+.",
    "`return shares(W) - shares(-W)`; in the helper `above = W.clamp(min=0)` and "
    "`q = torch.where(z > 0, p / z, 0)`.",
]

mistake = Mistakes()


mistake(
    "Nothing in your c is negative: it is the relevance for the class alone. What speaks "
    "against the class is p'(-W); subtract it, and leave the result as it is. The cut "
    "comes at the very end, in the map."
)(shared)


@mistake(
    "You negated p, not the weights. The shares of -p are those of p with a minus, so "
    "you have doubled everything."
)
def _negated_relevance(x, W, p):
    return shared(x, W, p) - shared(x, W, -p)


mistake("The order is turned round: for the class, less against the class.")(
    lambda x, W, p: shared(x, -W, p) - shared(x, W, p)
)

mistake(
    "You added the two. Subtract: what speaks for the class and what speaks against it are "
    "to cancel."
)(lambda x, W, p: shared(x, W, p) + shared(x, -W, p))


@mistake(
    "Your two passes divide by the same z. Each has its own: with the weights -W, z is "
    "made of the positive part of -W."
)
def _same_denominator(x, W, p):
    z = x @ W.clamp(min=0).T
    return x * (torch.where(z > 0, p / z, 0) @ W)


@mistake(
    "You subtracted the relevance of the other classes. The contrast is with *not this "
    "class*: the same p, and the weights -W."
)
def _other_classes(x, W, p):
    others = (1 - p) / (p.shape[1] - 1)
    return shared(x, W, p) - shared(x, W, others)


@mistake(
    "A class may have no weight that speaks against it: then z of the second pass is 0, "
    "and p / z not a number. Guard it as before."
)
def _contrast_without_guard(x, W, p):
    def shares(W):
        above = W.clamp(min=0)
        return x * ((p / (x @ above.T)) @ above)

    return shares(W) - shares(-W)


EXERCISE = Exercise(
    name="contrastive_relevance",
    lesson=LESSON.id,
    after="excitation_sum",
    points=2,
    answer="contrastive_relevance",
    reference=contrastive_relevance,
    probe=probe_contrastive,
    mistakes=mistake,
    hints=HINTS,
)
