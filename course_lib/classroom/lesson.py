"""Read a lesson's source: which cells are exercises, which are checks, and what each is called.

A source is a Python file in jupytext's percent format. The lines between `### BEGIN SOLUTION` and
`### END SOLUTION` are a learner's to write; the cell `name = check("exercise", name)` grades them.
"""

from __future__ import annotations

import ast
import re
import symtable
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from nbformat import NotebookNode

BEGIN = "### BEGIN SOLUTION"
END = "### END SOLUTION"
_HIDDEN = re.compile(r"^### BEGIN HIDDEN.*### END HIDDEN[^\n]*\n", re.DOTALL | re.MULTILINE)
STUB = "...  # your code here"
OUTPUT_VARIES = "# NBVAL_IGNORE_OUTPUT"
"""Begins a cell of a source whose output differs from machine to machine."""

KERNEL_CELL = """\
# Does this notebook run where the course is installed?
try:
    from course_lib.classroom.here import here
except ModuleNotFoundError:
    import sys

    raise ModuleNotFoundError(
        f"This notebook runs in {sys.executable}, where the course is not installed. "
        "Open it with `course start`, or choose the course's kernel: menu Kernel, Change Kernel."
    ) from None
here()"""


class Graded(Protocol):
    """What the builder wants to know of an exercise."""

    @property
    def lesson(self) -> str:
        """Return the id of the lesson it belongs to."""

    @property
    def points(self) -> int:
        """Return what a right answer is worth."""


class Described(Protocol):
    """What the builder wants to know of a lesson."""

    @property
    def id(self) -> str:
        """Return the name of its source."""

    @property
    def title(self) -> str:
        """Return its heading."""

    @property
    def minutes(self) -> int:
        """Return how long a learner needs."""

    @property
    def dots(self) -> str:
        """Return its difficulty, drawn."""


@dataclass(frozen=True)
class Check:
    """The one line of a check cell, `name = check("exercise", answer)`."""

    exercise: str
    answer: str


class SourceError(ValueError):
    """A lesson's source that cannot be built; the message is one plain sentence."""


def read_lesson(path: Path, exercises: Mapping[str, Graded]) -> NotebookNode:
    """Return the solution notebook of a source, not yet executed, with ids and nbgrader metadata.

    Args:
        path: the source, `NN_name.py`.
        exercises: every exercise of the course by name.

    Raises:
        SourceError: a solution region without its other end or outside an answer, a check of an
            unknown exercise, an exercise of this lesson that no cell checks, and the like.
    """
    import jupytext
    from nbformat.v4 import new_code_cell, new_notebook

    text = path.read_text(encoding="utf-8")
    cells = jupytext.reads(text, fmt="py:percent").cells
    notebook = new_notebook(
        cells=cells,
        metadata={
            "kernelspec": {
                "display_name": "Python 3 (ipykernel)",
                "language": "python",
                "name": "python3",
            },
            "language_info": {"name": "python"},
        },
    )
    for cell in cells:
        cell.metadata = type(cell.metadata)()
        if cell.cell_type == "code":
            _leave_out_tools_words(cell)
        _check_regions(path, cell)
    _mark_exercises(path, cells, exercises)
    first_code = next((i for i, cell in enumerate(cells) if cell.cell_type == "code"), len(cells))
    kernel_cell = new_code_cell(KERNEL_CELL, metadata={"jupyter": {"source_hidden": True}})
    kernel_cell.id = "kernel"
    cells.insert(first_code, kernel_cell)
    _name_cells(cells)
    return notebook


def _leave_out_tools_words(cell: NotebookNode) -> None:
    """Turn what a source says to nbval into the cell's tag, and leave out what it says to ruff."""
    if cell.source.startswith(OUTPUT_VARIES):
        cell.source = cell.source.removeprefix(OUTPUT_VARIES).lstrip("\n")
        cell.metadata["tags"] = ["nbval-ignore-output"]
    cell.source = cell.source.replace("  # fmt: skip", "")


