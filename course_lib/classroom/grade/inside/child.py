"""One submission's process: read the notebook, run its cells, probe its answers, say what came.

Everything after the first student's cell is in that student's hands, except what it can reach
from here: a channel to the grading process, which believes nothing that comes through it.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import time
from typing import Any

from course_lib.exercises import Exercise
from course_lib.exercises.engine.registry import exercises

from ..lessons import OwnCell
from ..wire import TEXT_LIMIT, receive, send
from .answers import Answers
from .notebook import Unreadable, read_notebook
from .own import definitions, is_a_copy
from .running import new_namespace, run_cell
from .script import Script, write_script
from .untouched import Untouched

_PATIENCE = 600.0


def grade_one(
    channel: socket.socket,
    job: dict[str, Any],
    content: bytes,
    lessons: dict[str, list[OwnCell]],
    untouched: Untouched,
    *,
    alone: bool,
) -> None:
    """Do one job and send what comes of it, step by step.

    Args:
        channel: to the grading process.
        job: `name`, the file's; `avoid`, what ended an earlier try: labels of cells,
            and `answer NAME` of exercises.
        content: the file.
        lessons: the course's cells.
        untouched: what is put back before answers are probed.
        alone: whether this process has a namespace of processes to itself, where what a step has
            started and left running is killed before the next.
    """
    try:
        script = write_script(read_notebook(content), lessons, job["name"])
    except Unreadable as fault:
        send(channel, {"step": "unreadable", "sentence": str(fault)})
        return
    wanted = {exercise.name: exercise for exercise in exercises(script.lesson)}
    send(
        channel,
        {
            "step": "read",
            "lesson": script.lesson,
            "notes": [note[:TEXT_LIMIT] for note in script.notes[:50]],
            "copies": _copies(script, wanted),
        },
    )
    space = new_namespace()
    answers = Answers(wanted)
    for step in script.steps:
        if step.kind == "check":
            label = f"answer {step.exercise}"
            ended_before = label in job["avoid"]
            if not ended_before:
                send(channel, {"step": "begin", "label": label})
            answers.check(wanted[step.exercise], space, judged=not ended_before)
            _end_strays(alone)
        elif step.label not in job["avoid"]:
            send(channel, {"step": "begin", "label": step.label, "exercise": step.exercise})
            trouble = run_cell(step.source, step.label, space)
            _end_strays(alone)
            if trouble:
                send(
                    channel,
                    {
                        "step": "trouble",
                        "label": step.label,
                        "exercise": step.exercise,
                        "own": step.own,
                        "trouble": trouble[:TEXT_LIMIT],
                    },
                )
    untouched.put_back()
    answers.collect(space)
    send(channel, {"step": "ran"})
    # only now, when no cell of theirs is running any more, are the seeds here at all
    seeds = receive(channel, time.monotonic() + _PATIENCE).data["seeds"]
    for name, exercise in wanted.items():
        if f"answer {name}" in job["avoid"]:
            continue
        send(channel, {"step": "begin", "label": f"answer {name}"})
        untouched.put_back()
        data, tensors = answers.probe(exercise, seeds)
        _end_strays(alone)
        send(channel, {"step": "probed", "exercise": name, **data}, tensors)
    send(channel, {"step": "end"})


def _end_strays(alone: bool) -> None:
    """Kill all other processes of the namespace but its first, so that they disturb no step."""
    if alone:
        with contextlib.suppress(OSError):
            os.kill(-1, signal.SIGKILL)


def _copies(script: Script, wanted: dict[str, Exercise]) -> list[str]:
    written = [node for step in script.steps if step.own for node in definitions(step.source)]
    return [name for name, exercise in wanted.items() if is_a_copy(exercise, written)]
