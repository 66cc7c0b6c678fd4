"""Notebooks as students hand them in, made from the course's own."""

from __future__ import annotations

import json
from copy import deepcopy
from pathlib import Path
from typing import Any

from course_lib.classroom.places import lesson_folder, repository
from course_lib.exercises import Exercise

Notebook = dict[str, Any]


def blank(lesson: str) -> Notebook:
    """A lesson as learners get it."""
    notebook: Notebook = json.loads((lesson_folder() / f"{lesson}.ipynb").read_text("utf-8"))
    return notebook


def solved(lesson: str) -> Notebook:
    """A lesson with the course's own answers, written into the notebook that learners get.

    Raises:
        ValueError: this is an installed copy without the solutions.
    """
    root = repository()
    if root is None:
        raise ValueError("A class is made up in a clone of the course, which has the solutions.")
    path: Path = root / "solutions" / f"{lesson}.ipynb"
    sources = {cell["id"]: cell["source"] for cell in json.loads(path.read_text("utf-8"))["cells"]}
    notebook = blank(lesson)
    for cell in notebook["cells"]:
        if cell["id"].startswith("answer-"):
            cell["source"] = sources[cell["id"]]
    return notebook


def with_answer(notebook: Notebook, exercise: str, source: str) -> Notebook:
    """A copy in which a student wrote this answer."""
    changed = deepcopy(notebook)
    cells = [cell for cell in changed["cells"] if cell["id"].startswith(f"answer-{exercise}")]
    kept = [
        cell for cell in cells if cell["id"].removeprefix(f"answer-{exercise}")[:1] in ("", "-")
    ]
    for cell in kept:
        cell["source"] = ""
    kept[-1]["source"] = source
    return changed


def with_cell(notebook: Notebook, source: str, place: int = 0) -> Notebook:
    """A copy with a code cell of the student's own."""
    changed = deepcopy(notebook)
    cell: Notebook = {
        "cell_type": "code",
        "execution_count": None,
        "id": f"own-{len(changed['cells'])}",
        "metadata": {},
        "outputs": [],
        "source": source,
    }
    changed["cells"].insert(place if place >= 0 else len(changed["cells"]), cell)
    return changed


def as_bytes(notebook: Notebook) -> bytes:
    """The notebook as a file."""
    return json.dumps(notebook, indent=1).encode()


def mistake(exercise: str, number: int) -> Any:
    """A known mistake of an exercise, which notebooks of a made-up class call by this name."""
    from course_lib.exercises.engine.registry import find_exercise

    wrong = list(find_exercise(exercise).mistakes.values())
    return wrong[number % len(wrong)]


def with_mistakes(notebook: Notebook, exercises: list[Exercise], number: int) -> Notebook:
    """A copy in which every answer is a known mistake."""
    for exercise in exercises:
        source = (
            "from course_lib.classroom.rehearsal.notebooks import mistake\n"
            f'{exercise.answer} = mistake("{exercise.name}", {number})\n'
        )
        notebook = with_answer(notebook, exercise.name, source)
    return notebook
