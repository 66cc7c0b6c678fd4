"""Rows of results to the lines of the league table."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict, fields
from pathlib import Path
from statistics import fmean
from typing import Any

from ..league import THIRDS, Standing
from .pieces import image_order
from .store import Row
from .summary import LINE, interval

HITS = ("pointing_game", "pointing_game_15")
SHARES = ("grid_pointing_game", "relevance_mass")
"""Between 0 and 1, and so are their intervals, which Student's need not be."""
NUMBERS = ("mean", "low", "high", "over_classes", *THIRDS)


def stand(rows: Iterable[Row]) -> list[Standing]:
    """The lines of these rows, in alphabetical order, their numbers with four places."""
    groups: dict[tuple[str, ...], list[Row]] = {}
    for row in rows:
        groups.setdefault(tuple(getattr(row, name) for name in LINE), []).append(row)
    return [_line(key, group) for key, group in sorted(groups.items())]


def write_league(lines: Iterable[Standing], path: Path) -> None:
    """Write lines as CSV, a column for each of `Standing`'s attributes."""
    with path.open("w", newline="", encoding="utf-8") as stream:
        names = [field.name for field in fields(Standing)]
        writer = csv.DictWriter(stream, names, lineterminator="\n")
        writer.writeheader()
        writer.writerows(asdict(line) for line in lines)


def wilson(hits: Sequence[float]) -> tuple[float, float]:
    """Wilson's 95 % interval of the mean of numbers from 0 to 1.

    It is meant for hits and misses; for shares of a hit it is too wide rather than too narrow.
    Unlike Student's it does not become a point where a few images are all hits.

    >>> [round(end, 2) for end in wilson([1, 1, 1, 1])]
    [0.51, 1.0]
    """
    z, n, a = 1.96, len(hits), fmean(hits)
    middle = (a + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * math.sqrt(a * (1 - a) / n + z**2 / (4 * n**2))
    return middle - half, middle + half


def _line(key: tuple[str, ...], rows: list[Row]) -> Standing:
    common: dict[str, Any] = dict(zip(LINE, key, strict=True))
    of_image: dict[str, list[float]] = {}
    of_class: dict[int, list[float]] = {}
    for row in rows:
        of_image.setdefault(row.image, []).append(row.value)
        of_class.setdefault(row.category, []).append(row.value)
    values = [fmean(of_image[image]) for image in sorted(of_image, key=image_order)]
    low, high = wilson(values) if common["protocol"] in HITS else interval(values)
    if common["protocol"] in SHARES:
        low, high = max(0.0, low), min(1.0, high)
    thirds = [fmean(values[k::3]) if len(values) > k else math.nan for k in range(len(THIRDS))]
    numbers = (fmean(values), low, high, fmean(map(fmean, of_class.values())), *thirds)
    days = sorted({row.measured for row in rows})
    measured = " to ".join(dict.fromkeys([days[0], days[-1]]))
    common |= {name: round(value, 4) for name, value in zip(NUMBERS, numbers, strict=True)}
    return Standing(**common, measured=measured, n=len(values))
