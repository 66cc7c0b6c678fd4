"""Time several things side by side, so that a busy machine slows all of them alike."""

from __future__ import annotations

import statistics
import time
import warnings
from collections.abc import Callable, Mapping

Run = Callable[[], object]


def interleaved(runs: Mapping[str, Run], *, seconds: float, least: int = 3) -> dict[str, float]:
    """Median seconds of each run, all of them in turn until the time is up.

    Args:
        runs: what to time, by name; each is called once beforehand to warm up.
        seconds: how long the whole may take; a round once begun is finished.
        least: number of rounds at least.
    """
    times: dict[str, list[float]] = {name: [] for name in runs}
    with warnings.catch_warnings():
        # What methods say of a network with random weights.
        warnings.simplefilter("ignore")
        for run in runs.values():
            run()
        end = time.perf_counter() + seconds
        rounds = 0
        while rounds < least or time.perf_counter() < end:
            for name, run in runs.items():
                start = time.perf_counter()
                run()
                times[name].append(time.perf_counter() - start)
            rounds += 1
    return {name: statistics.median(values) for name, values in times.items()}
