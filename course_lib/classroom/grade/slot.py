"""A slot: one template in its sandbox, to which one submission after another is given."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from .inside.running import CELL_SECONDS
from .lessons import as_json, read_lessons
from .started import Started
from .wire import PAYLOAD_LIMIT, TEXT_LIMIT, BadFrame, Frame, Silence, receive, send

STEP_SECONDS = CELL_SECONDS + 15
"""Seconds without a word after which a submission's process is killed."""

SUBMISSION_SECONDS = 240.0
"""Seconds that one submission may take, all tries together."""

TRIES = 8
"""How often a submission is begun again without what ended it."""

_READING = "reading the notebook"
_FRAMES, _TROUBLES = 20_000, 200
_LOSSES = 2


@dataclass
class Collected:
    """What the sandbox said of one submission; nothing in it can be relied on.

    Attributes:
        lesson: the lesson that it answers, or empty.
        unreadable: why there is no lesson, in a sentence.
        notes: on the notebook's form.
        copies: exercises whose answer reads like the reference.
        troubles: what cells raised or how they were stopped, in order.
        answers: by exercise, the frame with its runs or its early verdict.
        ended: by exercise, what ended the process while it was probed.
    """

    lesson: str = ""
    unreadable: str = ""
    notes: list[Any] = field(default_factory=list)
    copies: list[Any] = field(default_factory=list)
    troubles: list[dict[str, Any]] = field(default_factory=list)
    answers: dict[str, Frame] = field(default_factory=dict)
    ended: dict[str, str] = field(default_factory=dict)

    def add_trouble(self, data: dict[str, Any]) -> None:
        """Keep the first trouble of a cell, cut."""
        label = str(data.get("label", ""))[:200]
        if len(self.troubles) < _TROUBLES and label not in [t["label"] for t in self.troubles]:
            self.troubles.append(
                {
                    "label": label,
                    "exercise": str(data.get("exercise", ""))[:200],
                    "own": data.get("own") is True,
                    "trouble": str(data.get("trouble", ""))[:TEXT_LIMIT],
                }
            )


class Slot:
    """Runs submissions one at a time; start it where it will be stopped (a context manager).

    Args:
        sandboxed: whether its processes run in bubblewrap.
    """

    def __init__(self, *, sandboxed: bool = True) -> None:
        self._sandboxed = sandboxed
        self._lessons = as_json(read_lessons())
        self._template: Started | None = None

    def __enter__(self) -> Slot:
        """Start the template."""
        self._template = Started(self._lessons, sandboxed=self._sandboxed)
        return self

    def __exit__(self, *_: object) -> None:
        """Kill the template and all that is left in its sandbox."""
        self._drop()

    @property
    def nested(self) -> bool:
        """Whether submissions have namespaces of their own; else each gets a cold sandbox."""
        return self._template is not None and self._template.nested

    def collect(self, name: str, content: bytes, seeds: list[int]) -> Collected:
        """Run one submission.

        What ends its process (an endless loop, too much memory, `os._exit`) is left out, and the
        submission is begun again, so that it costs no more than its own exercise.

        Args:
            name: the file's, which decides the lesson where the cells leave it open.
            content: the file.
            seeds: for the probes.
        """
        collected = Collected()
        avoid: list[str] = []
        losses = 0
        deadline = time.monotonic() + SUBMISSION_SECONDS
        for _ in range(TRIES):
            doing = _Doing(_READING)
            why = self._try(name, content, seeds, avoid, collected, doing, deadline)
            if not why:
                return collected
            if doing.lost and losses < _LOSSES:
                losses += 1
                continue
            fatal = doing.label
            if fatal in avoid or fatal == _READING:
                break
            avoid.append(fatal)
            if fatal.startswith("answer "):
                collected.ended[fatal.removeprefix("answer ")] = why
            else:
                collected.add_trouble(
                    {
                        "label": fatal,
                        "exercise": doing.exercise,
                        "own": True,
                        "trouble": f"The process {why}.",
                    }
                )
            if time.monotonic() > deadline:
                break
        if not collected.lesson and not collected.unreadable:
            collected.unreadable = f"The notebook could not be read: the process {why}."
        return collected

    def _try(
        self,
        name: str,
        content: bytes,
        seeds: list[int],
        avoid: list[str],
        collected: Collected,
        doing: _Doing,
        deadline: float,
    ) -> str:
        """Run it once; how it was ended before its end, or nothing."""
        ours, theirs = socket.socketpair()
        with theirs:
            template = self._begin(theirs)
        with ours:
            ended = "sent something that is no result"
            try:
                send(ours, {"name": name, "avoid": avoid}, content)
                self._listen(ours, seeds, collected, doing, deadline)
                ended = ""
            except BadFrame:
                pass
            except Silence:
                ended = "took too long and was stopped"
            except (EOFError, OSError):
                ended = "ended"
        try:
            outcome = template.end(kill=ended != "ended")
        except (OSError, EOFError, Silence, BadFrame):
            outcome = {}
            doing.lost = template.nested
            self._drop()
        if self._sandboxed and not self.nested:
            self._drop()
        return _ending(outcome) if ended == "ended" else ended

    def _begin(self, channel: socket.socket) -> Started:
        """Let a template begin a submission: the one there is, or else a new one."""
        if self._template is not None:
            try:
                self._template.begin(channel)
                return self._template
            except OSError:
                self._drop()
        self._template = Started(self._lessons, sandboxed=self._sandboxed)
        self._template.begin(channel)
        return self._template

    def _drop(self) -> None:
        if self._template is not None:
            self._template.stop()
            self._template = None

    def _listen(
        self,
        channel: socket.socket,
        seeds: list[int],
        collected: Collected,
        doing: _Doing,
        deadline: float,
    ) -> None:
        ran = False
        left = PAYLOAD_LIMIT
        for _ in range(_FRAMES):
            frame = receive(channel, min(deadline, time.monotonic() + STEP_SECONDS), left)
            data = frame.data
            match data.get("step"):
                case "unreadable":
                    collected.unreadable = str(data.get("sentence", ""))[:500]
                    return
                case "read" if collected.lesson:
                    pass  # a later try, or somebody who would rather be another lesson
                case "read":
                    collected.lesson = str(data.get("lesson", ""))
                    collected.notes = list(data.get("notes", []))
                    collected.copies = list(data.get("copies", []))
                case "begin":
                    doing.label = str(data.get("label", ""))[:200]
                    doing.exercise = str(data.get("exercise", ""))[:200]
                case "trouble":
                    collected.add_trouble(data)
                case "ran" if not ran:
                    ran = True
                    send(channel, {"seeds": seeds})
                case "probed" if ran and frame.size <= left:
                    left -= frame.size
                    collected.answers.setdefault(str(data.get("exercise", ""))[:200], frame)
                case "end":
                    return
                case _:
                    raise BadFrame("The sandbox sent something that is no result.")
        raise BadFrame("The sandbox sent more than an answer can be.")


@dataclass
class _Doing:
    """What a submission's process said last that it is doing.

    `lost` is true when the template is gone, which no submission can reach where it has
    namespaces of its own: somebody has killed it from outside.
    """

    label: str
    exercise: str = ""
    lost: bool = False


def _ending(outcome: dict[str, Any]) -> str:
    why = str(outcome.get("why", ""))
    if why and why != "stopped":
        return why
    status = outcome.get("status")
    if status == 0:
        return "ended before the notebook did"
    return f"ended before the notebook did (exit code {status})"


Collector = Callable[[str, bytes, list[int]], Collected]
"""Anything that runs a submission as `Slot.collect` does."""
