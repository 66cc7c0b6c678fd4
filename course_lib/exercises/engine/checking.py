"""The three functions that a notebook calls: `check`, `hint` and `solution`."""

from __future__ import annotations

import inspect
import secrets
import textwrap
from typing import Any

from . import progress
from .card import Block, Card, show
from .exercise import Exercise
from .graded import is_graded
from .judging import SEEDS, Verdict, judge
from .registry import find_exercise, next_exercise

_WORDS = {
    "right": "right",
    "wrong": "not yet",
    "not attempted": "not attempted",
    "error": "error",
}
_hints_shown: dict[str, int] = {}
_solutions_closed = False
_remark = ""


def check(name: str, answer: Any) -> Any:
    """Judge an answer, show the verdict, and return what the notebook goes on with.

    Args:
        name: the exercise, such as `"deconvnet_relu"`.
        answer: what the learner built: the function or class itself, not its result.

    Returns:
        The answer when it is right, else the reference.

    Raises:
        UnknownName: no exercise is called so.
        AssertionError: nbgrader runs the notebook (its NBGRADER_EXECUTION is set), and the answer
            is not right.
    """
    exercise = find_exercise(name)
    verdict = judge(exercise, answer)
    graded = is_graded()
    note = ""
    if verdict.kind != "not attempted" and not graded:
        note = progress.record_attempt(name, right=verdict.kind == "right")
    card = verdict_card(exercise, verdict, "\n\n".join(filter(None, (note, _remark))))
    show(card)
    if verdict.kind == "right":
        return answer
    if graded:
        raise AssertionError(str(card))
    return exercise.reference


def go_on_with(name: str, answer: Any) -> Any:
    """What `check` returns: the answer when it is right, else the reference. Nothing is shown."""
    exercise = find_exercise(name)
    return answer if judge(exercise, answer).kind == "right" else exercise.reference


def require_right(name: str, answer: Any) -> None:
    """Do nothing when an answer is right, on inputs drawn anew; nbgrader gives points for that.

    Raises:
        AssertionError: it is not right; the verdict is its text.
    """
    exercise = find_exercise(name)
    verdict = judge(exercise, answer, [secrets.randbelow(2**31) for _ in SEEDS])
    if verdict.kind != "right":
        raise AssertionError(str(verdict_card(exercise, verdict)))


def close_solutions() -> None:
    """Show no solution in this notebook from now on."""
    global _solutions_closed
    _solutions_closed = True


def add_to_checks(remark: str) -> None:
    """Say this sentence with every verdict in this notebook from now on."""
    global _remark
    _remark = remark


def verdict_card(exercise: Exercise, verdict: Verdict, note: str = "") -> Card:
    """What `check` shows for a verdict; the note is one more sentence at its end."""
    points = f"{exercise.points} point{'s' if exercise.points != 1 else ''}"
    blocks = [Block(verdict.finding)] if verdict.finding else []
    if verdict.traceback:
        blocks.append(Block(verdict.traceback, "preformatted"))
    if verdict.explanation:
        blocks.append(Block(verdict.explanation))
    if verdict.shown:
        blocks.append(Block(kind="grids", grids=verdict.shown))
    blocks += [Block(warning, "preformatted", "Python warned:") for warning in verdict.warned]
    if verdict.printed:
        blocks.append(Block(verdict.printed, "preformatted", "It printed, when checked:"))
    if note:
        blocks.append(Block(note))
    goes_on = f"Until yours is right, the notebook goes on with the course's `{exercise.answer}`."
    if verdict.kind == "right":
        foot = _what_comes_next(exercise)
    elif verdict.kind == "not attempted":
        foot = goes_on
    else:
        foot = f'`hint("{exercise.name}")` · {goes_on}'
    return Card(
        tone=verdict.kind,
        word=_WORDS[verdict.kind],
        title=exercise.name,
        aside=points if verdict.kind == "right" else "",
        blocks=tuple(blocks),
        foot=foot,
    )


def _what_comes_next(exercise: Exercise) -> str:
    following = next_exercise(exercise)
    if following is None:
        return "That was the last exercise of this lesson."
    return f"Next: `{following.name}`."


def hint(name: str) -> None:
    """Show the next hint of an exercise; once all were shown, say so.

    Raises:
        UnknownName: no exercise is called so.
    """
    exercise = find_exercise(name)
    count = len(exercise.hints)
    number = _hints_shown.get(name, 0) + 1
    if number > count:
        text = f"You have seen all {count} hints."
        foot = "" if _solutions_closed else f'`solution("{name}")` shows how the course does it.'
        show(Card("hint", "no more hints", name, blocks=(Block(text),), foot=foot))
        return
    _hints_shown[name] = number
    note = progress.record_hint(name, number)
    blocks = [Block(exercise.hints[number - 1])]
    if note:
        blocks.append(Block(note))
    more = f'`hint("{name}")` again shows the next one.' if number < count else ""
    show(Card("hint", f"hint {number} of {count}", name, blocks=tuple(blocks), foot=more))


def solution(name: str) -> None:
    """Show the source of an exercise's reference.

    Raises:
        UnknownName: no exercise is called so.
    """
    exercise = find_exercise(name)
    if _solutions_closed:
        block = Block("Whoever gave you this notebook has turned the solutions off.")
    else:
        block = Block(_source(exercise), "python")
    show(Card("solution", "solution", name, blocks=(block,)))


def _source(exercise: Exercise) -> str:
    if callable(exercise.reference):
        return textwrap.dedent(inspect.getsource(exercise.reference))
    return f"{exercise.answer} = {exercise.reference!r}"
