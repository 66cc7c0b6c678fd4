"""The course's own cells of each lesson, as the sandbox is told them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from course_lib.classroom.lesson import parse_check, released_check
from course_lib.classroom.places import lesson_files, lesson_folder


@dataclass(frozen=True)
class OwnCell:
    """A code cell of a lesson as learners get it.

    Attributes:
        id: its id, which is also nbgrader's where it is graded.
        source: its text.
        kind: a learner writes an `answer`; a `check` is locked; a `plain` cell shows something.
        exercise: the exercise that an answer or a check belongs to.
        answer: the name that a check looks at.
        released: what a check reads like in a notebook that nbgrader handed out.
    """

    id: str
    source: str
    kind: Literal["answer", "check", "plain"]
    exercise: str = ""
    answer: str = ""
    released: str = ""


def read_lessons(folder: Path | None = None) -> dict[str, list[OwnCell]]:
    """The code cells of every lesson, in order.

    Args:
        folder: of the student notebooks; the course's by default.
    """
    folder = folder if folder is not None else lesson_folder()
    return {path.stem: _read(path) for path in lesson_files(folder)}


def as_json(lessons: dict[str, list[OwnCell]]) -> dict[str, Any]:
    """Lessons as plain data."""
    return {lesson: [vars(cell) for cell in cells] for lesson, cells in lessons.items()}


def from_json(data: dict[str, Any]) -> dict[str, list[OwnCell]]:
    """What `as_json` was given."""
    return {lesson: [OwnCell(**cell) for cell in cells] for lesson, cells in data.items()}


def _read(path: Path) -> list[OwnCell]:
    cells: list[OwnCell] = []
    waiting: list[int] = []
    for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
        if cell["cell_type"] != "code":
            continue
        source = "".join(cell["source"])
        check = parse_check(source)
        if check is not None:
            for i in waiting:
                cells[i] = OwnCell(cells[i].id, cells[i].source, "answer", check.exercise)
            waiting = []
            released = released_check(check)
            cells.append(
                OwnCell(cell["id"], source, "check", check.exercise, check.answer, released)
            )
        else:
            if cell["metadata"].get("nbgrader", {}).get("solution"):
                waiting.append(len(cells))
            cells.append(OwnCell(cell["id"], source, "plain"))
    return cells
