"""What is run of a submission: the student's cells, and of ours what they need."""

from __future__ import annotations

import ast
import json

import pytest

from course_lib.classroom.grade.inside import names
from course_lib.classroom.grade.inside.needed import needed_steps
from course_lib.classroom.grade.inside.notebook import Unreadable, read_notebook
from course_lib.classroom.grade.inside.plain_python import plain_python
from course_lib.classroom.grade.inside.running import new_namespace, run_cell
from course_lib.classroom.grade.inside.script import write_script
from course_lib.classroom.grade.inside.step import Step
from course_lib.classroom.grade.lessons import read_lessons
from course_lib.classroom.places import lesson_files, lesson_folder
from course_lib.classroom.rehearsal.notebooks import as_bytes, blank, solved, with_cell
from course_lib.exercises.engine.registry import exercises

LESSONS = read_lessons()


def script_of(notebook, file_name=""):
    """The script of a notebook."""
    return write_script(read_notebook(as_bytes(notebook)), LESSONS, file_name)


def demo(source):
    """A step of ours that runs only where it is needed."""
    return Step("run", "demo", source, optional=True)


def own(source):
    """A step of a student's."""
    return Step("run", "own", source, own=True)


def kept(*steps):
    """The sources of the steps that are needed."""
    return [step.source for step in needed_steps(list(steps)) if step.kind == "run"]


@pytest.mark.parametrize(
    "source",
    [
        "def f(a, a):\n    return x",
        "def f():\n    print(x)\n    global x",
        "nonlocal x",
        "y = x" + " + 1" * 2500,
        "y = x" + ".a" * 2500,
        "y = x\n" * 100_000,
    ],
    ids=["arguments", "global", "nonlocal", "sum", "attributes", "lines"],
)
def test_a_cell_that_cannot_be_looked_into_costs_nothing_but_demonstrations(source):
    wanted, other = demo("x = 1"), demo("z = 1")
    assert kept(wanted, other, own(source)) == [wanted.source, source]


def test_every_exercise_has_its_check_and_its_answer():
    for lesson, cells in LESSONS.items():
        asked = [exercise.name for exercise in exercises(lesson)]
        assert sorted(c.exercise for c in cells if c.kind == "check") == sorted(asked)
        assert {c.exercise for c in cells if c.kind == "answer"} == set(asked)


@pytest.mark.parametrize("path", lesson_files(lesson_folder()), ids=lambda path: path.stem)
def test_of_an_untouched_lesson_next_to_nothing_runs(path):
    script = script_of(blank(path.stem))
    assert script.lesson == path.stem
    ours = [step for step in script.steps if step.kind == "run" and not step.own]
    loops = (ast.For, ast.While, ast.With)
    assert not [s.label for s in ours if isinstance(ast.parse(s.source).body[0], loops)]
    assert len(ours) <= 12


def test_what_a_cell_needs_is_run_and_what_that_needs():
    a, b, c, d = demo("a = 1"), demo("b = a + 1"), demo("c = 3"), own("f(b)")
    assert kept(a, b, c, d) == ["a = 1", "b = a + 1", "f(b)"]


def test_the_last_of_several_values_is_enough():
    assert kept(demo("a = 1"), demo("a = 2"), own("f(a)")) == ["a = 2", "f(a)"]
    branch = "if b:\n    a = 2"
    assert kept(demo("a = 1"), demo("b = 0"), demo(branch), own("f(a)")) == [
        "a = 1",
        "b = 0",
        branch,
        "f(a)",
    ]


def test_what_comes_later_is_not_needed_now():
    assert kept(own("f(a)"), demo("a = 1")) == ["f(a)"]


def test_what_a_function_reads_is_needed_wherever_it_stands():
    function = own("def f():\n    return a")
    assert kept(function, demo("a = 1")) == [function.source, "a = 1"]


def test_changes_in_place_are_needed():
    steps = demo("a = []"), demo("a.append(1)"), demo("a[0] = 2"), demo("print(a)"), own("f(a)")
    assert kept(*steps) == ["a = []", "a.append(1)", "a[0] = 2", "f(a)"]


