"""Which version of a lesson a notebook is, so that an old copy can say that it is one.

`course start` never overwrites a learner's copy, and lessons change. The builder writes a short
hash of the lesson's cells into what learners get: into the notebook's metadata, where
`course start` reads it, and into the kernel cell, since no kernel knows the file that it runs.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING

from .places import lesson_folder

if TYPE_CHECKING:
    from nbformat import NotebookNode

_DIGITS = 8


def stamp(notebook: NotebookNode, lesson: str) -> None:
    """Write lesson and version into a student notebook: its metadata, and its call of `here`.

    Args:
        notebook: as built, without outputs.
        lesson: name of the lesson, `03_relu_rules`.
    """
    cells = [[cell.cell_type, cell.source] for cell in notebook.cells]
    version = hashlib.sha256(json.dumps(cells).encode()).hexdigest()[:_DIGITS]
    notebook.metadata["course"] = {"lesson": lesson, "version": version}
    for cell in notebook.cells:
        if cell.id == "kernel":
            call = f'here(lesson="{lesson}", version="{version}")'
            cell.source = cell.source.removesuffix("here()") + call


def version_of(notebook: Path) -> str:
    """The version that a notebook says it is of; empty when it says none or cannot be read."""
    try:
        version = json.loads(notebook.read_text(encoding="utf-8"))["metadata"]["course"]["version"]
    except (OSError, ValueError, KeyError, TypeError):
        return ""
    return version if isinstance(version, str) else ""


def older_copies(folder: Path, source: Path) -> list[str]:
    """The lessons in a working folder that are of another version than the course's own.

    Args:
        folder: the working folder.
        source: where the course's own lessons are.
    """
    return [
        path.stem
        for path in sorted(source.glob("*.ipynb"))
        if (copied := version_of(folder / path.name)) and copied != version_of(path)
    ]


def if_older(folder: Path, lesson: str, version: str) -> str:
    """A sentence for whoever has an old copy of a lesson open; empty when it is the current one.

    Args:
        folder: where the copy lies.
        lesson: name of the lesson.
        version: that of the copy.
    """
    current = version_of(lesson_folder() / f"{lesson}.ipynb")
    if version == current or not current:
        return ""
    number = lesson[:2]
    if version_of(folder / f"{lesson}.ipynb") == current:
        return (
            f"This copy of lesson {number} is older than the course; {lesson}.ipynb is the new one."
        )
    return (
        f"This copy of lesson {number} is older than the course: `{fresh_command(folder, number)}` "
        "keeps it under a dated name and puts the new one beside it."
    )


def fresh_command(folder: Path, number: str) -> str:
    """The command that sets a learner's lesson aside and copies the new one."""
    if folder == Path("work"):
        return f"course start --fresh {number}"
    shown = f'"{folder}"' if " " in str(folder) else str(folder)
    return f"course start {shown} --fresh {number}"
