"""How alike a method's maps stay while the network's layers are drawn anew, one after the other."""

from __future__ import annotations

import copy
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..engine.exercise import Exercise, Mistakes, Outcome
from ..engine.models import in_use
from ..engine.probes import call, rand
from ..engine.traces import no_trace
from . import LESSON


def likeness_curve(
    model: nn.Module,
    x: Tensor,
    target: Any,
    method: Callable[..., Tensor],
    likeness: Callable[[Tensor, Tensor], Tensor],
    layers: Sequence[str],
) -> Tensor:
    """How alike the maps stay to the first ones, after each layer: (N, number of layers)."""
    first = method(model, x, target)
    damaged = copy.deepcopy(model)
    stages = []
    for name in layers:
        layer: Any = damaged.get_submodule(name)
        layer.reset_parameters()
        stages.append(likeness(first, method(damaged, x, target)))
    return torch.stack(stages, 1)


class _Drawn(nn.Conv2d):
    """A convolution whose new weights are known beforehand, however an answer orders its draws."""

    def __init__(self, rng: torch.Generator, channels: int, filters: int) -> None:
        super().__init__(channels, filters, 1, bias=False, dtype=torch.float64)
        self.fresh = rand(rng, *self.weight.shape)
        with torch.no_grad():
            self.weight.copy_(rand(rng, *self.weight.shape))

    def reset_parameters(self) -> None:
        if hasattr(self, "fresh"):
            with torch.no_grad():
                self.weight.copy_(self.fresh)


def _network(rng: torch.Generator) -> nn.Module:
    block = nn.Sequential(OrderedDict(conv=_Drawn(rng, 4, 5), norm=nn.BatchNorm2d(5).double()))
    features = nn.Sequential(OrderedDict(conv=_Drawn(rng, 3, 4), relu=nn.Tanh(), block=block))
    return nn.Sequential(OrderedDict(features=features, top=_Drawn(rng, 5, 4))).eval()


def _method(model: nn.Module, x: Tensor, target: Any) -> Tensor:
    """Input times gradient of the class's mean score, N x 1 x H x W."""
    with torch.enable_grad():
        image = x.detach().clone().requires_grad_()
        scores = model(image).mean((2, 3))
        targets = torch.as_tensor(target).expand(len(x))
        (slopes,) = torch.autograd.grad(scores.gather(1, targets[:, None]).sum(), image)
    return (image.detach() * slopes).sum(1, keepdim=True)


def _alike(one: Tensor, other: Tensor) -> Tensor:
    return F.cosine_similarity(one.flatten(1), other.flatten(1))


def probe_likeness_curve(answer: Callable[..., Any], rng: torch.Generator) -> Outcome:
    """Curves over nested layers of a network that somebody else uses, in two orders."""
    outcome: Outcome = {}
    model = in_use(_network(rng), rng)
    x, targets = rand(rng, 2, 3, 4, 5), torch.tensor([2, 0])
    layers = ["top", "features.block.conv", "features.conv"]
    with no_trace(outcome, "after a call", model, x):
        outcome["the likeness after each layer"] = call(
            answer, model, x, targets, _method, _alike, layers
        )
    outcome["from the input up, one class for all"] = call(
        answer, model, x, 1, _method, _alike, layers[::-1]
    )
    outcome["of one image, with two layers only"] = call(
        answer, model, x[:1], 3, _method, _difference, tuple(layers[:2])
    )
    return outcome


def _difference(one: Tensor, other: Tensor) -> Tensor:
    """Another way to compare; not the same when its arguments change places."""
    return (one - 2 * other).flatten(1).mean(1)


HINTS = [
    "Three things, in this order: the first maps, from the network as it is; a copy of the "
    "network; then a loop over the layers.",
    "`copy.deepcopy(model)` copies the network with its weights, so that the model itself keeps "
    "what it learned. Make one copy, before the loop.",
    "`damaged.get_submodule(name).reset_parameters()` draws a layer's weights anew, and they stay "
    "so when the next layer's turn comes.",
    "`likeness(first, method(damaged, x, target))` has one number for each image. Collect these "
    "and join them: `torch.stack(stages, 1)`.",
]

