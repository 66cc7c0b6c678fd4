"""What a lesson asks beside its exercises: predictions, answered by the next cell; an open task."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from .lesson import SourceError

if TYPE_CHECKING:
    from nbformat import NotebookNode

    from course_lib.exercises.engine.open_task import OpenTask


def check_predictions(path: Path, notebook: NotebookNode, names: Sequence[str]) -> None:
    """Raise unless a lesson asks for the predictions that it names, each answered by the next cell.

    Args:
        path: the source, for the message.
        notebook: what `read_lesson` made of it.
        names: the lesson's `LESSON.predictions`.

    Raises:
        SourceError: a prediction that is missing, unknown, out of order, or not answered.
    """
    asked: list[str] = []
    waiting: list[str] = []
    for source in _code(notebook):
        predicted, revealed = _named(source, "predict"), _named(source, "reveal")
        for name in revealed:
            if name not in waiting:
                raise SourceError(
                    f"{path.name} reveals {name!r}, which no cell right before it predicts."
                )
        if not predicted and set(waiting) - set(revealed):
            name = next(name for name in waiting if name not in revealed)
            raise SourceError(
                f'{path.name} predicts {name!r}; the next code cell should say reveal("{name}", '
                "...), once the answer is there."
            )
        waiting = [*(waiting if predicted else []), *predicted]
        asked += predicted
    for name in waiting:
        raise SourceError(f"{path.name} predicts {name!r}, and no cell reveals it.")
    if tuple(asked) != tuple(names):
        raise SourceError(
            f"{path.name} predicts {', '.join(asked) or 'nothing'}; "
            f"exercises/lesson_{path.stem[:2]}/__init__.py says {', '.join(names) or 'nothing'}."
        )


def check_open_task(path: Path, notebook: NotebookNode, task: OpenTask | None) -> None:
    """Raise unless a lesson scores its open task, and no other one, under the task's own title.

    Args:
        path: the source, for the message.
        notebook: what `read_lesson` made of it.
        task: the lesson's open task, if it has one.

    Raises:
        SourceError: another task, none, or another heading.
    """
    scored = [name for source in _code(notebook) for name in _named(source, "beat")]
    wanted = [] if task is None else [task.name]
    if scored != wanted:
        raise SourceError(
            f"{path.name} scores {', '.join(scored) or 'no open task'}; it should be "
            f"{', '.join(wanted) or 'none'}, as exercises/lesson_{path.stem[:2]}/ has it."
        )
    lines = [line for cell in notebook.cells for line in cell.source.splitlines()]
    if task is not None and f"## Open task: {task.title}" not in lines:
        raise SourceError(f"{path.name} should have the heading '## Open task: {task.title}'.")


def _code(notebook: NotebookNode) -> Iterator[str]:
    return (cell.source for cell in notebook.cells if cell.cell_type == "code")


def _named(source: str, function: str) -> list[str]:
    """The first arguments with which a cell calls a function, where they are texts."""
    try:
        calls = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    except SyntaxError:
        return []
    return [
        call.args[0].value
        for call in calls
        if isinstance(call.func, ast.Name) and call.func.id == function and call.args
        if isinstance(call.args[0], ast.Constant) and isinstance(call.args[0].value, str)
    ]
