"""Build the notebooks: `solutions/NN.py` -> executed `solutions/NN.ipynb` -> `notebooks/NN.ipynb`.

Nothing is built by hand and nothing volatile is kept, so that building twice gives the same bytes
and a committed notebook that is not what its source builds can be told.
"""

from __future__ import annotations

import base64
import os
import re
import tempfile
from collections.abc import Callable, Iterable, Mapping
from copy import deepcopy
from pathlib import Path
from typing import TYPE_CHECKING, Any

from course_lib.exercises.engine.registry import find_lesson, open_task_of

from .lesson import (
    STUB,
    Graded,
    SourceError,
    check_heading,
    check_stubs,
    read_lesson,
)
from .names import match_lesson
from .places import repository
from .questions import check_open_task, check_predictions
from .versions import stamp

if TYPE_CHECKING:
    from nbformat import NotebookNode

CELL_SECONDS = 120


def build(
    lessons: Iterable[str] = (),
    *,
    solutions: Path | None = None,
    notebooks: Path | None = None,
    exercises: Mapping[str, Graded] | None = None,
    say: Callable[[str], None] = print,
) -> list[Path]:
    """Execute the sources and write both notebooks of each lesson.

    Args:
        lessons: names of lessons, as `03_relu_rules` or `03`; none means all.
        solutions: folder of the sources and of the executed notebooks; the clone's by default.
        notebooks: folder of the student notebooks; the clone's by default.
        exercises: every exercise by name; the course's by default.
        say: where a line per lesson goes.

    Returns:
        The notebooks written.

    Raises:
        ValueError: an unknown lesson, or no clone to build in.
        SourceError: a source that cannot be built, or whose solution does not run.
    """
    solutions = _folder(solutions, "solutions")
    notebooks = _folder(notebooks, "notebooks")
    sources = find_sources(solutions, lessons)
    written = []
    notebooks.mkdir(parents=True, exist_ok=True)
    for source in sources:
        solution, student = _both_notebooks(source, exercises)
        say(f"building {source.stem} ...")
        execute(source, solution)
        for path, notebook in (
            (source.with_suffix(".ipynb"), solution),
            (notebooks / f"{source.stem}.ipynb", student),
        ):
            path.write_text(notebook_text(notebook), encoding="utf-8", newline="\n")
            written.append(path)
    return written


def outdated(
    lessons: Iterable[str] = (),
    *,
    solutions: Path | None = None,
    notebooks: Path | None = None,
    exercises: Mapping[str, Graded] | None = None,
) -> list[str]:
    """Say which notebooks are not what their sources build; nothing is executed.

    The student notebooks must be equal to the byte. Of the solution notebooks the cells must be
    equal; whether their outputs still are is what `pytest --nbval` finds out.

    Args:
        lessons: as for `build`; with none, notebooks without a source are reported as well.
        solutions: as for `build`.
        notebooks: as for `build`.
        exercises: as for `build`.

    Returns:
        One plain sentence for each notebook that should be built again.

    Raises:
        ValueError: as `build`.
    """
    chosen = list(lessons)
    solutions = _folder(solutions, "solutions")
    notebooks = _folder(notebooks, "notebooks")
    sources = find_sources(solutions, chosen)
    sentences = []
    for source in sources:
        solution, student = _both_notebooks(source, exercises)
        sentences += _compare_solution(source.with_suffix(".ipynb"), solution)
        sentences += _compare_student(notebooks / f"{source.stem}.ipynb", student)
    if not chosen:
        built = {source.stem for source in sources}
        for folder in (solutions, notebooks):
            for path in sorted(folder.glob("*.ipynb")):
                if path.stem not in built:
                    sentences.append(f"{_shown(path)} has no source {path.stem}.py; delete it.")
    return sentences


