"""What is timed: each method beside its floor and beside the peers that have it."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import torch
from torch import nn

from benchmarks.networks import NETWORKS, Network
from benchmarks.timing import Run
from course_lib.attribution.deconvnet import deconvnet
from course_lib.attribution.excitation_backprop import (
    contrastive_excitation_backprop,
    excitation_backprop,
)
from course_lib.attribution.extremal_perturbation import extremal_perturbation
from course_lib.attribution.grad_cam import grad_cam
from course_lib.attribution.gradient import gradient
from course_lib.attribution.guided_backprop import guided_backprop
from course_lib.attribution.linear_approx import linear_approx
from course_lib.attribution.modules import get_module
from course_lib.attribution.rise import rise

TARGET = 3
RISE_MASKS = 64
RISE_BATCH = 32
AREAS = [0.05, 0.1, 0.2, 0.4]
ITERATIONS = 4


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


def iterations(run: Callable[[Callable[[int, int], None]], object]) -> float:
    """Median seconds of one iteration of an optimisation that calls back after each."""
    stamps: list[float] = []
    run(lambda iteration, total: stamps.append(time.perf_counter()))
    steps = sorted(b - a for a, b in itertools.pairwise(stamps))
    return steps[len(steps) // 2]


def cases(name: str, *, peers: bool = True) -> Iterator[Case]:
    """All cases of a network, by its name in `NETWORKS`; extremal perturbation is timed apart."""
    from benchmarks import peers as others

    where: Network = NETWORKS[name]
    model = where.make()
    generator = torch.Generator().manual_seed(0)
    x = torch.rand(1, 3, where.size, where.size, generator=generator)

    def found(method: str, layer: str | None = None) -> dict[str, Run]:
        return others.find(method, where.make, x, TARGET, layer) if peers else {}

    input_floor = to_input(model, x)
    for method, function in (
        ("gradient", gradient),
        ("deconvnet", deconvnet),
        ("guided_backprop", guided_backprop),
    ):
        yield Case(
            name,
            method,
            input_floor,
            lambda function=function: function(model, x, TARGET),
            1.10,
            found(method),
        )
    for method, function in (("grad_cam", grad_cam), ("linear_approx", linear_approx)):
        yield Case(
            name,
            method,
            to_layer(model, x, where.last),
            lambda function=function: function(model, x, TARGET, saliency_layer=where.last),
            1.05,
            found(method, where.last),
        )
    yield Case(
        name,
        "excitation_backprop",
        to_layer(model, x, where.middle),
        lambda: excitation_backprop(model, x, TARGET, saliency_layer=where.middle),
        1.6 if name == "vgg16" else None,
        found("excitation_backprop", where.middle),
    )
    yield Case(
        name,
        "contrastive_excitation_backprop",
        to_layer(model, x, where.middle),
        lambda: contrastive_excitation_backprop(
            model,
            x,
            TARGET,
            saliency_layer=where.middle,
            contrast_layer=where.contrast,
            classifier_layer=where.classifier,
        ),
        1.8 if name == "vgg16" else None,
    )
    yield Case(
        name,
        "rise",
        forward_passes(model, x, RISE_MASKS, RISE_BATCH),
        lambda: rise(model, x, TARGET, num_masks=RISE_MASKS, batch_size=RISE_BATCH),
        {"tiny_vgg": 0.5, "resnet18": 0.8}.get(name),
    )


def extremal_case(name: str) -> tuple[Callable[[], float], Callable[[], float], float]:
    """One iteration of extremal perturbation with four areas: floor, ours, and the goal."""
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
                schedule="paper",
                callback=callback,
            )
        )

    return time_floor, time_ours, {"tiny_vgg": 2.0, "resnet18": 1.4, "vgg16": 1.1}[name]
