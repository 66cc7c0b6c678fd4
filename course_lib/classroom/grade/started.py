"""A template that has been started in its sandbox: its process, and the channel to it."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import tempfile
import time
from typing import Any

from .sandbox import NoSandbox, command, environment
from .wire import BadFrame, Silence, receive, send

START_SECONDS = 300.0
"""Seconds that a template may take to import everything, on a machine that is busy."""

_END_SECONDS = 30.0


class Started:
    """Start a template; it is there, with everything imported, when this returns.

    Args:
        lessons: the course's cells, as plain data.
        sandboxed: whether it runs in bubblewrap.

    Attributes:
        nested: whether its children have namespaces of their own.

    Raises:
        NoSandbox: it does not start.
    """

    def __init__(self, lessons: dict[str, Any], *, sandboxed: bool) -> None:
        self._control, theirs = socket.socketpair()
        self._home = tempfile.TemporaryDirectory(prefix="course-grade-")
        settings: dict[str, object] = {"control": theirs.fileno(), "nested": sandboxed}
        with theirs:
            self._process = subprocess.Popen(
                command(settings, sandboxed=sandboxed),
                env=environment("/tmp" if sandboxed else self._home.name),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                pass_fds=[theirs.fileno()],
                cwd=self._home.name,
                start_new_session=True,
            )
        try:
            send(self._control, lessons)
            ready = receive(self._control, time.monotonic() + START_SECONDS).data
        except (OSError, EOFError, Silence, BadFrame):
            said = self.stop().decode(errors="replace").strip().splitlines()
            reason = said[-1] if said else "it gave no reason"
            raise NoSandbox(f"A sandbox could not be started: {reason}") from None
        self.nested = bool(ready.get("nested"))

    def begin(self, channel: socket.socket) -> None:
        """Let it fork a child for one submission.

        Args:
            channel: the child's end of the channel that the submission goes through.

        Raises:
            OSError: it is not there any more.
        """
        socket.send_fds(self._control, [b"j"], [channel.fileno()])

    def end(self, *, kill: bool) -> dict[str, Any]:
        """Wait for the child's end, or kill it with all that it started, and hear how it ended.

        Raises:
            OSError, EOFError, Silence, BadFrame: the template itself is not there any more.
        """
        if kill:
            self._control.sendall(b"k")
        return receive(self._control, time.monotonic() + _END_SECONDS).data

    def stop(self) -> bytes:
        """Kill it and all that is left in its sandbox; give what it wrote to stderr."""
        self._control.close()
        self._process.kill()
        said = b""
        with contextlib.suppress(subprocess.TimeoutExpired):
            _, said = self._process.communicate(timeout=_END_SECONDS)
        self._home.cleanup()
        return said
