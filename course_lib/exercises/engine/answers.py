"""Collections of answers, wrong and right, that no exercise lists: they test the exercises.

A collection is a file `lesson_NN.py`, each answer in it as a learner writes it:

    from course_lib.exercises.engine.answers import Answers

    answers = Answers()

    answers.wrong("share_on_object", '''
    def share_on_object(s, mask):
        return (s * mask).sum() / mask.sum()
    ''')

The text is run as a cell of the notebook is: `torch`, `F`, `nn`, `Tensor`, `Function` and `math`
are there, and by their names the references of the lesson's other exercises.
"""

from __future__ import annotations

import linecache
import math
import runpy
import sys
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd import Function

from .checking import verdict_card
from .exercise import Exercise
from .judging import judge
from .registry import exercises, find_exercise


@dataclass(frozen=True)
class Answer:
    """An answer of a collection.

    Attributes:
        exercise: the name of the exercise.
        right: whether it should be accepted.
        source: what a learner writes into the cell.
        says: what the card should say, among other things; may be empty.
        place: where it stands, `lesson_00.py:12`.
    """

    exercise: str
    right: bool
    source: str
    says: str
    place: str


class Answers:
    """A collection that is being written down; iterating over it gives each `Answer`."""

    def __init__(self) -> None:
        """An empty collection."""
        self._answers: list[Answer] = []

    def __iter__(self) -> Iterator[Answer]:
        return iter(self._answers)

    def right(self, exercise: str, source: str) -> None:
        """Add an unusual answer that should be accepted."""
        self._add(exercise, True, source, "")

    def wrong(self, exercise: str, source: str, says: str = "") -> None:
        """Add an answer that should be refused; its card should contain `says`."""
        self._add(exercise, False, source, says)

    def _add(self, exercise: str, right: bool, source: str, says: str) -> None:
        caller = sys._getframe(2)
        place = f"{Path(caller.f_code.co_filename).name}:{caller.f_lineno}"
        self._answers.append(
            Answer(exercise, right, textwrap.dedent(source).strip() + "\n", says, place)
        )


def read_answers(folder: Path) -> list[Answer]:
    """All answers of the collections in a folder, in order."""
    return [
        answer
        for path in sorted(folder.glob("lesson_*.py"))
        for answer in runpy.run_path(str(path))["answers"]
    ]


def misjudged(answer: Answer) -> str:
    """What is wrong with the verdict on an answer, in a sentence; empty when nothing is.

    Raises:
        UnknownName: no exercise is called so.
    """
    exercise = find_exercise(answer.exercise)
    try:
        given = _run(exercise, answer)
    except Exception as error:
        return f"{answer.place}: the cell itself stops with {type(error).__name__}: {error}"
    verdict = judge(exercise, given)
    card = str(verdict_card(exercise, verdict))
    if answer.right != (verdict.kind == "right"):
        meant = "right" if answer.right else "wrong"
        return f"{answer.place}: this {meant} answer to {exercise.name!r} gets\n{card}"
    if answer.says not in card:
        return f"{answer.place}: the card should say {answer.says!r}, and says\n{card}"
    return ""


def _run(exercise: Exercise, answer: Answer) -> Any:
    """What the answer's text defines under the name that the exercise asks for."""
    namespace: dict[str, Any] = {
        "__name__": "__main__",
        "math": math,
        "torch": torch,
        "F": F,
        "nn": nn,
        "Tensor": Tensor,
        "Function": Function,
        **{other.answer: other.reference for other in exercises(exercise.lesson)},
    }
    del namespace[exercise.answer]
    name = f"<{answer.place}>"
    linecache.cache[name] = (len(answer.source), None, answer.source.splitlines(True), name)
    exec(compile(answer.source, name, "exec"), namespace)
    return namespace.get(exercise.answer)
