"""The judgement in the parent: only the right numbers are right, whatever else is claimed."""

from __future__ import annotations

import pytest
import torch

from course_lib.classroom.grade.key import Key
from course_lib.classroom.grade.slot import Collected
from course_lib.classroom.grade.verdicts import judge_collected, result_of
from course_lib.classroom.grade.wire import Frame, pack_runs
from course_lib.exercises.engine.comparing import difference
from course_lib.exercises.engine.judging import Run, run, second_stage
from course_lib.exercises.engine.registry import exercises

LESSON, NAME = "00_start_here", "share_on_object"


@pytest.fixture(scope="module")
def key():
    """A key with its own seeds."""
    return Key()


@pytest.fixture
def exercise(key):
    """The only exercise of the lesson."""
    return key.exercises[LESSON][0]


def judged(key, data=None, tensors=b"", **more):
    """The only grade of a submission that sent this."""
    answers = {} if data is None else {NAME: Frame(data, tensors)}
    (grade,) = judge_collected(Collected(LESSON, answers=answers, **more), key).grades
    return grade


def sent(runs):
    """Runs as a frame has them."""
    packed, tensors = pack_runs(runs)
    return {"runs": packed}, tensors


def right_runs(key, exercise):
    """The runs of the reference, with both of the exercise's probes."""
    runs = key.runs(exercise, exercise.reference, 3)
    then = second_stage(exercise)
    return runs if then is None else [*runs, *key.runs(then, exercise.reference, 1)]


def test_the_right_numbers_are_right(key, exercise):
    grade = judged(key, *sent(right_runs(key, exercise)))
    assert (grade.verdict, grade.points, grade.max) == ("right", 1, 1)
    assert not grade.looks_like_reference


def test_a_mistake_is_named(key, exercise):
    for explanation, mistake in exercise.mistakes.items():
        grade = judged(key, *sent(key.runs(exercise, mistake, 3)))
        assert (grade.verdict, grade.points, grade.explanation) == ("wrong", 0, explanation)


@pytest.mark.parametrize(
    "change",
    [
        lambda runs: [],
        lambda runs: runs[:1],
        lambda runs: runs[:2],
        lambda runs: [*runs, runs[0]],
        lambda runs: [runs[0], runs[0], runs[0]],
        lambda runs: [Run({}), Run({}), Run({})],
        lambda runs: [Run({**run.outputs, "more": 1.0}) for run in runs],
        lambda runs: [Run()],
    ],
)
def test_anything_else_is_not(key, exercise, change):
    grade = judged(key, *sent(change(right_runs(key, exercise))))
    assert (grade.verdict in ("wrong", "error"), grade.points) == (True, 0)


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"kind": "right", "finding": ""},
        {"kind": "wrong"},
        {"kind": ["wrong"], "finding": "x"},
        {"kind": "wrong", "finding": 7},
        {"runs": None},
        {"runs": [[]]},
    ],
)
def test_a_claim_is_no_result(key, data):
    grade = judged(key, data)
    assert (grade.verdict, grade.points) == ("error", 0)
    assert grade.finding == f"What came back from your `{NAME}` is no result."


def test_what_never_came_is_an_error(key):
    assert judged(key).verdict == "error"
    ended = judged(key, ended={NAME: "used more than 3 GB of memory"})
    assert ended.finding == f"While your `{NAME}` was checked, it used more than 3 GB of memory."


def test_the_trouble_of_an_answers_cell_is_its_traceback(key):
    data = {"kind": "not attempted", "finding": f"`{NAME}` is not defined."}
    trouble = {"exercise": NAME, "label": "cell 3", "own": True, "trouble": "line 1\nNameError: s"}
    grade = judged(key, data, troubles=[trouble])
    assert (grade.verdict, grade.traceback) == ("error", trouble["trouble"])


def test_copies_and_wrappers_of_right_answers_are_marked(key, exercise):
    data, tensors = sent(right_runs(key, exercise))
    assert judged(key, data, tensors, copies=[NAME]).looks_like_reference
    assert judged(key, {**data, "wraps": True}, tensors).looks_like_reference
    wrong, tensors = sent([Run({})] * 3)
    assert not judged(key, {**wrong, "wraps": True}, tensors).looks_like_reference


def test_a_seed_that_got_out_is_not_shown(key):
    finding = f"I know {key.seeds[0]} and \udce4"
    grade = judged(key, {"kind": "wrong", "finding": finding})
    assert grade.finding == "I know ... and ?"
    result = judge_collected(Collected(LESSON, notes=[finding, 7]), key)
    assert result.notes == ("I know ... and ?",)


def test_a_lesson_that_is_none_gives_no_grades(key):
    result = judge_collected(Collected("../../x"), key)
    assert result.grades == ()
    assert result.notes == ("The notebook could not be read.",)


def test_a_result_survives_being_written(key, exercise):
    result = judge_collected(Collected(LESSON, notes=["a"]), key)
    assert result_of(result.plain()) == result


def test_each_run_draws_its_own_seeds(key):
    assert set(Key().seeds).isdisjoint(key.seeds)


@pytest.mark.parametrize("exercise", exercises(), ids=lambda exercise: exercise.name)
def test_no_answer_can_be_prepared_since_what_is_right_follows_from_the_seed(exercise):
    one, *others = (run(exercise, exercise.reference, [seed])[0].outputs for seed in range(4))
    values = (torch.Tensor, int, float, list)
    differing = [
        name
        for name, value in one.items()
        if isinstance(value, values) and not isinstance(value, bool)
        if any(difference(value, other.get(name)) is not None for other in others)
    ]
    assert differing
