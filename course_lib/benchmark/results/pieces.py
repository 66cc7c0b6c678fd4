"""Rows of results in a small text file, to be kept with a repository.

Each line is JSON. First comes each world with its questions, the classes asked for in each image;
then the numbers of each method, in the order of those questions.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from itertools import count, takewhile
from pathlib import Path
from typing import Any

from .store import Row

COMMON = ("data", "network", "method", "protocol", "settings", "versions", "measured")
"""What the numbers of a line have in common."""


def read_pieces(path: Path) -> list[Row]:
    """The rows of a file; none where there is no file."""
    if not path.exists():
        return []
    return list(unpack(map(json.loads, path.read_text(encoding="utf-8").splitlines())))


def write_pieces(rows: Iterable[Row], path: Path) -> None:
    """Write rows to a file; one that is there stays whole until the new one is."""
    unfinished = path.with_name(f"{path.name}.new")
    lines = [json.dumps(line, separators=(",", ":")) + "\n" for line in pack(rows)]
    unfinished.write_text("".join(lines), encoding="utf-8")
    unfinished.replace(path)


def pack(rows: Iterable[Row]) -> Iterator[dict[str, Any]]:
    """The rows as lines, their values with four digits.

    Images that are named by numbers come in the order of these. How long a map took is left out: it
    depends on what else the machine did.
    """
    rows = list(rows)
    images: dict[str, dict[str, set[int]]] = {}
    for row in rows:
        images.setdefault(row.data, {}).setdefault(row.image, set()).add(row.category)
    places: dict[tuple[str, str, int], int] = {}
    for data in sorted(images):
        asked = {name: sorted(images[data][name]) for name in sorted(images[data], key=image_order)}
        yield {"data": data, "questions": asked}
        places |= {(data, *question): place for place, question in enumerate(_questions(asked))}
    groups: dict[tuple[str, ...], dict[int, Row]] = {}
    for row in rows:
        key = (*(getattr(row, name) for name in COMMON), "difficult" * row.difficult)
        groups.setdefault(key, {})[places[row.data, row.image, row.category]] = row
    for key, found in sorted(groups.items()):
        for first in sorted(place for place in found if place - 1 not in found):
            following = takewhile(found.__contains__, count(first))
            yield {
                **dict(zip(COMMON, key[:-1], strict=True)),
                "difficult": bool(key[-1]),
                "from": first,
                "values": [_short(found[place].value) for place in following],
            }


def unpack(lines: Iterable[Mapping[str, Any]]) -> Iterator[Row]:
    """The rows of lines that `pack` made."""
    questions: dict[str, list[tuple[str, int]]] = {}
    for line in lines:
        if "questions" in line:
            questions[line["data"]] = list(_questions(line["questions"]))
            continue
        common = {name: line[name] for name in (*COMMON, "difficult")}
        for place, value in enumerate(line["values"], line["from"]):
            image, category = questions[line["data"]][place]
            yield Row(**common, image=image, category=category, value=float(value), seconds=0)


def image_order(name: str) -> tuple[int, str]:
    """Sorts images that are named by numbers by these.

    >>> sorted(["10", "9"], key=image_order)
    ['9', '10']
    """
    return (int(name) if name.isdigit() else 0, name)


def _questions(asked: Mapping[str, list[int]]) -> Iterator[tuple[str, int]]:
    return ((image, category) for image, classes in asked.items() for category in classes)


def _short(value: float) -> float:
    rounded = float(f"{value:.4g}")
    return int(rounded) if rounded.is_integer() else rounded
