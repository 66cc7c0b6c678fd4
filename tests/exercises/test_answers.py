"""Answers that no exercise lists: wrong ones are refused, right ones accepted."""

from __future__ import annotations

from pathlib import Path

import pytest

from course_lib.exercises.engine.answers import Answers, misjudged, read_answers

COLLECTED = read_answers(Path(__file__).parent / "answers")


# An answer may raise where Python can only note it, as in a `__del__`.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize(
    "answer", [pytest.param(a, id=f"{a.exercise}-{a.place}") for a in COLLECTED]
)
def test_an_answer_of_a_collection_is_judged_rightly(answer) -> None:
    assert misjudged(answer) == ""


def test_what_is_misjudged_is_said() -> None:
    answers = Answers()
    source = """
    def share_on_object(s, mask):
        return (s * mask).sum() / s.sum()
    """
    answers.wrong("share_on_object", source)
    answers.right("share_on_object", source.replace("s.sum()", "mask.sum()"))
    answers.wrong("share_on_object", source.replace("/ s.sum()", ""), says="nonsense")
    answers.right("share_on_object", "1 / 0")
    accepted, refused, unsaid, stopped = map(misjudged, answers)
    assert "test_answers.py:29: this wrong answer to 'share_on_object' gets\n✓ right" in accepted
    assert "this right answer to 'share_on_object' gets\n✗ not yet" in refused
    assert "the card should say 'nonsense', and says\n✗ not yet" in unsaid
    assert "the cell itself stops with ZeroDivisionError" in stopped
