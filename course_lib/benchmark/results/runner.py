"""Run methods over a world, and keep each number as soon as it is there."""

from __future__ import annotations

import json
import typing
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from difflib import get_close_matches
from inspect import signature
from itertools import chain, groupby, islice
from time import perf_counter
from typing import Any

import torch
from torch import Tensor, nn

from course_lib import __version__
from course_lib.attribution.inputs.checks import whole_number
from course_lib.attribution.methods import methods
from course_lib.world.layers import LAYERS, default_layers

from ..baselines import centre
from ..protocols import Protocol, protocols
from .store import Row
from .worlds import Case, find_world

VERSIONS = f"course_lib {__version__}, torch {torch.__version__.partition('+')[0]}"
"""What a number depends on besides its settings."""

BASELINES: dict[str, Callable[..., Tensor]] = {"centre": centre}
"""Methods that look at no network."""


class Keeps(typing.Protocol):
    """What a run needs of a store."""

    def done(self, **wanted: Any) -> set[tuple[str, int, str]]:
        """Image, class and protocol of each row with these values."""

    def add(self, rows: Iterable[Row]) -> None:
        """Keep rows."""


@dataclass(frozen=True)
class Run:
    """One method on one network in one world.

    Attributes:
        data: the world: scenes, scene_grids, photo_grids, voc:FOLDER or coco:FOLDER.
        arch: the network.
        method: "centre", or one of `methods()`.
        protocols: names of `protocols()`; the world's own if empty.
        count: how many images; all if None, where there is an end of them.
        part: (k, K): only every K-th image, from number k on, so that K can share the work.
        options: the method's arguments besides, `{"num_masks": 500}`.
        weights: a file of the network's weights.
    """

    data: str
    arch: str
    method: str
    protocols: tuple[str, ...] = ()
    count: int | None = None
    part: tuple[int, int] = (1, 1)
    options: Mapping[str, Any] = field(default_factory=dict)
    weights: str | None = None


def run(wanted: Run, store: Keeps, progress: Callable[[Iterable], Iterable] = iter) -> int:
    """Measure what is not in the store yet; give how many numbers that were.

    Each case's numbers are written together when they are there, so that a run which is killed
    loses the case that it was at, and the next one goes on from there.

    Args:
        wanted: what to run.
        store: where the numbers go.
        progress: around the images, lists of cases; `tqdm`, for instance.

    Raises:
        ValueError: there is no such world, network, method, protocol or part.
        OSError: weights or data are missing.
    """
    world = find_world(wanted.data)
    function = _function(wanted.method)
    asked = [_protocol(name) for name in wanted.protocols or world.protocols]
    options, common = settings(wanted), identity(wanted)
    there = store.done(**common)
    model = world.network(wanted.arch, wanted.weights)
    written = 0
    images = _images(world.cases(wanted.count, wanted.arch), wanted.part)
    for case in chain.from_iterable(progress(images)):
        missing = [p for p in asked if (case.image, case.target, p.name) not in there]
        if missing:
            numbers = measure(model, case, lambda *args: _maps(function(*args, **options)), missing)
            store.add(_row(common, case, *number) for number in numbers)
            written += len(missing)
    return written


def identity(wanted: Run) -> dict[str, str]:
    """What all rows of a run have in common."""
    return {
        "data": wanted.data,
        "network": wanted.arch,
        "method": wanted.method,
        "settings": json.dumps(settings(wanted), sort_keys=True),
        "versions": VERSIONS,
    }


def settings(wanted: Run) -> dict[str, Any]:
    """The method's arguments: the network's layers, a seed, then the caller's options.

    Raises:
        ValueError: the method takes no such option, or lacks one that it needs.
    """
    world = find_world(wanted.data)
    # The first three are the model, the images and the target.
    takes = dict(list(signature(_function(wanted.method)).parameters.items())[3:])
    layers = default_layers(wanted.arch, wanted.method) if wanted.arch in LAYERS else {}
    chosen: dict[str, Any] = {name: world.layers + layer for name, layer in layers.items()}
    if "seed" in takes:
        # The same masks for every image: a run that went on later gives the same numbers.
        chosen["seed"] = 0
    chosen |= wanted.options
    for name in chosen:
        if name not in takes:
            raise ValueError(f"{wanted.method} takes no option {name!r}.")
    for name, parameter in takes.items():
        if parameter.default is parameter.empty and name not in chosen:
            raise ValueError(f"{wanted.method} needs the option {name}=... on {wanted.arch}.")
    return chosen


def measure(
    model: nn.Module,
    case: Case,
    method: Callable[[nn.Module, Tensor, Any], Tensor],
    asked: Iterable[Protocol],
) -> Iterator[tuple[str, float, float]]:
    """Ask protocols about one case: each one's name and number, and the seconds of the map."""
    start = perf_counter()
    maps = method(model, case.x, case.target)
    seconds = perf_counter() - start
    for protocol in asked:
        explanation = maps if protocol.explanation == "maps" else method
        truth = case.truth if protocol.needs_truth else None
        value = protocol.function(model, case.x, case.target, explanation, truth)
        yield protocol.name, float(value), seconds


def _row(common: dict[str, Any], case: Case, protocol: str, value: float, seconds: float) -> Row:
    return Row(
        **common,
        image=case.image,
        category=case.target,
        protocol=protocol,
        value=value,
        difficult=case.difficult,
        seconds=round(seconds, 4),
        measured=date.today().isoformat(),
    )


def _maps(found: Any) -> Tensor:
    """Extremal perturbation gives its history besides its masks."""
    return found if isinstance(found, Tensor) else found[0]


def _images(cases: Iterator[Case], part: tuple[int, int]) -> Iterator[list[Case]]:
    """The cases image by image: every K-th image, from number k on."""
    number, parts = (whole_number("part", value) for value in part)
    if number > parts:
        raise ValueError(f"There is no part {number} of {parts}.")
    images = (list(same) for _, same in groupby(cases, lambda case: case.image))
    return islice(images, number - 1, None, parts)


def _function(name: str) -> Callable[..., Any]:
    functions = BASELINES | {known: method.function for known, method in methods().items()}
    return functions[_known("method", name, functions)]


def _protocol(name: str) -> Protocol:
    return protocols()[_known("protocol", name, protocols())]


def _known(kind: str, name: str, names: Iterable[str]) -> str:
    if name not in names:
        near = get_close_matches(name, names)
        hint = f"did you mean {' or '.join(near)}?" if near else f"there are {', '.join(names)}."
        raise ValueError(f"There is no {kind} {name!r}; {hint}")
    return name
