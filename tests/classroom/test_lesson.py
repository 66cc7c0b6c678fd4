"""What the builder reads in a source, and what it says of one that cannot be built."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from course_lib.classroom.build import build, outdated, student_notebook
from course_lib.classroom.lesson import (
    KERNEL_CELL,
    SourceError,
    check_heading,
    check_stubs,
    parse_check,
    read_lesson,
)
from course_lib.exercises.engine.exercise import Lesson


def test_check_cells_carry_points_and_are_locked(course):
    notebook = read_lesson(course.source, course.exercises)
    checks = {c.id: c.metadata.nbgrader for c in notebook.cells if c.id.startswith("check-")}
    assert {name: found["points"] for name, found in checks.items()} == {
        "check-share_on_object": 3,
        "check-saliency_by_maximum": 2,
    }
    assert all(f["grade"] and f["locked"] and not f["solution"] for f in checks.values())
    assert all(f["grade_id"] == name for name, f in checks.items())


def test_answer_cells_are_named_after_the_check_that_follows(course):
    notebook = read_lesson(course.source, course.exercises)
    answers = [c for c in notebook.cells if c.id.startswith("answer-")]
    assert [c.id for c in answers] == ["answer-share_on_object", "answer-saliency_by_maximum"]
    assert all(c.metadata.nbgrader["solution"] for c in answers)
    assert not any(c.metadata.nbgrader["grade"] for c in answers)


def test_cell_ids_are_unique_and_come_from_the_source(course):
    source = course.source.read_text()
    course.source.write_text(source + "\n# %%\nprint(1)\n\n# %%\nprint(1)\n")
    first = [c.id for c in read_lesson(course.source, course.exercises).cells]
    assert first == [c.id for c in read_lesson(course.source, course.exercises).cells]
    assert len(set(first)) == len(first)
    assert first[0] == "text-a-small-lesson"
    assert first[-2:] == ["code-print-1", "code-print-1-2"]
    assert all(re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", name) for name in first)


def test_words_to_the_tools_do_not_reach_learners(course):
    """What the source says to nbval becomes the cell's tag; what it says to ruff is left out."""
    source = course.source.read_text()
    course.source.write_text(source + "\n# %%\n# NBVAL_IGNORE_OUTPUT\nprint(  1)  # fmt: skip\n")
    cell = read_lesson(course.source, course.exercises).cells[-1]
    assert cell.source == "print(  1)"
    assert cell.metadata["tags"] == ["nbval-ignore-output"]


def test_second_answer_cell_of_one_check_gets_a_number(course):
    extra = "# %%\n### BEGIN SOLUTION\nhelper = 1\n### END SOLUTION\n\n"
    source = course.source.read_text()
    course.source.write_text(
        source.replace("# %%\nshare_on_object = ", extra + "# %%\nshare_on_object = ")
    )
    ids = [c.id for c in read_lesson(course.source, course.exercises).cells]
    assert "answer-share_on_object-2" in ids


def test_the_kernel_cell_comes_before_the_first_code(course):
    cells = read_lesson(course.source, course.exercises).cells
    code = [c for c in cells if c.cell_type == "code"]
    assert code[0].id == "kernel"
    assert code[0].source == KERNEL_CELL
    assert code[0].metadata.jupyter.source_hidden


def test_a_foreign_kernel_is_named(tmp_path):
    run = subprocess.run(
        [sys.executable, "-I", "-S", "-c", KERNEL_CELL],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert run.returncode == 1
    message = run.stderr.splitlines()[-1]
    assert sys.executable in message
    assert "course start" in message
    assert "During handling" not in run.stderr


def test_the_kernel_cell_says_nothing_where_all_is_well(tmp_path):
    run = subprocess.run(
        [sys.executable, "-c", KERNEL_CELL], cwd=tmp_path, capture_output=True, text=True
    )
    assert (run.returncode, run.stdout, run.stderr) == (0, "", "")


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ('check("share_on_object"', 'check("share_on_objekt"', "did you mean share_on_object"),
        ('check("share_on_object"', 'check("zzzz"', "no exercise is like it"),
        ("    ### END SOLUTION\n\n\n# %%\nshare", "\n\n# %%\nshare", "has no '### END SOLUTION'"),
        ("    ### BEGIN SOLUTION\n    return (s", "    return (s", "that no '### BEGIN SOLUTION'"),
        (
            "    return (s * mask)",
            "    ### BEGIN SOLUTION\n    return (s * mask)",
            "begins a solution inside a solution",
        ),
        ("### BEGIN SOLUTION\n    return (s", "# BEGIN SOLUTION\n    return (s", "the markers are"),
        ("share_on_object = check(", "result = check(", "is exactly one line"),
        ("share_on_object = check(", "x = 1\nshare_on_object = check(", "is exactly one line"),
        ("# # A small lesson", "# ### BEGIN SOLUTION\n# ### END SOLUTION", "belong in code cells"),
        (
            'saliency_by_maximum = check("saliency_by_maximum',
            'saliency_by_maximum = ("',
            "no check",
        ),
        (
            'saliency_by_maximum = check("saliency_by_maximum", saliency_by_maximum)',
            'share_on_object = check("share_on_object", share_on_object)',
            "checks 'share_on_object' twice",
        ),
    ],
)
def test_a_source_that_cannot_be_built_gets_one_sentence(course, old, new, sentence):
    source = course.source.read_text()
    assert old in source
    course.source.write_text(source.replace(old, new, 1))
    with pytest.raises(SourceError, match=re.escape(sentence)) as caught:
        build(**course.folders())
    assert "\n" not in str(caught.value)
    assert course.source.name in str(caught.value)
    assert not list(course.notebooks.glob("*"))


