"""The same runs on a Dask cluster: its workers measure, and this process writes to the store."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

import course_lib

from .runner import Run, identity, run
from .store import Row, Store

SECONDS = 30
PARTS_OF_A_THREAD = 4
"""So many parts each thread of the cluster gets, that none waits long for the last ones."""

Done = set[tuple[str, int, str]]


class Gathered:
    """In place of the store, on a worker: knows what is there, and gathers what is new.

    Args:
        there: what `Store.done` says.
    """

    def __init__(self, there: Done) -> None:
        self.rows: list[Row] = []
        self._there = there

    def done(self, **wanted: Any) -> Done:
        """What is in the store."""
        return self._there

    def add(self, rows: Iterable[Row]) -> None:
        """Keep rows for the store."""
        self.rows += rows


def run_on_cluster(
    wanted: Run, store: Store, address: str, progress: Callable[..., Iterable] = iter
) -> int:
    """`run` on a cluster; give how many numbers were measured.

    The images go out in parts, and a part's numbers are written when all of it is there. A worker
    that is lost costs its part, which another one measures.

    Args:
        wanted: what to run.
        store: where the numbers go; only this process needs to reach it.
        address: of the scheduler, such as `tcp://10.0.0.1:8786`.
        progress: around the parts; `tqdm`, for instance.

    Raises:
        ValueError: there is no such scheduler, it has no workers, or they have another version of
            the course; or as `run` does.
    """
    try:
        from distributed import Client, as_completed
    except ModuleNotFoundError:
        raise ValueError("A cluster needs Dask: pip install 'course-lib[cluster]'.") from None
    try:
        client = Client(address, timeout=SECONDS)
    except (OSError, ValueError, TimeoutError):
        raise ValueError(f"There is no Dask scheduler at {address}.") from None
    written = 0
    with client:
        _check_versions(client, address)
        # In a list: of a set, each member would be scattered by itself.
        (there,) = client.scatter([store.done(**identity(wanted))], hash=False, broadcast=True)
        futures = [
            client.submit(measure_part, part, there, pure=False)
            for part in parts_of(wanted, PARTS_OF_A_THREAD * sum(client.nthreads().values()))
        ]
        for future in progress(as_completed(futures)):
            rows = future.result()
            store.add(rows)
            written += len(rows)
    return written


def parts_of(wanted: Run, count: int) -> list[Run]:
    """A run in so many parts that together are the whole of it, or its own part.

    >>> [run.part for run in parts_of(Run("scenes", "tiny_vgg", "centre", part=(2, 3)), 2)]
    [(2, 6), (5, 6)]
    """
    number, parts = wanted.part
    return [replace(wanted, part=(number + parts * k, parts * count)) for k in range(count)]


def measure_part(wanted: Run, there: Done) -> list[Row]:
    """What a worker does: the rows that are not in the store yet."""
    gathered = Gathered(there)
    run(wanted, gathered)
    return gathered.rows


def _check_versions(client: Any, address: str) -> None:
    versions = set(client.run(_version).values())
    if not versions:
        raise ValueError(f"The Dask scheduler at {address} has no workers.")
    if versions != {course_lib.__version__}:
        raise ValueError(
            f"The cluster has another version of the course ({', '.join(sorted(versions))}) "
            f"than this machine ({course_lib.__version__})."
        )


def _version() -> str:
    return course_lib.__version__
