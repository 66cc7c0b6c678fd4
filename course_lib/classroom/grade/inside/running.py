"""Run a student's cells one after another in a namespace like a notebook's."""

from __future__ import annotations

import ast
import contextlib
import inspect
import linecache
import os
import signal
import sys
import types
from collections.abc import Iterator
from typing import Any

from course_lib.exercises.engine import isolation
from course_lib.exercises.engine.tracebacks import trimmed

from .plain_python import NoIPython

CELL_SECONDS = 20.0
"""Seconds after which a cell is stopped; none of the course's takes that long."""

_REPEAT = 0.5


class Stopped(BaseException):
    """Raised inside a cell that has run for longer than it may."""


def new_namespace() -> dict[str, Any]:
    """The names of a notebook that has just been opened, as the module `__main__`."""
    module = types.ModuleType("__main__")
    sys.modules["__main__"] = module
    space = vars(module)
    space["get_ipython"] = NoIPython
    space["display"] = lambda *args, **kwargs: None
    return space


def run_cell(source: str, label: str, space: dict[str, Any]) -> str:
    """Run one cell.

    Args:
        source: Python.
        label: what the cell is called in a traceback.
        space: the namespace.

    Returns:
        What it raised, with the student's own lines, or nothing.
    """
    name = f"<{label}>"
    linecache.cache[name] = (len(source), None, source.splitlines(keepends=True), name)
    with isolation.captured(), _stopped_in_time():
        try:
            code = compile(
                source, name, "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True
            )
            result = eval(code, space)
            if inspect.iscoroutine(result):
                import asyncio

                asyncio.run(result)
        except Stopped:
            return f"It ran for more than {CELL_SECONDS:g} seconds and was stopped."
        except SyntaxError as error:
            line = (
                f"line {error.lineno}\n    {(error.text or '').strip()}\n" if error.lineno else ""
            )
            return f"{line}{type(error).__name__}: {error.msg}"
        except BaseException as error:  # SystemExit and KeyboardInterrupt end a cell, nothing else
            return trimmed(error)
    return ""


@contextlib.contextmanager
def _stopped_in_time() -> Iterator[None]:
    armed = True

    def ring(_signal: int, _frame: object) -> None:
        if armed:
            raise Stopped

    signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, CELL_SECONDS, _REPEAT)
    try:
        yield
    finally:
        armed = False
        signal.setitimer(signal.ITIMER_REAL, 0)


def silence() -> None:
    """Send whatever is written past Python to nowhere."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1, 2):
        os.dup2(nowhere, number)
    os.close(nowhere)
