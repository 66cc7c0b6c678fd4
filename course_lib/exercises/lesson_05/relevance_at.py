"""Relevance of each position of a layer's output, summed over channels: (N, 1, h, w)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from course_lib.attribution.network.probe import Probe
from course_lib.attribution.rules.backward_rules import BackwardRules

from ..engine.exercise import Exercise, Mistakes, Outcome
from ..engine.models import CLASSES, in_use, nested_network
from ..engine.probes import call, randint
from ..engine.traces import no_trace
from . import LESSON
from .excitation import Excitation
from .shared import activations, frozen_network, table


def relevance_at(
    model: nn.Module,
    x: Tensor,
    target: int,
    layer: str,
    rules: Mapping[Callable[..., Any], Any],
) -> Tensor:
    """Relevance of each position of a layer's output, summed over channels: (N, 1, h, w)."""
    with Probe(model.get_submodule(layer), target="output") as probe, BackwardRules(rules):
        scores = model(x)
    (p,) = torch.autograd.grad(scores[:, target].sum(), probe.data[0])
    return p.sum(1, keepdim=True)


def probe_relevance_at(answer: Callable[..., Any], rng: torch.Generator) -> Outcome:
    """Maps at layers of a network that is in use, and what is left behind."""
    network = in_use(nested_network(rng, inplace=True, dtype=torch.float32), rng)
    x, target = activations(rng, 2, 3, 8, 6), randint(rng, 1, CLASSES - 1)
    outcome: Outcome = {}
    for name, layer in (
        ("an upper layer", "features.block.relu"),
        ("a lower layer", "features.relu"),
        ("a convolution", "features.block.conv"),
    ):
        with no_trace(outcome, f"at {name}", network, x):
            s = call(answer, network, x, target, layer, table(Excitation))
        outcome[f"the map at {name}"] = s.detach() if isinstance(s, Tensor) else s
    return outcome


def audit(answer: Callable[..., Any], rng: torch.Generator) -> Outcome:
    """The network as the lesson's: its weights need no gradient; one image, all its layers."""
    network = frozen_network(rng)
    x = activations(rng, 1, 3, 7, 8)
    return {
        f"the map at {layer} of a network whose weights are frozen": call(
            answer, network, x, 0, layer, table(Excitation)
        )
        for layer in ("features.block.relu", "features.pool", "features.relu", "features.conv")
    }


HINTS = [
    "Much as in lesson 04: a probe on the layer, a forward pass, `torch.autograd.grad` at "
    "what the probe has kept. New is the context around the forward pass.",
    "`with Probe(model.get_submodule(layer), target='output') as probe, "
    "BackwardRules(rules):` and in it `scores = model(x)`.",
    "`(p,) = torch.autograd.grad(scores[:, target].sum(), probe.data[0])`: the gradient of "
    "a sum starts with 1 at each score.",
    "From (N, C, h, w) to (N, 1, h, w): `p.sum(1, keepdim=True)`.",
]

mistake = Mistakes()


def _map_with(
    reduce: Callable[[Tensor, Tensor], Tensor] = lambda p, data: p.sum(1, keepdim=True),
    score: Callable[[Tensor, int], Tensor] = lambda scores, target: scores[:, target].sum(),
    ruled: bool = True,
    side: str = "output",
) -> Callable[..., Tensor]:
    """A `relevance_at` with another last step, start or side of the layer, or without the rules."""

    def answer(model, x, target, layer, rules):
        with Probe(model.get_submodule(layer), target=side) as probe:
            if ruled:
                with BackwardRules(rules):
                    scores = model(x)
            else:
                scores = model(x)
        (p,) = torch.autograd.grad(score(scores, target), probe.data[0])
        return reduce(p, probe.data[0].detach())

    return answer


mistake(
    "That is the plain gradient. The model must run inside `with BackwardRules(rules):`, "
    "as the rules are chosen on the way forward."
)(_map_with(ruled=False))

mistake("You multiply by the activations once more. The relevance has them in it already.")(
    _map_with(lambda p, data: (p * data).sum(1, keepdim=True))
)

mistake(
    "You take the largest channel. Relevance is an amount: that of a position is the *sum* "
    "over its channels."
)(_map_with(lambda p, data: p.abs().amax(1, keepdim=True)))

mistake(
    "You take the mean over the channels, so the map's sum is not the relevance that there is."
)(_map_with(lambda p, data: p.mean(1, keepdim=True)))

mistake("The channels' dimension is gone: `sum(1, keepdim=True)` keeps the shape (N, 1, h, w).")(
    _map_with(lambda p, data: p.sum(1))
)

