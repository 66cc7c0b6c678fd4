"""Judges an answer: runs the probe on it and on the reference, and finds words for the difference."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import torch

from course_lib.exercises import comparing
from course_lib.exercises.exercise import Exercise
from course_lib.exercises.isolation import (
    TIME_LIMIT,
    Captured,
    TimeUp,
    captured,
    interruptible,
    isolated,
    time_limit,
)
from course_lib.exercises.probes import CALLS, ProbeFinding, describe
from course_lib.exercises.stubs import empty_methods, is_stub
from course_lib.exercises.tracebacks import error_line, trimmed

SEEDS = (11, 12, 13)
"""The seeds that `check` uses; grading uses others."""

Kind = Literal["right", "wrong", "not attempted", "error"]


@dataclass(frozen=True)
class Verdict:
    """What there is to say about an answer.

    Attributes:
        kind: right, wrong, not attempted or error.
        finding: what is wrong, in a sentence or two; empty when right.
        explanation: the text of the known mistake that behaves in the same way, or empty.
        traceback: the learner's lines of an error, or empty.
        printed: what the answer printed while it was checked, cut.
    """

    kind: Kind
    finding: str = ""
    explanation: str = ""
    traceback: str = ""
    printed: str = ""


@dataclass(frozen=True)
class Run:
    """What one run of a probe gave: its outputs, or what stopped it."""

    outputs: comparing.Outputs | None = None
    finding: str = ""
    error: BaseException | None = None
    calls: tuple[str, ...] = ()

    @property
    def symptom(self) -> str:
        """What stopped the run, in a form in which two runs can be compared; empty when it ended."""
        return self.finding or (error_line(self.error) if self.error is not None else "")


def judge(exercise: Exercise, answer: Any, seeds: Sequence[int] = SEEDS) -> Verdict:
    """The verdict on an answer. Nothing is shown, nothing recorded, nothing left changed."""
    early = _wrong_kind(exercise, answer)
    if early is not None:
        return early
    expected = [run(exercise, exercise.reference, seed) for seed in seeds]
    for reference in expected:
        if reference.outputs is None:
            raise RuntimeError(
                f"The reference of {exercise.name!r} fails its own probe: {reference.symptom}"
            ) from reference.error
    with captured() as output:
        try:
            got = _runs(exercise, answer, seeds)
        except TimeUp:
            finding = (
                f"Your `{exercise.answer}` ran for more than {TIME_LIMIT:g} s and was stopped."
            )
            return Verdict("error", finding + " Does a loop never end?", printed=_printed(output))
    verdict = _compared(exercise, expected, got)
    if verdict.kind == "right":
        return verdict
    return replace(
        verdict,
        explanation=_known_mistake(exercise, expected, got, seeds),
        finding=verdict.finding + _unfinished(exercise, answer),
        printed=_printed(output),
    )


def _runs(exercise: Exercise, answer: Any, seeds: Sequence[int]) -> list[Run]:
    runs = []
    with time_limit():
        for seed in seeds:
            runs.append(run(exercise, answer, seed))
            if runs[-1].outputs is None:
                break
    return runs


def run(exercise: Exercise, answer: Any, seed: int) -> Run:
    """Run the probe once, with everything that the answer may raise turned into a `Run`.

    Only running out of time and a real interruption by the learner come through.
    """
    calls: list[str] = []
    token = CALLS.set(calls)
    with interruptible() as pressed, isolated(seed), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            rng = torch.Generator().manual_seed(seed)
            result = Run(comparing.plain_outputs(exercise.probe(answer, rng)))
        except TimeUp:
            raise
        except ProbeFinding as finding:
            result = Run(finding=str(finding))
        except BaseException as error:
            if pressed.is_set():
                raise
            result = Run(error=error)
        finally:
            CALLS.reset(token)
    if pressed.is_set():
        raise KeyboardInterrupt
    return replace(result, calls=tuple(calls))


def _compared(exercise: Exercise, expected: list[Run], got: list[Run]) -> Verdict:
    for right, given in zip(expected, got, strict=False):
        if given.finding:
            return Verdict("wrong", given.finding)
        if given.error is not None:
            odd = _odd_result(exercise, right, given)
            if odd:
                return Verdict("wrong", odd)
            return Verdict(
                "error",
                f"Your `{exercise.answer}` raised an error.",
                traceback=trimmed(given.error),
            )
        assert right.outputs is not None
        assert given.outputs is not None
        found = comparing.first_difference(right.outputs, given.outputs)
        if found is not None:
            name, difference = found
            several = len(right.outputs) > 1
            return Verdict("wrong", f"{name}: {difference}" if several else difference)
    return Verdict("right")


def _odd_result(exercise: Exercise, expected: Run, got: Run) -> str:
    """A sentence on the first call whose result is of another kind, when the probe stumbled over it."""
    for right, given in zip(expected.calls, got.calls, strict=False):
        if right != given:
            missing = " Is a `return` missing?" if given == "None" else ""
            return f"Your `{exercise.answer}` should return {right}, it returned {given}.{missing}"
    return ""


def _known_mistake(
    exercise: Exercise, expected: list[Run], got: list[Run], seeds: Sequence[int]
) -> str:
    partial: list[str] = []
    for explanation, mistake in exercise.mistakes.items():
        with captured():
            try:
                wrong = _runs(exercise, mistake, seeds)
            except TimeUp:
                continue
        if len(wrong) != len(got):
            continue
        if all(_alike(a, b) for a, b in zip(wrong, got, strict=True)):
            return explanation
    return partial[0] if len(partial) == 1 else ""


def _alike(one: Run, other: Run) -> bool:
    if one.outputs is None or other.outputs is None:
        return one.symptom == other.symptom
    return comparing.first_difference(one.outputs, other.outputs) is None


def _wrong_kind(exercise: Exercise, answer: Any) -> Verdict | None:
    name = exercise.answer
    if answer is exercise.reference:
        return Verdict(
            "not attempted",
            f"This `{name}` is the course's own, not yours. Run the cell in which you define "
            f"`{name}` again, then this one.",
        )
    if is_stub(answer, exercise.given):
        return Verdict("not attempted", f"`{name}` is still empty.")
    if inspect.isclass(exercise.reference):
        if inspect.isclass(answer):
            return None
        if callable(answer) and hasattr(answer, "__name__"):
            return Verdict("wrong", f"`{name}` should be a class; this is {describe(answer)}.")
        return Verdict(
            "wrong",
            f"`{name}` should be the class itself, without brackets behind it; this is {describe(answer)}.",
        )
    if callable(exercise.reference):
        if inspect.isclass(answer):
            return Verdict("wrong", f"`{name}` should be a function; this is {describe(answer)}.")
        if not callable(answer):
            return Verdict(
                "wrong",
                f"`{name}` should be the function itself, without brackets behind it; "
                f"this is {describe(answer)}.",
            )
    return None


def _unfinished(exercise: Exercise, answer: Any) -> str:
    empty = empty_methods(answer, exercise.given)
    if not empty:
        return ""
    names = ", ".join(f"`{name}`" for name in empty)
    return f" Still empty: {names}."


def _printed(output: Captured) -> str:
    if not output.cut:
        return output.text
    return f"{output.text}\n... and {output.cut:,} characters more"
