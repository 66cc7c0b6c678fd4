"""How much of a map lies inside a region, in a ring around it, and elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from ..engine.exercise import Exercise, Mistakes, Outcome
from ..engine.probes import call, rand
from . import LESSON


def three_shares(s: Tensor, regions: Tensor, width: int) -> Tensor:
    """Of each map the share inside, in the ring around, and elsewhere: (N, 3)."""
    inside = regions[:, None].to(s.dtype)
    wide = F.max_pool2d(inside, 2 * width + 1, stride=1, padding=width)
    parts = torch.stack([s * inside, s * (wide - inside), s * (1 - wide)], 1)
    return parts.sum((2, 3, 4)) / s.sum((1, 2, 3))[:, None]


def _some_regions(rng: torch.Generator, number: int, height: int, width: int) -> Tensor:
    """Pieces that differ, one of them at the edge of the image."""
    regions = torch.zeros(number, height, width, dtype=torch.bool)
    for n, region in enumerate(regions):
        region[n + 1 : n + 3, 2 + n : 4] = True
        region[n + 1, 1] = True
    regions[0, 0, 0] = True
    return regions


def probe_three_shares(answer: Callable[..., Any], rng: torch.Generator) -> Outcome:
    """Rings of several widths, also over the image's edge; one map alone; a region of booleans."""
    s = rand(rng, 2, 1, 9, 12, low=0, dtype=torch.float32)
    regions = _some_regions(rng, 2, 9, 12)
    outcome: Outcome = {"the shares with a ring of two pixels": call(answer, s, regions, 2)}
    outcome["the shares with a ring of one pixel"] = call(answer, s, regions, 1)
    outcome["the shares with a ring over the image's edge"] = call(answer, s, regions, 4)
    bright = 7 * s.flip(3) ** 2
    outcome["the shares of a map in other units, alone"] = call(answer, bright[:1], regions[1:], 2)
    return outcome


HINTS = [
    "Three parts of the image: the region, the ring, and the rest. Each pixel is in exactly one of "
    "them, so the three shares add up to 1.",
    "The region widened by `width` pixels is a maximum over windows of 2 * width + 1 pixels: "
    "`F.max_pool2d(inside, 2 * width + 1, stride=1, padding=width)`. It wants numbers, "
    "(N, 1, H, W): `inside = regions[:, None].to(s.dtype)`.",
    "The ring is the widened region without the region: `wide - inside`. The rest is `1 - wide`.",
    "Add up the map in each part, `(s * inside).sum((1, 2, 3))`, and divide by the map's own "
    "total, `s.sum((1, 2, 3))`. `torch.stack([...], 1)` makes three columns of three such sums.",
]

mistake = Mistakes()


def _parts(s, regions, width, *, window=None):
    inside = regions[:, None].to(s.dtype)
    side = 2 * width + 1 if window is None else window
    wide = F.max_pool2d(inside, side, stride=1, padding=side // 2)
    return inside, wide


def _sums(s, *parts):
    return torch.stack([(s * part).sum((1, 2, 3)) for part in parts], 1)


@mistake(
    "Your ring holds the region as well, so that its pixels count twice. Take them out: "
    "`wide - inside`."
)
def _twice(s, regions, width):
    inside, wide = _parts(s, regions, width)
    return _sums(s, inside, wide, 1 - wide) / s.sum((1, 2, 3))[:, None]


@mistake("The last column should be what lies neither in the region nor in the ring: `1 - wide`.")
def _all_outside(s, regions, width):
    inside, wide = _parts(s, regions, width)
    return _sums(s, inside, wide - inside, 1 - inside) / s.sum((1, 2, 3))[:, None]


@mistake("These are sums. A share is a sum, divided by the map's own total.")
def _not_divided(s, regions, width):
    inside, wide = _parts(s, regions, width)
    return _sums(s, inside, wide - inside, 1 - wide)


@mistake(
    "You divide each sum by the number of pixels it is of: that is a mean. A share divides by "
    "the map's own total."
)
def _means(s, regions, width):
    inside, wide = _parts(s, regions, width)
    parts = inside, wide - inside, 1 - wide
    return _sums(s, *parts) / _sums(torch.ones_like(s), *parts)


@mistake("You divide by the total of all maps together. Each map has its own: `s.sum((1, 2, 3))`.")
def _of_the_batch(s, regions, width):
    inside, wide = _parts(s, regions, width)
    return _sums(s, inside, wide - inside, 1 - wide) / s.sum()


@mistake("Your table is (3, N). Return a row for each map: `torch.stack([...], 1)`.")
def _transposed(s, regions, width):
    return three_shares(s, regions, width).T


@mistake(
    "Your ring is too narrow: a window of `width` pixels reaches half as far to each side. It "
    "takes 2 * width + 1 pixels to reach `width` pixels to the left and to the right."
)
def _narrow(s, regions, width):
    inside, wide = _parts(s, regions, width, window=2 * (width // 2) + 1)
    return _sums(s, inside, wide - inside, 1 - wide) / s.sum((1, 2, 3))[:, None]


@mistake(
    "Your ring is one pixel too wide: a window of 2 * width + 1 pixels, with `padding=width`, "
    "reaches `width` pixels to each side."
)
def _wide(s, regions, width):
    return three_shares(s, regions, width + 1)


@mistake(
    "These are the shares of the pixels, whatever the map says. Multiply the map with each part."
)
def _areas(s, regions, width):
    return three_shares(torch.ones_like(s), regions, width)


@mistake(
    "Maps are (N, 1, H, W) and regions (N, H, W): their product pairs each map with each region. "
    "Give the regions a channel first: `regions[:, None]`."
)
def _without_channel(s, regions, width):
    inside, wide = (part[:, 0] for part in _parts(s, regions, width))
    return _sums(s, inside, wide - inside, 1 - wide) / s.sum((1, 2, 3))[:, None]


@mistake("The order of the columns is: inside, in the ring, elsewhere.")
def _other_order(s, regions, width):
    return three_shares(s, regions, width)[:, [2, 1, 0]]


@mistake("You average over the maps. Return a row for each map, (N, 3).")
def _averaged(s, regions, width):
    return three_shares(s, regions, width).mean(0)


EXERCISE = Exercise(
    name="three_shares",
    lesson=LESSON.id,
    after="region_score",
    points=2,
    answer="three_shares",
    reference=three_shares,
    probe=probe_three_shares,
    mistakes=mistake,
    hints=HINTS,
)
