"""Predictions and open tasks of a lesson: what the builder says when cells and lesson disagree."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from course_lib.classroom.lesson import SourceError
from course_lib.classroom.questions import check_open_task, check_predictions

GUESS_A, GUESS_B = 'predict("a", [1, 2])', 'predict("b", [1, 2])'
TELL_A, TELL_B = 'x = 1\nreveal("a", x)', 'reveal("b", 2)\nshow()'


def notebook(*cells):
    """A notebook of code cells, and of text where a cell begins with a hash."""
    return new_notebook(
        cells=[new_markdown_cell(c) if c.startswith("#") else new_code_cell(c) for c in cells]
    )


@pytest.mark.parametrize(
    ("cells", "names"),
    [
        ((), ()),
        (("1", GUESS_A, "# text", TELL_A, "2", GUESS_B, TELL_B), ("a", "b")),
        ((GUESS_A, GUESS_B, TELL_A + "\n" + TELL_B), ("a", "b")),
        (("%matplotlib inline", GUESS_A, TELL_A), ("a",)),
    ],
)
def test_each_prediction_is_answered_by_the_next_cell(tmp_path, cells, names):
    check_predictions(tmp_path / "01_small.py", notebook(*cells), names)


@pytest.mark.parametrize(
    ("cells", "names", "sentence"),
    [
        ((GUESS_A,), ("a",), "predicts 'a', and no cell reveals it"),
        ((GUESS_A, "1", TELL_A), ("a",), 'the next code cell should say reveal\\("a"'),
        ((GUESS_A, TELL_B), ("a",), "reveals 'b', which no cell right before it predicts"),
        ((TELL_A,), (), "reveals 'a', which no cell right before it predicts"),
        ((GUESS_A, GUESS_B, TELL_A, TELL_B), ("a", "b"), "predicts 'b'; the next code cell"),
        ((GUESS_A, TELL_A), (), "predicts a; exercises/lesson_01/__init__.py says nothing"),
        ((GUESS_A, TELL_A), ("b",), "predicts a; exercises/lesson_01/__init__.py says b"),
        ((), ("b",), "predicts nothing; exercises/lesson_01/__init__.py says b"),
    ],
)
def test_what_is_missing_is_said(tmp_path, cells, names, sentence):
    with pytest.raises(SourceError, match=f"01_small.py {sentence}|{sentence}"):
        check_predictions(tmp_path / "01_small.py", notebook(*cells), names)


TASK = SimpleNamespace(name="best", title="the best")
HEADING = "# 9\n## Open task: the best\n\nTry."


def test_an_open_task_under_its_title(tmp_path):
    check_open_task(tmp_path / "01_small.py", notebook(HEADING, 'beat("best", f)'), TASK)
    check_open_task(tmp_path / "01_small.py", notebook("1"), None)


@pytest.mark.parametrize(
    ("cells", "task", "sentence"),
    [
        (("1",), TASK, "scores no open task; it should be best"),
        (('beat("other", f)',), TASK, "scores other; it should be best"),
        (('beat("best", f)',), None, "scores best; it should be none"),
        (
            ("# Open task", 'beat("best", f)'),
            TASK,
            "should have the heading '## Open task: the best'",
        ),
    ],
)
def test_another_task_or_heading_is_said(tmp_path, cells, task, sentence):
    with pytest.raises(SourceError, match=sentence):
        check_open_task(tmp_path / "01_small.py", notebook(*cells), task)
