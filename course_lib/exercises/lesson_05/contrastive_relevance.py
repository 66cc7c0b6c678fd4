"""Shares of x (N, J) with the weights W (I, J), less those with the weights -W."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from course_lib.attribution.network.probe import Probe
from course_lib.attribution.rules.backward_rules import BackwardRules

from ..engine.exercise import Exercise, Mistakes, Outcome
from ..engine.models import CLASSES
from ..engine.probes import call, randint
from . import LESSON
from .excitation import Excitation
from .shared import (
    SMALL,
    activations,
    all_handed_on,
    frozen_network,
    note_finite,
    numbers,
    shared,
    table,
)


def contrastive_relevance(x: Tensor, W: Tensor, p: Tensor) -> Tensor:
    """Shares of x (N, J) with the weights W (I, J), less those with the weights -W."""
    return shared(x, W, p) - shared(x, -W, p)


def probe_contrastive(answer: Callable[..., Any], rng: torch.Generator) -> Outcome:
    """One class an image; all the scores at once; a class that no input speaks against."""
    x, W = activations(rng, 2, 6), numbers(rng, CLASSES, 6)
    W[:, 0], W[:, 1] = W[:, 0].abs() + 0.5, -W[:, 1].abs() - 0.5
    target = randint(rng, 0, CLASSES - 2)
    p = F.one_hot(torch.tensor([target, target + 1]), CLASSES).float()
    difference = call(answer, x, W, p)
    outcome: Outcome = {"relevance for the class less that against it": difference}
    if isinstance(difference, Tensor):
        outcome["the two halves cancel in the sum"] = bool((difference.sum(1).abs() < 1e-5).all())
    several = numbers(rng, 2, CLASSES)
    outcome["the same where several scores have relevance"] = call(answer, x, W, several)

    W[target] = W[target].abs()
    W[target + 1] = -W[target + 1].abs()
    W[target + 1, 2] = 3.0
    hardly = call(answer, SMALL * x, W, p)
    if isinstance(hardly, Tensor):
        outcome["a class that is excited by little hands on all that it has"] = all_handed_on(
            hardly[0], p[0]
        )
    # the one input that speaks for the second image's class is silent
    x[1, 2] = 0
    note_finite(outcome, "the same when nothing speaks for a class", call(answer, x, W, p))
    return outcome


def contrastive_map(answer: Callable[..., Any], rng: torch.Generator) -> Outcome:
    """One image, at a layer below: the way down starts with c at the input of the classifier."""
    network, x = frozen_network(rng), activations(rng, 1, 3, 8, 7)
    with (
        Probe(network.get_submodule("features.relu"), target="output") as probe,
        Probe(network.get_submodule("classifier"), target="input") as top,
        BackwardRules(table(Excitation)),
    ):
        network(x)
    features = top.data[0]
    p = F.one_hot(torch.tensor([1]), CLASSES).float()
    c = call(answer, features.detach(), network.get_parameter("classifier.weight"), p)
    (relevance,) = torch.autograd.grad((features * c).sum(), probe.data[0])
    return {"the contrastive map at a layer below": relevance.sum(1, keepdim=True).clamp(min=0)}


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
    "This is twice the relevance for the class, as it comes out when p is negated and not the "
    "weights: the shares of -p are those of p with a minus. What speaks against is p'(-W)."
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


mistake(
    "You cut c off at 0. What is negative is to cancel on the way down; the map is cut, at the end."
)(lambda x, W, p: (shared(x, W, p) - shared(x, -W, p)).clamp(min=0))

mistake("You divide c by its own magnitude. It is an amount of relevance: leave it as it is.")(
    lambda x, W, p: (
        (shared(x, W, p) - shared(x, -W, p)) / (shared(x, W, p) - shared(x, -W, p)).abs().sum()
    )
)

EXERCISE = Exercise(
    name="contrastive_relevance",
    lesson=LESSON.id,
    after="excitation_sum",
    points=2,
    answer="contrastive_relevance",
    reference=contrastive_relevance,
    probe=probe_contrastive,
    then=contrastive_map,
    mistakes=mistake,
    hints=HINTS,
)