def test_a_check_without_an_answer_of_its_own(course):
    source = course.source.read_text()
    head, _, tail = source.partition("# %%\ndef saliency_by_maximum")
    tail = tail[tail.index("# %%\n") :]
    course.source.write_text(head + tail)
    with pytest.raises(SourceError, match="with no solution region before it"):
        read_lesson(course.source, course.exercises)


def test_an_exercise_that_is_never_checked(course):
    source = course.source.read_text()
    course.source.write_text(source[: source.index("# %%\ndef saliency_by_maximum")])
    with pytest.raises(SourceError, match="never checks its exercise 'saliency_by_maximum'"):
        read_lesson(course.source, course.exercises)


def test_an_exercise_of_another_lesson(course):
    other = course.source.rename(course.solutions / "02_other.py")
    with pytest.raises(SourceError, match="belongs to lesson 01_small"):
        read_lesson(other, course.exercises)


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        (
            "def share_on_object(s, mask):\n",
            "### BEGIN SOLUTION\nshare_on_object = 1\n### END SOLUTION\ndef other(s, mask):\n",
            "does not exist before the learner writes it",
        ),
        ('    """The share of s', '    x = """The share of s', None),
        ("def share_on_object(s, mask):", "if s:", "does not exist before"),
        (
            "def share_on_object(s, mask):\n",
            "def share_on_object(s, mask):\n    pass\n  \n   3\n",
            "is not Python once its solution is taken out",
        ),
    ],
)
def test_what_a_learner_finds_is_python_and_names_the_answer(course, old, new, sentence):
    course.source.write_text(course.source.read_text().replace(old, new, 1))
    student = student_notebook(read_lesson(course.source, course.exercises))
    if sentence is None:
        check_stubs(course.source, student)
        return
    with pytest.raises(SourceError, match=sentence):
        check_stubs(course.source, student)
    with pytest.raises(SourceError, match=sentence):
        outdated(**course.folders())


@pytest.mark.parametrize(
    "line",
    [
        'check("a", f)',
        'f = check("a", g)',
        'f = check("a", f, 1)',
        'f = check("a", f())',
        "f = check(a, f)",
        'f = check("a",\n f)',
        "f = (",
    ],
)
def test_only_the_one_line_is_a_check(line):
    assert parse_check(line) is None
    assert parse_check('f = check("a", f)').exercise == "a"


def test_exercises_stand_in_the_order_that_they_name(course):
    turned = dict(reversed(course.exercises.items()))
    with pytest.raises(SourceError, match="by their `after` the order is saliency_by_maximum, sha"):
        read_lesson(course.source, turned)


@pytest.mark.parametrize(
    ("line", "old"),
    [("# A small lesson", "# A small lesson\n"), ("*Lesson 01 · 5 minutes · ●●○*", "5 minutes")],
)
def test_the_heading_says_what_the_lesson_says(course, line, old):
    lesson = Lesson("01_small", "A small lesson", 5, 2, "S")
    text = course.source.read_text()
    heading = "# # A small lesson\n#\n# *Lesson 01 · 5 minutes · ●●○*\n"
    course.source.write_text(text.replace("# # A small lesson\n", heading))
    check_heading(course.source, read_lesson(course.source, course.exercises), lesson)
    course.source.write_text(course.source.read_text().replace(old, "# Another\n"))
    with pytest.raises(SourceError, match=re.escape(f"should have the line {line!r}")):
        check_heading(course.source, read_lesson(course.source, course.exercises), lesson)
