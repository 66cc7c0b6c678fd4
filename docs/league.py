"""Measures the league table by `course benchmark`'s runner, and prints docs/league.md.

    .venv/bin/python docs/league.py           # hours: all that the plan still lacks, then the page
    .venv/bin/python docs/league.py --page    # the page from what is there

Every number goes to docs/league.sqlite, which git does not keep, as soon as it is there; killed at
any point, it goes on from there. At the end, and by --page, all numbers are written to
docs/league.jsonl, from which another machine goes on. --page may run beside a measurement.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from tqdm import tqdm

from course_lib.attribution.methods import methods
from course_lib.benchmark.league import (
    ENOUGH,
    Standing,
    alike_pairs,
    best_first,
    by_network,
    in_all,
    thirds,
)
from course_lib.benchmark.protocols import protocols
from course_lib.benchmark.published import published_pointing
from course_lib.benchmark.results.pieces import read_pieces, write_pieces
from course_lib.benchmark.results.runner import Run, run
from course_lib.benchmark.results.standings import stand, write_league
from course_lib.benchmark.results.store import Store, open_store
from course_lib.benchmark.results.worlds import find_world
from course_lib.figures.lesson_08 import PUBLISHED, whole_league
from course_lib.world.networks import CONVOLUTIONAL

HERE = Path(__file__).parent
STORE, PIECES = HERE / "league.sqlite", HERE / "league.jsonl"
PAGE, PICTURE = HERE / "league.md", HERE / "league.png"
TABLE = HERE.parent / "course_lib" / "benchmark" / "league.csv"

ONE_PASS = (
    "centre",
    "gradient",
    "deconvnet",
    "guided_backprop",
    "linear_approx",
    "grad_cam",
    "excitation_backprop",
    "contrastive_excitation_backprop",
    "lrp",
)
MASKS = ("rise", "extremal_perturbation")
SAMPLES = ("integrated_gradients", "smooth_grad")
OPTIONS: dict[str, dict[str, Any]] = {
    "rise": {"num_masks": 500},
    # A mask is near 1 all over its area: smoothed, it points somewhere, as in the published table.
    "extremal_perturbation": {"areas": [0.1], "max_iter": 100, "smooth": 0.09},
}

FIRST = ("tiny_vgg", "tiny_resnet")
REAL = ("efficientnet_lite0",)


@dataclass(frozen=True)
class Wanted:
    """A line of the plan: these methods on these networks, so many images of a world each."""

    data: str
    networks: tuple[str, ...]
    methods: tuple[str, ...]
    count: int
    protocols: tuple[str, ...] = ()

    def runs(self) -> list[Run]:
        """A run for each network and method."""
        asked = self.protocols or find_world(self.data).protocols
        return [
            Run(self.data, network, name, asked, self.count, options=OPTIONS.get(name, {}))
            for network in self.networks
            for name in self.methods
        ]


PLAN = (
    Wanted("scenes", CONVOLUTIONAL, ONE_PASS, 50),
    Wanted("photo_grids", REAL, ONE_PASS, 5),
    Wanted("scenes", FIRST, MASKS, 5),
    Wanted("scenes", CONVOLUTIONAL, SAMPLES, 10),
    Wanted("scene_grids", CONVOLUTIONAL, ONE_PASS, 10),
    Wanted("scenes", CONVOLUTIONAL, (*MASKS, "occlusion"), 5),
    Wanted("scenes", CONVOLUTIONAL, ONE_PASS, 200),
    Wanted("photo_grids", REAL, ONE_PASS, 20),
    Wanted("scene_grids", CONVOLUTIONAL, ONE_PASS, 50),
    Wanted("scenes", CONVOLUTIONAL, ONE_PASS, 1000, ("pointing_game",)),
    Wanted("scenes", CONVOLUTIONAL, (*MASKS, *SAMPLES, "occlusion"), 50),
    Wanted("scenes", FIRST, MASKS, 200),
)
"""What is measured, from top to bottom; a later line goes on where an earlier one has ended."""


def measure(store: Store) -> None:
    """All that the plan lacks."""
    torch.set_num_threads(1)
    for wanted in PLAN:
        for one in wanted.runs():
            label = f"{one.data} {one.arch} {one.method}"
            run(one, store, partial(tqdm, desc=label, total=one.count))


def planned() -> dict[tuple[str, str, str, str], int]:
    """How many images the plan has for (world, network, method, protocol)."""
    counts: dict[tuple[str, str, str, str], int] = {}
    for wanted in PLAN:
        for one in wanted.runs():
            for name in one.protocols:
                key = (one.data, one.arch, one.method, name)
                counts[key] = max(wanted.count, counts.get(key, 0))
    return counts


def still_planned(line: Standing) -> int:
    """How many images this line is to have in the end."""
    key = (line.data, line.network, line.method, line.protocol)
    return max(line.n, planned().get(key, 0))


INTRODUCTION = """\
# Which method is better?

