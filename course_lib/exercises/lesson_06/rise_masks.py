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
    cell = math.ceil((size + math.ceil(size / cells)) / cells)
    padded = F.pad(grids, (1, 1, 1, 1), mode="reflect")
    large = F.interpolate(padded, size=cell * (cells + 2), mode="bilinear", align_corners=False)
    return torch.stack(
        [
            mask[:, cell + r : cell + r + size, cell + c : cell + c + size]
            for mask, r, c in zip(large, rows.tolist(), columns.tolist(), strict=True)
        ]
    )


def probe_rise_masks(answer: Callable[..., Any], rng: torch.Generator) -> Outcome:
    """Masks of random grids at the smallest, the largest and random shifts, and a single mask.

    The sizes tell apart the ways to round: 15 / 4 and 22 / 5 pixels a cell, and 27 / 3, where
    nothing is rounded.
    """
    outcome: Outcome = {}
    for number, cells, size in ((3, 4, 12), (3, 5, 18), (1, 3, 20)):
        largest = math.ceil(size / cells) - 1
        # float32 throughout, so that an answer may start from torch.zeros
        grids = (rand(rng, number, 1, cells, cells) > 0).float()
        rows = torch.tensor([0, largest, randint(rng, 0, largest)][-number:])
        columns = torch.tensor([largest, 0, randint(rng, 0, largest)][-number:])
        masks = call(answer, grids, rows, columns, size)
        what = "one mask" if number == 1 else "masks"
        outcome[f"{what} of {cells} x {cells} cells for {size} pixels"] = masks
        if isinstance(masks, Tensor):
            between = bool(((masks >= 0) & (masks <= 1)).all())
            outcome["all values lie between 0 and 1"] = between
    return outcome


HINTS = [
    "Three steps for all grids together (a rim, enlarging), then one for each mask (cutting).",
    "The rim: `F.pad(grids, (1, 1, 1, 1), mode='reflect')`. The grid then has two cells "
    "more along each side.",
    "Enlarging: `F.interpolate(padded, size=cell * (cells + 2), mode='bilinear', "
    "align_corners=False)`, with `cell = math.ceil((size + math.ceil(size / cells)) / cells)`.",
    "Mask n is `large[n, :, top : top + size, left : left + size]` with `top = cell + "
    "rows[n]`. Put them together with `torch.stack`.",
]

mistake = Mistakes()


def _cell(grids: Tensor, size: int) -> int:
    cells = grids.shape[-1]
    return math.ceil((size + math.ceil(size / cells)) / cells)


def _enlarged(
    grids: Tensor,
    size: int,
    *,
    pad: str = "reflect",
    mode: str = "bilinear",
    corners: bool = False,
    cell: int = 0,
) -> Tensor:
    cells, cell = grids.shape[-1], cell or _cell(grids, size)
    padded = F.pad(grids, (1, 1, 1, 1), mode=pad)
    aligned = {} if mode == "nearest" else {"align_corners": corners}
    return F.interpolate(padded, size=cell * (cells + 2), mode=mode, **aligned)


def _cut(large: Tensor, rows: Tensor, columns: Tensor, size: int, margin: int) -> Tensor:
    return torch.stack(
        [
            m[:, margin + r : margin + r + size, margin + c : margin + c + size]
            for m, r, c in zip(large, rows.tolist(), columns.tolist(), strict=True)
        ]
    )


@mistake(
    "Your masks are not shifted: the cells always lie on the same grid, and the map will "
    "show it. Begin to cut at row `cell + rows[n]`, not at `cell`."
)
def _not_shifted(grids, rows, columns, size):
    large = _enlarged(grids, size)
    return _cut(large, torch.zeros_like(rows), torch.zeros_like(columns), size, _cell(grids, size))


