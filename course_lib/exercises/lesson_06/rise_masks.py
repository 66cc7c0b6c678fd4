"""Smooth masks from grids of 0 and 1: reflected at the border, enlarged, shifted, cut."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from ..engine.exercise import Exercise, Mistakes, Outcome
from ..engine.probes import call, rand, randint
from . import LESSON


def rise_masks(grids: Tensor, rows: Tensor, columns: Tensor, size: int) -> Tensor:
    """Smooth masks from grids of 0 and 1: reflected at the border, enlarged, shifted, cut."""
    cells = grids.shape[-1]
    cell = math.ceil(size / cells)
    padded = F.pad(grids, (1, 1, 1, 1), mode="reflect")
    large = F.interpolate(padded, size=cell * (cells + 2), mode="bilinear", align_corners=False)
    return torch.stack(
        [
            mask[:, cell + r : cell + r + size, cell + c : cell + c + size]
            for mask, r, c in zip(large, rows.tolist(), columns.tolist(), strict=True)
        ]
    )


def probe_rise_masks(answer: Callable[..., Any], rng: torch.Generator) -> Outcome:
    """Masks of random grids at random shifts, for a size that the cells divide and one not."""
    outcome: Outcome = {}
    for cells, size in ((4, 12), (5, 18)):
        cell = math.ceil(size / cells)
        # float32 throughout, so that an answer may start from torch.zeros
        grids = (rand(rng, 3, 1, cells, cells) > 0).float()
        rows = torch.tensor([0, cell - 1, randint(rng, 0, cell)])
        columns = torch.tensor([cell - 1, 0, randint(rng, 0, cell)])
        masks = call(answer, grids, rows, columns, size)
        outcome[f"masks of {cells} x {cells} cells for {size} pixels"] = masks
        outcome["all values lie between 0 and 1"] = bool(
            ((torch.as_tensor(masks) >= 0) & (torch.as_tensor(masks) <= 1)).all()
        )
    return outcome


HINTS = [
    "Three steps for all grids together (a rim, enlarging), then one for each mask (cutting).",
    "The rim: `F.pad(grids, (1, 1, 1, 1), mode='reflect')`. The grid then has two cells "
    "more along each side.",
    "Enlarging: `F.interpolate(padded, size=cell * (cells + 2), mode='bilinear', "
    "align_corners=False)`, with `cell = math.ceil(size / cells)`.",
    "Mask n is `large[n, :, top : top + size, left : left + size]` with `top = cell + "
    "rows[n]`. Put them together with `torch.stack`.",
]

mistake = Mistakes()


def _enlarged(grids: Tensor, size: int, pad: str = "reflect", mode: str = "bilinear") -> Tensor:
    cells = grids.shape[-1]
    cell = math.ceil(size / cells)
    padded = F.pad(grids, (1, 1, 1, 1), mode=pad)
    corners = {} if mode == "nearest" else {"align_corners": False}
    return F.interpolate(padded, size=cell * (cells + 2), mode=mode, **corners)


def _cut(large: Tensor, rows: Tensor, columns: Tensor, size: int, margin: int) -> Tensor:
    return torch.stack(
        [
            m[:, margin + r : margin + r + size, margin + c : margin + c + size]
            for m, r, c in zip(large, rows.tolist(), columns.tolist(), strict=True)
        ]
    )


def _cell(grids: Tensor, size: int) -> int:
    return math.ceil(size / grids.shape[-1])


@mistake(
    "Your masks are not shifted: the cells always lie on the same grid, and the map will "
    "show it. Begin to cut at row `cell + rows[n]`, not at `cell`."
)
def _not_shifted(grids, rows, columns, size):
    large = _enlarged(grids, size)
    return _cut(large, torch.zeros_like(rows), torch.zeros_like(columns), size, _cell(grids, size))


@mistake(
    "You begin to cut in the reflected rim. One cell of rim was added on each side, so "
    "pixel 0 of the image is at `cell + rows[n]`."
)
def _cut_at_the_rim(grids, rows, columns, size):
    return _cut(_enlarged(grids, size), rows, columns, size, 0)


@mistake(
    "Rows and columns have changed places: dimension 2 of a mask is its rows, dimension 3 "
    "its columns."
)
def _swapped(grids, rows, columns, size):
    return _cut(_enlarged(grids, size), columns, rows, size, _cell(grids, size))


@mistake(
    "Your masks have hard edges, which the network may take for an object. Enlarge with "
    "`mode='bilinear'`."
)
def _hard(grids, rows, columns, size):
    large = _enlarged(grids, size, mode="nearest")
    return _cut(large, rows, columns, size, _cell(grids, size))


@mistake(
    "Around the grid you have put zeros, so the border of the image is kept less often "
    "than its middle. Reflect it: `mode='reflect'`."
)
def _zero_border(grids, rows, columns, size):
    large = _enlarged(grids, size, pad="constant")
    return _cut(large, rows, columns, size, _cell(grids, size))


@mistake("All masks have the shift of the first one. Each has its own: `rows[n]` and `columns[n]`.")
def _one_shift_for_all(grids, rows, columns, size):
    large = _enlarged(grids, size)
    first = torch.zeros_like(rows)
    return _cut(large, first + rows[0], first + columns[0], size, _cell(grids, size))


@mistake(
    "The enlarged grid has become too small to cut a whole mask from. 18 pixels in 5 "
    "cells: a cell is 3.6 pixels wide, and that is rounded *up*, `math.ceil(size / "
    "cells)`."
)
def _rounded_down(grids, rows, columns, size):
    cells = grids.shape[-1]
    cell = size // cells
    padded = F.pad(grids, (1, 1, 1, 1), mode="reflect")
    large = F.interpolate(padded, size=cell * (cells + 2), mode="bilinear", align_corners=False)
    return _cut(large, rows, columns, size, cell)


@mistake(
    "A slice goes from one number to another, and `rows` has a number for each mask. Cut "
    "the masks one by one, in a loop."
)
def _one_slice_for_all(grids, rows, columns, size):
    large, cell = _enlarged(grids, size), _cell(grids, size)
    top, left = cell + rows, cell + columns
    return large[:, :, top : top + size, left : left + size]


@mistake(
    "The masks have lost the dimension of their one channel. `torch.cat` joins along a "
    "dimension that is there already; `torch.stack` makes a new one for the "
    "masks."
)
def _joined_without_a_dimension(grids, rows, columns, size):
    return rise_masks(grids, rows, columns, size)[:, 0]


EXERCISE = Exercise(
    name="rise_masks",
    lesson=LESSON.id,
    points=3,
    answer="rise_masks",
    reference=rise_masks,
    probe=probe_rise_masks,
    mistakes=mistake,
    hints=HINTS,
)
