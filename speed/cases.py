"""What is timed: each method beside its floor and beside the peers that have it."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import torch
from torch import nn

from course_lib.attribution.extremal_perturbation import extremal_perturbation
from course_lib.attribution.methods import methods
from course_lib.attribution.network.layers import get_module

from .networks import NETWORKS, Network
from .timing import Run

TARGET = 3
RISE_MASKS = 64
RISE_BATCH = 32
PASSES = 16
AREAS = [0.05, 0.1, 0.2, 0.4]
ITERATIONS = 4
EXTREMAL = "extremal_perturbation, per iteration"
# Methods that are asked for at the network's last layer with positions; others that take a layer
# at one in the middle, where relevance is shared.
_AT_LAST = ("grad_cam", "linear_approx")
_AT_MIDDLE = ("excitation_backprop", "contrastive_excitation_backprop")
# By method and network; None stands for every other network.
_GOALS: dict[tuple[str, str | None], float] = {
    **dict.fromkeys(((name, None) for name in ("gradient", "deconvnet", "guided_backprop")), 1.10),
    **dict.fromkeys(
        ((name, "tiny_vgg") for name in ("gradient", "deconvnet", "guided_backprop")), 1.15
    ),
    **dict.fromkeys(((name, None) for name in _AT_LAST), 1.10),
    **dict.fromkeys((("excitation_backprop", name) for name in ("resnet18", "vgg16")), 1.5),
    **dict.fromkeys(
        (("contrastive_excitation_backprop", name) for name in ("resnet18", "vgg16")), 1.6
    ),
    **dict.fromkeys((("lrp", name) for name in ("resnet18", "vgg16")), 2.0),
    ("rise", "tiny_vgg"): 0.55,
    ("rise", "resnet18"): 0.8,
    (EXTREMAL, "resnet18"): 1.4,
}


@dataclass(frozen=True)
class Case:
    """One method on one network.

    Args:
        network, method: names.
        floor: the network's own passes that the method can't do without.
        ours: the method as this package has it.
        goal: how many times the floor it may take; None where none was set.
        peers: the same method elsewhere.
    """

    network: str
    method: str
    floor: Run
    ours: Run
    goal: float | None
    peers: dict[str, Run] = field(default_factory=dict)


def to_input(model: nn.Module, x: torch.Tensor) -> Run:
    """Forward, and backward to the input."""

    def run() -> torch.Tensor:
        leaf = x.detach().requires_grad_(True)
        return torch.autograd.grad(model(leaf)[:, TARGET].sum(), leaf)[0]

    return run


def to_layer(model: nn.Module, x: torch.Tensor, layer: str) -> Run:
    """Forward, and backward to the output of a layer."""

    def run() -> torch.Tensor:
        kept: list[torch.Tensor] = []

        def keep(module: nn.Module, inputs: object, output: torch.Tensor) -> torch.Tensor:
            leaf = output.detach().requires_grad_(True)
            kept.append(leaf)
            # a copy, because the next layer may work in place
            return leaf.clone()

        handle = get_module(model, layer).register_forward_hook(keep)
        try:
            score = model(x)[:, TARGET].sum()
        finally:
            handle.remove()
        return torch.autograd.grad(score, kept[0])[0]

    return run


def forward_passes(model: nn.Module, x: torch.Tensor, count: int, batch: int) -> Run:
    """As many forward passes as there are masks, in batches."""
    images = x.expand(batch, -1, -1, -1).contiguous()

    def run() -> None:
        with torch.no_grad():
            for _ in range(count // batch):
                model(images)

    return run


def repeated(run: Run, times: int) -> Run:
    """The same several times."""

    def several() -> None:
        for _ in range(times):
            run()

    return several


def _both_passes(model: nn.Module, x: torch.Tensor) -> Run:
    return repeated(to_input(model, x), PASSES)


# Methods of many passes: their settings for images of a size, and the passes they can't do without.
_MANY_PASSES: dict[
    str, tuple[Callable[[int], dict[str, Any]], Callable[[nn.Module, torch.Tensor], Run]]
] = {
    "rise": (
        lambda size: {"num_masks": RISE_MASKS, "batch_size": RISE_BATCH},
        lambda model, x: forward_passes(model, x, RISE_MASKS, RISE_BATCH),
    ),
    "integrated_gradients": (lambda size: {"steps": PASSES}, _both_passes),
    "smooth_grad": (lambda size: {"samples": PASSES}, _both_passes),
    # A quarter of the side: four windows a row.
    "occlusion": (
        lambda size: {"window": size // 4, "stride": size // 4},
        lambda model, x: forward_passes(model, x, PASSES, PASSES),
    ),
}


def iterations(run: Callable[[Callable[[int, int], None]], object]) -> float:
    """Median seconds of one iteration of an optimisation that calls back after each."""
    stamps: list[float] = []
    run(lambda iteration, total: stamps.append(time.perf_counter()))
    steps = sorted(b - a for a, b in itertools.pairwise(stamps))
    return steps[len(steps) // 2]


METHODS = tuple(
    m.name
    for m in methods().values()
    if m.name != "extremal_perturbation" and m.needs != "attention"
)
"""What `make_case` can make; extremal perturbation is timed apart, by `extremal_case`.

None of the networks here has attention.
"""


def make_case(name: str, method: str, *, peers: bool = True) -> Case:
    """The case of a method on a network, by its name in `NETWORKS`.

    The floor is one forward pass, and the backward pass to where the method explains.
    """
    from . import peers as others

    where: Network = NETWORKS[name]
    model = where.make()
    x = torch.rand(1, 3, where.size, where.size, generator=torch.Generator().manual_seed(0))
    entry = methods()[method]
    layer: str | None = None
    options: dict[str, Any] = {}
    if method in _AT_LAST or (entry.layer == "needed" and method not in _AT_MIDDLE):
        layer = where.last
    elif method in _AT_MIDDLE:
        layer = where.middle
    if layer is not None:
        options["saliency_layer"] = layer
    if method == "contrastive_excitation_backprop":
        options |= {"contrast_layer": where.contrast, "classifier_layer": where.classifier}
    floor = to_input(model, x) if layer is None else to_layer(model, x, layer)
    if method in _MANY_PASSES:
        settings, passes = _MANY_PASSES[method]
        options |= settings(where.size)
        floor = passes(model, x)
    ours = partial(entry.function, model, x, TARGET, **options)
    goal = _GOALS.get((method, name), _GOALS.get((method, None)))
    found = others.find(method, where.make, x, TARGET, layer) if peers else {}
    return Case(name, method, floor, ours, goal, found)


def extremal_case(name: str) -> tuple[Callable[[], float], Callable[[], float], float | None]:
    """Seconds of an iteration of extremal perturbation with four areas: floor, ours; the goal."""
    where = NETWORKS[name]
    model = where.make()
    x = torch.rand(1, 3, where.size, where.size, generator=torch.Generator().manual_seed(0))
    floor = to_input(model, x.expand(len(AREAS), -1, -1, -1).contiguous())

    def time_floor() -> float:
        start = time.perf_counter()
        floor()
        return time.perf_counter() - start

    def time_ours() -> float:
        return iterations(
            lambda callback: extremal_perturbation(
                model,
                x,
                TARGET,
                areas=AREAS,
                max_iter=ITERATIONS,
                callback=callback,
            )
        )

    return time_floor, time_ours, _GOALS.get((EXTREMAL, name))
