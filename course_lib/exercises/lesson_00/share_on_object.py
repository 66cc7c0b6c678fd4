"""The share of the map `s` that lies on the object: sum(s * mask) / sum(s)."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from ..engine.exercise import Exercise, Mistakes
from ..engine.probes import call, rand
from . import LESSON


def share_on_object(s: Tensor, mask: Tensor) -> Tensor:
    """The share of the map `s` that lies on the object: sum(s * mask) / sum(s)."""
    return (s * mask).sum() / s.sum()


def _number(value: Any) -> Any:
    """A number and a tensor that holds one are equally good answers."""
    if isinstance(value, Tensor) and value.ndim == 0:
        return float(value)
    return value


def probe_share(answer: Any, rng: torch.Generator) -> dict[str, Any]:
    """Maps of another height than width, bright and faint, and masks with soft edges."""
    s = rand(rng, 5, 7, low=0.0, high=3.0, dtype=torch.float32)
    mask = rand(rng, 5, 7, low=-1.0, high=2.0, dtype=torch.float32).clamp(0, 1)
    s[0, 0] = 0.0
    half = (mask > 0.5).to(s)
    results = {
        "the share": call(answer, s, mask),
        "the share of a map that lies on the object only": call(answer, s * half + half, half),
        "the share of a map that misses the object": call(answer, s * (1 - half), half),
        "the share of a map ten times as bright": call(answer, 10 * s, mask),
        "the share of a map a thousand times as faint": call(answer, s / 1000, mask),
        "the share of a map that is 0 nowhere": call(answer, s + 0.5, mask),
        "the share on an object that is nowhere quite 1": call(answer, s, 0.4 * mask),
    }
    return {key: _number(value) for key, value in results.items()}


def use_share(answer: Any, rng: torch.Generator) -> dict[str, Any]:
    """The lesson's map of nine pixels, printed in per cent as the lesson prints shares."""
    s = torch.tensor([[0.0, 1.0, 0.0], [2.0, 5.0, 1.0], [0.0, 1.0, 0.0]])
    mask = torch.tensor([[0.0, 0.0, 0.0], [0.0, 1.0, 1.0], [0.0, 1.0, 1.0]])
    return {"the share of the lesson's small map, in per cent": f"{call(answer, s, mask):.0%}"}


HINTS = [
    "Think of the map as a heap of sand spread over the picture. How much of all the sand "
    "lies on the object?",
    "`s * mask` keeps the sand on the object and sweeps the rest away, because the mask "
    "is 1 there and 0 elsewhere.",
    "`.sum()` adds up all entries of a tensor. You need it twice: once for the part on "
    "the object, once for the whole.",
    "The answer is one line: `return (... * ...).sum() / ...`",
]

mistake = Mistakes()


@mistake(
    "This is how much of the map lies on the object, not yet which *share* of it: a map "
    "ten times as bright would get ten times the answer. Divide by the map's own "
    "total."
)
def _forgot_to_divide(s: Tensor, mask: Tensor) -> Tensor:
    return (s * mask).sum()


@mistake(
    "A mean divides by the number of pixels. A share divides by the map's own total, so "
    "that a brighter map gives the same answer."
)
def _mean_over_the_picture(s: Tensor, mask: Tensor) -> Tensor:
    return (s * mask).mean()


@mistake(
    "You divided by the size of the object: that gives the map's average height on it. The "
    "share divides by the total of the map."
)
def _divided_by_the_object(s: Tensor, mask: Tensor) -> Tensor:
    return (s * mask).sum() / mask.sum()


@mistake(
    "This is the share of the *picture* that the object covers; the map does not enter. "
    "Weigh each pixel by its value in the map."
)
def _area_of_the_object(s: Tensor, mask: Tensor) -> Tensor:
    return mask.mean()


@mistake(
    "The fraction stands on its head: the part on the object goes above the line, the whole below."
)
def _upside_down(s: Tensor, mask: Tensor) -> Tensor:
    return s.sum() / (s * mask).sum()


@mistake(
    "Right up to a factor of 100: the share is wanted as a number from 0 to 1, not in percent."
)
def _percent(s: Tensor, mask: Tensor) -> Tensor:
    return 100 * (s * mask).sum() / s.sum()


@mistake(
    "This is the share that *misses* the object. The mask is 1 on the object, so multiply "
    "by the mask itself."
)
def _off_the_object(s: Tensor, mask: Tensor) -> Tensor:
    return (s * (1 - mask)).sum() / s.sum()


@mistake("Each pixel's own share is here, but not added up. The answer is one number.")
def _not_summed(s: Tensor, mask: Tensor) -> Tensor:
    return s * mask / s.sum()


@mistake(
    "You take the object's soft edge as if it were all object, or none. The mask says of each "
    "pixel how much of it is object: multiply by the mask as it is."
)
def _hard_edge(s: Tensor, mask: Tensor) -> Tensor:
    return s[mask > 0.5].sum() / s.sum()


@mistake(
    "You divide by the largest value of the map. A share divides by the map's total, `s.sum()`."
)
def _divided_by_the_largest(s: Tensor, mask: Tensor) -> Tensor:
    return (s * mask).sum() / s.max()


@mistake(
    "A mean above the line and a sum below it don't go together: the mean has divided by the "
    "number of pixels. Sum both."
)
def _mean_over_sum(s: Tensor, mask: Tensor) -> Tensor:
    return (s * mask).mean() / s.sum()


@mistake(
    "You counted pixels, each as one. A pixel should count as much as the map says: add "
    "up values, not pixels."
)
def _counted(s: Tensor, mask: Tensor) -> Tensor:
    return ((s > 0) * mask).sum() / (s > 0).sum()


EXERCISE = Exercise(
    name="share_on_object",
    lesson=LESSON.id,
    points=1,
    answer="share_on_object",
    reference=share_on_object,
    probe=probe_share,
    then=use_share,
    mistakes=mistake,
    hints=HINTS,
)
