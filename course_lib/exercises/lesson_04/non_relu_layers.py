"""Names of the innermost layers that are neither nn.ReLU nor nn.ReLU6."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from ..engine.exercise import Exercise, Mistakes, Outcome
from ..engine.models import in_use, nested_network
from ..engine.probes import call, randint, small_network
from ..engine.traces import no_trace
from . import LESSON


def non_relu_layers(model: nn.Module) -> list[str]:
    """Names of the innermost layers that are neither nn.ReLU nor nn.ReLU6."""
    return [
        name
        for name, layer in model.named_modules()
        if not list(layer.children()) and not isinstance(layer, nn.ReLU | nn.ReLU6)
    ]


class _Doubled(nn.Module):
    """A layer that somebody has written, without weights."""

    def forward(self, x: Tensor) -> Tensor:
        return 2 * x


class _Nested(nn.Module):
    """Layers inside layers, of many kinds, with names that don't say what they are."""

    def __init__(self, blocks: int, inplace: bool) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU6(inplace=inplace))
        self.blocks = nn.ModuleList(
            nn.Sequential(nn.Conv2d(4, 4, 3), nn.ReLU(inplace=inplace), nn.MaxPool2d(2))
            for _ in range(blocks)
        )
        # more than ten, so that one name begins with another: `tail.1`, `tail.10`
        self.tail = nn.Sequential(
            *(nn.Conv2d(4, 4, 1), nn.Conv2d(4, 4, 1), nn.Sequential(nn.Conv2d(4, 4, 1), nn.ReLU())),
            *(nn.Hardtanh(inplace=inplace), nn.LeakyReLU(), nn.PReLU(), nn.GELU()),
            *(nn.Dropout(), nn.Identity(), nn.Sequential(), _Doubled()),
            *(nn.ReLU6(), nn.Conv2d(4, 4, 1), nn.Sigmoid()),
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
    """The names found in a flat network and in a nested one with many kinds of layers."""
    nested = in_use(_Nested(randint(rng, 1, 4), inplace=randint(rng, 0, 2) == 1), rng)
    outcome: Outcome = {"layers of a flat network": _written(call(answer, small_network(rng)))}
    with no_trace(outcome, "on a network that is in use", nested):
        outcome["layers of a nested network"] = _written(call(answer, nested))
    outcome["layers of another network"] = _written(call(answer, nested_network(rng)))
    return outcome


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
    "Containers are among your layers, and the whole model under the name `''`: ask for those "
    "without children, `not list(layer.children())`. And `nn.ReLU6` is no `nn.ReLU`: leave it "
    "out too."
)
def _with_containers_and_relu6(model):
    return [n for n, m in model.named_modules() if not isinstance(m, nn.ReLU)]


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


@mistake(
    "ReLU6 is still there. `nn.ReLU6` is no kind of `nn.ReLU` to Python: name both, in brackets "
    "and with a comma, `isinstance(layer, (nn.ReLU, nn.ReLU6))`."
)
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


@mistake(
    "The ReLUs are still there. `isinstance(layer, (nn.ReLU, nn.ReLU6))` asks for both kinds at "
    "once. (A layer is never the class `nn.ReLU` itself, and each layer is *either* no ReLU *or* "
    "no ReLU6.)"
)
def _all_leaves(model):
    return [n for n, m in model.named_modules() if not list(m.children())]


@mistake(
    "ReLU is still there, and ReLU6 is not. Name both, in brackets and with a comma: "
    "`isinstance(layer, (nn.ReLU, nn.ReLU6))`."
)
def _without_relu6_alone(model):
    return [
        n
        for n, m in model.named_modules()
        if not list(m.children()) and not isinstance(m, nn.ReLU6)
    ]


@mistake(
    "You leave out layers without weights, such as a pooling. They make an image too; only the "
    "two kinds of ReLU are to be left out."
)
def _with_weights_only(model):
    return [
        n
        for n, m in model.named_modules()
        if not list(m.children()) and list(m.parameters()) and not isinstance(m, nn.ReLU)
    ]


@mistake(
    "You leave out other activations as well, such as LeakyReLU: their names contain ReLU, but "
    "they are not an `nn.ReLU`. Ask for the type: `isinstance(layer, (nn.ReLU, nn.ReLU6))`."
)
def _by_name_of_class(model):
    return [
        n
        for n, m in model.named_modules()
        if not list(m.children()) and "ReLU" not in type(m).__name__
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
