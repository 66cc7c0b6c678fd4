"""One step up: the objective's values (N,), after which the parameters have changed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from ..engine.exercise import Exercise, Mistakes, Outcome
from ..engine.probes import rand
from ..engine.traces import no_trace
from . import LESSON
from .area_term import area_term
from .shared import Objective


def one_step(parameters: Tensor, objective: Objective, optimiser: torch.optim.Optimizer) -> Tensor:
    """One step up: the objective's values (N,), after which the parameters have changed."""
    optimiser.zero_grad()
    values = objective(parameters)
    (-values.sum()).backward()
    optimiser.step()
    with torch.no_grad():
        parameters.clamp_(0, 1)
    return values.detach()


def _hill(rng: torch.Generator) -> tuple[Tensor, Objective]:
    """Parameters, and an objective whose top lies partly outside of [0, 1]."""
    # float32, so that an answer may start from torch.ones
    top = rand(rng, 3, 1, 2, 2, low=-0.5, high=1.5, dtype=torch.float32)
    top[0, 0, 0], top[0, 0, 1] = -0.5, 1.5
    start = rand(rng, 3, 1, 2, 2, low=0.05, high=0.95, dtype=torch.float32).requires_grad_()
    return start, lambda p: 1 - (p - top).square().sum((1, 2, 3))


_OPTIMISERS: dict[str, Callable[[list[Tensor]], torch.optim.Optimizer]] = {
    "": lambda parameters: torch.optim.SGD(parameters, lr=0.4),
    " with momentum": lambda parameters: torch.optim.SGD(parameters, lr=0.1, momentum=0.9),
    " of Adam": lambda parameters: torch.optim.Adam(parameters, lr=0.05),
}


def probe_one_step(answer: Callable[..., Any], rng: torch.Generator) -> Outcome:
    """Three steps of gradient ascent on a hill, each with three optimisers."""
    outcome: Outcome = {}
    for which, optimiser_of in _OPTIMISERS.items():
        parameters, objective = _hill(rng)
        start = parameters.detach().clone()
        optimiser = optimiser_of([parameters])
        for step in range(1, 4):
            with no_trace(outcome, f"after step {step}{which}"):
                # called directly: the parameters are meant to change
                values = answer(parameters, objective, optimiser)
            outcome[f"values returned by step {step}{which}"] = values
            outcome[f"parameters after step {step}{which}"] = parameters.detach().clone()
            outcome["the parameters still ask for a gradient"] = parameters.requires_grad
            if not parameters.requires_grad:
                return outcome
        graph = isinstance(values, Tensor) and values.requires_grad
        outcome["the values carry no graph"] = not graph
        outcome["the parameters have moved"] = not torch.equal(start, parameters.detach())
    return outcome


def use_one_step(answer: Callable[..., Any], rng: torch.Generator) -> Outcome:
    """The lesson's climb in small: rendered masks, a score, an area term that grows dearer."""
    worth = 40 * rand(rng, 1, 1, 4, 4, dtype=torch.float32)
    parameters = rand(rng, 2, 1, 2, 2, low=0.8, high=1, dtype=torch.float32).requires_grad_()
    areas = torch.tensor([0.2, 0.4])
    optimiser = torch.optim.Adam([parameters], lr=0.05)
    for t in range(6):

        def objective(p: Tensor, t: int = t) -> Tensor:
            masks = F.interpolate(p.square(), size=(4, 4), mode="bilinear")
            return (masks * worth).sum((1, 2, 3)) - 100 * 1.06**t * area_term(masks, areas)

        answer(parameters, objective, optimiser)
    return {"parameters after six steps of the lesson's climb": parameters.detach()}


HINTS = [
    "The usual five lines of a training loop, uphill: zero_grad, values, backward, step; "
    "and then the cut.",
    "`(-values.sum()).backward()`: minus, because optimisers minimise.",
    "`with torch.no_grad(): parameters.clamp_(0, 1)` cuts in place, without PyTorch recording it.",
    "Return what the objective gave before the step: `values.detach()`.",
]

mistake = Mistakes()


@mistake(
    "You go downhill. PyTorch's optimisers minimise; to climb, take the gradient of "
    "*minus* the sum."
)
def _steps_down(parameters, objective, optimiser):
    optimiser.zero_grad()
    values = objective(parameters)
    values.sum().backward()
    optimiser.step()
    with torch.no_grad():
        parameters.clamp_(0, 1)
    return values.detach()


@mistake(
    "The gradients of earlier steps are still there, and each step adds to them. Call "
    "`optimiser.zero_grad()` first."
)
def _piles_up(parameters, objective, optimiser):
    values = objective(parameters)
    (-values.sum()).backward()
    optimiser.step()
    with torch.no_grad():
        parameters.clamp_(0, 1)
    return values.detach()


@mistake(
    "You average over the masks, so each of them climbs more slowly the more there are. "
    "Sum: then each mask gets the gradient of its own objective."
)
def _averages(parameters, objective, optimiser):
    optimiser.zero_grad()
    values = objective(parameters)
    (-values.mean()).backward()
    optimiser.step()
    with torch.no_grad():
        parameters.clamp_(0, 1)
    return values.detach()


