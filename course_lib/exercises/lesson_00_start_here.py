"""The exercise of lesson 00: how much of a map lies on an object."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from course_lib.exercises.exercise import Exercise, Lesson
from course_lib.exercises.probes import call, rand

LESSON = Lesson(
    id="00_start_here",
    title="Start here",
    minutes=15,
    difficulty=1,
    summary="the share of a map that lies on an object",
)


def share_on_object(s: Tensor, mask: Tensor) -> Tensor:
    """The share of the map `s` that lies on the object: sum(s * mask) / sum(s)."""
    return (s * mask).sum() / s.sum()


def probe_share(answer: Any, rng: torch.Generator) -> dict[str, Any]:
    """Maps of another height than width, masks with soft edges and pixels of exactly 0 and 1."""
    s = rand(rng, 5, 7, low=0.0, high=3.0)
    mask = rand(rng, 5, 7, low=-1.0, high=2.0).clamp(0, 1)
    s[0, 0] = 0.0
    half = (mask > 0.5).to(s)
    results = {
        "the share": call(answer, s, mask),
        "the share of a map that lies on the object only": call(answer, s * half + half, half),
        "the share of a map ten times as bright": call(answer, 10 * s, mask),
    }
    return {key: _number(value) for key, value in results.items()}


def _number(value: Any) -> Any:
    """A number and a tensor that holds one are equally good answers."""
    if isinstance(value, Tensor) and value.ndim == 0:
        return float(value)
    return value


def _forgot_to_divide(s: Tensor, mask: Tensor) -> Tensor:
    return (s * mask).sum()


def _mean_over_the_picture(s: Tensor, mask: Tensor) -> Tensor:
    return (s * mask).mean()


def _divided_by_the_object(s: Tensor, mask: Tensor) -> Tensor:
    return (s * mask).sum() / mask.sum()


def _area_of_the_object(s: Tensor, mask: Tensor) -> Tensor:
    return mask.mean()


def _upside_down(s: Tensor, mask: Tensor) -> Tensor:
    return s.sum() / (s * mask).sum()


def _percent(s: Tensor, mask: Tensor) -> Tensor:
    return 100 * (s * mask).sum() / s.sum()


def _off_the_object(s: Tensor, mask: Tensor) -> Tensor:
    return (s * (1 - mask)).sum() / s.sum()


def _not_summed(s: Tensor, mask: Tensor) -> Tensor:
    return s * mask / s.sum()


def _counted(s: Tensor, mask: Tensor) -> Tensor:
    return ((s > 0) * mask).sum() / (s > 0).sum()


EXERCISES = [
    Exercise(
        name="share_on_object",
        lesson="00_start_here",
        points=1,
        answer="share_on_object",
        reference=share_on_object,
        probe=probe_share,
        mistakes={
            "This is how much of the map lies on the object, not yet which *share* of it: a map "
            "ten times as bright would get ten times the answer. Divide by the map's own "
            "total.": _forgot_to_divide,
            "A mean divides by the number of pixels. A share divides by the map's own total, so "
            "that a brighter map gives the same answer.": _mean_over_the_picture,
            "You divided by the size of the object: that gives the map's average height on it. The "
            "share divides by the total of the map.": _divided_by_the_object,
            "This is the share of the *picture* that the object covers; the map does not enter. "
            "Weigh each pixel by its value in the map.": _area_of_the_object,
            "The fraction stands on its head: the part on the object goes above the line, the "
            "whole below.": _upside_down,
            "Right up to a factor of 100: the share is wanted as a number from 0 to 1, not in "
            "percent.": _percent,
            "This is the share that *misses* the object. The mask is 1 on the object, so multiply "
            "by the mask itself.": _off_the_object,
            "Each pixel's own share is here, but not added up. The answer is one "
            "number.": _not_summed,
            "You counted pixels, each as one. A pixel should count as much as the map says: add "
            "up values, not pixels.": _counted,
        },
        hints=[
            "Think of the map as a heap of sand spread over the picture. How much of all the sand "
            "lies on the object?",
            "`s * mask` keeps the sand on the object and sweeps the rest away, because the mask "
            "is 1 there and 0 elsewhere.",
            "`.sum()` adds up all entries of a tensor. You need it twice: once for the part on "
            "the object, once for the whole.",
            "The answer is one line: `return (... * ...).sum() / ...`",
        ],
    )
]
