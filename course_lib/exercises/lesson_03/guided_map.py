"""Guided backprop's map of class `target`, largest magnitude over the channels."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import contextmanager

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from course_lib.attribution.deconvnet import DeConvNetReLU
from course_lib.attribution.guided_backprop import GuidedBackpropReLU, guided_backprop
from course_lib.attribution.rules.backward_rules import BackwardRules

from ..engine.exercise import Exercise, Mistakes, Outcome
from ..engine.models import in_use, nested_network
from ..engine.probes import call, close, rand, randint
from ..engine.traces import no_trace
from . import LESSON
from .relu_context import ReLUContext
from .shared import Functional, relu_kept


def guided_map(model: nn.Module, x: Tensor, target: int) -> Tensor:
    """Guided backprop's map of class `target`, largest magnitude over the channels."""
    x = x.detach().clone().requires_grad_()
    with BackwardRules({F.relu: GuidedBackpropReLU}):
        score = model(x)[:, target].sum()
    (gradient,) = torch.autograd.grad(score, x)
    return gradient.abs().amax(1, keepdim=True)


def probe_guided_map(answer: Callable[..., Tensor], rng: torch.Generator) -> Outcome:
    """Maps of five networks that call their ReLU in five ways, and what is left behind."""
    x = rand(rng, 2, 3, 8, 6)
    by_name = torch.relu
    networks: dict[str, nn.Module] = {
        "nn.ReLU": nested_network(rng),
        "nn.ReLU(inplace=True)": nested_network(rng, inplace=True),
        "F.relu": Functional(rng, lambda h: F.relu(h)),
        "a relu imported by name": Functional(rng, lambda h: by_name(h)),
        "x.relu()": Functional(rng, lambda h: h.relu()),
    }
    outcome: Outcome = {}
    with relu_kept():
        for name, network in networks.items():
            target = randint(rng, 0, 8 if name.startswith("nn") else 4)
            with no_trace(outcome, f"on a network with {name}", network, x):
                s = call(answer, network, x, target)
            outcome[f"the map, of a network with {name}"] = s.detach()
        used, one = in_use(nested_network(rng), rng), rand(rng, 1, 3, 6, 8)
        with no_trace(outcome, "on a network that is in use", used, one):
            s = call(answer, used, one, randint(rng, 0, 8))
        outcome["the map of one picture, of a network that is in use"] = s.detach()
        frozen = nested_network(rng).requires_grad_(False)
        with no_trace(outcome, "on a network whose weights are frozen", frozen, x):
            s = call(answer, frozen, x, randint(rng, 0, 8))
        outcome["the map, of a network whose weights are frozen"] = s.detach()
    return outcome


def probe_beside_the_library(answer: Callable[..., Tensor], rng: torch.Generator) -> Outcome:
    """The lesson's next step: the map in float32, beside the library's."""
    x, network = (
        rand(rng, 1, 3, 6, 8, dtype=torch.float32),
        nested_network(rng, dtype=torch.float32),
    )
    s = answer(network, x, 0)
    return {"the map": s.detach(), "it is the library's": close(guided_backprop(network, x, 0), s)}


HINTS = [
    "Take a copy of x that requires a gradient, run the model inside the context, and "
    "differentiate the class's score.",
    "`with BackwardRules({F.relu: GuidedBackpropReLU}):` around the call of the model; "
    "the score is `model(x)[:, target].sum()`.",
    "`(gradient,) = torch.autograd.grad(score, x)` has the shape of x. From there to the "
    "map: magnitude, then `amax(1, keepdim=True)`.",
]

mistake = Mistakes()


def _map_with(make_context, reduce=lambda g: g.abs().amax(1, keepdim=True), choose=None):
    """A `guided_map` with another context, another reduction, or another score."""

    def answer(model, x, target):
        x = x.detach().clone().requires_grad_()
        with make_context():
            scores = model(x)
            score = scores[:, target].sum() if choose is None else choose(scores, target)
        return reduce(torch.autograd.grad(score, x)[0])

    return answer


