"""Does the largest pixel of a map lie on the object? Tied pixels count as their mean."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from ..engine.exercise import Exercise, Mistakes, Outcome
from ..engine.probes import call, rand
from . import LESSON


def pointing_hits(s: Tensor, masks: Tensor) -> Tensor:
    """For each map, the share of its largest pixels that lie on the object: (N,)."""
    s, masks = s.flatten(1), masks.flatten(1)
    largest = s == s.amax(1, keepdim=True)
    return (largest & masks).sum(1) / largest.sum(1)


def probe_pointing_hits(answer: Callable[..., Any], rng: torch.Generator) -> Outcome:
    """Hits and misses, ties, constant maps, maps below zero, and one map alone."""
    s = rand(rng, 6, 1, 5, 7, dtype=torch.float32)
    masks = rand(rng, 6, 5, 7) > 0
    _peak(s, masks, [True, False, True, False, False, True])
    outcome: Outcome = {"hits and misses": call(answer, s, masks)}
    tied = s.clone()
    for row, mask in zip(tied.flatten(1), masks.flatten(1), strict=True):
        inside, outside = mask.nonzero()[0], mask.logical_not().nonzero()[:2, 0]
        row[torch.cat([inside, outside])] = 3.0
    outcome["maps whose largest pixels tie"] = call(answer, tied, masks)
    flat = torch.tensor([-2.0, 1.0, 3.0]).view(3, 1, 1, 1).expand(3, 1, 6, 4).clone()
    some = rand(rng, 3, 6, 4) > 0.3
    some[:, 0, 0] = True
    outcome["maps that are the same everywhere"] = call(answer, flat, some)
    near = s.clone()
    for row, mask in zip(near.flatten(1), masks.flatten(1), strict=True):
        at = row.argmax()
        row[(mask != mask[at]).nonzero()[0]] = 1.99
    outcome["maps whose second largest pixel comes close"] = call(answer, near, masks)
    outcome["maps without a number above 0"] = call(answer, s - 9, masks)
    outcome["one map alone"] = call(answer, s[:1], masks[:1])
    return outcome


def _peak(s: Tensor, masks: Tensor, hits: list[bool]) -> None:
    """Give each map one largest pixel, on the object or beside it, and one smallest elsewhere."""
    for row, mask, hit in zip(s.flatten(1), masks.flatten(1), hits, strict=True):
        row[(mask == hit).nonzero()[-1]] = 2.0
        row[(mask != hit).nonzero()[-1]] = -1.5


HINTS = [
    "Where is each map as large as it gets anywhere? Compare it with its own largest value: that "
    "gives booleans, one true pixel or several.",
    "Make each map one long row: `s.flatten(1)` and `masks.flatten(1)` both have the shape "
    "(N, H W). `row.amax(1, keepdim=True)` is each row's largest value.",
    "Of the pixels that are largest, how many lie on the object? `&` of the two rows of booleans, "
    "then `.sum(1)`.",
    "Divide by the number of the largest pixels, `largest.sum(1)`: one tie in three hits a third.",
]

mistake = Mistakes()


@mistake(
    "Where pixels tie you look at the first of them only, and the upper left corner of a map that "
    "says nothing then decides. Take all the largest pixels, and the share of them that hit."
)
def _first(s, masks):
    best = s.flatten(1).argmax(1, keepdim=True)
    return masks.flatten(1).gather(1, best)[:, 0].float()


@mistake(
    "You count a hit as soon as one of the tied pixels lies on the object. A map that is the same "
    "everywhere would then never miss."
)
def _any(s, masks):
    s = s.flatten(1)
    return ((s == s.amax(1, keepdim=True)) & masks.flatten(1)).any(1).float()


@mistake(
    "You ask that all of the tied pixels lie on the object. What is wanted is the share of them."
)
def _all(s, masks):
    s = s.flatten(1)
    largest = s == s.amax(1, keepdim=True)
    return (masks.flatten(1) | ~largest).all(1).float()


@mistake(
    "You take the largest value of the whole batch. Each map has one of its own: `amax(1, "
    "keepdim=True)` after `flatten(1)`."
)
def _of_the_batch(s, masks):
    largest = s.flatten(1) == s.max()
    return (largest & masks.flatten(1)).sum(1) / largest.sum(1).clamp(min=1)


@mistake("You divide by the size of the object. Divide by the number of pixels that tie.")
def _by_object(s, masks):
    s, masks = s.flatten(1), masks.flatten(1)
    return ((s == s.amax(1, keepdim=True)) & masks).sum(1) / masks.sum(1)


@mistake(
    "You don't divide: where pixels tie, a map hits more than once. Divide by the number of pixels "
    "that tie."
)
def _count(s, masks):
    s = s.flatten(1)
    return ((s == s.amax(1, keepdim=True)) & masks.flatten(1)).sum(1).float()


@mistake("One number for all maps is left. Return one for each, the shape is (N,).")
def _mean(s, masks):
    return pointing_hits(s, masks).mean()


@mistake(
    "You look for the largest *magnitude*. A pixel far below zero speaks against the class: take "
    "the map as it is."
)
def _magnitude(s, masks):
    return pointing_hits(s.abs(), masks)


@mistake("You look for the smallest value. The map points where it is largest: `amax`.")
def _smallest(s, masks):
    return pointing_hits(-s, masks)


@mistake(
    "This is the share of the map that lies on the object. The pointing game looks at one place "
    "only, the largest."
)
def _share(s, masks):
    return (s * masks[:, None]).sum((1, 2, 3)) / s.sum((1, 2, 3))


@mistake(
    "Your hits and misses have changed places: you look for the largest pixel outside of the mask."
)
def _misses(s, masks):
    return pointing_hits(s, ~masks)


@mistake(
    "Pixels that come close to the largest count with you as well. Those that tie are equal to it: "
    "`s == ...`."
)
def _close(s, masks):
    s = s.flatten(1)
    largest = torch.isclose(s, s.amax(1, keepdim=True), rtol=0.05)
    return (largest & masks.flatten(1)).sum(1) / largest.sum(1)


EXERCISE = Exercise(
    name="pointing_hits",
    lesson=LESSON.id,
    points=2,
    answer="pointing_hits",
    reference=pointing_hits,
    probe=probe_pointing_hits,
    mistakes=mistake,
    hints=HINTS,
)
