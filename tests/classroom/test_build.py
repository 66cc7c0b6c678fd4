"""The built notebooks: what learners get, the same bytes each time, and what is not current."""

from __future__ import annotations

import json
import shutil

import nbformat
import pytest

from course_lib.classroom.build import build, find_sources, outdated, settled, write_figures
from course_lib.classroom.lesson import SourceError
from course_lib.classroom.places import repository


def quiet(_: str) -> None:
    """Swallow what the builder says."""


@pytest.fixture
def copied(built, tmp_path):
    """A copy of the built course, to be changed."""
    shutil.copytree(built.root, tmp_path / "course")
    return type(built)(tmp_path / "course", built.exercises)


def student(course):
    """Read the student notebook."""
    return nbformat.read(course.notebooks / f"{course.name}.ipynb", as_version=4)


def test_a_learner_finds_stubs_and_no_solution(built):
    text = (built.notebooks / f"{built.name}.ipynb").read_text()
    assert "SOLUTION" not in text
    assert "s.sum()" not in text
    answer = next(c for c in student(built).cells if c.id == "answer-share_on_object")
    assert answer.source.endswith('object."""\n    ...  # your code here')


def test_a_learner_finds_no_outputs_and_locked_checks(built):
    for cell in student(built).cells:
        if cell.cell_type == "code":
            assert cell.outputs == []
            assert cell.execution_count is None
        if cell.id.startswith("check-"):
            assert cell.metadata.editable is False
            assert cell.metadata.deletable is False


def test_the_solution_is_executed_without_times(built):
    notebook = nbformat.read(built.source.with_suffix(".ipynb"), as_version=4)
    code = [c for c in notebook.cells if c.cell_type == "code"]
    assert [c.execution_count for c in code] == list(range(1, len(code) + 1))
    printed = next(c for c in code if c.id.startswith("code-print"))
    assert printed.outputs[0].text == "tensor(0.5000)\n"
    assert not any("execution" in c.metadata for c in code)
    assert notebook.metadata.kernelspec.name == "python3"
    assert dict(notebook.metadata.language_info) == {"name": "python"}


def test_cell_metadata_is_the_same_whoever_ran_it(built):
    cells = json.loads((built.notebooks / f"{built.name}.ipynb").read_text())["cells"]
    assert {key for c in cells for key in c["metadata"]} == {
        "deletable",
        "editable",
        "jupyter",
        "nbgrader",
    }


@pytest.mark.slow
def test_building_twice_gives_the_same_bytes(copied, monkeypatch):
    before = {p: p.read_bytes() for p in copied.root.rglob("*.ipynb")}
    monkeypatch.setenv("TZ", "Asia/Kolkata")
    written = build(**copied.folders(), say=quiet)
    assert sorted(written) == sorted(before)
    assert {p: p.read_bytes() for p in before} == before


def test_what_is_built_is_current(built):
    assert outdated(**built.folders()) == []


@pytest.mark.parametrize("folder", ["solutions", "notebooks"])
def test_a_changed_source_is_told_of_both_notebooks(copied, folder):
    copied.source.write_text(copied.source.read_text().replace("A small", "A changed"))
    sentences = outdated(**copied.folders())
    assert len(sentences) == 2
    assert any(s.startswith(f"{folder}/01_small.ipynb is not what") for s in sentences)


def test_one_byte_of_a_student_notebook_is_told(copied):
    path = copied.notebooks / f"{copied.name}.ipynb"
    path.write_bytes(path.read_bytes() + b"\n")
    assert outdated(**copied.folders()) == [
        "notebooks/01_small.ipynb is not what its source builds; run `course build 01`."
    ]


def test_an_edited_cell_of_a_solution_notebook_is_told(copied):
    path = copied.source.with_suffix(".ipynb")
    path.write_text(path.read_text().replace("torch.eye(2)", "torch.eye(3)"))
    assert [s.split()[0] for s in outdated(**copied.folders())] == ["solutions/01_small.ipynb"]


