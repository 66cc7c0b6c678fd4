"""The map that `rule` makes of the activations and gradients at a layer: (N, 1, h, w)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from ..engine.exercise import Exercise, Mistakes, Outcome
from ..engine.models import in_use, nested_network
from ..engine.probes import call, rand, randint
from ..engine.traces import no_trace
from . import LESSON
from .probe import Probe

Rule = Callable[[Tensor, Tensor], Tensor]


def map_at_layer(model: nn.Module, x: Tensor, target: int, layer: str, rule: Rule) -> Tensor:
    """The map that `rule` makes of the activations and gradients at a layer: (N, 1, h, w)."""
    probe = Probe(model.get_submodule(layer))
    try:
        scores = model(x)
    finally:
        probe.remove()
    (g,) = torch.autograd.grad(scores[:, target].sum(), probe.data)
    return rule(probe.data.detach(), g)


def linear_approximation(x: Tensor, g: Tensor) -> Tensor:
    """sum over channels of x times g: (N, 1, H, W)."""
    return (x * g).sum(1, keepdim=True)


def grad_cam_map(x: Tensor, g: Tensor) -> Tensor:
    """Positive part of the channels of x, each weighted by its mean gradient: (N, 1, H, W)."""
    weights = g.mean((2, 3), keepdim=True)
    return (x * weights).sum(1, keepdim=True).clamp(min=0)


def _detached(value: Any) -> Any:
    return value.detach() if isinstance(value, Tensor) else value


def _of_its_own(x: Tensor, g: Tensor) -> Tensor:
    """A rule that no lesson has."""
    return (x - 2 * g).amax(1, keepdim=True)


def probe_map_at_layer(answer: Callable[..., Any], rng: torch.Generator) -> Outcome:
    """Maps at several layers with three rules; and whether the model is left alone."""
    x, one = rand(rng, 2, 3, 8, 6), rand(rng, 1, 3, 6, 8)
    network = nested_network(rng, inplace=True)
    used, frozen = in_use(nested_network(rng), rng), nested_network(rng).requires_grad_(False)
    upper, norm, lower = "features.block.conv", "features.block.norm", "features.conv"
    cases: tuple[tuple[str, nn.Module, Tensor, str, Rule], ...] = (
        (f"Grad-CAM at {upper}", network, x, upper, grad_cam_map),
        (f"linear approximation at {lower}", network, x, lower, linear_approximation),
        (f"another rule at {norm}", network, one, norm, _of_its_own),
        (
            f"linear approximation at {norm}, of a network in use",
            used,
            x,
            norm,
            linear_approximation,
        ),
        (f"another rule at {upper}, of a frozen network", frozen, x, upper, _of_its_own),
    )
    outcome: Outcome = {}
    for what, model, images, layer, rule in cases:
        target = randint(rng, 0, 7)  # not the last class
        with torch.enable_grad(), no_trace(outcome, what, model, images):
            s = call(answer, model, images, target, layer, rule)
        outcome[what] = _detached(s)
    return outcome


HINTS = [
    "Four steps: put a probe on the layer, run the model, take the probe off, ask for the "
    "gradient.",
    "`model.get_submodule(layer)` finds a layer by its name.",
    "The images of a batch don't mix, so the sum of their scores, `scores[:, "
    "target].sum()`, has all their gradients at once.",
    "`(g,) = torch.autograd.grad(scores[:, target].sum(), probe.data)`, and then the rule "
    "of `probe.data.detach()` and `g`.",
]

mistake = Mistakes()


@mistake("The map is right, but your probe is still on the layer. Take it off before you return.")
def _leaves_the_probe(model, x, target, layer, rule):
    probe = Probe(model.get_submodule(layer))
    scores = model(x)
    (g,) = torch.autograd.grad(scores[:, target].sum(), probe.data)
    return rule(probe.data, g)


@mistake(
    "`backward()` fills the `.grad` of every weight on its way. "
    "`torch.autograd.grad(score, probe.data)` hands you the one gradient that you want, "
    "and leaves the model alone."
)
def _fills_the_weights(model, x, target, layer, rule):
    probe = Probe(model.get_submodule(layer))
    model(x)[:, target].sum().backward()
    probe.remove()
    return rule(probe.data.detach(), probe.gradient)


@mistake(
    "You picked an image, not a class: `scores` has shape (N, classes), so the class is "
    "the second index, `scores[:, target]`."
)
def _indexes_the_batch(model, x, target, layer, rule):
    probe = Probe(model.get_submodule(layer))
    scores = model(x)
    probe.remove()
    (g,) = torch.autograd.grad(scores[target % len(x)].sum(), probe.data)
    return rule(probe.data.detach(), g)


@mistake(
    "You explain the probability. The softmax mixes the other classes' scores in; explain "
    "the score itself."
)
def _explains_probabilities(model, x, target, layer, rule):
    probe = Probe(model.get_submodule(layer))
    scores = model(x).softmax(1)
    probe.remove()
    (g,) = torch.autograd.grad(scores[:, target].sum(), probe.data)
    return rule(probe.data.detach(), g)


def _map_of(score: Callable[[Tensor, int], Tensor]) -> Callable[..., Tensor]:
    """A `map_at_layer` that starts at something else than the sum of the target's scores."""

    def answer(model, x, target, layer, rule):
        probe = Probe(model.get_submodule(layer))
        scores = model(x)
        probe.remove()
        (g,) = torch.autograd.grad(score(scores, target), probe.data)
        return rule(probe.data.detach(), g)

    return answer


