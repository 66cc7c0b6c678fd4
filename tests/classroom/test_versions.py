"""Old copies of a lesson: told by `course start`, by the first cell and by every check."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from course_lib.classroom import build as build_module
from course_lib.classroom import start as start_module
from course_lib.classroom import versions
from course_lib.classroom.build import build
from course_lib.classroom.here import here
from course_lib.classroom.start import copy_lessons, set_aside, start
from course_lib.classroom.versions import version_of
from course_lib.exercises import check
from course_lib.exercises.engine import checking


@pytest.fixture
def lesson(course, monkeypatch):
    """A built lesson, its source, and the function that builds it again."""
    clean = course.root / "notebooks"

    def rebuild(old="", new=""):
        source = course.source.read_text()
        assert old in source
        course.source.write_text(source.replace(old, new))
        build(
            solutions=course.source.parent,
            notebooks=clean,
            exercises=course.exercises,
            say=lambda _: None,
        )
        return version_of(clean / "01_small.ipynb")

    monkeypatch.setattr(build_module, "execute", lambda *_: None)
    monkeypatch.setattr(versions, "lesson_folder", lambda: clean)
    monkeypatch.setattr("course_lib.classroom.here.lesson_folder", lambda: clean)
    monkeypatch.setattr(start_module, "lesson_folder", lambda: clean)
    monkeypatch.setattr(start_module, "open_lab", lambda *_, **__: None)
    monkeypatch.setattr(checking, "_remark", "")
    return rebuild, clean


def test_the_version_is_that_of_the_cells(lesson):
    rebuild, clean = lesson
    version = rebuild()
    assert len(version) == 8
    assert rebuild() == version
    other = rebuild("# # A small lesson", "# # A small, mended lesson")
    assert other != version
    notebook = nbformat.read(clean / "01_small.ipynb", as_version=4)
    assert notebook.metadata.course == {"lesson": "01_small", "version": other}
    kernel = next(cell for cell in notebook.cells if cell.id == "kernel")
    assert kernel.source.endswith(f'\nhere(lesson="01_small", version="{other}")')


@pytest.mark.parametrize("text", ["", "mine", "[]", '{"metadata": {"course": 3}}'])
def test_what_has_no_version(tmp_path, text):
    path = tmp_path / "a.ipynb"
    path.write_text(text)
    assert version_of(path) == ""
    assert version_of(tmp_path / "missing.ipynb") == ""


def test_an_old_copy_is_told_until_the_new_one_is_there(lesson, tmp_path, monkeypatch, capsys):
    rebuild, clean = lesson
    old = rebuild()
    work = tmp_path / "work"
    copy_lessons(work, clean)
    monkeypatch.chdir(work)
    here(lesson="01_small", version=old)
    said = []
    start(work, say=said.append)
    assert capsys.readouterr().out == ""
    assert len(said) == 1

    new = rebuild("# # A small lesson", "# # A small, mended lesson")
    here(lesson="01_small", version=old)
    sentence = (
        f"This copy of lesson 01 is older than the course: `course start {work} --fresh 01` keeps "
        "it under a dated name and puts the new one beside it."
    )
    assert capsys.readouterr().out == f"{sentence}\n"
    check("share_on_object", ...)
    assert sentence in capsys.readouterr().out
    start(work, say=said.append)
    assert said[-1] == (
        f"Your 01_small is older than the course: `course start {work} --fresh 01` keeps it under "
        "a dated name and puts the new one beside it."
    )

    set_aside(work, "01", clean)
    said.clear()
    start(work, say=said.append)
    assert len(said) == 1
    here(lesson="01_small", version=new)
    assert capsys.readouterr().out == ""
    here(lesson="01_small", version=old)
    assert "older than the course; 01_small.ipynb is the new one." in capsys.readouterr().out


def test_the_command_for_the_usual_folder_and_for_one_with_a_space():
    assert versions.fresh_command(Path("work"), "01") == "course start --fresh 01"
    assert versions.fresh_command(Path("my work"), "01") == 'course start "my work" --fresh 01'


def test_a_learners_notebook_says_it_itself(lesson, tmp_path):
    """Run as nbconvert or JupyterLab would, in a process of its own, from the file alone."""
    rebuild, clean = lesson
    rebuild()
    notebook = nbformat.read(clean / "01_small.ipynb", as_version=4)
    kernel = next(cell for cell in notebook.cells if cell.id == "kernel")
    real = "00_start_here"
    source = kernel.source.replace("01_small", real)
    run = subprocess.run(
        [sys.executable, "-c", source], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert "This copy of lesson 00 is older than the course" in run.stdout