def check_heading(path: Path, notebook: NotebookNode, lesson: Described) -> None:
    """Raise unless the first cell says what the lesson's `LESSON` says, and in the same words.

    Args:
        path: the source, for the message.
        notebook: what `read_lesson` made of it.
        lesson: title, minutes and difficulty as `course progress` and the README have them.

    Raises:
        SourceError: the heading, or the line below it, is another one.
    """
    lines = notebook.cells[0].source.splitlines()
    wanted = (
        f"# {lesson.title}",
        f"*Lesson {lesson.id[:2]} · {lesson.minutes} minutes · {lesson.dots}*",
    )
    for line in wanted:
        if line not in lines:
            raise SourceError(
                f"{path.name}: its first cell should have the line {line!r}, as "
                f"exercises/lesson_{lesson.id[:2]}/__init__.py says; one of the two is old."
            )


def parse_check(source: str) -> Check | None:
    """Return what a cell checks when it is exactly one line `name = check("exercise", answer)`."""
    try:
        statements = ast.parse(source).body
    except SyntaxError:
        return None
    match statements:
        case [
            ast.Assign(
                targets=[ast.Name(id=kept)],
                value=ast.Call(
                    func=ast.Name(id="check"),
                    args=[ast.Constant(value=str(exercise)), ast.Name(id=answer)],
                    keywords=[],
                ),
            )
        ] if kept == answer and "\n" not in source.strip():
            return Check(exercise, answer)
    return None


def locked_check(check: Check) -> str:
    """Return the check cell of a notebook that is handed out to be graded by nbgrader.

    It imports what it uses inside itself, so that no name of a student's takes its place. The
    hidden part stays with the instructor: it alone decides about the points.

    Args:
        check: what is checked.
    """
    return f"""\
from course_lib.exercises import check as _check

_answer = {check.answer}
### BEGIN HIDDEN TESTS
from course_lib.exercises import go_on_with as _go_on_with
from course_lib.exercises import require_right as _require_right

{check.answer} = _go_on_with("{check.exercise}", _answer)
_require_right("{check.exercise}", _answer)
### END HIDDEN TESTS
{check.answer} = _check("{check.exercise}", _answer)"""


def released_check(check: Check) -> str:
    """Return what students get of `locked_check`: all but the hidden part.

    Args:
        check: what is checked.
    """
    return _HIDDEN.sub("", locked_check(check))


def _calls_check(source: str) -> bool:
    """Tell whether a cell calls `check` at all."""
    try:
        tree = ast.parse(source)
    except SyntaxError:
        return False
    return any(
        isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "check"
        for node in ast.walk(tree)
    )


def _quote(cell: NotebookNode) -> str:
    """Return the cell's first line, to find it by."""
    return f"the cell that begins with {cell.source.strip().splitlines()[0]!r}"


def _check_regions(path: Path, cell: NotebookNode) -> None:
    """Raise unless every solution region of a cell has both its ends."""
    inside = False
    for line in cell.source.splitlines():
        marker = line.strip()
        if marker == BEGIN:
            if inside:
                raise SourceError(
                    f"{path.name}: {_quote(cell)} begins a solution inside a solution; "
                    f"end the first with {END!r}."
                )
            inside = True
        elif marker == END:
            if not inside:
                raise SourceError(
                    f"{path.name}: {_quote(cell)} ends a solution that no {BEGIN!r} begins."
                )
            inside = False
        elif "BEGIN SOLUTION" in marker or "END SOLUTION" in marker:
            raise SourceError(
                f"{path.name}: {_quote(cell)} has the line {marker!r}; "
                f"the markers are {BEGIN!r} and {END!r}, each alone on its line."
            )
    if inside:
        raise SourceError(f"{path.name}: {_quote(cell)} begins a solution and has no {END!r}.")