mistake("You started at all the scores. The relevance starts at one class: `scores[:, target]`.")(
    _map_with(score=lambda scores, target: scores.sum())
)

mistake("You look at what enters the layer. Its *output* is asked for: `target='output'`.")(
    _map_with(side="input")
)

mistake(
    "You average over the batch, so each image starts with less than 1. Add the scores up: "
    "the images don't mix."
)(_map_with(score=lambda scores, target: scores[:, target].mean()))

mistake(
    "`autograd.grad` starts from one number, and you gave it several. The images don't mix, so the "
    "sum of their scores for the class does: `scores[:, target].sum()`."
)(_map_with(score=lambda scores, target: scores[:, target]))

mistake(
    "You added up over the positions, and the map is gone. Add up over the channels, dimension 1."
)(_map_with(lambda p, data: p.sum((2, 3), keepdim=True)))


@mistake("A probe sits on a layer, and `layer` is its name. `model.get_submodule(layer)` finds it.")
def _probes_the_name(model, x, target, layer, rules):
    with Probe(layer, target="output") as probe, BackwardRules(rules):
        scores = model(x)
    (p,) = torch.autograd.grad(scores[:, target].sum(), probe.data[0])
    return p.sum(1, keepdim=True)


@mistake(
    "Your hook stays on the layer. Use a `Probe` in a `with`, or remove what "
    "`register_forward_hook` returns."
)
def _leaves_a_hook(model, x, target, layer, rules):
    seen = []

    def keep(module, inputs, output):
        kept = output if output.requires_grad else output.detach().requires_grad_()
        seen.append(kept)
        return kept.clone()

    model.get_submodule(layer).register_forward_hook(keep)
    with BackwardRules(rules):
        scores = model(x)
    (p,) = torch.autograd.grad(scores[:, target].sum(), seen[0])
    return p.sum(1, keepdim=True)


def _finds_with(find: Callable[[nn.Module, str], Any]) -> Callable[..., Tensor]:
    """A `relevance_at` that finds its layer in another way."""

    def answer(model, x, target, layer, rules):
        with Probe(find(model, layer), target="output") as probe, BackwardRules(rules):
            scores = model(x)
        (p,) = torch.autograd.grad(scores[:, target].sum(), probe.data[0])
        return p.sum(1, keepdim=True)

    return answer


mistake(
    "`getattr` finds no name with a dot in it, such as `features.8`: that is a layer within a "
    "layer. `model.get_submodule(layer)` follows the dots."
)(_finds_with(getattr))

mistake(
    "A network is not asked for a layer in square brackets. `model.get_submodule(layer)` finds it "
    "by its name."
)(_finds_with(lambda model, layer: model[layer]))  # type: ignore[index]


@mistake(
    "`backward()` writes a gradient into every weight that asks for one, and adds it to what was "
    "there. `torch.autograd.grad` hands it to you and writes nothing."
)
def _by_backward(model, x, target, layer, rules):
    with Probe(model.get_submodule(layer), target="output") as probe, BackwardRules(rules):
        scores = model(x)
    scores[:, target].sum().backward()
    p: Any = probe.data[0].grad
    return p.sum(1, keepdim=True)


@mistake(
    "`torch.autograd.grad` returns a tuple, even of one gradient. Unpack it: `(p,) = ...`, or "
    "`[0]`."
)
def _tuple_not_unpacked(model, x, target, layer, rules):
    with Probe(model.get_submodule(layer), target="output") as probe, BackwardRules(rules):
        scores = model(x)
    p: Any = torch.autograd.grad(scores[:, target].sum(), probe.data[0])
    return p.sum(1, keepdim=True)


mistake("You start at one image alone. `x` is a batch: the relevance is 1 at the score of each.")(
    _map_with(score=lambda scores, target: scores[0, target])
)

mistake("The relevance starts at the score itself, without a softmax.")(
    _map_with(score=lambda scores, target: scores.softmax(1)[:, target].sum())
)

mistake("You cut the map off at 0. Hand on the sum as it is: with other rules it may be negative.")(
    _map_with(lambda p, data: p.sum(1, keepdim=True).clamp(min=0))
)

EXERCISE = Exercise(
    name="relevance_at",
    lesson=LESSON.id,
    after="excitation",
    points=2,
    answer="relevance_at",
    reference=relevance_at,
    probe=probe_relevance_at,
    then=audit,
    mistakes=mistake,
    hints=HINTS,
)
