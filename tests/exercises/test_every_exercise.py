"""Goes through all exercises of the course: each must judge, explain and help as it promises."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from types import FunctionType
from typing import Any

import pytest
import torch

from course_lib.exercises.engine import trying
from course_lib.exercises.engine.exercise import Exercise
from course_lib.exercises.engine.judging import judge
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
def test_the_reference_is_right(exercise: Exercise) -> None:
    assert list(trying.reference_faults(exercise)) == []


@pytest.mark.parametrize(("exercise", "explanation"), MISTAKES)
def test_a_mistake_is_refused_and_named(exercise: Exercise, explanation: str) -> None:
    assert list(trying.mistake_faults(exercise, explanation)) == []


@EVERY
def test_is_judged_in_half_a_second(exercise: Exercise) -> None:
    assert list(trying.speed_faults(exercise)) == []


@contextmanager
def double_precision() -> Iterator[None]:
    torch.set_default_dtype(torch.float64)
    try:
        yield
    finally:
        torch.set_default_dtype(torch.float32)


class Passing(torch.overrides.TorchFunctionMode):
    """A mode that a learner forgot to leave, and that notices every call."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        return result.float() if isinstance(result, torch.Tensor) else result


@EVERY
@pytest.mark.parametrize(
    "setting",
    [
        double_precision,
        torch.inference_mode,
        torch.no_grad,
        Passing,
        lambda: torch.autocast("cpu"),
        lambda: torch.device("meta"),
        torch.autograd.set_detect_anomaly,
    ],
    ids=["float64", "inference", "no_grad", "mode", "autocast", "device", "anomaly"],
)
def test_the_notebooks_settings_make_no_difference(
    exercise: Exercise, setting: Callable[..., Any]
) -> None:
    context = setting(True) if setting is torch.autograd.set_detect_anomaly else setting()
    wrong = next(iter(exercise.mistakes.values()))
    usual = judge(exercise, wrong)
    with context:
        assert judge(exercise, wrong) == usual


def single(value: Any) -> Any:
    """The value with its float64 tensors as float32."""
    if isinstance(value, torch.Tensor) and value.dtype == torch.float64:
        return value.float()
    if isinstance(value, list | tuple):
        return type(value)(map(single, value))
    return value


@pytest.mark.parametrize(
    "exercise",
    [e for e in ALL if isinstance(e.reference, FunctionType)],
    ids=lambda exercise: exercise.name,
)
def test_a_right_answer_in_float32_is_right(exercise: Exercise) -> None:
    @wraps(exercise.reference)
    def answer(*args: Any, **kwargs: Any) -> Any:
        return single(exercise.reference(*args, **kwargs))

    answer.__module__ = "__main__"
    assert judge(exercise, answer).finding == ""
