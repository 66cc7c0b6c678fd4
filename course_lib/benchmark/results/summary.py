"""Means of results with their intervals: a line for each method, network and protocol."""

from __future__ import annotations

import csv
import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

from ..protocols import Protocol, protocols
from .store import Row

LINE = ("data", "network", "method", "protocol", "settings", "versions")
"""What the rows of a line have in common."""


@dataclass(frozen=True)
class Line:
    """A mean over images.

    Attributes:
        data, network, method, protocol, settings, versions: as in `Row`.
        subset: "all" images, or the "difficult" ones where the world knows them.
        n: how many images.
        mean: of the images' numbers, an image's being the mean over the classes asked for in it.
        low, high: where the mean of all such images is, with 95 % confidence (Student's t).
        over_classes: the mean over the classes of the mean over each one's images, as the pointing
            game's accuracy is published.
    """

    data: str
    network: str
    method: str
    protocol: str
    settings: str
    versions: str
    subset: str
    n: int
    mean: float
    low: float
    high: float
    over_classes: float


def summarise(rows: Iterable[Row]) -> list[Line]:
    """The lines of these rows, in alphabetical order.

    Images are what was drawn at random, and the questions about one are not independent: so the
    interval is that of images, not of questions.
    """
    groups: dict[tuple[str, ...], list[Row]] = defaultdict(list)
    for row in rows:
        key = tuple(getattr(row, name) for name in LINE)
        groups[*key, "all"].append(row)
        if row.difficult:
            groups[*key, "difficult"].append(row)
    return [_line(key, group) for key, group in sorted(groups.items())]


def _line(key: tuple[str, ...], rows: list[Row]) -> Line:
    shared: dict[str, Any] = dict(zip((*LINE, "subset"), key, strict=True))
    images = list(_means(rows, "image"))
    low, high = interval(images)
    return Line(
        **shared,
        n=len(images),
        mean=fmean(images),
        low=low,
        high=high,
        over_classes=fmean(_means(rows, "category")),
    )


def _means(rows: list[Row], column: str) -> Iterator[float]:
    """The mean value of the rows of each image, or of each class."""
    values: dict[str, list[float]] = defaultdict(list)
    for row in rows:
        values[getattr(row, column)].append(row.value)
    return map(fmean, values.values())


def interval(values: list[float]) -> tuple[float, float]:
    """The 95 % interval of the mean of these numbers, by Student's t; all there is for one.

    >>> interval([0.4, 0.5, 0.6])[0] < 0.4
    True
    >>> interval([0.5])
    (-inf, inf)
    """
    if len(values) < 2:
        return -math.inf, math.inf
    from scipy import stats

    half = float(stats.t.ppf(0.975, len(values) - 1)) * stdev(values) / math.sqrt(len(values))
    return fmean(values) - half, fmean(values) + half


def write_csv(rows: Iterable[Row], path: Path) -> None:
    """Write rows as CSV, a column for each of `Row`'s attributes."""
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, [field.name for field in fields(Row)])
        writer.writeheader()
        writer.writerows(asdict(row) for row in rows)


def ordered(lines: Iterable[Line], protocol: Protocol) -> list[Line]:
    """The lines of a protocol, the best mean first."""
    chosen = [line for line in lines if line.protocol == protocol.name]
    return sorted(chosen, key=lambda line: line.mean, reverse=protocol.best == "high")


def table(lines: Sequence[Line]) -> Iterator[str]:
    """The lines as text, a protocol at a time, the best mean first."""
    for protocol in protocols().values():
        chosen = ordered(lines, protocol)
        if not chosen:
            continue
        yield f"{protocol.title} ({protocol.best} is good)"
        wide = max(len(line.method) for line in chosen)
        deep = max(len(line.network) for line in chosen)
        for line in chosen:
            yield (
                f"  {line.method:{wide}}  {line.network:{deep}}  {line.mean:.3f}  "
                f"[{line.low:.3f}, {line.high:.3f}]  over classes {line.over_classes:.3f}  "
                f"n = {line.n} {line.subset}  {line.data}  {line.settings}"
            )
