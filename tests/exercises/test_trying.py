"""Those who write an exercise are told what is wrong with it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from course_lib.exercises.engine import trying
from course_lib.exercises.engine.exercise import Exercise, Mistakes


def with_mistake(exercise: Exercise, wrong: Any) -> Exercise:
    return replace(exercise, mistakes={"It is new.": wrong, **exercise.mistakes})


def test_nothing_is_wrong_with_a_good_exercise(gate_exercise: Exercise) -> None:
    assert list(trying.faults(gate_exercise)) == []


def test_a_mistake_that_does_what_the_reference_does_is_named(gate_exercise: Exercise) -> None:
    exercise = with_mistake(gate_exercise, lambda x, p: torch.where(x > 0, p, 0))
    (sentence,) = trying.faults(exercise)
    assert sentence == (
        "The mistake 'It is new.' is judged right: the probe doesn't tell it from the reference."
    )


def test_a_mistake_that_another_explains_is_named(gate_exercise: Exercise) -> None:
    exercise = with_mistake(gate_exercise, lambda x, p: 1 * p)
    (sentence,) = trying.mistake_faults(exercise, "Nothing is gated.")
    assert sentence == "The mistake 'Nothing is gated.' is explained by another: 'It is new.'"


def test_a_mistake_of_another_kind_is_named(gate_exercise: Exercise) -> None:
    (sentence,) = trying.mistake_faults(with_mistake(gate_exercise, dict), "It is new.")
    assert "is not of the same kind as the reference" in sentence


def test_a_reference_that_fails_or_varies_is_named(gate_exercise: Exercise) -> None:
    def fails(x, p):
        raise ValueError("broken")

    counted = iter(range(100))

    def varies(x, p):
        return p + next(counted)

    for reference, words in ((fails, "ValueError: broken"), (varies, "in a second run: values")):
        first = next(trying.reference_faults(replace(gate_exercise, reference=reference)))
        assert words in first


def test_the_answers_of_the_collections_are_judged(
    gate_exercise: Exercise, registered: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from course_lib.exercises.engine import answers

    monkeypatch.setattr(answers, "find_exercise", registered.__getitem__)
    monkeypatch.setattr(answers, "exercises", lambda lesson: [gate_exercise])
    (tmp_path / "lesson_99.py").write_text(
        "from course_lib.exercises.engine.answers import Answers\n"
        "answers = Answers()\n"
        "answers.right('gate', 'gate = lambda x, p: p * (x > 0)')\n"
        "answers.wrong('gate', 'gate = lambda x, p: p * (x > 0)')\n"
        "answers.wrong('doubler', 'Doubler = 1')\n"
    )
    (sentence,) = trying.faults(gate_exercise, tmp_path)
    assert sentence.startswith("lesson_99.py:4: this wrong answer to 'gate' gets")


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"mistakes": {"a": 1, "b": 2}}, "it has 2 of the mistakes that people make; there should"),
        ({"hints": ["a", "b"]}, "it has 2 hints; there should be 3 to 5."),
        ({"hints": ["a", "b", "b"]}, "two of its hints are the same."),
        ({"hints": ["a", "b", " "]}, "a hint or an explanation is empty."),
        ({"points": 0}, "points should be a positive whole number, not 0."),
        ({"answer": "my answer"}, "'my answer' is no name that a learner could define."),
        ({"given": ("put",)}, "the reference has no method 'put', which `given` names."),
    ],
)
def test_an_exercise_that_is_not_complete_is_refused(
    gate_exercise: Exercise, fields: dict[str, Any], words: str
) -> None:
    with pytest.raises(ValueError, match="Exercise 'gate': ") as caught:
        replace(gate_exercise, **fields)
    assert words in str(caught.value)


def test_a_mistake_that_is_the_reference_is_refused(gate_exercise: Exercise) -> None:
    with pytest.raises(ValueError, match=r"the mistake 'It is new.' is the reference itself"):
        with_mistake(gate_exercise, gate_exercise.reference)


def test_an_explanation_belongs_to_one_mistake() -> None:
    mistake = Mistakes()
    mistake("Too much.")(max)
    with pytest.raises(ValueError, match=r"Two mistakes have the explanation 'Too much.'"):
        mistake("Too much.")