def test_an_argument_is_no_name_of_the_notebook():
    assert kept(demo("x = 1"), own("def f(x):\n    y = x\n    return y")) == [
        "def f(x):\n    y = x\n    return y"
    ]


@pytest.mark.parametrize(
    ("source", "now", "later"),
    [
        ("y = [g(i) for i in z]", {"g", "z"}, set()),
        ("def f(a, b=c):\n    return a + d", {"c"}, {"d"}),
        ("class A(B):\n    x = c\n    def m(self): return d", {"B", "c"}, {"d"}),
        ("import a\na.b()", set(), set()),
        ("f = lambda x: x + y", set(), {"y"}),
        ("x = x + 1", {"x"}, set()),
    ],
)
def test_names_that_are_read(source, now, later):
    uses = names.used(ast.parse(source))
    assert (set(uses.now), set(uses.later)) == (now, later)


def test_a_lesson_is_known_by_its_exercises_and_not_by_its_name():
    assert script_of(blank("03_relu_rules"), "01_gradients.ipynb").lesson == "03_relu_rules"
    bare = {"cells": [{"cell_type": "code", "source": "def score_gradient(model, x, t): pass"}]}
    assert script_of(bare).lesson == "01_gradients"


def test_a_notebook_without_an_exercise_goes_by_its_name():
    text = {"cells": [{"cell_type": "code", "source": "1 + 1"}]}
    assert script_of(text, "ada/03_relu_rules.ipynb").lesson == "03_relu_rules"
    with pytest.raises(Unreadable, match="none of the course's lessons"):
        script_of(text, "holiday.ipynb")


def test_a_changed_demonstration_runs_where_its_names_are_needed():
    notebook = solved("01_gradients")
    cell = next(c for c in notebook["cells"] if "draw_scene(0)" in "".join(c["source"]))
    cell["source"] = "".join(cell["source"]).replace("draw_scene(0)", "draw_scene(7)")
    assert not any("draw_scene(7)" in step.source for step in script_of(notebook).steps)
    needing = with_cell(notebook, "print(scene)", -1)
    assert any("draw_scene(7)" in step.source for step in script_of(needing).steps)


@pytest.mark.parametrize("content", [b"", b"  ", b"{", b"[]", b"7", b'{"cells": {}}', b"\xff\xfe"])
def test_what_is_no_notebook_is_told(content):
    with pytest.raises(Unreadable, match="The file is"):
        read_notebook(content)


@pytest.mark.parametrize(
    "cell",
    [
        7,
        None,
        {},
        {"cell_type": "code"},
        {"cell_type": "code", "source": 7},
        {"cell_type": "code", "source": [7, None]},
        {"cell_type": 7, "source": "x = 1", "metadata": [], "id": 7},
        {"cell_type": "code", "source": "x = 1", "metadata": {"nbgrader": "no", "id": {}}},
    ],
)
def test_an_odd_cell_spoils_no_notebook(cell):
    content = json.dumps({"cells": [cell, {"cell_type": "code", "source": "y = 2"}]}).encode()
    assert read_notebook(content)[-1].source == "y = 2"


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("%%time\nx = 1", 1),
        ("%matplotlib inline\nx = 2", 2),
        ("!pip install torch\nx = 3", 3),
        ("x = 4\nx?", 4),
        ("%%bash\nrm -rf /", None),
        ("import asyncio\nawait asyncio.sleep(0)\nx = 5", 5),
        ("files = !ls\nx = 6", 6),
    ],
)
def test_ipythons_own_syntax_does_no_harm(source, value):
    space = new_namespace()
    assert run_cell(plain_python(source), "cell 1", space) == ""
    assert space.get("x") == value


@pytest.mark.parametrize(
    ("source", "last"),
    [
        ("1 / 0", "ZeroDivisionError: division by zero"),
        ("raise SystemExit(3)", "SystemExit: 3"),
        ("x = (", "SyntaxError: '(' was never closed"),
        ("raise KeyboardInterrupt", "KeyboardInterrupt"),
    ],
)
def test_what_a_cell_raises_is_told_with_its_line(source, last):
    told = run_cell(source, "cell 1", new_namespace())
    assert told.splitlines()[-1] == last
    assert told.startswith("line 1")
