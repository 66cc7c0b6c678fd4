"""Masks of the given areas with a high score, found in `steps` steps of Adam."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from ..engine.exercise import Exercise, Mistakes, Outcome
from ..engine.models import nested_network
from ..engine.probes import call, rand, randint
from ..engine.traces import no_trace
from . import LESSON
from .area_term import area_term
from .one_step import one_step
from .perturb import perturb
from .shared import Objective


def extremal_masks(
    score: Objective,
    render: Objective,
    parameters: Tensor,
    areas: Tensor,
    steps: int,
) -> Tensor:
    """Masks of the given areas with a high score, found in `steps` steps of Adam."""
    parameters = parameters.detach().clone().requires_grad_()
    optimiser = torch.optim.Adam([parameters], lr=0.05)
    for t in range(steps):
        weight = 100 * 1.06**t

        def objective(p: Tensor, weight: float = weight) -> Tensor:
            masks = render(p)
            return score(masks) - weight * area_term(masks, areas)

        one_step(parameters, objective, optimiser)
    return render(parameters).detach()


def _search(rng: torch.Generator) -> tuple[Objective, Objective, Tensor, Tensor]:
    # so near to 1 that most parameters must be cut to [0, 1]
    worth = 40 * rand(rng, 1, 1, 4, 4, dtype=torch.float32)
    start = rand(rng, 2, 1, 4, 4, low=0.7, high=1, dtype=torch.float32)
    areas = torch.tensor([0.25, 0.5])
    return (
        lambda masks: (masks * worth).sum((1, 2, 3)),
        lambda p: p.square(),
        start,
        areas,
    )


def probe_extremal_masks(answer: Callable[..., Any], rng: torch.Generator) -> Outcome:
    """A short search on a 4 x 4 image whose cells have known worths."""
    score, render, start, areas = _search(rng)
    steps = randint(rng, 6, 9)
    outcome: Outcome = {"masks": None}
    with no_trace(outcome, "after the search", start):
        outcome["masks"] = masks = call(answer, score, render, start, areas, steps)
    outcome["the masks carry no graph"] = not masks.requires_grad
    outcome["masks after a single step"] = call(answer, score, render, start, areas, 1).detach()
    return outcome


def use_extremal_masks(answer: Callable[..., Any], rng: torch.Generator) -> Outcome:
    """The lesson's search in small: a network, perturbed images, masks larger than parameters."""
    model = nested_network(rng, dtype=torch.float32).requires_grad_(False)
    pyramid = rand(rng, 4, 3, 8, 12, low=0, dtype=torch.float32)
    start = rand(rng, 3, 1, 4, 6, low=0.8, high=1, dtype=torch.float32)
    areas = torch.tensor([0.1, 0.2, 0.45])
    outcome: Outcome = {}
    with no_trace(outcome, "after the lesson's search", model, start):
        outcome["the masks of the lesson's search"] = call(
            answer,
            lambda masks: model(perturb(pyramid, masks))[:, 2],
            lambda p: F.interpolate(p, size=(8, 12), mode="bilinear"),
            start,
            areas,
            4,
        )
    return outcome


HINTS = [
    "Before the loop: a copy of the parameters that requires a gradient, and the "
    "optimiser of it. In the loop: the objective for this t, and `one_step`. After it: "
    "render once more.",
    "`parameters = parameters.detach().clone().requires_grad_()`, then "
    "`torch.optim.Adam([parameters], lr=0.05)`.",
    "The objective is a function of p: `masks = render(p)`, then `score(masks) - weight * "
    "area_term(masks, areas)`.",
    "Return `render(parameters).detach()`.",
]

mistake = Mistakes()


