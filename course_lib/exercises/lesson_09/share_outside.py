"""How much of each map lies beside the object: 1 - sum(s+ m) / sum(s+)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from ..engine.exercise import Exercise, Mistakes, Outcome
from ..engine.probes import call, rand
from . import LESSON


def share_outside(s: Tensor, masks: Tensor) -> Tensor:
    """For each map, the share of its positive part that lies outside the object: (N,)."""
    s = s[:, 0].clamp(min=0)
    outside = (s * (1 - masks)).sum((1, 2))
    return outside / s.sum((1, 2))


def probe_share_outside(answer: Callable[..., Any], rng: torch.Generator) -> Outcome:
    """Maps of both signs, soft masks, maps that miss or are empty, and one map alone."""
    s = rand(rng, 4, 1, 5, 7, dtype=torch.float32)
    masks = rand(rng, 4, 5, 7, low=-1, high=2, dtype=torch.float32).clamp(0, 1)
    whole = (masks > 0.5).float()
    outcome: Outcome = {
        "the share of maps that are nowhere below 0": call(answer, s.abs(), whole),
        "the share when the objects have soft rims": call(answer, s.abs(), masks),
        "the share of maps with both signs": call(answer, s, masks),
        "the share of maps that are a thousand times as faint": call(answer, s / 1000, masks),
        "the share of maps that lie on the object only": call(
            answer, s.abs() * whole[:, None], whole
        ),
        "the share of maps that miss the object": call(
            answer, (s.abs() + 0.1) * (1 - whole[:, None]), whole
        ),
        "the share of one map alone": call(answer, s[:1], masks[:1]),
    }
    some = s.clone()
    some[1] = -some[1].abs()
    found = call(answer, some, masks)
    if isinstance(found, Tensor):
        outcome["where nan stands when a map has nothing above 0"] = found.isnan()
        found = found.nan_to_num(nan=-1.0)
    outcome["the shares beside a map that has nothing above 0"] = found
    return outcome


def use_share_outside(answer: Callable[..., Any], rng: torch.Generator) -> Outcome:
    """As the lesson's table prints it: the mean over the maps that say something, in per cent."""
    s = rand(rng, 6, 1, 8, 8, dtype=torch.float32)
    s[2] = 0
    masks = (rand(rng, 6, 8, 8) > 0.4).float()
    return {"the mean share in the lesson's table": f"{call(answer, s, masks).nanmean():.1%}"}


HINTS = [
    "You know the share on the object from lesson 00. What lies outside is the rest of the map, "
    "and here there are N maps at once.",
    "Only what speaks *for* the class counts: `s.clamp(min=0)` is a new tensor, the rest set to 0.",
    "`s` has a channel more than `masks`: `s[:, 0]` is (N, H, W). `1 - masks` is 1 beside the "
    "object.",
    "Sum over rows and columns and keep the images apart: `.sum((1, 2))`, once above the line and "
    "once below. 0 / 0 is nan by itself.",
]

mistake = Mistakes()


def _positive(s):
    return s[:, 0].clamp(min=0)


@mistake("This is the share *on* the object. What is asked lies beside it: `1 - masks`.")
def _inside(s, masks):
    return 1 - share_outside(s, masks)


@mistake(
    "The negative parts count with you. They speak against the class, and in a sum they cancel "
    "what speaks for it: set them to 0 first."
)
def _both_signs(s, masks):
    return (s[:, 0] * (1 - masks)).sum((1, 2)) / s[:, 0].sum((1, 2))


@mistake(
    "You take the magnitude, so that what speaks against the class counts as if it spoke for it. "
    "Set the negative parts to 0."
)
def _magnitude(s, masks):
    return share_outside(s.abs(), masks)


@mistake(
    "You clamp above the line only. Both sums are over the positive part, or the share is none."
)
def _clamped_above_only(s, masks):
    return (_positive(s) * (1 - masks)).sum((1, 2)) / s[:, 0].sum((1, 2))


@mistake(
    "All maps run together into one sum, so that loud maps drown the others. Return a share for "
    "each, the shape is (N,)."
)
def _all_together(s, masks):
    s = _positive(s)
    return ((s * (1 - masks)).sum() / s.sum()).expand(len(s))


@mistake("One number for all maps is left. Return one for each, the shape is (N,).")
def _mean(s, masks):
    return share_outside(s, masks).mean()


@mistake("You divide by the number of pixels. A share divides by the map's own total.")
def _per_pixel(s, masks):
    return (_positive(s) * (1 - masks)).mean((1, 2))


@mistake("You forgot to divide: a map twice as bright gets twice the answer.")
def _not_divided(s, masks):
    return (_positive(s) * (1 - masks)).sum((1, 2))


@mistake(
    "You divide by what lies on the object. That is a ratio of outside to inside; a share divides "
    "by the whole."
)
def _by_the_inside(s, masks):
    s = _positive(s)
    return (s * (1 - masks)).sum((1, 2)) / (s * masks).sum((1, 2))


@mistake(
    "A map with nothing above 0 gets a 0, which would say that all of it lies on the object. "
    "It says nothing: let it be nan."
)
def _zero_for_empty(s, masks):
    return share_outside(s, masks).nan_to_num(nan=0.0)


@mistake(
    "You add a small number to the total, so that an empty map gets a share of 0 and the others "
    "one that is a little too small. Divide by the total as it is: nothing divided by nothing is "
    "nan."
)
def _epsilon(s, masks):
    s = _positive(s)
    return (s * (1 - masks)).sum((1, 2)) / (s.sum((1, 2)) + 1e-3)


@mistake(
    "You take a pixel on the object's soft rim as all object or none. The mask says how much of it "
    "is object: use `1 - masks` as it is."
)
def _hard(s, masks):
    return share_outside(s, (masks > 0.5).to(s))


@mistake(
    "You count pixels above 0, each as one. A pixel counts as much as the map says: add up values."
)
def _counted(s, masks):
    return share_outside((s > 0).to(s), masks)


EXERCISE = Exercise(
    name="share_outside",
    lesson=LESSON.id,
    points=1,
    answer="share_outside",
    reference=share_outside,
    probe=probe_share_outside,
    then=use_share_outside,
    mistakes=mistake,
    hints=HINTS,
)
