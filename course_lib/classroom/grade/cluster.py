"""The same work on a Dask cluster: its workers hold the slots, the judgement stays here."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import course_lib

from .sandbox import require_sandbox
from .slot import Collected, Slot
from .workers import Outcome, Task

_WAITING = 2
_SECONDS = 30

_slots: dict[int, Slot] = {}
_lock = threading.Lock()


@contextmanager
def running_on(
    tasks: Iterable[Task], address: str, seeds: list[int], *, sandboxed: bool
) -> Iterator[Iterator[Outcome]]:
    """Work on tasks on a cluster; give their outcomes as they come.

    Args:
        tasks: what to do; only as many are taken at a time as keep the cluster busy.
        address: of the scheduler, such as `tcp://10.0.0.1:8786`.
        seeds: for the probes.
        sandboxed: whether slots run in bubblewrap.

    Raises:
        ValueError: there is no such scheduler, it has no workers, they have another version of
            the course, or no sandbox.
    """
    try:
        from distributed import Client
    except ModuleNotFoundError:
        raise ValueError(
            "Grading on a cluster needs Dask: pip install 'course-lib[cluster]'."
        ) from None
    try:
        client = Client(address, timeout=_SECONDS)
    except (OSError, ValueError, TimeoutError):
        raise ValueError(f"There is no Dask scheduler at {address}.") from None
    with client:
        versions = set(client.run(_version).values())
        if not versions:
            raise ValueError(f"The Dask scheduler at {address} has no workers.")
        if versions != {course_lib.__version__}:
            raise ValueError(
                f"The cluster has another version of the course ({', '.join(sorted(versions))}) "
                f"than this machine ({course_lib.__version__})."
            )
        if sandboxed:
            client.run(require_sandbox)
        try:
            yield _outcomes(client, iter(tasks), seeds, sandboxed)
        finally:
            client.run(_stop_slots)


def _outcomes(
    client: Any, tasks: Iterator[Task], seeds: list[int], sandboxed: bool
) -> Iterator[Outcome]:
    from distributed import as_completed

    under_way: dict[Any, Task] = {}
    finished = as_completed()
    most = _WAITING * sum(client.nthreads().values())
    more = True
    while True:
        while more and len(under_way) < most:
            task = next(tasks, None)
            more = task is not None
            if task is not None:
                content = client.scatter(task.content, hash=False)
                file = task.submission.file
                future = client.submit(_collect, file, content, seeds, sandboxed, pure=False)
                under_way[future] = task
                finished.add(future)
        if not under_way:
            return
        future = next(finished)
        error = future.exception()
        yield under_way.pop(future), error if error is not None else future.result()


def _collect(name: str, content: bytes, seeds: list[int], sandboxed: bool) -> Collected:
    """Run one submission in the slot of this thread of a worker."""
    thread = threading.get_ident()
    with _lock:
        slot = _slots.setdefault(thread, Slot(sandboxed=sandboxed))
    return slot.collect(name, content, seeds)


def _stop_slots() -> None:
    """Stop all slots of a worker."""
    with _lock:
        for slot in _slots.values():
            slot.__exit__()
        _slots.clear()


def _version() -> str:
    return course_lib.__version__
