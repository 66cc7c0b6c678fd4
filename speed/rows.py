"""The lines of the table, each timed in processes of its own."""

from __future__ import annotations

import multiprocessing
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from statistics import median
from typing import Any

import torch

from .cases import EXTREMAL, extremal_case, make_case
from .timing import interleaved

PROCESSES = 3


def timed_row(
    network: str, threads: int, method: str, seconds: float, *, peers: bool = True
) -> dict[str, Any]:
    """A line of the table: the middle of what several fresh processes measure, one by one.

    What a C library keeps of freed memory depends on all that a process did and on where its
    memory happens to lie, and decides whether large activations cost page faults: RISE's floor on
    tiny_vgg with two threads took 108 to 186 ms for it.
    """
    spawn = multiprocessing.get_context("spawn")
    rows = []
    for _ in range(PROCESSES):
        with ProcessPoolExecutor(max_workers=1, mp_context=spawn) as pool:
            arguments = (network, threads, method, seconds / PROCESSES, peers)
            rows.append(pool.submit(row_of_this_process, *arguments).result())
    return middle(rows)


def row_of_this_process(
    network: str, threads: int, method: str, seconds: float, peers: bool
) -> dict[str, Any]:
    """A line of the table, all that it compares interleaved here and now."""
    torch.set_num_threads(threads)
    if method == EXTREMAL:
        floor, ours, goal = extremal_case(network)
        floor()
        ours()
        rounds = [(floor(), ours()) for _ in range(1 if network == "vgg16" else 3)]
        medians = dict(zip(("floor", "ours"), map(median, zip(*rounds, strict=True)), strict=True))
        return row(network, threads, method, goal, medians)
    case = make_case(network, method, peers=peers)
    runs = {"floor": case.floor, "ours": case.ours, **case.peers}
    # A pass of RISE through vgg16 takes half a minute, and too long to be hurt by what is brief.
    least = 1 if (network, method) == ("vgg16", "rise") else 3
    medians = interleaved(runs, seconds=seconds, least=least)
    return row(network, threads, method, case.goal, medians)


def row(
    network: str, threads: int, method: str, goal: float | None, medians: dict[str, float]
) -> dict[str, Any]:
    """A line of the table, from medians in seconds: the floor's milliseconds, and ratios to it."""
    floor = medians["floor"]
    return {
        "network": network,
        "threads": threads,
        "method": method,
        "floor_ms": 1000 * floor,
        "goal": goal,
        **{name: value / floor for name, value in medians.items() if name != "floor"},
    }


def middle(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The line whose every measured number is the median of those in the lines given."""
    measured = rows[0].keys() - {"network", "threads", "method", "goal"}
    return rows[0] | {name: median(row[name] for row in rows) for name in measured}
