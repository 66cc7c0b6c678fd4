"""Several slots at once on this machine: a thread each, that hands submissions to its sandbox."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from .slot import Collected, Slot
from .submissions import Submission


@dataclass(frozen=True)
class Task:
    """A submission with its bytes."""

    submission: Submission
    content: bytes
    digest: str


_TICK = 0.5

Outcome = tuple[Task, Collected | BaseException]


@contextmanager
def running(
    tasks: Iterable[Task], count: int, seeds: list[int], *, sandboxed: bool
) -> Iterator[Iterator[Outcome]]:
    """Work on tasks in `count` slots; give their outcomes as they come.

    A task is taken when a slot is free for it, so that no more of them are in memory than there
    are slots.

    Args:
        tasks: what to do.
        count: slots.
        seeds: for the probes.
        sandboxed: whether slots run in bubblewrap.
    """
    waiting = iter(tasks)
    lock = threading.Lock()
    # what waits to be judged is bounded too
    done: queue.Queue[Outcome | BaseException | None] = queue.Queue(2 * count)
    stopping = threading.Event()

    def put(item: Outcome | BaseException | None) -> None:
        while not stopping.is_set():
            try:
                done.put(item, timeout=_TICK)
                return
            except queue.Full:
                continue

    def take() -> Task | None:
        with lock:
            return None if stopping.is_set() else next(waiting, None)

    def work() -> None:
        try:
            task = take()
            if task is None:
                return  # no sandbox is started for nothing
            with Slot(sandboxed=sandboxed) as slot:
                while task is not None:
                    try:
                        collected = slot.collect(task.submission.file, task.content, seeds)
                        put((task, collected))
                    except Exception as error:
                        put((task, error))
                    task = take()
        except BaseException as error:
            put(error)
        finally:
            put(None)

    threads = [threading.Thread(target=work, daemon=True) for _ in range(count)]
    for thread in threads:
        thread.start()
    try:
        yield _outcomes(done, count)
    finally:
        stopping.set()
        for thread in threads:
            thread.join(5)


def _outcomes(done: queue.Queue[Outcome | BaseException | None], count: int) -> Iterator[Outcome]:
    left, fault = count, None
    while left:
        item = done.get()
        if item is None:
            left -= 1
        elif isinstance(item, BaseException):
            fault = item
        else:
            yield item
    if fault is not None:
        raise fault
