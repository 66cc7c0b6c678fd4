"""Names of the innermost layers that are neither nn.ReLU nor nn.ReLU6."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from ..engine.exercise import Exercise, Mistakes, Outcome
from ..engine.probes import call, model_state, randint, same_state, small_network
from . import LESSON


def non_relu_layers(model: nn.Module) -> list[str]:
    """Names of the innermost layers that are neither nn.ReLU nor nn.ReLU6."""
    return [
        name
        for name, layer in model.named_modules()
        if not list(layer.children()) and not isinstance(layer, nn.ReLU | nn.ReLU6)
    ]


class _Nested(nn.Module):
    """Layers inside layers, with names that don't say what they are."""

    def __init__(self, blocks: int, inplace: bool) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU6(inplace=inplace))
        self.blocks = nn.Sequential(
            *(
                nn.Sequential(nn.Conv2d(4, 4, 3), nn.ReLU(inplace=inplace), nn.MaxPool2d(2))
                for _ in range(blocks)
            )
        )
        self.relu_projection = nn.Linear(4, 4)
        self.act = nn.ReLU()
        self.head = nn.Linear(4, 2)


def _written(names: Any) -> Any:
    """The names, with a layer among them written as its type."""
    if isinstance(names, nn.Module):
        return f"a {type(names).__name__} layer"
    if isinstance(names, list | tuple):
        return [_written(name) for name in names]
    return names


def probe_non_relu_layers(answer: Callable[..., Any], rng: torch.Generator) -> Outcome:
    """The names found in a flat network and in a nested one with ReLU6."""
    nested = _Nested(randint(rng, 1, 4), inplace=randint(rng, 0, 2) == 1)
    before = model_state(nested)
    return {
        "layers of a flat network": _written(call(answer, small_network(rng))),
        "layers of a nested network": _written(call(answer, nested)),
        "the model is as before": same_state(before, model_state(nested)),
    }


HINTS = [
    "Go through all layers, and keep the names of those that pass two tests.",
    "`model.named_modules()` gives (name, layer) for every layer at every depth, in order.",
    "First test: `not list(layer.children())`. Second: `isinstance` with a tuple of two types.",
    "A list comprehension: `[name for name, layer in model.named_modules() if ... and not "
    "isinstance(layer, (nn.ReLU, nn.ReLU6))]`.",
]

mistake = Mistakes()


@mistake(
    "You judge a layer by its name. A name says what its author called it: `features.1` "
    "is a ReLU, and a linear layer may be called `relu_projection`. Ask for the type: "
    "`isinstance(layer, nn.ReLU)`."
)
def _by_name(model):
    return [
        name
        for name, layer in model.named_modules()
        if not list(layer.children()) and "relu" not in name.lower()
    ]


@mistake(
    "Containers are among your layers, and the whole model under the name `''`. An "
    "innermost layer has no children: `list(layer.children())` is empty."
)
def _with_containers(model):
    return [n for n, m in model.named_modules() if not isinstance(m, nn.ReLU | nn.ReLU6)]


@mistake(
    "`named_children()` and `children()` see only the first level. `named_modules()` goes "
    "all the way down."
)
def _top_level(model):
    return [
        n
        for n, m in model.named_children()
        if not list(m.children()) and not isinstance(m, nn.ReLU | nn.ReLU6)
    ]


@mistake("ReLU6 is still there. `nn.ReLU6` is no kind of `nn.ReLU` to Python, so name both.")
def _without_relu6(model):
    return [
        n for n, m in model.named_modules() if not list(m.children()) and not isinstance(m, nn.ReLU)
    ]


@mistake(
    "You return the layers themselves. The names are asked for: `named_modules()` gives "
    "pairs of name and layer."
)
def _layers_themselves(model):
    return [
        m
        for m in model.modules()
        if not list(m.children()) and not isinstance(m, nn.ReLU | nn.ReLU6)
    ]


@mistake(
    "You return pairs of name and layer. The names alone are asked for: `[name for name, "
    "layer in ...]`."
)
def _pairs(model):
    return [
        (n, m)
        for n, m in model.named_modules()
        if not list(m.children()) and not isinstance(m, nn.ReLU | nn.ReLU6)
    ]


@mistake(
    "`layer.children()` is a generator, and Python takes a generator for true, empty or "
    "not. Make a list of it first: `list(layer.children())`."
)
def _asks_the_generator(model):
    return [
        n
        for n, m in model.named_modules()
        if not m.children() and not isinstance(m, nn.ReLU | nn.ReLU6)
    ]


@mistake(
    "One of your two tests is enough to get in. A layer must pass both, so join them with `and`."
)
def _one_test_is_enough(model):
    return [
        n
        for n, m in model.named_modules()
        if not list(m.children()) or not isinstance(m, nn.ReLU | nn.ReLU6)
    ]


@mistake("These are the ReLUs. They are to be left out.")
def _relus(model):
    return [
        n
        for n, m in model.named_modules()
        if not list(m.children()) and isinstance(m, nn.ReLU | nn.ReLU6)
    ]


@mistake(
    "You leave out `nn.Sequential`, but that is one container among many: the model itself "
    "is another, under the name `''`. What makes a leaf is that it has no "
    "children."
)
def _without_sequentials(model):
    return [
        n for n, m in model.named_modules() if not isinstance(m, nn.ReLU | nn.ReLU6 | nn.Sequential)
    ]


EXERCISE = Exercise(
    name="non_relu_layers",
    lesson=LESSON.id,
    after="probe",
    points=1,
    answer="non_relu_layers",
    reference=non_relu_layers,
    probe=probe_non_relu_layers,
    mistakes=mistake,
    hints=HINTS,
)
