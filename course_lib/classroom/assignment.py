"""`course assignment`: the lessons in nbgrader's ordinary layout, with a configuration for it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from course_lib.classroom.build import find_sources, notebook_text
from course_lib.classroom.lesson import STUB, Graded, locked_check, parse_check, read_lesson
from course_lib.classroom.places import make_folder, repository

if TYPE_CHECKING:
    from nbformat import NotebookNode

CONFIGURATION = f'''\
"""nbgrader's settings for the attribution course; run every nbgrader command in this folder."""

c = get_config()  # noqa: F821

c.CourseDirectory.course_id = "attribution"
c.ClearSolutions.code_stub = {{"python": "{STUB}"}}
c.Execute.timeout = 120
# Where students fetch and submit, for `nbgrader release_assignment` and `nbgrader collect`:
# a folder that everybody on the machine can write to.
# c.Exchange.root = "/srv/nbgrader/exchange"
'''


def write_assignments(
    folder: Path,
    lessons: Iterable[str] = (),
    *,
    solutions: bool = True,
    sources: Path | None = None,
    exercises: Mapping[str, Graded] | None = None,
    say: Callable[[str], None] = print,
) -> list[Path]:
    """Write `source/LESSON/LESSON.ipynb` for each lesson, and nbgrader_config.py.

    A configuration that is there already is left as it is.

    Args:
        folder: nbgrader's course folder; made when it is missing.
        lessons: as `03_relu_rules` or `03`; none means all.
        solutions: whether `solution()` shows any in what students get.
        sources: folder of the lessons' sources; the clone's by default.
        exercises: every exercise by name; the course's by default.
        say: where a line for each lesson goes.

    Returns:
        The notebooks written.

    Raises:
        ValueError: an unknown lesson, or an installed copy without the lessons' sources, or a
            folder that can't be made.
    """
    if sources is None:
        root = repository()
        if root is None:
            raise ValueError(
                "Assignments are written from a clone of the course; this is an installed copy "
                "without the lessons' sources."
            )
        sources = root / "solutions"
    if exercises is None:
        from course_lib.exercises.engine import registry

        exercises = {exercise.name: exercise for exercise in registry.exercises()}
    written = []
    for source in find_sources(sources, lessons):
        notebook = read_lesson(source, exercises)
        for cell in notebook.cells:
            _make_independent(cell, solutions=solutions)
        home = make_folder(folder / "source" / source.stem)
        path = home / f"{source.stem}.ipynb"
        path.write_text(notebook_text(notebook), encoding="utf-8", newline="\n")
        written.append(path)
        say(f"{path}")
    configuration = folder / "nbgrader_config.py"
    if not configuration.exists():
        configuration.write_text(CONFIGURATION, encoding="utf-8")
        say(f"{configuration}")
    return written


def _make_independent(cell: NotebookNode, *, solutions: bool) -> None:
    """Make a check cell depend on no name of a student's; close the solutions where wanted."""
    if cell.id == "kernel" and not solutions:
        cell.source = cell.source.removesuffix("here()") + "here(solutions=False)"
    check = parse_check(cell.source) if cell.cell_type == "code" else None
    if check is not None:
        cell.source = locked_check(check)
