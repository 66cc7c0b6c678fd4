"""The mean of many scenes' maps, each with the same say: mean over n of s+_n / sum(s+_n)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from ..engine.exercise import Exercise, Mistakes, Outcome
from ..engine.probes import call, rand
from . import LESSON


def mean_map(s: Tensor) -> Tensor:
    """The mean of the maps' positive parts, each divided by its total: (H, W)."""
    s = s[:, 0].clamp(min=0)
    totals = s.sum((1, 2), keepdim=True)
    said = totals[:, 0, 0] > 0
    return (s[said] / totals[said]).mean(0)


def probe_mean_map(answer: Callable[..., Any], rng: torch.Generator) -> Outcome:
    """Loud and faint maps, both signs, empty ones among them, and one alone."""
    s = rand(rng, 5, 1, 4, 6, dtype=torch.float32)
    loud = s.abs() * torch.tensor([1.0, 300.0, 0.01, 7.0, 40.0]).view(5, 1, 1, 1)
    with_empty = loud.clone()
    with_empty[1], with_empty[3] = 0, -loud[3]
    outcome: Outcome = {
        "the mean of maps alike in strength": call(
            answer, s.abs() / s.abs().sum((2, 3), keepdim=True)
        ),
        "the mean of loud and faint maps": call(answer, loud),
        "the mean of maps with both signs": call(answer, s),
        "the mean of one map": call(answer, loud[1:2]),
    }
    some = call(answer, with_empty)
    if isinstance(some, Tensor):
        outcome["where nan stands when some maps have nothing above 0"] = some.isnan()
        some = some.nan_to_num(nan=-1.0)
    outcome["the mean when some maps have nothing above 0"] = some
    found = outcome["the mean of maps with both signs"]
    if isinstance(found, Tensor):
        outcome["the mean map's own total"] = found.sum()
    return outcome


HINTS = [
    "One map may be a thousand times as bright as another. Before the mean, give each the same "
    "say: divide it by its own total.",
    "First the positive part, `s.clamp(min=0)`; a map's total is its sum over rows and columns, "
    "`.sum((1, 2), keepdim=True)` of an (N, H, W) tensor.",
    "A map whose total is 0 has nothing to say: choose the others with a row of booleans, "
    "`s[totals.flatten() > 0]`.",
    "At the end the mean over the images that are left: `.mean(0)` gives (H, W).",
]

mistake = Mistakes()


def _positive(s):
    return s[:, 0].clamp(min=0)


def _spoken(s):
    """The positive parts of the maps that have one, N x H x W."""
    s = _positive(s)
    return s[s.sum((1, 2)) > 0]


@mistake(
    "You average the maps as they are, so the brightest decides alone. Divide each by its own "
    "total first."
)
def _as_they_are(s):
    return _positive(s).mean(0)


@mistake(
    "You divide each map by its largest value. A map with one bright point then has less to say "
    "than a flat one: divide by its total."
)
def _by_the_largest(s):
    s = _spoken(s)
    return (s / s.amax((1, 2), keepdim=True)).mean(0)


@mistake(
    "You divide the mean by its total at the end. By then the brightest map has decided: divide "
    "each map by its own total before the mean."
)
def _normalised_late(s):
    mean = _positive(s).mean(0)
    return mean / mean.sum()


@mistake(
    "Negative parts count with you: a map's total may then be anything, also 0. Set them to 0 "
    "first."
)
def _both_signs(s):
    s = s[:, 0]
    return (s / s.sum((1, 2), keepdim=True)).mean(0)


@mistake("You take the magnitude. What speaks against the class is no evidence for it.")
def _magnitude(s):
    return mean_map(s.abs())


@mistake("You divide 0 by 0: a map that says nothing makes the whole mean nan. Leave it out.")
def _nan(s):
    s = _positive(s)
    return (s / s.sum((1, 2), keepdim=True)).mean(0)


@mistake(
    "A map that says nothing counts as a map of zeros and makes the mean fainter. Leave it out: "
    "divide by the number of maps that say something."
)
def _empty_as_zero(s):
    s = _positive(s)
    return (s / s.sum((1, 2), keepdim=True).clamp(min=1e-12)).mean(0)


@mistake("This is the sum over the scenes. The mean divides by their number.")
def _sum(s):
    return mean_map(s) * len(_spoken(s))


@mistake(
    "You average over the channel and keep all scenes: the mean goes over the first dimension."
)
def _wrong_dimension(s):
    s = s.clamp(min=0)
    return (s / s.sum((2, 3), keepdim=True)).mean(1)


@mistake("The shape should be (H, W): the channel is still there. Take `s[:, 0]` first.")
def _with_channel(s):
    return mean_map(s)[None]


@mistake(
    "This is where any of the maps is bright: the maximum over the scenes. One odd scene is enough "
    "for that; take the mean."
)
def _maximum(s):
    s = _spoken(s)
    return (s / s.sum((1, 2), keepdim=True)).amax(0)


EXERCISE = Exercise(
    name="mean_map",
    lesson=LESSON.id,
    after="share_outside",
    points=1,
    answer="mean_map",
    reference=mean_map,
    probe=probe_mean_map,
    mistakes=mistake,
    hints=HINTS,
)