mistake(
    "`autograd.grad` starts from one number, and you gave it one for each image. The "
    "images don't mix, so the sum of their scores does: `scores[:, "
    "target].sum()`."
)(_map_of(lambda scores, target: scores[:, target]))

mistake(
    "You average over the batch, so each gradient is too small by the number of images. "
    "Add the scores up: the images don't mix."
)(_map_of(lambda scores, target: scores[:, target].mean()))

mistake("You started from the scores of all classes. The map is of one: `scores[:, target]`.")(
    _map_of(lambda scores, target: scores.sum())
)

mistake(
    "You explain the first image alone, and the others get a gradient of 0. Take all "
    "images: `scores[:, target].sum()`."
)(_map_of(lambda scores, target: scores[0, target]))


@mistake(
    "The probe was taken off before the model ran, so it has seen nothing. Run first, then "
    "`remove()`."
)
def _removes_it_too_early(model, x, target, layer, rule):
    probe = Probe(model.get_submodule(layer))
    probe.remove()
    scores = model(x)
    (g,) = torch.autograd.grad(scores[:, target].sum(), probe.data)
    return rule(probe.data, g)


@mistake(
    "`torch.autograd.grad` returns a tuple, even of one gradient. Unpack it: "
    "`(g,) = ...`, or `[0]`."
)
def _keeps_the_tuple(model, x, target, layer, rule):
    probe = Probe(model.get_submodule(layer))
    scores = model(x)
    probe.remove()
    g = torch.autograd.grad(scores[:, target].sum(), probe.data)
    return rule(probe.data, g)


@mistake("A probe sits on a layer, and `layer` is its name. `model.get_submodule(layer)` finds it.")
def _probes_the_name(model, x, target, layer, rule):
    probe = Probe(layer)
    scores = model(x)
    probe.remove()
    (g,) = torch.autograd.grad(scores[:, target].sum(), probe.data)
    return rule(probe.data, g)


@mistake(
    "Inside `torch.no_grad()` PyTorch records nothing, so there is no way back from the "
    "score. Run the model without it."
)
def _records_nothing(model, x, target, layer, rule):
    probe = Probe(model.get_submodule(layer))
    with torch.no_grad():
        scores = model(x)
    probe.remove()
    (g,) = torch.autograd.grad(scores[:, target].sum(), probe.data)
    return rule(probe.data, g)


@mistake("The rule takes the activations first, then the gradients.")
def _swaps_the_arguments(model, x, target, layer, rule):
    probe = Probe(model.get_submodule(layer))
    scores = model(x)
    probe.remove()
    (g,) = torch.autograd.grad(scores[:, target].sum(), probe.data)
    return rule(g, probe.data.detach())


@mistake(
    "`zero_grad()` also throws the gradients away that were there before you came: somebody may be "
    "training this model. `torch.autograd.grad` writes none, so there is nothing to remove."
)
def _removes_all_gradients(model, x, target, layer, rule):
    probe = Probe(model.get_submodule(layer))
    model(x)[:, target].sum().backward()
    probe.remove()
    model.zero_grad()
    return rule(probe.data.detach(), probe.gradient)


@mistake(
    "`getattr` finds what lies directly in the model, and this layer lies deeper: its name has a "
    "dot. `model.get_submodule(layer)` finds both."
)
def _by_getattr(model, x, target, layer, rule):
    probe = Probe(getattr(model, layer))
    scores = model(x)
    probe.remove()
    (g,) = torch.autograd.grad(scores[:, target].sum(), probe.data)
    return rule(probe.data.detach(), g)


@mistake(
    "The rule gets `None` for the gradients. `probe.gradient` is None until a `backward()` has "
    "come by; `torch.autograd.grad(score, probe.data)` returns the gradient, and fills nothing."
)
def _without_a_backward_pass(model, x, target, layer, rule):
    probe = Probe(model.get_submodule(layer))
    model(x)
    probe.remove()
    return rule(probe.data.detach(), probe.gradient)


EXERCISE = Exercise(
    name="map_at_layer",
    lesson=LESSON.id,
    after="grad_cam_map",
    points=2,
    answer="map_at_layer",
    reference=map_at_layer,
    probe=probe_map_at_layer,
    mistakes=mistake,
    hints=HINTS,
)
