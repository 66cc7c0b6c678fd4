"""From a number for each token to a map in the image's size."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from ..engine.exercise import Exercise, Mistakes, Outcome
from ..engine.models import awkward
from ..engine.probes import call
from . import LESSON


def token_map(values: Tensor, grid: tuple[int, int], size: tuple[int, int]) -> Tensor:
    """The patches' numbers as maps in the image's size, (N, 1, H, W)."""
    patches = values[:, 1:].unflatten(1, grid)[:, None]
    return F.interpolate(patches, size, mode="bilinear")


def probe_token_map(answer: Callable[..., Any], rng: torch.Generator) -> Outcome:
    """Maps of grids and sizes that are not square, and of one patch alone."""
    outcome: Outcome = {}
    cases: dict[str, tuple[int, tuple[int, int], tuple[int, int]]] = {
        "maps of a grid of 3 x 4 patches": (2, (3, 4), (6, 8)),
        "maps of a grid of 4 x 3 patches": (3, (4, 3), (12, 15)),
        "one map, a patch for a pixel": (1, (3, 4), (3, 4)),
        "one map of 3 x 3 patches": (1, (3, 3), (7, 10)),
        "maps of a single patch": (2, (1, 1), (2, 3)),
    }
    for name, (images, grid, size) in cases.items():
        values = awkward(rng, images, 1 + grid[0] * grid[1])
        outcome[name] = call(answer, values, grid, size)
    return outcome


HINTS = [
    "Three steps: leave out the class token, lay the other numbers out in rows and columns, and "
    "widen the small map to the image's size.",
    "The class token comes first, so `values[:, 1:]` are the patches.",
    "`patches.unflatten(1, grid)` has the shape (N, h, w), and `[:, None]` puts the 1 in between "
    "that a map has.",
    '`F.interpolate(maps, size, mode="bilinear")` resizes (N, 1, h, w) to (N, 1, H, W).',
]

mistake = Mistakes()


def _resized(small: Tensor, size: Any, mode: str = "bilinear", **options: Any) -> Tensor:
    return F.interpolate(small, tuple(size), mode=mode, **options)


@mistake(
    "You leave out the last token. The class token is the first one: what you have is moved by one "
    "patch, and the class token's number stands in the upper left corner."
)
def _without_the_last(values, grid, size):
    return _resized(values[:, :-1].unflatten(1, grid)[:, None], size)


@mistake(
    "The class token is still among the numbers, so they don't fill the grid evenly. It stands for "
    "no place: leave it out, `values[:, 1:]`."
)
def _with_the_class_token(values, grid, size):
    return _resized(values.reshape(len(values), 1, *grid), size)


@mistake(
    "Rows and columns have changed places. The patches come row by row, as one reads: lay them out "
    "as (h, w)."
)
def _transposed(values, grid, size):
    h, w = grid
    return _resized(values[:, 1:].reshape(-1, 1, w, h).mT, size)


@mistake("You lay the patches out in w rows of h. `grid` is (h, w): h rows with w patches in each.")
def _grid_swapped(values, grid, size):
    h, w = grid
    return _resized(values[:, 1:].reshape(-1, 1, w, h), size)


@mistake("Your maps are W high and H wide. `size` is (H, W), in the order of the image's shape.")
def _size_swapped(values, grid, size):
    return _resized(values[:, 1:].unflatten(1, grid)[:, None], size[::-1])


@mistake(
    "You repeat each patch's number. What is asked for goes over smoothly from patch to patch: "
    '`mode="bilinear"`.'
)
def _nearest(values, grid, size):
    return _resized(values[:, 1:].unflatten(1, grid)[:, None], size, mode="nearest")


@mistake(
    "With `align_corners=True` the patches' middles move to the image's edge. A patch's number "
    "belongs to the patch's middle: leave it out."
)
def _aligned(values, grid, size):
    patches = values[:, 1:].unflatten(1, grid)[:, None]
    return _resized(patches, size, align_corners=True)


@mistake("The dimension of size 1 is missing. Maps have the shape (N, 1, H, W).")
def _without_a_channel(values, grid, size):
    return token_map(values, grid, size)[:, 0]


@mistake("The map is still as small as the grid. Resize it, `F.interpolate(maps, size, ...)`.")
def _small(values, grid, size):
    return values[:, 1:].unflatten(1, grid)[:, None]


@mistake("The negative numbers are gone. A number below 0 says something too: leave them all.")
def _clamped(values, grid, size):
    return token_map(values.clamp(min=0), grid, size)


EXERCISE = Exercise(
    name="token_map",
    lesson=LESSON.id,
    points=1,
    answer="token_map",
    reference=token_map,
    probe=probe_token_map,
    mistakes=mistake,
    hints=HINTS,
)
