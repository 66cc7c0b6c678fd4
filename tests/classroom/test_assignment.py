"""What `course assignment` and `course mend` write."""

from __future__ import annotations

import json
from copy import deepcopy

import nbformat
import pytest

from course_lib.classroom.assignment import write_assignments
from course_lib.classroom.mend import mend
from course_lib.exercises.engine import checking


def quiet(_: str) -> None:
    """Swallow what is said."""


def write(course, folder, **options):
    """Write the small course's assignment and read it again."""
    (path,) = write_assignments(
        folder, sources=course.solutions, exercises=course.exercises, say=quiet, **options
    )
    return path, nbformat.read(path, as_version=4)


def test_the_layout_is_nbgraders_own(course, tmp_path):
    path, notebook = write(course, tmp_path / "teach")
    assert path == tmp_path / "teach" / "source" / course.name / f"{course.name}.ipynb"
    text = (tmp_path / "teach" / "nbgrader_config.py").read_text()
    compile(text, "nbgrader_config.py", "exec")
    check = next(c for c in notebook.cells if c.id == "check-share_on_object")
    assert check.source.count("### ") == 2
    assert check.metadata.nbgrader.points == 3


def test_a_configuration_is_not_overwritten(course, tmp_path):
    (tmp_path / "nbgrader_config.py").write_text("# mine\n")
    write(course, tmp_path)
    assert (tmp_path / "nbgrader_config.py").read_text() == "# mine\n"


def test_solutions_can_be_closed(course, tmp_path, monkeypatch, capsys):
    _, notebook = write(course, tmp_path, solutions=False)
    kernel = next(c for c in notebook.cells if c.id == "kernel")
    assert kernel.source.endswith("\nhere(solutions=False)")
    monkeypatch.setattr(checking, "_solutions_closed", False)
    exec(kernel.source, {})
    checking.solution("share_on_object")
    shown = capsys.readouterr().out
    assert "turned the solutions off" in shown
    assert "s.sum()" not in shown
    for _ in range(9):
        checking.hint("share_on_object")
    assert "solution(" not in capsys.readouterr().out


def test_solutions_are_open_otherwise(course, tmp_path):
    _, notebook = write(course, tmp_path)
    assert next(c for c in notebook.cells if c.id == "kernel").source.endswith("\nhere()")


def notebook_with(*cells):
    """A notebook of cells (id, grade id or None, source)."""
    return {
        "cells": [
            {
                "cell_type": "code",
                "id": id_,
                "metadata": {"nbgrader": {"grade_id": grade_id}, "deletable": False}
                if grade_id
                else {},
                "source": source,
            }
            for id_, grade_id, source in cells
        ],
        "nbformat": 4,
    }


def test_copies_get_ids_and_the_last_keeps_its_own(tmp_path):
    notebook = notebook_with(
        ("a", "answer-x", "first"), ("b", None, "between"), ("a", "answer-x", "last")
    )
    path = tmp_path / "x.ipynb"
    path.write_text(json.dumps(notebook))
    before = path.read_text()
    said: list[str] = []
    assert mend(path, said.append) == [path]
    first, between, last = json.loads(path.read_text())["cells"]
    assert (last["id"], last["metadata"]["nbgrader"]["grade_id"]) == ("a", "answer-x")
    assert first["metadata"] == {}
    assert len({first["id"], between["id"], last["id"]}) == 3
    assert said == [f"{path}: 1 copy of cells got new ids"]
    assert (tmp_path / "x.ipynb.bak").read_text() == before


def test_a_notebook_without_copies_is_left_alone(tmp_path):
    path = tmp_path / "ada" / "x.ipynb"
    path.parent.mkdir()
    path.write_text(json.dumps(notebook_with(("a", "answer-x", ""), ("b", None, ""))))
    before = deepcopy(path.read_bytes())
    said: list[str] = []
    assert mend(tmp_path, said.append) == []
    assert path.read_bytes() == before
    assert said == ["No cell is there twice."]


def test_old_formats_without_ids_are_mended_too(tmp_path):
    notebook = notebook_with(("", "answer-x", "first"), ("", "answer-x", "last"))
    for cell in notebook["cells"]:
        del cell["id"]
    path = tmp_path / "x.ipynb"
    path.write_text(json.dumps(notebook))
    mend(path, quiet)
    first, last = json.loads(path.read_text())["cells"]
    assert "nbgrader" not in first["metadata"]
    assert "nbgrader" in last["metadata"]


@pytest.mark.parametrize("content", ["", "[]", "{", '{"cells": 7}'])
def test_what_is_no_notebook_is_told(tmp_path, content):
    path = tmp_path / "x.ipynb"
    path.write_text(content)
    with pytest.raises(ValueError, match="is no notebook that can be mended"):
        mend(path, quiet)
    assert path.read_text() == content
    with pytest.raises(ValueError, match="There is no notebook or folder"):
        mend(tmp_path / "none.ipynb", quiet)


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"[" * 200_000, b"", b'{"cells": [1]}'])
def test_a_broken_notebook_keeps_no_other_from_being_mended(tmp_path, content):
    (tmp_path / "a.ipynb").write_bytes(content)
    (tmp_path / "b.ipynb").mkdir()
    path = tmp_path / "c.ipynb"
    path.write_text(json.dumps(notebook_with(("a", "answer-x", "1"), ("a", "answer-x", "2"))))
    assert mend(tmp_path, quiet) == [path]
    assert (tmp_path / "a.ipynb").read_bytes() == content


def test_half_a_character_survives_mending(tmp_path):
    path = tmp_path / "x.ipynb"
    path.write_text(json.dumps(notebook_with(("a", "x", "\ud800"), ("a", "x", "é"))))
    mend(path, quiet)
    assert [cell["source"] for cell in json.loads(path.read_text())["cells"]] == ["\ud800", "é"]


def test_assignments_need_a_folder(course, tmp_path):
    file = tmp_path / "teach"
    file.write_text("a file")
    with pytest.raises(ValueError, match="teach is a file; name a folder"):
        write(course, file)
    assert file.read_text() == "a file"
