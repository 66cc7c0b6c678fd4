"""Goes through all exercises of the course: each must judge, explain and help as it promises."""

from __future__ import annotations

import inspect
import time
from collections import Counter

import pytest

from course_lib.exercises.engine.checking import verdict_card
from course_lib.exercises.engine.exercise import Exercise
from course_lib.exercises.engine.judging import SEEDS, compared, judge, run
from course_lib.exercises.engine.registry import exercises, find_exercise, lessons

ALL = exercises()
EVERY = pytest.mark.parametrize("exercise", ALL, ids=lambda exercise: exercise.name)
MISTAKES = [
    pytest.param(exercise, explanation, id=f"{exercise.name}-{number}")
    for exercise in ALL
    for number, explanation in enumerate(exercise.mistakes)
]


def test_names_are_unique() -> None:
    assert [name for name, n in Counter(e.name for e in ALL).items() if n > 1] == []


def test_lessons_are_numbered_and_complete() -> None:
    ids = [lesson.id for lesson in lessons()]
    assert ids == sorted(ids)
    assert len({id_.split("_")[0] for id_ in ids}) == len(ids)
    for lesson in lessons():
        assert lesson.title
        assert lesson.summary
        assert lesson.minutes > 0
        assert lesson.difficulty in (1, 2, 3)
        assert exercises(lesson.id)


@EVERY
def test_is_found_by_its_name_and_belongs_to_its_lesson(exercise: Exercise) -> None:
    assert find_exercise(exercise.name) is exercise
    assert exercise in exercises(exercise.lesson)


@EVERY
def test_has_points_hints_and_mistakes(exercise: Exercise) -> None:
    assert type(exercise.points) is int
    assert exercise.points > 0
    assert 3 <= len(exercise.hints) <= 5
    assert len(set(exercise.hints)) == len(exercise.hints)
    assert len(exercise.mistakes) >= 4
    assert exercise.answer.isidentifier()
    for text in (*exercise.hints, *exercise.mistakes):
        assert text.strip()


@EVERY
def test_reference_is_right_against_itself(exercise: Exercise) -> None:
    for seeds in (SEEDS, range(100, 110)):
        expected = run(exercise, exercise.reference, seeds)
        again = run(exercise, exercise.reference, seeds)
        assert [r.symptom for r in expected] == [""] * len(seeds)
        assert compared(exercise, expected, again).kind == "right"


@EVERY
def test_reference_handed_back_is_not_counted(exercise: Exercise) -> None:
    if callable(exercise.reference):
        assert judge(exercise, exercise.reference).kind == "not attempted"


@EVERY
def test_given_methods_exist(exercise: Exercise) -> None:
    assert set(exercise.given) <= set(dir(exercise.reference))


@pytest.mark.parametrize(("exercise", "explanation"), MISTAKES)
def test_mistake_is_rejected_and_named(exercise: Exercise, explanation: str) -> None:
    mistake = exercise.mistakes[explanation]
    assert inspect.isclass(mistake) == inspect.isclass(exercise.reference)
    verdict = judge(exercise, mistake)
    assert verdict.kind in ("wrong", "error")
    assert verdict.explanation == explanation
    assert verdict.finding or verdict.traceback


@pytest.mark.parametrize(("exercise", "explanation"), MISTAKES)
def test_mistake_is_rejected_with_other_seeds(exercise: Exercise, explanation: str) -> None:
    """Grading draws fresh seeds; a mistake must not slip through there."""
    seeds = range(200, 206)
    for seed in seeds:
        expected = run(exercise, exercise.reference, [seed])
        got = run(exercise, exercise.mistakes[explanation], [seed])
        if compared(exercise, expected, got).kind != "right":
            return
    pytest.fail("right with every seed")


@EVERY
def test_is_judged_in_half_a_second(exercise: Exercise) -> None:
    wrong = next(iter(exercise.mistakes.values()))
    judge(exercise, wrong)
    fastest = min(_seconds(exercise, wrong) for _ in range(3))
    assert fastest < 0.5


@EVERY
def test_card_is_the_same_every_time(exercise: Exercise) -> None:
    for mistake in exercise.mistakes.values():
        texts = {str(verdict_card(exercise, judge(exercise, mistake))) for _ in range(2)}
        assert len(texts) == 1
        assert "0x7f" not in texts.pop()


def _seconds(exercise: Exercise, answer: object) -> float:
    start = time.thread_time()  # not the wall's: other programs may be busy
    judge(exercise, answer)
    return time.thread_time() - start