def write_figures(
    lessons: Iterable[str],
    folder: Path,
    *,
    solutions: Path | None = None,
) -> list[Path]:
    """Write the figures of the executed solution notebooks as files `NN-MM.png`, numbered in order.

    Args:
        lessons: as for `build`.
        folder: where they go; made when it is not there.
        solutions: as for `build`.

    Returns:
        The files written.

    Raises:
        ValueError: as `build`, or a lesson that was not built yet.
    """
    import nbformat

    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for source in find_sources(_folder(solutions, "solutions"), lessons):
        path = source.with_suffix(".ipynb")
        if not path.is_file():
            raise ValueError(f"{_shown(path)} is missing; {_rebuild(path)}")
        pictures = [
            picture
            for cell in nbformat.read(path, as_version=4).cells
            for output in cell.get("outputs", [])
            for picture in _pictures(output.get("data", {}))
        ]
        for number, picture in enumerate(pictures, start=1):
            written.append(folder / f"{source.stem[:2]}-{number:02}.png")
            written[-1].write_bytes(picture)
    return written


def _pictures(data: Mapping[str, Any]) -> list[bytes]:
    """Return the PNG pictures of an output: its own, or those inside its HTML."""
    inside = re.findall(r"data:image/png;base64,([A-Za-z0-9+/=\s]+)", data.get("text/html", ""))
    found = inside or [data["image/png"]] if inside or "image/png" in data else []
    return [base64.b64decode(text) for text in found]


def find_sources(folder: Path, lessons: Iterable[str] = ()) -> list[Path]:
    """Return the sources of the named lessons, or of all, in order.

    Args:
        folder: where the sources are.
        lessons: names or numbers of lessons; none means all.

    Raises:
        ValueError: a lesson that is not there; close matches are named.
    """
    sources = {path.stem: path for path in sorted(folder.glob("[0-9][0-9]_*.py"))}
    names = [match_lesson(lesson, sources) for lesson in lessons]
    return [sources[name] for name in names or sources]


def student_notebook(solution: NotebookNode) -> NotebookNode:
    """Return what a learner gets: nbgrader's own preprocessors, run on a copy in memory.

    Args:
        solution: the solution notebook, executed or not; stays as it is.
    """
    from nbgrader import preprocessors

    student = deepcopy(solution)
    resources: dict[str, Any] = {}
    for step in (
        preprocessors.LockCells(),
        preprocessors.ClearSolutions(code_stub={"python": STUB}),
        preprocessors.ClearOutput(),
        preprocessors.CheckCellMetadata(),
        preprocessors.ComputeChecksums(),
    ):
        student, resources = step.preprocess(student, resources)
    return student


def execute(source: Path, solution: NotebookNode) -> None:
    """Run a solution notebook in its folder and keep the outputs, without times.

    Progress goes to a file of its own, so that building does not write to anybody's record.

    Args:
        source: the lesson's source; its folder is where the cells run.
        solution: the notebook; its outputs are filled in.

    Raises:
        SourceError: a cell fails, a check of the solution does not come out right, or a cell
            takes longer than two minutes.
    """
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError, CellTimeoutError

    from .kernels import kernel_config

    with tempfile.TemporaryDirectory() as private:
        environment = {
            **os.environ,
            "COURSE_PROGRESS": str(Path(private) / "progress.json"),
            "NBGRADER_EXECUTION": "validate",
        }
        client = NotebookClient(
            solution,
            config=kernel_config(),
            timeout=CELL_SECONDS,
            record_timing=False,
            resources={"metadata": {"path": str(source.parent)}},
        )
        try:
            client.execute(env=environment)
        except CellTimeoutError:
            raise SourceError(
                f"{source.name}: a cell takes longer than {CELL_SECONDS} seconds."
            ) from None
        except CellExecutionError as error:
            failed = next(c for c in solution.cells if _failed(c))
            raise SourceError(
                f"{source.name}: the cell {failed.id!r} of the solution raises "
                f"{error.ename}: {error.evalue}"
            ) from None
    solution.metadata["language_info"] = {"name": "python"}
    for cell in solution.cells:
        if cell.cell_type == "code":
            cell.outputs = settled(cell.outputs)
    solution.metadata.pop("widgets", None)