Printed by `python docs/league.py`, which measures the plan that stands in it with the runner of
`course benchmark` ([how](benchmark.md)) and goes on where it stopped. Each line can be measured
anew: `course benchmark --data scenes --arch tiny_vgg --method gradient --n 100`.

![Hits of each method on each network, and in TorchRay's published table](league.png)

Scenes have two objects, on seeds that no network was trained on; both objects are asked for, and n
counts scenes. It is a hit where the map's largest pixel lies on the object. Intervals are 95 % ones
over images: Wilson's for hits, Student's t for shares. `centre` points at the middle of the image,
whatever the network.
"""

UNFINISHED = """\
**The plan is not finished**: below, each line has the n that it has and the n that is planned. With
few images the intervals are wide, and what they do not show may still be so.
"""


def page(lines: Sequence[Standing]) -> Iterator[str]:
    """The lines of docs/league.md."""
    hits = by_network(lines, "scenes", "pointing_game")
    yield INTRODUCTION
    if any(line.n < still_planned(line) for line in lines):
        yield UNFINISHED
    yield "## Hits on scenes"
    yield ""
    yield from _overview(hits)
    yield ""
    yield "## Is the order stable?"
    yield ""
    yield from _stability(hits)
    yield ""
    yield "## Beside TorchRay's table"
    yield ""
    yield from _beside(hits)
    for data, protocol in sorted({(line.data, line.protocol) for line in lines}):
        yield ""
        yield f"## {protocols()[protocol].title.capitalize()}, {data.replace('_', ' ')}: all lines"
        yield ""
        yield from _all_lines(by_network(lines, data, protocol))


def title_of(name: str) -> str:
    """A method's name as people read it."""
    return methods()[name].title if name in methods() else name


Hits = dict[str, dict[str, Standing]]


def _overview(hits: Hits) -> Iterator[str]:
    yield "Hits in per cent, with their intervals, and n; the best mean over the networks first."
    yield f"Methods that have fewer than {ENOUGH} scenes on some network come after the others."
    yield ""
    yield f"| | {' | '.join(hits)} |"
    yield "|:--" * (1 + len(hits)) + "|"
    for name in best_first(hits):
        cells = [_cell(table.get(name)) for table in hits.values()]
        yield f"| {title_of(name)} | {' | '.join(cells)} |"


def _cell(line: Standing | None) -> str:
    if line is None:
        return ""
    return f"{100 * line.mean:.0f} ({100 * line.low:.0f} to {100 * line.high:.0f}), n {line.n}"


def _stability(hits: Hits) -> Iterator[str]:
    names = in_all(hits)
    yield f"Of the {len(names)} methods that have {ENOUGH} scenes and more on every network: how"
    yield "many pairs stand in one order in all three thirds of a network's scenes (every third"
    yield "scene), and how many on all networks?"
    yield ""
    yield "| network | scenes | pairs in one order | best in each third |"
    yield "|:--|--:|--:|:--|"
    for network, table in hits.items():
        chosen = {name: table[name] for name in names}
        parts = thirds(chosen)
        alike, pairs = alike_pairs(parts)
        best = ", ".join(title_of(max(part, key=part.__getitem__)) for part in parts)
        least = min(line.n for line in chosen.values())
        yield f"| {network}, in thirds | {least} or more | {alike} of {pairs} | {best} |"
    alike, pairs = alike_pairs(
        [{name: table[name].mean for name in names} for table in hits.values()]
    )
    yield f"| all {len(hits)} networks | | {alike} of {pairs} | |"


def _beside(hits: Hits) -> Iterator[str]:
    published = published_pointing()
    yield "Hits in per cent, means over the classes. TorchRay's: photographs, less than 15 pixels"
    yield "from the object is a hit. Ours: scenes, a hit is on the object."
    yield ""
    yield f"| | {' | '.join([*PUBLISHED.values(), *hits])} |"
    yield "|:--" + "|--:" * (len(PUBLISHED) + len(hits)) + "|"
    first = published[next(iter(PUBLISHED))]
    for name in sorted(first, key=first.__getitem__, reverse=True):
        cells = [f"{published[column][name]:.1f}" for column in PUBLISHED]
        cells += [_over_classes(table.get(name)) for table in hits.values()]
        yield f"| {title_of(name)} | {' | '.join(cells)} |"
    names = [name for name in in_all(hits) if name in first]
    for column, title in PUBLISHED.items():
        theirs = {name: published[column][name] for name in names}
        cells = [
            "{} of {}".format(*alike_pairs([theirs, {n: table[n].over_classes for n in names}]))
            for table in hits.values()
        ]
        blank = " | " * len(PUBLISHED)
        yield f"| **pairs of {len(names)} in the order of {title}** | {blank}{' | '.join(cells)} |"


def _over_classes(line: Standing | None) -> str:
    return "" if line is None else f"{100 * line.over_classes:.1f} (n {line.n})"


def _all_lines(tables: Hits) -> Iterator[str]:
    columns = "network, method, mean, 95 % interval, over classes, n, planned, thirds, measured"
    yield f"| {columns.replace(', ', ' | ')} | versions | settings |"
    yield "|:--|:--|--:|:--|--:|--:|--:|:--|:--|:--|:--|"
    for network, table in tables.items():
        for line in sorted(table.values(), key=lambda line: -line.mean):
            parts = " / ".join(_short(third[line.method]) for third in thirds(table))
            cells = (
                network,
                title_of(line.method),
                f"{line.mean:.3f}",
                f"{line.low:.3f} to {line.high:.3f}",
                f"{line.over_classes:.3f}",
                line.n,
                still_planned(line),
                parts,
                line.measured,
                line.versions,
                f"`{line.settings}`",
            )
            yield f"| {' | '.join(map(str, cells))} |"


def _short(value: float) -> str:
    return "–" if math.isnan(value) else f"{value:.2f}"


def picture(lines: Sequence[Standing]) -> bytes:
    """The PNG of docs/league.png."""
    hits = by_network(lines, "scenes", "pointing_game")
    return whole_league(hits, published_pointing()).png


def main() -> None:
    parser = argparse.ArgumentParser(description="The league table.")
    parser.add_argument("--page", action="store_true", help="measure nothing more")
    options = parser.parse_args()
    with open_store(f"sqlite:///{STORE}") as store:
        store.add(read_pieces(PIECES))
        if not options.page:
            measure(store)
        write_pieces(store.rows(), PIECES)
    # From what was kept, and not from the store: so that the page says what a reader can check.
    lines = stand(read_pieces(PIECES))
    write_league(lines, TABLE)
    PAGE.write_text("\n".join(page(lines)) + "\n", encoding="utf-8")
    PICTURE.write_bytes(picture(lines))


if __name__ == "__main__":
    main()
