"""What one submission may use, and the watch over all its processes together."""

from __future__ import annotations

import os
import sys
from pathlib import Path

ADDRESS_SPACE = 6 << 30
"""Bytes of address space of a process; importing torch alone takes three thousand million."""

MEMORY = 3 << 30
"""Bytes of memory that all processes of a submission hold together."""

FILE = 128 << 20
"""Bytes of the largest file."""

PROCESSES = 64
"""Processes and threads at once."""

CPU_SECONDS = 300
"""CPU seconds of a process."""

_PAGE = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 4096


def restrict() -> None:
    """Set the limits that the system keeps of itself, for this process and its children."""
    import resource

    wanted = {
        "RLIMIT_CORE": 0,
        "RLIMIT_CPU": CPU_SECONDS,
        "RLIMIT_FSIZE": FILE,
        "RLIMIT_NOFILE": 256,
        "RLIMIT_MEMLOCK": 0,
    }
    if sys.platform.startswith("linux"):
        wanted |= {"RLIMIT_AS": ADDRESS_SPACE, "RLIMIT_NPROC": PROCESSES}
    for name, limit in wanted.items():
        number = getattr(resource, name)
        _, most = resource.getrlimit(number)
        limit = limit if most == resource.RLIM_INFINITY else min(limit, most)
        resource.setrlimit(number, (limit, limit))


def own_pages(process: int) -> int:
    """The pages of memory that a process shares with no file; 0 when it is gone."""
    try:
        fields = Path(f"/proc/{process}/statm").read_text().split()
    except OSError:
        return 0
    return int(fields[1]) - int(fields[2])


def excess(spared: set[int], inherited: int) -> str:
    """What the processes of a submission use too much of, as an end of a sentence, or nothing.

    Args:
        spared: processes that are not the submission's; all others that can be seen are.
        inherited: pages that each has in common with the process it was forked from.
    """
    running = [int(e.name) for e in Path("/proc").iterdir() if e.name.isdigit()]
    running = [process for process in running if process not in spared]
    if len(running) > PROCESSES:
        return f"started more than {PROCESSES} processes"
    pages = sum(max(0, own_pages(process) - inherited) for process in running)
    if pages * _PAGE > MEMORY:
        return f"used more than {MEMORY >> 30} GB of memory"
    return ""
