"""What the library's own methods scored on the leaderboard's images, kept with the course.

`leaderboard.csv` has a line for each method, protocol and network: its settings, the versions and
the day it was measured with, and one number an image, in the order in which the world gives them.
So a method of somebody's own is compared image by image, and nothing is measured again.
"""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from functools import lru_cache
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING

from .worlds import find_world

if TYPE_CHECKING:
    from .store import Row

FILE = Path(__file__).with_name("leaderboard.csv")

WORLDS_ASKED = {
    "scenes": ("pointing_game", "relevance_mass"),
    "scene_grids": ("grid_pointing_game",),
}
"""The worlds of the leaderboard, and what is asked in each."""


@dataclass(frozen=True)
class Stored:
    """One method's numbers.

    Attributes:
        data, network, method, protocol, settings, versions: as in `store.Row`.
        measured: the last day of measuring.
        values: one an image, the mean over the classes that are asked for in it.
    """

    data: str
    network: str
    method: str
    protocol: str
    settings: str
    versions: str
    measured: str
    values: tuple[float, ...]

    @property
    def key(self) -> tuple[str, str, str, str]:
        """What the leaderboard knows it by: of two with the same key the later one counts."""
        return self.data, self.network, self.method, self.protocol


@lru_cache(maxsize=1)
def read_stored(path: Path = FILE) -> tuple[Stored, ...]:
    """All that is kept with the course."""
    with path.open(newline="", encoding="utf-8") as stream:
        return tuple(
            Stored(**row, values=tuple(map(float, numbers.split())))
            for row in csv.DictReader(stream)
            if (numbers := row.pop("values"))
        )


def stored_of(rows: Iterable[Row], count: int) -> list[Stored]:
    """What rows of `course benchmark` say of the first images; who has fewer is left out.

    Args:
        rows: of a store.
        count: how many images.
    """
    groups: dict[tuple[str, str, str, str, str, str], list[Row]] = defaultdict(list)
    for row in rows:
        if row.protocol in WORLDS_ASKED.get(row.data, ()):
            key = (row.data, row.network, row.method, row.protocol, row.settings, row.versions)
            groups[key].append(row)
    images = {data: images_of(data, count) for data in WORLDS_ASKED}
    found = {}
    for key, group in sorted(groups.items()):
        values: dict[str, list[float]] = defaultdict(list)
        for row in group:
            values[row.image].append(row.value)
        asked = images[key[0]]
        if all(image in values for image in asked):
            line = Stored(
                *key,
                measured=max(row.measured for row in group),
                values=tuple(round(fmean(values[image]), 4) for image in asked),
            )
            found[line.key] = line
    return list(found.values())


def images_of(data: str, count: int) -> list[str]:
    """The names of a world's first images."""
    return list(dict.fromkeys(case.image for case in find_world(data).cases(count, "")))


def write_stored(lines: Iterable[Stored], path: Path = FILE) -> None:
    """Write lines as `read_stored` reads them, in alphabetical order."""
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(
            stream, [field.name for field in fields(Stored)], lineterminator="\n"
        )
        writer.writeheader()
        for line in sorted(lines, key=lambda line: line.key):
            writer.writerow(asdict(line) | {"values": " ".join(f"{v:g}" for v in line.values)})
