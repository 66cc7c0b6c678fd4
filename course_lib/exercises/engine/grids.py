"""Small tensors as small grids of numbers: the input, the expected, the got and the difference."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch

_MOST = 8


@dataclass(frozen=True)
class Grid:
    """A table of at most 8 x 8 numbers.

    Attributes:
        label: what stands above it.
        rows: the numbers as text, row by row.
        marked: which of them to point at, row and column.
    """

    label: str
    rows: tuple[tuple[str, ...], ...]
    marked: frozenset[tuple[int, int]] = frozenset()

    def __str__(self) -> str:
        """The grid as text, columns aligned; what is marked has a star."""
        cells = [
            [text + ("*" if (i, j) in self.marked else " ") for j, text in enumerate(row)]
            for i, row in enumerate(self.rows)
        ]
        width = max(len(text) for row in cells for text in row)
        lines = ["  ".join(text.rjust(width) for text in row).rstrip() for row in cells]
        return "\n".join([self.label, *(f"    {line}" for line in lines)])

    def html(self) -> str:
        """The grid as an HTML table with its label as the caption."""
        rows = "".join(
            f"<tr>{''.join(self._cell(i, j, text) for j, text in enumerate(row))}</tr>"
            for i, row in enumerate(self.rows)
        )
        return (
            '<table style="border-collapse:collapse;font-size:0.86em;margin:0;'
            'font-variant-numeric:tabular-nums">'
            f'<caption style="caption-side:top;text-align:left;opacity:0.8;padding:0 0 2px">'
            f"{html.escape(self.label)}</caption>{rows}</table>"
        )

    def _cell(self, i: int, j: int, text: str) -> str:
        style = "padding:1px 6px;text-align:right;border:1px solid rgba(128,128,128,0.35)"
        if (i, j) in self.marked:
            style += ";font-weight:700;background:rgba(200,120,0,0.28)"
        return f'<td style="{style}">{html.escape(text)}</td>'


def grids(
    inputs: Mapping[str, object], expected: object, got: object, *, wrong: torch.Tensor | None
) -> tuple[Grid, ...]:
    """Grids of the inputs, of what was expected, of what came, and of the difference.

    Of tensors of more than two dimensions the last two are shown, at the place that differs most.
    Nothing is shown of what is larger than 8 x 8, or of another shape than expected.

    Args:
        inputs: the arguments of the call that gave `got`, by name; any that is no small tensor is
            left out.
        expected: what should have come.
        got: what came.
        wrong: where the two differ by more than they may, a boolean tensor of their shape.
    """
    if not isinstance(expected, torch.Tensor) or not isinstance(got, torch.Tensor) or wrong is None:
        return ()
    if expected.is_complex() or got.is_complex() or not expected.numel() >= 2:
        return ()
    off = (got.double() - expected.double()).nan_to_num(nan=torch.inf).abs() * wrong
    place: tuple[int, ...] = tuple(
        int(i) for i in torch.unravel_index(off.flatten().argmax(), off.shape)
    )[:-2]
    if not _fits(expected[place]):
        return ()
    where = f" at [{', '.join(map(str, place))}]" if place else ""
    marked = frozenset((int(i), int(j)) for i, j in _flat(wrong[place]).nonzero().tolist())
    shown = [
        Grid(f"{name}{where if part is not value else ''}", _rows(part))
        for name, value in inputs.items()
        if isinstance(value, torch.Tensor) and not value.is_complex() and value.numel() > 1
        for part in [value[place] if value.shape == expected.shape else value]
        if _fits(part)
    ]
    right, given = expected[place], got[place]
    return (
        *shown,
        Grid(f"expected{where}", _rows(right)),
        Grid(f"got{where}", _rows(given), marked),
        Grid("difference", _rows(given.double() - right.double()), marked),
    )


def _fits(values: torch.Tensor) -> bool:
    return values.ndim <= 2 and all(1 <= side <= _MOST for side in values.shape)


def _flat(values: torch.Tensor) -> torch.Tensor:
    return values.reshape(-1, values.shape[-1] if values.ndim else 1)


def _rows(values: torch.Tensor) -> tuple[tuple[str, ...], ...]:
    return tuple(tuple(_text(value) for value in row) for row in _flat(values).tolist())


def _text(value: bool | int | float) -> str:
    return repr(value) if isinstance(value, bool | int) else f"{value + 0.0:.3g}"


def text_of(shown: Sequence[Grid]) -> str:
    """Several grids, one under the other."""
    return "\n".join(map(str, shown))


def html_of(shown: Sequence[Grid]) -> str:
    """Several grids, side by side where there is room."""
    tables = "".join(grid.html() for grid in shown)
    return (
        '<div style="display:flex;flex-wrap:wrap;gap:6px 18px;margin-top:8px;align-items:flex-end">'
        f"{tables}</div>"
    )
