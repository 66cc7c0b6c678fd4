"""nbgrader itself accepts both folders, and grades as the course does."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from course_lib.classroom.places import repository

pytestmark = [pytest.mark.slow, pytest.mark.notebook]

SCORES = """
import json
from nbgrader.api import Gradebook
with Gradebook("sqlite:///gradebook.db") as gradebook:
    print(json.dumps({
        f"{submission.student.id} {grade.name}": [grade.auto_score, grade.max_score]
        for submission in gradebook.assignment_submissions(".")
        for notebook in submission.notebooks
        for grade in notebook.grades
    }))
"""


CAPTURED = {"capture_output": True, "text": True}


def environment(folder: Path) -> dict[str, str]:
    """Return variables for nbgrader, which calls alembic by name."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    return {**os.environ, "PATH": path, "COURSE_PROGRESS": str(folder / "progress.json")}


def nbgrader(folder: Path, *arguments: str) -> str:
    """Run nbgrader in a folder and return what it printed."""
    command = [sys.executable, "-m", "nbgrader", *arguments]
    run = subprocess.run(command, cwd=folder, env=environment(folder), **CAPTURED)
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

    scores = subprocess.run(
        [sys.executable, "-c", SCORES], cwd=classroom, env=environment(classroom), **CAPTURED
    )
    assert json.loads(scores.stdout) == {
        "right check-share_on_object": [3.0, 3.0],
        "right check-saliency_by_maximum": [2.0, 2.0],
        "wrong check-share_on_object": [0.0, 3.0],
        "wrong check-saliency_by_maximum": [2.0, 2.0],
    }
    assert not list((classroom / "autograded").rglob("*.py"))