@contextmanager
def _no_rules():
    yield


mistake(
    "That is the map of the plain gradient. The model must run inside the context: the "
    "rule is chosen when the ReLU is called, on the way forward."
)(_map_with(_no_rules))

mistake(
    "It works where the ReLU is looked up in torch, and gives the plain gradient where it "
    "was imported by name or is called as a method. That is what ReLUContext misses: use "
    "BackwardRules."
)(_map_with(lambda: ReLUContext(GuidedBackpropReLU)))

mistake("That is the deconvnet map: the table names another class than GuidedBackpropReLU.")(
    _map_with(lambda: BackwardRules({F.relu: DeConvNetReLU}))
)


def _guided_rules():
    return BackwardRules({F.relu: GuidedBackpropReLU})


mistake("You took the largest value over the channels, not the largest magnitude: `abs()` first.")(
    _map_with(_guided_rules, lambda g: g.amax(1, keepdim=True))
)

mistake("You averaged the magnitudes over the channels: take the largest.")(
    _map_with(_guided_rules, lambda g: g.abs().mean(1, keepdim=True))
)

mistake("The channels' dimension is gone: `keepdim=True` keeps the shape (N, 1, H, W).")(
    _map_with(_guided_rules, lambda g: g.abs().amax(1))
)

mistake("You differentiated the sum of all scores. The map is about one class: `[:, target]`.")(
    _map_with(_guided_rules, choose=lambda scores, target: scores.sum())
)


@mistake(
    "`backward()` leaves gradients in the model's parameters too. `torch.autograd.grad` "
    "gives you the one for x and leaves no trace."
)
def _leaves_gradients(model, x, target):
    x = x.detach().clone().requires_grad_()
    with _guided_rules():
        model(x)[:, target].sum().backward()
    return x.grad.abs().amax(1, keepdim=True)


@mistake(
    "`zero_grad()` also throws the gradients away that were there before you came: somebody may be "
    "training this model. `torch.autograd.grad` writes none, so there is nothing to remove."
)
def _removes_all_gradients(model, x, target):
    x = x.detach().clone().requires_grad_()
    with _guided_rules():
        model(x)[:, target].sum().backward()
    model.zero_grad()
    return x.grad.abs().amax(1, keepdim=True)


@mistake(
    "You thaw weights that were frozen before you came. The gradient at x needs no change of the "
    "weights at all: `torch.autograd.grad(score, x)`."
)
def _freezes_and_thaws(model, x, target):
    model.requires_grad_(False)
    s = guided_map(model, x, target)
    model.requires_grad_(True)
    return s


@mistake(
    "You give the table the function `apply`. It wants the class itself, without `.apply`: "
    "`{F.relu: GuidedBackpropReLU}`."
)
def _by_apply(model, x, target):
    x = x.detach().clone().requires_grad_()
    with BackwardRules({F.relu: GuidedBackpropReLU.apply}):
        score = model(x)[:, target].sum()
    return torch.autograd.grad(score, x)[0].abs().amax(1, keepdim=True)


@mistake("`max` over a dimension returns two things, the values and where they are: use `amax`.")
def _values_and_places(model, x, target):
    x = x.detach().clone().requires_grad_()
    with _guided_rules():
        score = model(x)[:, target].sum()
    return torch.autograd.grad(score, x)[0].abs().max(1, keepdim=True)


@mistake(
    "You changed the caller's x: its requires_grad is on now. Work on a copy, "
    "`x.detach().clone().requires_grad_()`."
)
def _leaves_flag(model, x, target):
    x.requires_grad_()
    return guided_map(model, x, target)


EXERCISE = Exercise(
    name="guided_map",
    lesson=LESSON.id,
    after="map_correlation",
    points=2,
    answer="guided_map",
    reference=guided_map,
    probe=probe_guided_map,
    then=probe_beside_the_library,
    mistakes=mistake,
    hints=HINTS,
)
