"""nbgrader itself accepts both folders, and grades as the course does."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from course_lib.classroom.places import repository

pytestmark = [pytest.mark.slow, pytest.mark.notebook]

SCORES = """
    select submitted_assignment.student_id, grade_cell.max_score, grade.auto_score, base_cell.name
    from grade
    join grade_cell on grade.cell_id = grade_cell.id
    join base_cell on base_cell.id = grade_cell.id
    join submitted_notebook on grade.notebook_id = submitted_notebook.id
    join submitted_assignment on submitted_notebook.assignment_id = submitted_assignment.id
"""


def nbgrader(folder: Path, *arguments: str) -> str:
    """Run nbgrader in a folder and return what it printed; it calls alembic by name."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    run = subprocess.run(
        [sys.executable, "-m", "nbgrader", *arguments],
        cwd=folder,
        env={**os.environ, "PATH": path, "COURSE_PROGRESS": str(folder / "progress.json")},
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    return run.stdout + run.stderr


@pytest.fixture(scope="module")
def classroom(built, tmp_path_factory):
    """The small course in a folder of its own, with the repository's nbgrader settings."""
    root = tmp_path_factory.mktemp("classroom")
    shutil.copytree(built.root, root, dirs_exist_ok=True)
    shutil.copy(repository() / "nbgrader_config.py", root)
    return root


def test_validate_accepts_the_solution(classroom, built):
    printed = nbgrader(classroom, "validate", f"solutions/{built.name}.ipynb")
    assert "Success! Your notebook passes all the tests." in printed


def test_generate_and_autograde_give_the_right_points(classroom, built, fill_in):
    ours = (classroom / "notebooks" / f"{built.name}.ipynb").read_bytes()
    nbgrader(classroom, "generate_assignment", "--force")
    released = classroom / "notebooks"
    assert sorted(path.name for path in released.iterdir()) == [f"{built.name}.ipynb"]
    theirs = (released / f"{built.name}.ipynb").read_bytes()
    assert theirs.rstrip(b"\n") == ours.rstrip(b"\n")

    solution = nbformat.read(classroom / "solutions" / f"{built.name}.ipynb", as_version=4)
    student = nbformat.reads(ours.decode(), as_version=4)
    for name, breaks in (("right", False), ("wrong", True)):
        answered = fill_in(student, solution)
        if breaks:
            cell = next(c for c in answered.cells if c.id == "answer-share_on_object")
            cell.source = cell.source.replace("s.sum()", "mask.sum()")
        folder = classroom / "submitted" / name
        folder.mkdir(parents=True)
        nbformat.write(answered, folder / f"{built.name}.ipynb")
    nbgrader(classroom, "autograde")

    with sqlite3.connect(classroom / "gradebook.db") as gradebook:
        rows = gradebook.execute(SCORES).fetchall()
    scores = {(student, name): (score, most) for student, most, score, name in rows}
    assert scores == {
        ("right", "check-share_on_object"): (3.0, 3.0),
        ("right", "check-saliency_by_maximum"): (2.0, 2.0),
        ("wrong", "check-share_on_object"): (0.0, 3.0),
        ("wrong", "check-saliency_by_maximum"): (2.0, 2.0),
    }
    assert not list((classroom / "autograded").rglob("*.py"))
