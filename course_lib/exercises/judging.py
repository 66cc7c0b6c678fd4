"""Judges an answer: runs the probe on it and the reference, and finds words for the difference."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from typing import Any, Literal

import torch

from course_lib.exercises import comparing, isolation
from course_lib.exercises.exercise import Exercise
from course_lib.exercises.isolation import TimeUp
from course_lib.exercises.probes import RUNNING, Calls, ProbeFinding, describe, type_name
from course_lib.exercises.stubs import empty_methods, is_stub
from course_lib.exercises.tracebacks import error_line, tidy, trimmed

SEEDS = (11, 12, 13)
"""The seeds that `check` uses; grading uses others."""

_LESSONS = "course_lib.exercises.lesson_"

Kind = Literal["right", "wrong", "not attempted", "error"]


@dataclass(frozen=True)
class Verdict:
    """What there is to say about an answer.

    Attributes:
        kind: right, wrong, not attempted or error.
        finding: what is wrong, in a sentence or two; empty when right.
        explanation: that of the known mistake which behaves in the same way, or empty.
        traceback: the learner's lines of an error, or empty.
        printed: what the answer printed while it was checked, cut.
        warned: what Python or torch warned of meanwhile, when the answer is not right.
    """

    kind: Kind
    finding: str = ""
    explanation: str = ""
    traceback: str = ""
    printed: str = ""
    warned: tuple[str, ...] = ()


@dataclass(frozen=True)
class Run:
    """What one run of a probe gave: its outputs, or what stopped it.

    Attributes:
        outputs: the probe's quantities as plain values; None when it did not come to its end.
        finding: the sentence with which the probe stopped.
        error: what the answer raised.
        symptom: what stopped it, in a form in which runs of differently named answers compare.
        calls: the kind of each result of `probes.call`.
        printed: what was printed.
        warned: the warnings.
    """

    outputs: comparing.Outputs | None = None
    finding: str = ""
    error: BaseException | None = None
    symptom: str = ""
    calls: tuple[str, ...] = ()
    printed: str = ""
    warned: tuple[str, ...] = ()


def judge(exercise: Exercise, answer: Any, seeds: Sequence[int] = SEEDS) -> Verdict:
    """The verdict on an answer. Nothing is shown, nothing recorded, nothing left changed.

    Raises:
        RuntimeError: the reference fails its own probe: a fault of the course.
        KeyboardInterrupt: the learner interrupted.
    """
    early = _before_running(exercise, answer)
    if early is not None:
        return early
    with isolation.ONE_AT_A_TIME:
        expected = run(exercise, exercise.reference, seeds, limited=False)
        if expected[-1].outputs is None:
            raise RuntimeError(
                f"The reference of {exercise.name!r} fails its probe: {expected[-1].symptom}"
            ) from expected[-1].error
        try:
            got = run(exercise, answer, seeds)
        except TimeUp:
            return Verdict(
                "error",
                f"Your `{exercise.answer}` ran for more than {isolation.TIME_LIMIT:g} seconds and "
                "was stopped. Is there a loop that never ends?",
            )
        verdict = _compared(exercise, expected, got)
        if verdict.kind == "right":
            return verdict
        explanation = _known_mistake(exercise, expected, got, seeds)
        remarks = "" if explanation else _remarks(exercise, answer)
        return replace(verdict, finding=verdict.finding + remarks, explanation=explanation)


def run(
    exercise: Exercise, answer: Any, seeds: Sequence[int], *, limited: bool = True
) -> list[Run]:
    """Run the probe once per seed, up to the first run that does not come to its end.

    Raises:
        TimeUp: all runs together took too long, and the time is limited. (That of the reference is
            not: it may have to import a part of torch, which must not stop half-way.)
        KeyboardInterrupt: the learner interrupted.
    """
    runs: list[Run] = []
    with isolation.interruptible() as pressed:
        try:
            with isolation.time_limit() if limited else nullcontext():
                for seed in seeds:
                    runs.append(_run_once(exercise, answer, seed))
                    if runs[-1].outputs is None or pressed.is_set():
                        break
        finally:
            if pressed.is_set():
                raise KeyboardInterrupt
    return runs


def _run_once(exercise: Exercise, answer: Any, seed: int) -> Run:
    calls = Calls(answer, exercise.answer)
    token = RUNNING.set(calls)
    try:
        with (
            isolation.isolated(seed),
            isolation.captured() as output,
            warnings.catch_warnings(record=True) as warned,
        ):
            warnings.simplefilter("always")
            result = _outcome(exercise, answer, seed)
    finally:
        RUNNING.reset(token)
    texts = [tidy(f"{type_name(w.category)}: {w.message}") for w in warned]
    return replace(
        result,
        calls=tuple(calls.results),
        printed=tidy(str(output)),
        warned=tuple(dict.fromkeys(text[:400] for text in texts)),
    )


def _outcome(exercise: Exercise, answer: Any, seed: int) -> Run:
    try:
        rng = torch.Generator().manual_seed(seed)
        return Run(comparing.plain_outputs(exercise.probe(answer, rng)))
    except TimeUp:
        raise
    except ProbeFinding as finding:
        return Run(finding=str(finding), symptom=str(finding))
    except BaseException as error:  # a learner's SystemExit is an error like any other
        line = error_line(error)
        if isinstance(answer, type):
            line = line.replace(type_name(answer), exercise.answer)
        return Run(error=error, symptom=line)


def _compared(exercise: Exercise, expected: list[Run], got: list[Run]) -> Verdict:
    for right, given in zip(expected, got, strict=False):
        verdict = _compared_once(exercise, right, given)
        if verdict.kind != "right":
            return replace(verdict, printed=given.printed, warned=given.warned[:2])
    return Verdict("right", printed=got[0].printed)


def _compared_once(exercise: Exercise, expected: Run, got: Run) -> Verdict:
    if got.finding:
        return Verdict("wrong", got.finding)
    if got.error is not None:
        odd = _odd_result(exercise, expected, got)
        if odd:
            return Verdict("wrong", odd)
        finding = f"Your `{exercise.answer}` stops with an error."
        return Verdict("error", finding, traceback=trimmed(got.error))
    assert expected.outputs is not None
    assert got.outputs is not None
    found = comparing.first_difference(expected.outputs, got.outputs)
    if found is None:
        return Verdict("right")
    quantity, difference = found
    return Verdict(
        "wrong", f"{quantity}: {difference}" if len(expected.outputs) > 1 else difference
    )


def _odd_result(exercise: Exercise, expected: Run, got: Run) -> str:
    """When the probe stumbled over what a call returned: a sentence on that, else nothing."""
    for right, given in zip(expected.calls, got.calls, strict=False):
        if right != given:
            missing = " Is a `return` missing?" if given == "None" else ""
            return f"Your `{exercise.answer}` should return {right}; it returns {given}.{missing}"
    return ""


def _known_mistake(
    exercise: Exercise, expected: list[Run], got: list[Run], seeds: Sequence[int]
) -> str:
    """The explanation of the mistake that behaves like the answer, or nothing."""
    alike_at_first = []
    for explanation, mistake in exercise.mistakes.items():
        try:
            wrong = run(exercise, mistake, seeds[:1])
            if _alike(wrong[0], got[0]):
                wrong = run(exercise, mistake, seeds)
        except TimeUp:
            continue
        if len(wrong) == len(got) and all(map(_alike, wrong, got)):
            return explanation
        if _same_first_tensor(expected, wrong, got):
            alike_at_first.append(explanation)
    return alike_at_first[0] if len(alike_at_first) == 1 else ""


def _alike(one: Run, other: Run) -> bool:
    if one.outputs is None or other.outputs is None:
        return one.symptom == other.symptom
    return comparing.first_difference(one.outputs, other.outputs) is None


def _same_first_tensor(expected: list[Run], wrong: list[Run], got: list[Run]) -> bool:
    """Whether the first quantity that differs is a tensor, and the mistake's is the same one.

    A tensor of several numbers that are not all alike is not hit by chance.
    """
    for right, mistaken, given in zip(expected, wrong, got, strict=False):
        if right.outputs is None or mistaken.outputs is None or given.outputs is None:
            return False
        found = comparing.first_difference(right.outputs, given.outputs)
        if found is None:
            continue
        value = given.outputs.get(found[0])
        return (
            isinstance(value, torch.Tensor)
            and comparing.difference(mistaken.outputs.get(found[0]), value) is None
            and value.unique().numel() > 2
        )
    return False


def _before_running(exercise: Exercise, answer: Any) -> Verdict | None:
    """The verdict where there is nothing to run: another kind of thing, or nothing yet."""
    name, reference = exercise.answer, exercise.reference
    if _is_the_courses_own(exercise, answer):
        return Verdict(
            "not attempted",
            f"This `{name}` is the course's own. Run the cell in which you define yours, and then "
            "this one again.",
        )
    if is_stub(answer, exercise.given):
        return Verdict("not attempted", f"`{name}` is still empty.")
    is_class = issubclass(type(answer), type)
    if isinstance(reference, type):
        if is_class:
            return None
        plainly = answer is None or _is_function(answer)
        what = "a class" if plainly else "the class itself, without brackets"
        return Verdict("wrong", f"`{name}` should be {what}; this is {describe(answer)}.")
    if callable(reference):
        if is_class:
            return Verdict("wrong", f"`{name}` should be a function; this is {describe(answer)}.")
        if not callable(answer):
            what = "a function" if answer is None else "the function itself, without brackets"
            return Verdict("wrong", f"`{name}` should be {what}; this is {describe(answer)}.")
    return None


def _is_the_courses_own(exercise: Exercise, answer: Any) -> bool:
    if not callable(exercise.reference):
        return False
    if answer is exercise.reference:
        return True
    if not _is_function(answer) and not issubclass(type(answer), type):
        return False
    module = str(getattr(answer, "__module__", ""))
    return (
        module.startswith("course_lib.")
        and not module.startswith(_LESSONS)
        and not any(answer is mistake for mistake in exercise.mistakes.values())
    )


def _is_function(answer: Any) -> bool:
    return type_name(type(answer)) in ("function", "builtin_function_or_method", "method")


def _remarks(exercise: Exercise, answer: Any) -> str:
    """What else there is to say of an answer that is not right."""
    empty = empty_methods(answer, exercise.given)
    if empty:
        return f" Still empty: {', '.join(f'`{name}`' for name in empty)}."
    if type_name(type(answer)) == "function" and answer.__name__ not in (
        exercise.answer,
        "<lambda>",
        getattr(exercise.reference, "__name__", ""),
    ):
        return f"\n\nYou handed in `{answer.__name__}`."
    return ""
