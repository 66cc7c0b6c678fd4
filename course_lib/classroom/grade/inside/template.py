"""A slot's template: everything is imported once, then a child is forked for each submission.

The template runs no student's code and keeps nothing of any. Each child gets namespaces of its
own where the machine allows it, and is killed with all that it started.
"""

from __future__ import annotations

import ast
import contextlib
import gc
import json
import os
import select
import signal
import socket
import sys
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import torch

from course_lib.exercises.engine.registry import exercises

from ..lessons import OwnCell, from_json
from ..wire import receive, send
from .child import grade_one
from .limits import excess, own_pages, restrict
from .namespaces import (
    can_nest,
    drop_capabilities,
    drop_root,
    forget_signals,
    own_mounts,
    unshare,
)
from .running import silence
from .untouched import Untouched

_TICK = 0.05


def serve(control: socket.socket, *, nested: bool) -> None:
    """Do one job after another until the control channel is closed.

    Args:
        control: where jobs come from, each with the channel that its results go to.
        nested: whether children should have namespaces of their own.
    """
    if nested:
        drop_root()
        nested = can_nest()
    torch.set_num_threads(1)
    lessons = from_json(receive(control, time.monotonic() + 60).data)
    _import_what_lessons_import(lessons)
    gc.freeze()
    untouched = Untouched()
    inherited = own_pages(os.getpid())
    send(control, {"ready": True, "nested": nested})
    while True:
        try:
            channel = _next_channel(control)
        except EOFError:
            return
        child = os.fork()
        if child == 0:
            control.close()
            _be_child(
                channel,
                nested,
                partial(_work, channel, lessons, untouched, alone=nested),
            )
        channel.close()
        send(control, _watch(child, control, nested, inherited))


def _import_what_lessons_import(lessons: dict[str, list[OwnCell]]) -> None:
    """Import the exercises, and what the course's own cells import, so that no child has to."""
    exercises()
    import IPython.core.inputtransformer2  # noqa: F401

    statements = {
        ast.unparse(statement)
        for cells in lessons.values()
        for cell in cells
        if cell.kind == "plain"
        for statement in ast.parse(cell.source).body
        if isinstance(statement, ast.Import | ast.ImportFrom)
    }
    for statement in sorted(statements, reverse=True):  # `from __future__` first
        # a lesson that can't be imported from costs only itself
        with contextlib.suppress(ImportError):
            exec(statement, {})


def _next_channel(control: socket.socket) -> socket.socket:
    control.settimeout(None)
    while True:
        message, descriptors, _, _ = socket.recv_fds(control, 16, 1)
        if descriptors:
            return socket.socket(fileno=descriptors[0])
        if not message:
            raise EOFError
        # else it was the order to end a child that had already ended


def _work(
    channel: socket.socket,
    lessons: dict[str, list[OwnCell]],
    untouched: Untouched,
    *,
    alone: bool,
) -> None:
    frame = receive(channel, time.monotonic() + 60)
    grade_one(channel, frame.data, frame.tensors, lessons, untouched, alone=alone)


def _be_child(channel: socket.socket, nested: bool, work: Callable[[], None]) -> None:
    """Become a submission's process; never returns."""
    status = 70
    try:
        os.setsid()
        _close_all_but(channel.fileno())
        silence()
        if not nested:
            restrict()
            work()
            status = 0
        else:
            unshare()
            inner = os.fork()
            if inner == 0:
                _be_first_process(work)
            channel.close()
            _, status = os.waitpid(inner, 0)
            status = os.waitstatus_to_exitcode(status) % 256
    finally:
        os._exit(status)


def _be_first_process(work: Callable[[], None]) -> None:
    """Be process 1 of the new namespace: wait for the one that works, and take all along."""
    status = 70
    try:
        os.setsid()
        own_mounts()
        drop_capabilities()
        restrict()
        worker = os.fork()
        if worker == 0:
            os.setsid()
            work()
            status = 0
        else:
            forget_signals()
            pid, code = 0, 0
            while pid != worker:
                pid, code = os.wait()
            status = os.waitstatus_to_exitcode(code) % 256
    finally:
        os._exit(status)


def _close_all_but(kept: int) -> None:
    os.closerange(3, kept)
    os.closerange(kept + 1, 4096)


def _watch(child: int, control: socket.socket, nested: bool, inherited: int) -> dict[str, Any]:
    """Wait for a child's end, end it when told to or when it uses too much, and say why."""
    why = ""
    while True:
        pid, status = os.waitpid(child, os.WNOHANG)
        if pid:
            _kill(child, nested)
            return {"status": os.waitstatus_to_exitcode(status), "why": why}
        if select.select([control], [], [], _TICK)[0]:
            control.recv(1)
            why = "stopped"
        elif nested and not why:
            why = excess({1, os.getpid(), child}, inherited)
        if why:
            _kill(child, nested)


def _kill(child: int, nested: bool) -> None:
    """Kill a child and all that it has started and that can be found."""
    if nested:
        for entry in os.listdir("/proc"):
            if entry.isdigit() and int(entry) not in (1, os.getpid(), child):
                with contextlib.suppress(OSError):
                    os.kill(int(entry), signal.SIGKILL)
        return
    with contextlib.suppress(OSError):
        os.killpg(child, signal.SIGKILL)


def main() -> None:
    """Take the control channel and the settings from the command line."""
    settings = json.loads(sys.argv[1])
    serve(socket.socket(fileno=settings["control"]), nested=settings["nested"])


if __name__ == "__main__":
    main()