def settled(outputs: list[NotebookNode]) -> list[NotebookNode]:
    """Return outputs without what differs from run to run.

    A text that arrived in pieces becomes one; a widget is left out where something stands in for
    it, since its id is drawn at random and nobody can move it without a kernel.

    Args:
        outputs: of one cell, in order.
    """
    merged: list[NotebookNode] = []
    for output in deepcopy(outputs):
        before = merged[-1] if merged else None
        if output.output_type == "stream" and before is not None:
            if before.output_type == "stream" and before.name == output.name:
                before.text += output.text
                continue
        elif "data" in output and len(output.data) > 1:
            output.data.pop("application/vnd.jupyter.widget-view+json", None)
        merged.append(output)
    return merged


def notebook_text(notebook: NotebookNode) -> str:
    """Return a notebook as it is stored: indented by one, keys sorted, one final newline."""
    import nbformat

    return nbformat.writes(notebook, version=4).rstrip("\n") + "\n"


def _failed(cell: NotebookNode) -> bool:
    """Tell whether a cell ended in an error."""
    return any(output.output_type == "error" for output in cell.get("outputs", []))


def _folder(given: Path | None, name: str) -> Path:
    """Return the folder that was given, or the clone's own of that name."""
    if given is not None:
        return given
    root = repository()
    if root is None:
        raise ValueError(
            "Lessons are built in a clone of the course; this is an installed copy without sources."
        )
    return root / name


def _both_notebooks(
    source: Path, exercises: Mapping[str, Graded] | None
) -> tuple[NotebookNode, NotebookNode]:
    """Return a lesson's solution notebook, not yet executed, and its student notebook.

    Args:
        source: the lesson's source.
        exercises: every exercise by name; None means the course's own, with all else that it says
            of the lesson.

    Raises:
        SourceError: the source cannot be built.
    """
    solution = read_lesson(source, _exercises() if exercises is None else exercises)
    if exercises is None:
        lesson = find_lesson(source.stem)
        check_heading(source, solution, lesson)
        check_predictions(source, solution, lesson.predictions)
        check_open_task(source, solution, open_task_of(lesson.id))
    student = student_notebook(solution)
    check_stubs(source, student)
    stamp(student, source.stem)
    return solution, student


def _exercises() -> Mapping[str, Graded]:
    """Return all exercises of the course by name, in order."""
    from course_lib.exercises.engine import registry

    return {exercise.name: exercise for exercise in registry.exercises()}


def _rebuild(path: Path) -> str:
    """Name the command that builds a notebook's lesson, and no other one, again."""
    return f"run `course build {path.stem[:2]}`."


def _compare_student(path: Path, student: NotebookNode) -> list[str]:
    """Say when a student notebook is not the built one, to the byte."""
    if not path.is_file():
        return [f"{_shown(path)} is missing; {_rebuild(path)}"]
    if path.read_bytes() != notebook_text(student).encode():
        return [f"{_shown(path)} is not what its source builds; {_rebuild(path)}"]
    return []


def _compare_solution(path: Path, solution: NotebookNode) -> list[str]:
    """Say when a solution notebook's cells are not the built ones, or were never run."""
    import nbformat

    if not path.is_file():
        return [f"{_shown(path)} is missing; {_rebuild(path)}"]
    stored = nbformat.read(path, as_version=4)
    empty = [c for c in stored.cells if c.cell_type == "code" and c.execution_count is None]
    for cell in (*stored.cells, *solution.cells):
        if cell.cell_type == "code":
            cell.execution_count = None
            cell.outputs = []
    if stored != solution:
        return [f"{_shown(path)} is not what its source builds; {_rebuild(path)}"]
    if empty:
        return [f"{_shown(path)} was not run to its end; {_rebuild(path)}"]
    return []


def _shown(path: Path) -> str:
    """Return a path as short as it is clear: folder and name."""
    return f"{path.parent.name}/{path.name}"
