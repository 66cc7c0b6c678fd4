"""Relevance of each position of a layer's output, summed over channels: (N, 1, h, w)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd import Function

from course_lib.attribution.network.probe import Probe
from course_lib.attribution.rules.backward_rules import BackwardRules

from ..engine.exercise import Exercise, Mistakes, Outcome
from ..engine.probes import call, model_state, rand, randint, same_state, small_network
from . import LESSON
from .excitation import Excitation


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


class PassReLU(Function):
    """A ReLU that hands the relevance of its output to its input."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        return x.clamp(min=0)

    @staticmethod
    def backward(ctx: Any, p: Tensor) -> Tensor:
        return p


def layer_rule(func: Callable[..., Tensor], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Convolution or linear layer by `Excitation`."""
    x, weight, bias, *rest = args
    above = weight.clamp(min=0)
    return Excitation.apply(
        x, lambda u: func(u, weight, bias, *rest), lambda u: func(u, above, None, *rest)
    )


def average_rule(func: Callable[..., Tensor], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Average pooling by `Excitation`."""
    x, *rest = args
    return Excitation.apply(x, lambda u: func(u, *rest), lambda u: func(u, *rest))


RULES: dict[Callable[..., Any], Any] = {
    F.relu: PassReLU,
    F.conv2d: layer_rule,
    F.linear: layer_rule,
    F.adaptive_avg_pool2d: average_rule,
}


def probe_relevance_at(answer: Callable[..., Any], rng: torch.Generator) -> Outcome:
    """Maps at two layers of a network with in-place ReLUs, and what is left behind."""
    network, x = small_network(rng, inplace=True), rand(rng, 2, 3, 8, 8).abs()
    target = randint(rng, 0, 4)
    convolution, classifier = network[3], network[7]
    assert isinstance(convolution, nn.Conv2d)
    assert isinstance(classifier, nn.Linear)
    with torch.no_grad():
        classifier.weight[target, 0] = 0.5
        convolution.get_parameter("bias").add_(0.5)
    before = model_state(network)
    outcome: Outcome = {}
    for name, layer in (
        ("the upper layer", "4"),
        ("the lower layer", "1"),
        ("a convolution", "3"),
    ):
        s = call(answer, network, x, target, layer, RULES)
        outcome[f"the map at {name}"] = s.detach() if isinstance(s, Tensor) else s
    after = model_state(network)
    outcome["no hook is left on a layer"] = not any(m._forward_hooks for m in network.modules())
    outcome["no gradients are left in the weights"] = all(
        p.grad is None for p in network.parameters()
    )
    outcome["the model is as before"] = same_state(before, after)
    return outcome


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
    "`autograd.grad` starts from one number, and you gave it one for each image. The "
    "images don't mix, so their sum does: `scores[:, target].sum()`."
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


EXERCISE = Exercise(
    name="relevance_at",
    lesson=LESSON.id,
    after="excitation",
    points=2,
    answer="relevance_at",
    reference=relevance_at,
    probe=probe_relevance_at,
    mistakes=mistake,
    hints=HINTS,
)