def test_a_solution_notebook_that_was_never_run_is_told(copied):
    path = copied.source.with_suffix(".ipynb")
    notebook = nbformat.read(path, as_version=4)
    notebook.cells[-1].execution_count = None
    nbformat.write(notebook, path)
    assert "was not run to its end" in outdated(**copied.folders())[0]


def test_missing_and_stray_notebooks_are_told(copied):
    path = copied.notebooks / f"{copied.name}.ipynb"
    path.rename(copied.notebooks / "07_gone.ipynb")
    sentences = outdated(**copied.folders())
    assert "notebooks/01_small.ipynb is missing; run `course build 01`." in sentences
    assert "notebooks/07_gone.ipynb has no source 07_gone.py; delete it." in sentences


@pytest.mark.slow
@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("s.sum()\n", "s.mean()\n", r"check-share_on_object.* AssertionError"),
        ("torch.ones(2, 2)", "torch.ones(2, 3)", r"code-print-share.* RuntimeError"),
    ],
)
def test_a_solution_that_fails_is_not_written(copied, old, new, sentence):
    before = (copied.notebooks / f"{copied.name}.ipynb").read_bytes()
    copied.source.write_text(copied.source.read_text().replace(old, new, 1))
    with pytest.raises(SourceError, match=sentence):
        build(**copied.folders(), say=quiet)
    assert (copied.notebooks / f"{copied.name}.ipynb").read_bytes() == before


@pytest.mark.parametrize("name", ["01", "01_small", "small", "01_small.ipynb"])
def test_a_lesson_is_found_by_name_and_number(course, name):
    assert find_sources(course.solutions, [name]) == [course.source]


def test_an_unknown_lesson_names_the_close_ones(course):
    with pytest.raises(ValueError, match="did you mean 01_small"):
        find_sources(course.solutions, ["01_smal"])


def test_the_committed_notebooks_are_current():
    root = repository()
    assert list((root / "solutions").glob("*.py"))
    assert outdated() == []


def test_what_differs_from_run_to_run_is_settled():
    output = nbformat.v4.new_output
    widget = {"application/vnd.jupyter.widget-view+json": {"model_id": "drawn at random"}}
    pieces = [
        output("stream", name="stdout", text="one "),
        output("stream", name="stdout", text="two\n"),
        output("stream", name="stderr", text="apart\n"),
        output("display_data", data={**widget, "text/html": "<img>", "text/plain": "sheet"}),
        output("stream", name="stdout", text="three\n"),
        output("display_data", data=widget),
    ]
    settled_pieces = settled(pieces)
    assert [o.get("text") or dict(o.data) for o in settled_pieces] == [
        "one two\n",
        "apart\n",
        {"text/html": "<img>", "text/plain": "sheet"},
        "three\n",
        widget,
    ]
    assert pieces[0].text == "one "


def test_figures_are_written_as_files(copied, tmp_path):
    path = copied.source.with_suffix(".ipynb")
    notebook = nbformat.read(path, as_version=4)
    outputs = next(c for c in notebook.cells if c.cell_type == "code" and c.outputs).outputs
    outputs.append(nbformat.v4.new_output("display_data", data={"image/png": "QUJD"}))
    html = '<img src="data:image/png;base64,REVG"><img src="data:image/png;base64,R0hJ">'
    outputs.append(
        nbformat.v4.new_output("display_data", data={"image/png": "QUJD", "text/html": html})
    )
    nbformat.write(notebook, path)
    written = write_figures(["01"], tmp_path / "figures", solutions=copied.solutions)
    assert [file.name for file in written] == ["01-01.png", "01-02.png", "01-03.png"]
    assert [file.read_bytes() for file in written] == [b"ABC", b"DEF", b"GHI"]
    path.unlink()
    with pytest.raises(ValueError, match=r"01_small.ipynb is missing; run `course build 01`"):
        write_figures(["01"], tmp_path, solutions=copied.solutions)
