"""What the site is made of, before Sphinx: links, lessons, docstrings."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from course_lib.classroom.lesson import STUB
from website.docstrings import (
    process_signature,
    skip_long_list,
    to_restructured_text,
)
from website.lessons import lesson_page, write_lessons
from website.repository import open_elsewhere
from website.sources import relinked

PAGES = {
    "README.md": "index.md",
    "docs/speed.md": "speed.md",
    "notebooks/a.ipynb": "lessons/a.ipynb",
}
SOLVED = "def f(x):\n    ### BEGIN SOLUTION\n    y = x\n    return y\n    ### END SOLUTION\n"


@pytest.fixture(autouse=True)
def no_address(monkeypatch):
    """No repository is known, as on anybody's own machine."""
    monkeypatch.delenv("GITHUB_REPOSITORY", raising=False)


@pytest.mark.parametrize(
    ("source", "link", "on_the_site"),
    [
        ("README.md", "[speed](docs/speed.md)", "[speed](speed.md)"),
        ("README.md", "[a](notebooks/a.ipynb)", "[a](lessons/a.ipynb)"),
        ("docs/speed.md", "[front](../README.md#begin)", "[front](index.md#begin)"),
        ("docs/speed.md", "![bars](speed.png)", "![bars](speed.png)"),
        ("README.md", "![map](docs/readme.png)", "![map](readme.png)"),
        ("README.md", "[MIT](LICENSE)", "MIT"),
        ("README.md", "[there](https://elsewhere.example)", "[there](https://elsewhere.example)"),
        ("README.md", "[below](#begin)", "[below](#begin)"),
    ],
)
def test_a_link_leads_to_the_page(source, link, on_the_site):
    assert relinked(f"See {link}.", source, PAGES) == f"See {on_the_site}."


def test_a_link_to_another_file_leads_to_the_repository(monkeypatch):
    monkeypatch.setenv("GITHUB_REPOSITORY", "us/course")
    expected = "[MIT](https://github.com/us/course/blob/HEAD/LICENSE)"
    assert relinked("[MIT](../LICENSE)", "docs/speed.md", PAGES) == expected


def test_a_solution_comes_as_its_stub_and_behind_a_fold():
    notebook = new_notebook(
        cells=[
            new_markdown_cell("# Title"),
            new_code_cell("look for the course", id="kernel"),
            new_code_cell(SOLVED),
            new_code_cell("f(1)"),
        ]
    )
    _, stub, solution, call = lesson_page(notebook, "a.ipynb").cells
    assert stub.source == f"def f(x):\n    {STUB}\n"
    assert solution.source == "def f(x):\n    y = x\n    return y\n"
    assert solution.metadata.tags == ["hide-input"]
    assert "tags" not in call.metadata


def test_a_lesson_opens_elsewhere_where_the_repository_is_known(monkeypatch):
    assert open_elsewhere("a.ipynb") == ""
    monkeypatch.setenv("GITHUB_REPOSITORY", "us/course")
    _, line = lesson_page(new_notebook(cells=[new_markdown_cell("# Title")]), "a.ipynb").cells
    assert "https://mybinder.org/v2/gh/us/course/HEAD?urlpath=lab/tree/work/a.ipynb" in line.source
    assert "/github/us/course/blob/HEAD/notebooks/a.ipynb" in line.source


def test_pictures_become_files_that_are_loaded_when_they_are_seen(tmp_path: Path):
    cell = new_code_cell("figure()")
    html = '<img alt="a map" src="data:image/png;base64,UE5H">'
    cell.outputs = [nbformat.v4.new_output("display_data", {"text/html": html * 2})]
    notebook = new_notebook(cells=[new_markdown_cell("# Title"), cell])
    (tmp_path / "solutions").mkdir()
    nbformat.write(notebook, tmp_path / "solutions" / "03_a.ipynb")
    (tmp_path / "source").mkdir()
    assert write_lessons(tmp_path / "solutions", tmp_path / "source") == ["03_a.ipynb"]
    page = nbformat.read(tmp_path / "source" / "lessons" / "03_a.ipynb", as_version=4)
    shown = page.cells[1].outputs[0].data["text/html"]
    assert 'alt="a map" loading="lazy" src="../_static/lessons/03-01.png"' in shown
    assert 'src="../_static/lessons/03-02.png"' in shown
    assert (tmp_path / "source" / "static" / "lessons" / "03-02.png").read_bytes() == b"PNG"


@pytest.mark.parametrize(
    ("plain", "restructured"),
    [
        ("s = max_c |dphi/dx_c|: explain", "``s = max_c |dphi/dx_c|``: explain"),
        ("Of |x| and 2 * y, see `f`.", r"Of \|x\| and 2 \* y, see ``f``."),
        ("A name_ and `x`s", r"A name\_ and ``x``\ s"),
        ("A `code that\ngoes on`.", "A ``code that\ngoes on``."),
        ("Already ``code``, :math:`x^2`.", "Already ``code``, :math:`x^2`."),
        ("Sum.\n\n>>> 2 * 3\n6", "Sum.\n\n>>> 2 * 3\n6"),
        ("Sum.\n\n    a * b\n\nEnd.", "Sum.\n\n::\n\n    a * b\n\nEnd."),
        (
            "Sum.\n\nArgs:\n    x: a|b.\n        On.",
            "Sum.\n\nArgs:\n    x: a\\|b.\n        On.",
        ),
    ],
)
def test_docstrings_stay_what_they_say(plain, restructured):
    assert "\n".join(to_restructured_text(plain.split("\n"))) == restructured


def test_functions_and_classes_are_shown_by_their_names():
    signature = "(a=<function g.f at 0x7f00>, b=<class 'x.y.Z'>, c=<function k>)"
    shown, _ = process_signature(None, "", "", None, None, signature, None)
    assert shown == "(a=f, b=Z, c=k)"


def test_a_list_that_nobody_reads_is_left_out():
    assert skip_long_list(None, "module", "NAMES", ["a"] * 1000, False, None)
    assert skip_long_list(None, "module", "NAMES", ["a", "b"], False, None) is None
