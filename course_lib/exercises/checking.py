"""The three functions that a notebook calls: `check`, `hint` and `solution`."""

from __future__ import annotations

import inspect
import os
import textwrap
from typing import Any

from course_lib.exercises.card import Card, show
from course_lib.exercises.judging import judge
from course_lib.exercises.registry import find_exercise

_SHOWN_HINTS: dict[str, int] = {}
_LABELS = {
    "right": "✓ right",
    "wrong": "✗ not yet",
    "not attempted": "○ not attempted",
    "error": "! error",
}


def check(name: str, answer: Any) -> Any:
    """Judge an answer, show the verdict, and return what the notebook goes on with.

    Args:
        name: the exercise, such as `"deconvnet_relu"`.
        answer: what the learner built: the function or class itself, not its result.

    Returns:
        The answer when it is right, else the reference.

    Raises:
        UnknownName: no exercise is called so.
        AssertionError: nbgrader is running the notebook (NBGRADER_EXECUTION) and the answer is not right.
    """
    exercise = find_exercise(name)
    verdict = judge(exercise, answer)
    lines = [verdict.finding, verdict.explanation, verdict.traceback, verdict.printed]
    card = Card(f"{_LABELS[verdict.kind]} · {exercise.name}", tuple(line for line in lines if line))
    show(card)
    if verdict.kind == "right":
        return answer
    if os.environ.get("NBGRADER_EXECUTION") in ("autograde", "validate"):
        raise AssertionError(str(card))
    return exercise.reference


def hint(name: str) -> None:
    """Show the next hint of an exercise."""
    exercise = find_exercise(name)
    number = _SHOWN_HINTS.get(name, 0)
    if number == len(exercise.hints):
        show(Card(f"There are no more hints for {name}."))
        return
    _SHOWN_HINTS[name] = number + 1
    show(Card(f"hint {number + 1} of {len(exercise.hints)} · {name}", (exercise.hints[number],)))


def solution(name: str) -> None:
    """Show the source of an exercise's reference."""
    exercise = find_exercise(name)
    show(Card(f"solution · {name}", (textwrap.dedent(inspect.getsource(exercise.reference)),)))
