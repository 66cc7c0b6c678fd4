"""Every lesson as a learner: untouched it runs to its end, answered it gets full marks."""

from __future__ import annotations

import json
import os
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from course_lib.classroom.kernels import kernel_config
from course_lib.classroom.places import lesson_files, repository
from course_lib.exercises.engine import registry

pytestmark = [pytest.mark.slow, pytest.mark.notebook]

ROOT = repository()
NO_NETWORK = ROOT / "tests" / "no_network.py"
LESSONS = [path.stem for path in lesson_files(ROOT / "notebooks")]


def run(notebook, folder: Path):
    """Run a notebook in a folder, without a network; a cell that fails raises."""
    block = f"import runpy; runpy.run_path({str(NO_NETWORK)!r})['block']()"
    notebook.cells.insert(0, nbformat.v4.new_code_cell(block))
    settings = {"COURSE_PROGRESS": str(folder / "progress.json")}
    client = NotebookClient(
        notebook, config=kernel_config(), timeout=120, resources={"metadata": {"path": str(folder)}}
    )
    return client.execute(env={**os.environ, **settings})


def verdicts(notebook) -> dict[str, str]:
    """Return what the check cells show as plain text."""
    return {
        cell.id.removeprefix("check-"): "".join(
            output.get("text", "") or output.get("data", {}).get("text/plain", "")
            for output in cell.outputs
        )
        for cell in notebook.cells
        if cell.id.startswith("check-")
    }


def names(lesson: str) -> list[str]:
    """Return the names of a lesson's exercises."""
    return [exercise.name for exercise in registry.exercises(lesson)]


def test_there_are_lessons():
    assert [path.stem for path in sorted((ROOT / "solutions").glob("[0-9]*.py"))] == LESSONS
    assert LESSONS


@pytest.mark.parametrize("lesson", LESSONS)
def test_untouched_it_runs_to_its_end(lesson, tmp_path):
    student = nbformat.read(ROOT / "notebooks" / f"{lesson}.ipynb", as_version=4)
    shown = verdicts(run(student, tmp_path))
    assert sorted(shown) == sorted(names(lesson))
    assert {name: "not attempted" in text.lower() for name, text in shown.items()} == dict.fromkeys(
        names(lesson), True
    )
    progress = tmp_path / "progress.json"
    # lesson 00 shows what a hint looks like, and hints are counted
    entries = json.loads(progress.read_text())["exercises"] if progress.exists() else {}
    assert not any(entry["solved"] for entry in entries.values())


@pytest.mark.parametrize("lesson", LESSONS)
def test_with_the_right_answers_it_gets_full_marks(lesson, tmp_path, fill_in):
    student = nbformat.read(ROOT / "notebooks" / f"{lesson}.ipynb", as_version=4)
    solution = nbformat.read(ROOT / "solutions" / f"{lesson}.ipynb", as_version=4)
    run(fill_in(student, solution), tmp_path)
    entries = json.loads((tmp_path / "progress.json").read_text())["exercises"]
    assert sorted(name for name, entry in entries.items() if entry["solved"]) == sorted(
        names(lesson)
    )
