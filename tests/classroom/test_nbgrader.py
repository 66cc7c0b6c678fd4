"""nbgrader's every command on what `course assignment` writes, and what its grades are worth."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from copy import deepcopy
from pathlib import Path

import nbformat
import pytest

from course_lib.classroom.assignment import write_assignments
from course_lib.classroom.lesson import Check, released_check
from course_lib.classroom.mend import mend

pytestmark = [pytest.mark.slow, pytest.mark.notebook]

SCORES = """
import json, sys
from nbgrader.api import Gradebook
with Gradebook("sqlite:///gradebook.db") as gradebook:
    print(json.dumps({
        f"{submission.student.id} {grade.name}": [grade.auto_score, grade.max_score]
        for submission in gradebook.assignment_submissions(sys.argv[1])
        for notebook in submission.notebooks
        for grade in notebook.grades
    }))
"""

CAPTURED = {"capture_output": True, "text": True}
FULL = {"check-share_on_object": 3.0, "check-saliency_by_maximum": 2.0}
STUBS_PASS = """
def check(name, answer):
    return answer

_check = _require_right = solution = hint = check
import os
os.environ.pop("NBGRADER_EXECUTION", None)
get_ipython().ast_node_interactivity = "none"
"""


def environment(folder: Path) -> dict[str, str]:
    """Return variables for nbgrader, which calls alembic by name."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    kept = {**os.environ, "PATH": path, "COURSE_PROGRESS": str(folder / "progress.json")}
    kept |= {"HOME": str(folder / "home"), "JUPYTER_DATA_DIR": str(folder / "home" / "data")}
    return kept


def nbgrader(folder: Path, *arguments: str, root: Path | None = None) -> str:
    """Run nbgrader in a folder and return what it printed."""
    command = [sys.executable, "-m", "nbgrader", *arguments]
    command.append(f"--Exchange.root={(root or folder) / 'exchange'}")
    run = subprocess.run(command, cwd=folder, env=environment(root or folder), **CAPTURED)
    assert run.returncode == 0, run.stdout + run.stderr
    return run.stdout + run.stderr


def scores(folder: Path, assignment: str) -> dict[str, list[float]]:
    """Return points and most points of every student's every check cell."""
    run = subprocess.run(
        [sys.executable, "-c", SCORES, assignment], cwd=folder, env=environment(folder), **CAPTURED
    )
    return json.loads(run.stdout)


@pytest.fixture(scope="module")
def classroom(built, tmp_path_factory):
    """The small course as an assignment, handed out."""
    root = tmp_path_factory.mktemp("classroom")
    (root / "home").mkdir()
    (root / "exchange").mkdir(mode=0o777)
    (root / "exchange").chmod(0o777)
    write_assignments(
        root, sources=built.solutions, exercises=built.exercises, say=lambda line: None
    )
    nbgrader(root, "generate_assignment", built.name)
    return root


@pytest.fixture(scope="module")
def released(classroom, built):
    """What students get."""
    path = classroom / "release" / built.name / f"{built.name}.ipynb"
    return nbformat.read(path, as_version=4)


@pytest.fixture(scope="module")
def answered(built, released, fill_in):
    """A student's notebook with the right answers."""
    solution = nbformat.read(built.source.with_suffix(".ipynb"), as_version=4)
    return fill_in(released, solution)


def hand_in(classroom: Path, lesson: str, student: str, notebook: nbformat.NotebookNode) -> Path:
    """Put a notebook where nbgrader collects it."""
    folder = classroom / "submitted" / student / lesson
    folder.mkdir(parents=True)
    path = folder / f"{lesson}.ipynb"
    # not by nbformat, which would mend copied cells
    path.write_text(json.dumps(notebook), encoding="utf-8")
    return path


def test_students_get_stubs_and_checks_that_import_what_they_use(released):
    text = nbformat.writes(released)
    assert "SOLUTION" not in text
    assert "HIDDEN" not in text
    assert "_require_right" not in text
    checks = [cell for cell in released.cells if cell.id.startswith("check-")]
    assert len(checks) == 2
    for cell in checks:
        assert cell.metadata.editable is False
        name = cell.id.removeprefix("check-")
        # so `course grade` knows the cell, even where an editor has lost its id
        assert cell.source == released_check(Check(name, name))
        assert cell.source.startswith("from course_lib.exercises import check as _check\n")


def test_every_command_from_handing_out_to_export(classroom, built, released, answered):
    lesson = built.name
    nbgrader(classroom, "release_assignment", lesson, "--force")
    assert lesson in nbgrader(classroom, "list")
    student = classroom / "student"
    student.mkdir()
    course = "--course=attribution"
    nbgrader(student, "fetch_assignment", lesson, course, root=classroom)
    path = student / lesson / f"{lesson}.ipynb"
    assert nbformat.read(path, as_version=4).cells == released.cells
    path.write_text(nbformat.writes(answered), encoding="utf-8")
    assert "Success" in nbgrader(student, "validate", str(path), root=classroom)
    nbgrader(student, "submit", lesson, course, root=classroom)
    nbgrader(classroom, "collect", lesson)
    nbgrader(classroom, "autograde", lesson)
    nbgrader(classroom, "generate_feedback", lesson)
    nbgrader(classroom, "release_feedback", lesson)
    nbgrader(classroom, "export")
    assert {tuple(pair) for pair in scores(classroom, lesson).values()} == {
        (3.0, 3.0),
        (2.0, 2.0),
    }
    with (classroom / "grades.csv").open() as file:
        (row,) = csv.DictReader(file)
    assert float(row["score"]) == 5.0
    assert list((classroom / "feedback").rglob(f"{lesson}.html"))


@pytest.fixture(scope="module")
def graded(classroom, built, released, answered):
    """Several students' scores, from one run of nbgrader."""
    wrong = deepcopy(answered)
    cell = next(c for c in wrong.cells if c.id == "answer-share_on_object")
    cell.source = cell.source.replace("s.sum()", "mask.sum()")
    cheat = deepcopy(released)
    cheat.cells.insert(0, nbformat.v4.new_code_cell(STUBS_PASS))
    copied = deepcopy(answered)
    copied.cells.append(deepcopy(next(c for c in copied.cells if c.id == "answer-share_on_object")))
    for name, notebook in (("right", answered), ("wrong", wrong), ("cheat", cheat)):
        hand_in(classroom, built.name, name, notebook)
    path = hand_in(classroom, built.name, "copied", copied)
    assert mend(classroom / "submitted" / "copied", say=lambda line: None) == [path]
    nbgrader(classroom, "autograde", built.name, "--force")
    return scores(classroom, built.name)


@pytest.mark.parametrize(
    ("student", "share"), [("right", 3.0), ("wrong", 0.0), ("cheat", 0.0), ("copied", 3.0)]
)
def test_nbgrader_gives_the_right_points(graded, student, share):
    assert graded[f"{student} check-share_on_object"] == [share, 3.0]
    other = 0.0 if student == "cheat" else 2.0
    assert graded[f"{student} check-saliency_by_maximum"] == [other, 2.0]
