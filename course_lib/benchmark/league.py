"""The league table: what the course's own benchmark measured, to stand beside the published table.

`docs/league.py` measures, prints docs/league.md and writes the league.csv that lies beside this
file; nothing is measured here.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import lru_cache
from importlib.resources import files
from itertools import combinations
from statistics import fmean
from typing import Any

THIRDS = ("first_third", "second_third", "last_third")


@dataclass(frozen=True)
class Standing:
    """One method on one network, by one protocol: a line of the table.

    Attributes:
        data, network, method, protocol, settings, versions: as in `results.store.Row`.
        measured: the day, or the first and the last.
        n: how many images.
        mean: of the images' numbers, an image's being the mean over the classes asked for in it.
        low, high: ends of the 95 % interval of the mean.
        over_classes: the mean over the classes of the mean over each one's images.
        first_third, second_third, last_third: the means of every third image, from the first, the
            second and the third image on; NaN where there is none.
    """

    data: str
    network: str
    method: str
    protocol: str
    settings: str
    versions: str
    measured: str
    n: int
    mean: float
    low: float
    high: float
    over_classes: float
    first_third: float
    second_third: float
    last_third: float


ENOUGH = 45
"""With fewer images an order says little: fifteen in each third."""


@lru_cache(maxsize=1)
def standings() -> tuple[Standing, ...]:
    """All lines, as they were measured.

    >>> {line.data for line in standings()} >= {"scenes"}
    True
    """
    text = files(__package__).joinpath("league.csv").read_text(encoding="utf-8")
    return tuple(_line(row) for row in csv.DictReader(text.splitlines()))


def league(data: str, protocol: str) -> dict[str, dict[str, Standing]]:
    """The table of a world by a protocol: network -> method -> its line.

    Raises:
        ValueError: nothing was measured there by that protocol.

    >>> league("scenes", "pointing_game")["tiny_vgg"]["gradient"].n > 1
    True
    """
    found = by_network(standings(), data, protocol)
    if not found:
        there = sorted({f"{line.protocol} on {line.data}" for line in standings()})
        raise ValueError(f"The league has no {protocol} on {data}; it has {', '.join(there)}.")
    return found


def by_network(
    lines: Iterable[Standing], data: str, protocol: str
) -> dict[str, dict[str, Standing]]:
    """The lines of a world and a protocol: network -> method -> its line.

    Of several, with other settings or versions, it is the one of most images, then the newest.
    """
    chosen = [line for line in lines if (line.data, line.protocol) == (data, protocol)]
    found: dict[str, dict[str, Standing]] = {}
    for line in sorted(chosen, key=lambda line: (line.network, line.n, line.measured)):
        found.setdefault(line.network, {})[line.method] = line
    return found


def best_first(tables: Mapping[str, Mapping[str, Standing]]) -> list[str]:
    """The methods of a table, by their mean over the networks that have them, the best first.

    Those of `in_all` come before the others: a few images of one network give no place among them.
    """
    names = {name for table in tables.values() for name in table}
    mean = {name: fmean(t[name].mean for t in tables.values() if name in t) for name in names}
    known = in_all(tables)
    return sorted(names, key=lambda name: (name not in known, -mean[name], name))


def in_all(tables: Mapping[str, Mapping[str, Standing]], least: int = ENOUGH) -> list[str]:
    """The methods that each network of a table has with so many images or more, by name."""
    found = [{name for name, line in t.items() if line.n >= least} for t in tables.values()]
    return sorted(set.intersection(*found))


def alike_pairs(columns: Sequence[Mapping[str, float]]) -> tuple[int, int]:
    """How many pairs of methods stand in the same order in all columns, and how many there are.

    A pair that ties in a column is not in the same order.

    Args:
        columns: name of a method -> its score, the same methods in all.

    >>> alike_pairs([{"a": 1, "b": 2, "c": 3}, {"a": 1, "b": 3, "c": 2}])
    (2, 3)
    """
    pairs = list(combinations(columns[0], 2))
    alike = [
        all(c[a] < c[b] for c in columns) or all(c[a] > c[b] for c in columns) for a, b in pairs
    ]
    return sum(alike), len(pairs)


def thirds(lines: Mapping[str, Standing]) -> list[dict[str, float]]:
    """The scores of the methods in each third of their images, for `alike_pairs`."""
    return [{name: getattr(line, third) for name, line in lines.items()} for third in THIRDS]


def _line(row: dict[str, str]) -> Standing:
    kinds: dict[str, Any] = {"str": str, "int": int, "float": float}
    return Standing(
        **{field.name: kinds[str(field.type)](row[field.name]) for field in fields(Standing)}
    )