def _search_with(
    *, rate: float = 0.05, growth: float = 1.06, sign: float = -1.0, render_last: bool = True
) -> Callable[..., Tensor]:
    """The search with one thing changed."""

    def search(score, render, parameters, areas, steps):
        parameters = parameters.detach().clone().requires_grad_()
        optimiser = torch.optim.Adam([parameters], lr=rate)
        for t in range(steps):
            weight = sign * 100 * growth**t

            def objective(p, weight=weight):
                masks = render(p)
                return score(masks) + weight * area_term(masks, areas)

            one_step(parameters, objective, optimiser)
        return (render(parameters) if render_last else parameters).detach()

    return search


mistake("The area term is added; it is a price and must be subtracted.")(_search_with(sign=1.0))

mistake("The weight of the area term stays at 100. It grows from step to step: `100 * 1.06 ** t`.")(
    _search_with(growth=1.0)
)

mistake("You return the parameters. The masks are what `render` makes of them.")(
    _search_with(render_last=False)
)


@mistake(
    "You make a new optimiser in every step. Adam remembers how the gradients were; make "
    "it once, before the loop."
)
def _new_optimiser_each_step(score, render, parameters, areas, steps):
    parameters = parameters.detach().clone().requires_grad_()
    for t in range(steps):
        optimiser = torch.optim.Adam([parameters], lr=0.05)
        weight = 100 * 1.06**t

        def objective(p, weight=weight):
            masks = render(p)
            return score(masks) - weight * area_term(masks, areas)

        one_step(parameters, objective, optimiser)
    return render(parameters).detach()


def _climb(objective_at, optimiser=torch.optim.Adam, first=0, copy=None):
    """The search with another objective, objective_at(t, p, score, render, areas)."""

    def search(score, render, parameters, areas, steps):
        parameters = parameters.detach().clone().requires_grad_(copy is None)
        climber = optimiser([parameters], lr=0.05)
        for t in range(first, steps):

            def objective(p, t=t):
                return objective_at(t, p, score, render, areas)

            one_step(parameters, objective, climber)
        return render(parameters).detach()

    return search


def _price(t, masks, areas):
    return 100 * 1.06**t * area_term(masks, areas)


def _right_objective(t, p, score, render, areas):
    masks = render(p)
    return score(masks) - _price(t, masks, areas)


mistake("You make one step too few: `range(steps)` begins at 0 and makes all of them.")(
    _climb(_right_objective, first=1)
)

mistake("The weight has grown before the first step. In step 0 it is 100: let it grow afterwards.")(
    _climb(lambda t, p, score, render, areas: _right_objective(t + 1, p, score, render, areas))
)

mistake(
    "Your weight grows by 6 each time. It grows by 6 % of what it *is*, so that the growth "
    "grows too: `100 * 1.06 ** t`."
)(
    _climb(
        lambda t, p, score, render, areas: (
            score(render(p)) - 100 * (1 + 0.06 * t) * area_term(render(p), areas)
        )
    )
)

mistake(
    "You score the parameters. The network sees masks: first `masks = render(p)`, then the "
    "score and the area term of those."
)(_climb(lambda t, p, score, render, areas: score(p) - _price(t, p, areas)))

mistake(
    "You hold the parameters to the area. It is the *masks* that have an area: "
    "`area_term(render(p), areas)`."
)(_climb(lambda t, p, score, render, areas: score(render(p)) - _price(t, p, areas)))

mistake(
    "The optimiser here is Adam. Plain SGD follows the slope as it is, and this one is far "
    "too steep for a rate of 0.05."
)(_climb(_right_objective, torch.optim.SGD))


@mistake(
    "Your loop returns after its first step. The `return` belongs behind the loop, one level "
    "further left."
)
def _returns_in_the_loop(score, render, parameters, areas, steps):
    return extremal_masks(score, render, parameters, areas, 1)


@mistake("You always make 60 steps, as the lesson does further below. Make `steps` of them.")
def _always_sixty(score, render, parameters, areas, steps):
    return extremal_masks(score, render, parameters, areas, 60)


@mistake("You make one step too many: `range(steps)` begins at 0 and makes all of them.")
def _one_step_too_many(score, render, parameters, areas, steps):
    return extremal_masks(score, render, parameters, areas, steps + 1)