def _mark_exercises(path: Path, cells: list[NotebookNode], exercises: Mapping[str, Graded]) -> None:
    """Give answer and check cells their ids and nbgrader metadata."""
    lesson = path.stem
    waiting: list[NotebookNode] = []
    seen: list[str] = []
    for cell in cells:
        if BEGIN in cell.source:
            if cell.cell_type != "code":
                raise SourceError(
                    f"{path.name}: {_quote(cell)} is text with a solution region; "
                    "solution regions belong in code cells."
                )
            waiting.append(cell)
        if cell.cell_type != "code" or not _calls_check(cell.source):
            continue
        found = parse_check(cell.source)
        if found is None:
            raise SourceError(
                f"{path.name}: {_quote(cell)} calls check; a check cell is exactly one line, "
                'name = check("exercise", name).'
            )
        name = found.exercise
        if name not in exercises:
            close = get_close_matches(name, exercises, n=3)
            meant = f"did you mean {' or '.join(close)}?" if close else "no exercise is like it."
            raise SourceError(f"{path.name} checks {name!r}, which is no exercise; {meant}")
        if exercises[name].lesson != lesson:
            raise SourceError(
                f"{path.name} checks {name!r}, which belongs to lesson {exercises[name].lesson}."
            )
        if name in seen:
            raise SourceError(f"{path.name} checks {name!r} twice; once is what is graded.")
        if not waiting:
            raise SourceError(
                f"{path.name} checks {name!r} with no solution region before it; put {BEGIN!r} and "
                f"{END!r} around the lines that a learner writes."
            )
        seen.append(name)
        for number, answer in enumerate(waiting, start=1):
            answer.id = f"answer-{name}" if number == 1 else f"answer-{name}-{number}"
            answer.metadata["nbgrader"] = _nbgrader(answer.id, solution=True)
        waiting = []
        cell.source = cell.source.strip()
        cell.id = f"check-{name}"
        cell.metadata["nbgrader"] = _nbgrader(cell.id, points=exercises[name].points)
    if waiting:
        raise SourceError(
            f"{path.name}: {_quote(waiting[0])} has a solution region that no check cell follows."
        )
    own = [name for name, exercise in exercises.items() if exercise.lesson == lesson]
    unchecked = sorted(set(own).difference(seen))
    if unchecked:
        raise SourceError(f"{path.name} never checks its exercise {unchecked[0]!r}.")
    if seen != own:
        raise SourceError(
            f"{path.name} checks {', '.join(seen)}; by their `after` the order is {', '.join(own)}."
        )


def check_stubs(path: Path, student: NotebookNode) -> None:
    """Raise unless what a learner finds is Python and already names every answer.

    Args:
        path: the source, for the message.
        student: the student notebook built from it.

    Raises:
        SourceError: an answer cell that does not parse, or a check of a name not yet defined.
    """
    bound: set[str] = set()
    for cell in student.cells:
        if cell.cell_type != "code":
            continue
        try:
            names = symtable.symtable(cell.source, cell.id, "exec").get_symbols()
        except SyntaxError as error:
            if "nbgrader" not in cell.metadata:
                continue
            raise SourceError(
                f"{path.name}: {_quote(cell)} is not Python once its solution is taken out "
                f"({error.msg})."
            ) from None
        check = parse_check(cell.source)
        if check and check.answer not in bound:
            raise SourceError(
                f"{path.name} checks {check.answer!r}, which does not exist before the learner "
                f"writes it; define it outside the solution region, at least as "
                f"`{check.answer} = None`."
            )
        bound.update(name.get_name() for name in names if name.is_assigned())


def _nbgrader(
    grade_id: str, *, solution: bool = False, points: int | None = None
) -> dict[str, object]:
    """Return the nbgrader metadata of an answer cell, or of a check cell with its points."""
    metadata: dict[str, object] = {
        "grade": points is not None,
        "grade_id": grade_id,
        "locked": points is not None,
        "schema_version": 3,
        "solution": solution,
        "task": False,
    }
    if points is not None:
        metadata["points"] = points
    return metadata


def _name_cells(cells: list[NotebookNode]) -> None:
    """Give every cell that is neither answer nor check an id made of its first words."""
    taken = {"kernel"}
    for cell in cells:
        if "nbgrader" in cell.metadata or cell.id == "kernel":
            taken.add(cell.id)
            continue
        first = next((line for line in cell.source.splitlines() if line.strip()), "")
        words = re.sub(r"[^a-z0-9]+", "-", first.lower()).strip("-")[:40].strip("-")
        base = f"{'text' if cell.cell_type == 'markdown' else 'code'}-{words}".strip("-")
        name, number = base, 2
        while name in taken:
            name, number = f"{base}-{number}", number + 1
        taken.add(name)
        cell.id = name