mistake = Mistakes()


@mistake("You return layers x images. It should be images x layers: `torch.stack(stages, 1)`.")
def _transposed(model, x, target, method, likeness, layers):
    return likeness_curve(model, x, target, method, likeness, layers).T


@mistake(
    "You begin with a fresh copy for each layer, so only one layer is random at a time. A layer "
    "that was drawn anew stays so: make one copy, before the loop."
)
def _one_at_a_time(model, x, target, method, likeness, layers):
    curves = [likeness_curve(model, x, target, method, likeness, [name]) for name in layers]
    return torch.cat(curves, 1)


@mistake(
    "You compare each map with the one before. What is asked is how much is left of the *first* "
    "maps, those of the network that has learned."
)
def _with_the_last(model, x, target, method, likeness, layers):
    before = method(model, x, target)
    damaged = copy.deepcopy(model)
    stages = []
    for name in layers:
        damaged.get_submodule(name).reset_parameters()
        now = method(damaged, x, target)
        stages.append(likeness(before, now))
        before = now
    return torch.stack(stages, 1)


@mistake("All layers are drawn before the first comparison with you. Compare after each layer.")
def _all_at_once(model, x, target, method, likeness, layers):
    first = method(model, x, target)
    damaged = copy.deepcopy(model)
    for name in layers:
        damaged.get_submodule(name).reset_parameters()
    stages = [likeness(first, method(damaged, x, target)) for name in layers]
    return torch.stack(stages, 1)


@mistake(
    "You compare before the layer is drawn anew, so the first likeness is that of the maps with "
    "themselves. Draw first, then compare."
)
def _too_early(model, x, target, method, likeness, layers):
    first = method(model, x, target)
    damaged = copy.deepcopy(model)
    stages = []
    for name in layers:
        stages.append(likeness(first, method(damaged, x, target)))
        damaged.get_submodule(name).reset_parameters()
    return torch.stack(stages, 1)


@mistake(
    "You set the weights to 0. A network of zeros has the same score everywhere and a gradient of "
    "0: draw new weights, with the layer's `reset_parameters()`."
)
def _zeros(model, x, target, method, likeness, layers):
    first = method(model, x, target)
    damaged = copy.deepcopy(model)
    stages = []
    for name in layers:
        for parameter in damaged.get_submodule(name).parameters():
            parameter.data.zero_()
        stages.append(likeness(first, method(damaged, x, target)))
    return torch.stack(stages, 1)


@mistake(
    "You average over the images. Return a number for each image and layer, the shape is "
    "(N, number of layers)."
)
def _averaged(model, x, target, method, likeness, layers):
    return likeness_curve(model, x, target, method, likeness, layers).mean(0)


@mistake(
    "You go through the layers from the last in the list to the first. Take them in the order "
    "that they are given."
)
def _backwards(model, x, target, method, likeness, layers):
    return likeness_curve(model, x, target, method, likeness, layers[::-1])


@mistake(
    "You give `likeness` the network's map first and the first map second. The first maps come "
    "first: `likeness(first, ...)`."
)
def _swapped(model, x, target, method, likeness, layers):
    return likeness_curve(model, x, target, method, lambda a, b: likeness(b, a), layers)


@mistake(
    "All layers are drawn anew in each step. `get_submodule(name)` finds the one whose turn it is."
)
def _every_layer(model, x, target, method, likeness, layers):
    first = method(model, x, target)
    damaged = copy.deepcopy(model)
    stages = []
    for _ in layers:
        for module in damaged.modules():
            if hasattr(module, "reset_parameters"):
                module.reset_parameters()
        stages.append(likeness(first, method(damaged, x, target)))
    return torch.stack(stages, 1)


EXERCISE = Exercise(
    name="likeness_curve",
    lesson=LESSON.id,
    after="deletion_curve",
    points=2,
    answer="likeness_curve",
    reference=likeness_curve,
    probe=probe_likeness_curve,
    mistakes=mistake,
    hints=HINTS,
)