@mistake(
    "You begin to cut in the reflected rim. One cell of rim was added on each side, so "
    "the first row of mask n is row `cell + rows[n]`."
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


def _with_cells_of(width: Callable[[int, int], int]) -> Callable[..., Tensor]:
    """Masks whose cells are width(size, cells) pixels wide."""

    def answer(grids, rows, columns, size):
        cell = width(size, grids.shape[-1])
        return _cut(_enlarged(grids, size, cell=cell), rows, columns, size, cell)

    return answer


mistake(
    "Your cells are as wide as if no mask were shifted. Together they must cover the image and "
    "the largest shift: `math.ceil((size + math.ceil(size / cells)) / cells)`."
)(_with_cells_of(lambda size, cells: math.ceil(size / cells)))

mistake(
    "You round the width of a cell down. 18 pixels and a shift of up to 4 in 5 cells: a cell is "
    "4.4 pixels wide, and that is rounded *up*, with `math.ceil`, to 5."
)(_with_cells_of(lambda size, cells: (size + math.ceil(size / cells)) // cells))

mistake(
    "You round the width of a cell to the nearest whole number. It is rounded *up*, with "
    "`math.ceil`, so that the cells cover the image and the largest shift."
)(_with_cells_of(lambda size, cells: round((size + math.ceil(size / cells)) / cells)))

mistake(
    "You round down and add 1. That is one too many where the division leaves no remainder: use "
    "`math.ceil`."
)(_with_cells_of(lambda size, cells: (size + math.ceil(size / cells)) // cells + 1))


@mistake(
    "With `align_corners=True` the middles of the outer cells lie on the outer pixels, and a "
    "cell is no longer `cell` pixels wide. Take `align_corners=False`."
)
def _aligned_corners(grids, rows, columns, size):
    large = _enlarged(grids, size, corners=True)
    return _cut(large, rows, columns, size, _cell(grids, size))


@mistake(
    "`mode='bicubic'` overshoots: some values of your masks are below 0 or above 1. Enlarge with "
    "`mode='bilinear'`."
)
def _bicubic(grids, rows, columns, size):
    large = _enlarged(grids, size, mode="bicubic")
    return _cut(large, rows, columns, size, _cell(grids, size))


@mistake(
    "Your rim repeats the outermost cells. In a mirror image the rim of a row a b c is b on the "
    "left and b on the right: `mode='reflect'`."
)
def _repeated_border(grids, rows, columns, size):
    large = _enlarged(grids, size, pad="replicate")
    return _cut(large, rows, columns, size, _cell(grids, size))


@mistake(
    "You make the masks hard again after enlarging. Their soft edges are wanted: return the "
    "values between 0 and 1 as they are."
)
def _hard_again(grids, rows, columns, size):
    return (rise_masks(grids, rows, columns, size) > 0.5).float()


@mistake(
    "You subtract the shifts. Begin to cut at row `cell + rows[n]` and column `cell + columns[n]`."
)
def _shifted_the_other_way(grids, rows, columns, size):
    large = _enlarged(grids, size)
    return _cut(large, -rows, -columns, size, _cell(grids, size))


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


def _too_small(grids: Tensor, size: int) -> Tensor:
    padded = F.pad(grids, (1, 1, 1, 1), mode="reflect")
    side = _cell(grids, size) * grids.shape[-1]
    return F.interpolate(padded, size=side, mode="bilinear", align_corners=False)


@mistake(
    "You enlarge to `cell * cells` pixels, and then the cut reaches beyond the end. With its rim "
    "the grid has two cells more on a side: `cell * (cells + 2)`."
)
def _no_room_for_the_rim(grids, rows, columns, size):
    return _cut(_too_small(grids, size), rows, columns, size, _cell(grids, size))


@mistake(
    "You enlarge the grid and its rim to `cell * cells` pixels, so its cells are narrower than "
    "`cell`. Enlarge to `cell * (cells + 2)`, and begin to cut at `cell + rows[n]`."
)
def _rim_and_grid_for_the_grid(grids, rows, columns, size):
    return _cut(_too_small(grids, size), rows, columns, size, 0)


@mistake(
    "A slice ends where its second number says, whatever the first one is: `top : size` has fewer "
    "than `size` rows. Cut `top : top + size`."
)
def _ends_at_the_size(grids, rows, columns, size):
    large, cell = _enlarged(grids, size), _cell(grids, size)
    return torch.stack(
        [
            m[:, cell + r : size, cell + c : size]
            for m, r, c in zip(large, rows, columns, strict=True)
        ]
    )


@mistake(
    "Your masks have one row and one column too many. A slice leaves out its end: "
    "`top : top + size` has `size` rows."
)
def _one_too_many(grids, rows, columns, size):
    return _cut(_enlarged(grids, size), rows, columns, size + 1, _cell(grids, size))


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
