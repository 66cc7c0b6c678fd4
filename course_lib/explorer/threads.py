"""Leave a processor core to the browser while something is computed in the background."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import torch

_lock = threading.Lock()
_before: list[int] = []
"""The number of threads outside, once for each time that `one_core_free` is in force."""


@contextmanager
def one_core_free() -> Iterator[None]:
    """Have PyTorch compute on at most all cores but one, as long as this lasts.

    PyTorch's threads wait for each other after every operation. Where the browser or another
    program needs a core too, all of them wait for the one that shares it: on two busy cores, two
    threads have taken three to ten times as long as one.

    The number of threads is the process's own. So where several threads are in here at once, it is
    put back when the last of them leaves.
    """
    with _lock:
        _before.append(_before[0] if _before else torch.get_num_threads())
        torch.set_num_threads(max(1, min(_before[0], (os.cpu_count() or 1) - 1)))
    try:
        yield
    finally:
        with _lock:
            outside = _before.pop()
            if not _before:
                torch.set_num_threads(outside)