mistake("Your weight is 0 at first and grows evenly: `1.06 * t` in place of `1.06 ** t`.")(
    _climb(
        lambda t, p, score, render, areas: (
            score(render(p)) - 100 * 1.06 * t * area_term(render(p), areas)
        )
    )
)

mistake("The optimiser here is Adam. AdamW also draws all parameters towards 0.")(
    _climb(_right_objective, torch.optim.AdamW)
)

mistake(
    "No gradient leads from the score back to the parameters that climb: what you score is "
    "detached, or made from other parameters. So the area term alone is climbed on."
)(_climb(lambda t, p, s, render, a: s(render(p).detach()) - _price(t, render(p), a)))

mistake(
    "You add up the scores of all masks and take each mask's area term from the sum, so the scores "
    "count as many times as there are masks. Leave `score(masks)` one number for each."
)(_climb(lambda t, p, s, render, a: s(render(p)).sum() - _price(t, render(p), a)))


@mistake(
    "You begin with masks that show everything. Where to begin is given: a copy of `parameters`."
)
def _begins_with_ones(score, render, parameters, areas, steps):
    return extremal_masks(score, render, torch.ones_like(parameters), areas, steps)


@mistake("These are the masks of *before* the last step. Render once more, after the loop.")
def _before_the_last_step(score, render, parameters, areas, steps):
    return extremal_masks(score, render, parameters, areas, steps - 1)


@mistake("The parameters are not cut to [0, 1] after each step. Your `one_step` does that: use it.")
def _not_cut(score, render, parameters, areas, steps):
    parameters = parameters.detach().clone().requires_grad_()
    optimiser = torch.optim.Adam([parameters], lr=0.05)
    for t in range(steps):
        optimiser.zero_grad()
        (-_right_objective(t, parameters, score, render, areas).sum()).backward()
        optimiser.step()
    return render(parameters).detach()


@mistake(
    "You render once, before the loop. The parameters change, so the masks must be "
    "rendered anew in every step: inside the objective."
)
def _renders_once(score, render, parameters, areas, steps):
    parameters = parameters.detach().clone().requires_grad_()
    optimiser = torch.optim.Adam([parameters], lr=0.05)
    masks = render(parameters)
    for t in range(steps):

        def objective(p, t=t):
            return score(masks) - _price(t, masks, areas)

        one_step(parameters, objective, optimiser)
    return render(parameters).detach()


mistake(
    "What you climb with asks for no gradient. Take a copy that does: "
    "`parameters.detach().clone().requires_grad_()`."
)(_climb(_right_objective, copy="plain"))


@mistake(
    "`one_step` takes a *function* of the parameters, and you gave it values: define one "
    "in the loop and hand it over."
)
def _values_for_a_function(score, render, parameters, areas, steps):
    parameters = parameters.detach().clone().requires_grad_()
    optimiser = torch.optim.Adam([parameters], lr=0.05)
    one_step(parameters, _right_objective(0, parameters, score, render, areas), optimiser)


@mistake("An optimiser takes a list of tensors: `torch.optim.Adam([parameters], lr=0.05)`.")
def _optimiser_of_a_tensor(score, render, parameters, areas, steps):
    return torch.optim.Adam(parameters.detach().clone().requires_grad_(), lr=0.05)


@mistake("The masks still carry their graph. Return `render(parameters).detach()`.")
def _masks_with_a_graph(score, render, parameters, areas, steps):
    masks = extremal_masks(score, render, parameters, areas, steps)
    return masks.requires_grad_()


mistake("The rate of Adam is 0.05 here, not its usual 0.001: there are only a few dozen steps.")(
    _search_with(rate=0.001)
)

EXERCISE = Exercise(
    name="extremal_masks",
    lesson=LESSON.id,
    after="one_step",
    points=3,
    answer="extremal_masks",
    reference=extremal_masks,
    probe=probe_extremal_masks,
    then=use_extremal_masks,
    mistakes=mistake,
    hints=HINTS,
)