@mistake(
    "The parameters leave [0, 1]. Cut them after the step, in place: "
    "`parameters.clamp_(0, 1)` inside `torch.no_grad()`. Without the underscore, "
    "`parameters.clamp(0, 1)` makes a copy and leaves the one that the optimiser holds "
    "as it is."
)
def _clamps_a_copy(parameters, objective, optimiser):
    optimiser.zero_grad()
    values = objective(parameters)
    (-values.sum()).backward()
    optimiser.step()
    parameters = parameters.clamp(0, 1)
    return values.detach()


def _step_with(
    *,
    returned: Callable[..., Any] = lambda values, objective, parameters: values.detach(),
    loss: Callable[[Tensor], Tensor] = lambda values: -values.sum(),
    step: bool = True,
    recorded: bool = False,
) -> Callable[..., Any]:
    """The step with one thing changed."""

    def one_step(parameters, objective, optimiser):
        optimiser.zero_grad()
        values = objective(parameters)
        loss(values).backward()
        if step:
            optimiser.step()
        with torch.set_grad_enabled(recorded):
            parameters.clamp_(0, 1)
        with torch.no_grad():
            return returned(values, objective, parameters)

    return one_step


mistake(
    "The parameters have not moved. `optimiser.step()` moves them, after `backward()` and "
    "with no `zero_grad()` in between."
)(_step_with(step=False))

mistake(
    "The parameters ask for a gradient, so PyTorch wants to record that you cut them, and "
    "can't. Cut them inside `with torch.no_grad():`."
)(_step_with(recorded=True))

mistake(
    "`backward()` starts from one number. The masks don't mix, so take the sum: "
    "`(-values.sum()).backward()`."
)(_step_with(loss=lambda values: -values))

mistake("You return what the objective gives *after* the step. Keep the values from before.")(
    _step_with(returned=lambda values, objective, parameters: objective(parameters))
)

mistake("You return minus the values. Minus is for the optimiser alone.")(
    _step_with(returned=lambda values, objective, parameters: -values.detach())
)

mistake("You return the sum. There is one value for each mask: (N,).")(
    _step_with(returned=lambda values, objective, parameters: values.detach().sum())
)


@mistake(
    "You take the optimiser's rate and do the step by hand. An optimiser may do more, as Adam "
    "does, which remembers earlier gradients: call `optimiser.step()`."
)
def _step_by_hand(parameters, objective, optimiser):
    optimiser.zero_grad()
    values = objective(parameters)
    values.sum().backward()
    with torch.no_grad():
        parameters += optimiser.param_groups[0]["lr"] * parameters.grad
        parameters.clamp_(0, 1)
    return values.detach()


@mistake(
    "You make an optimiser of your own. Use the one that you are given; it remembers what came "
    "before."
)
def _own_optimiser(parameters, objective, optimiser):
    kind, rate = type(optimiser), optimiser.param_groups[0]["lr"]
    return one_step(parameters, objective, kind([parameters], lr=rate))


@mistake(
    "You cut the parameters before the step; the step then leads out of [0, 1] again. Cut them "
    "after it."
)
def _cut_before_the_step(parameters, objective, optimiser):
    optimiser.zero_grad()
    values = objective(parameters)
    (-values.sum()).backward()
    with torch.no_grad():
        parameters.clamp_(0, 1)
    optimiser.step()
    return values.detach()


@mistake(
    "Gradients are off where the objective is computed, so nothing leads back from it. Switch them "
    "off for the cut alone, with `with torch.no_grad():`, which switches them on again by itself."
)
def _gradients_stay_off(parameters, objective, optimiser):
    optimiser.zero_grad()
    values = objective(parameters)
    (-values.sum()).backward()
    optimiser.step()
    torch.set_grad_enabled(False)
    parameters.clamp_(0, 1)
    return values.detach()


@mistake(
    "The parameters don't ask for a gradient any more, and the next step has nothing to follow. "
    "Cut them inside `with torch.no_grad():` and leave `requires_grad` as it is."
)
def _frozen(parameters, objective, optimiser):
    values = one_step(parameters, objective, optimiser)
    parameters.requires_grad_(False)
    return values


mistake("You return the parameters. The values that the objective had before the step are wanted.")(
    _step_with(returned=lambda values, objective, parameters: parameters.detach())
)


@mistake("You cut below 0 and leave what is above 1. Both ends: `parameters.clamp_(0, 1)`.")
def _cut_below_alone(parameters, objective, optimiser):
    optimiser.zero_grad()
    values = objective(parameters)
    (-values.sum()).backward()
    optimiser.step()
    with torch.no_grad():
        parameters.clamp_(min=0)
    return values.detach()


@mistake(
    "The values still carry their graph, which keeps all activations in memory. Return "
    "`values.detach()`."
)
def _keeps_the_graph(parameters, objective, optimiser):
    optimiser.zero_grad()
    values = objective(parameters)
    (-values.sum()).backward()
    optimiser.step()
    with torch.no_grad():
        parameters.clamp_(0, 1)
    return values


@mistake(
    "You return one number, what you went down on with its sign turned. There is one value for "
    "each mask, (N,): keep `values` and return `values.detach()`."
)
def _minus_the_loss(parameters, objective, optimiser):
    optimiser.zero_grad()
    loss = -objective(parameters).sum()
    loss.backward()
    optimiser.step()
    with torch.no_grad():
        parameters.clamp_(0, 1)
    return -loss


EXERCISE = Exercise(
    name="one_step",
    lesson=LESSON.id,
    after="area_term",
    points=2,
    answer="one_step",
    reference=one_step,
    probe=probe_one_step,
    then=use_one_step,
    mistakes=mistake,
    hints=HINTS,
)
