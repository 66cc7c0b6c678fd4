"""Judges an answer: runs the probe on it and the reference, and finds words for the difference."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import torch

from . import comparing, isolation, slips
from .exercise import Exercise
from .grids import Grid, grids
from .isolation import TimeUp
from .probes import RUNNING, Calls, ProbeFinding, describe, rule_of, type_name
from .stubs import empty_methods, is_stub
from .tracebacks import error_line, tidy, trimmed

SEEDS = (11, 12, 13)
"""The seeds that `check` uses; grading uses others."""

_LESSONS = "course_lib.exercises.lesson_"
_IN_THE_LESSON = "What was asked for is right, but not for what the lesson does with it next."

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
        shown: small grids of the input, of what was expected, of what came, and of the difference.
    """

    kind: Kind
    finding: str = ""
    explanation: str = ""
    traceback: str = ""
    printed: str = ""
    warned: tuple[str, ...] = ()
    shown: tuple[Grid, ...] = ()


@dataclass(frozen=True)
class Run:
    """What one run of a probe gave: its outputs, or what stopped it.

    Attributes:
        outputs: the probe's quantities as plain values; None when it did not come to its end.
        finding: the sentence with which the probe stopped.
        traceback: the learner's lines of what the answer raised, or empty.
        symptom: what stopped it, in a form in which runs of differently named answers compare.
        calls: the kind of each result of `probes.call`.
        inputs: by the name of a quantity that is the result of a call, the call's arguments.
        printed: what was printed.
        warned: the warnings.
    """

    outputs: comparing.Outputs | None = None
    finding: str = ""
    traceback: str = ""
    symptom: str = ""
    calls: tuple[str, ...] = ()
    inputs: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    printed: str = ""
    warned: tuple[str, ...] = ()


def judge(exercise: Exercise, answer: Any, seeds: Sequence[int] = SEEDS) -> Verdict:
    """The verdict on an answer. Nothing is shown, nothing recorded, nothing left changed.

    Raises:
        RuntimeError: the reference fails its own probe: a fault of the course.
        KeyboardInterrupt: the learner interrupted.
    """
    early = before_running(exercise, answer)
    if early is not None:
        return early

    def runner(stage: Exercise, thing: Any, count: int) -> list[Run]:
        return run(stage, thing, seeds[:count], limited=thing is not exercise.reference)

    with isolation.ONE_AT_A_TIME, isolation.usual_settings():
        return judge_by(exercise, answer, runner, len(seeds), remarks(exercise, answer))


Runner = Callable[[Exercise, Any, int], list["Run"]]
"""(exercise, what to run, how many seeds) -> its runs; it raises TimeUp when they take too long."""


def judge_by(
    exercise: Exercise, answer: Any, runner: Runner, count: int, remark: str = ""
) -> Verdict:
    """The verdict on an answer whose probes somebody else runs, somewhere else perhaps.

    Args:
        exercise: what was asked for.
        answer: the answer, or whatever the runner knows it by.
        runner: gives runs of the answer, of the reference and of the known mistakes.
        count: how many seeds there are.
        remark: a sentence on the answer, said when no known mistake explains it.

    Raises:
        RuntimeError: the reference fails its own probe: a fault of the course.
        ValueError: there are fewer or more of the answer's runs than there can be.
    """
    verdict = _judged(exercise, answer, runner, count, exercise.mistakes, remark)
    then = second_stage(exercise)
    if verdict.kind != "right" or then is None:
        return verdict
    expected = runner(exercise, exercise.reference, 1)
    unnoticed = {
        explanation: mistake
        for explanation, mistake in exercise.mistakes.items()
        if compared(exercise, expected, runner(exercise, mistake, 1)).kind == "right"
    }
    later = _judged(then, answer, runner, 1, unnoticed, remark)
    if later.kind == "right":
        return verdict
    return replace(later, finding=f"{_IN_THE_LESSON} {later.finding}")


def second_stage(exercise: Exercise) -> Exercise | None:
    """The exercise with the probe that is run, with one seed, once the first has been passed."""
    return None if exercise.then is None else replace(exercise, probe=exercise.then, then=None)


def _judged(
    exercise: Exercise,
    answer: Any,
    runner: Runner,
    count: int,
    mistakes: Mapping[str, Any],
    remark: str,
) -> Verdict:
    expected = runner(exercise, exercise.reference, count)
    if expected[-1].outputs is None:
        raise RuntimeError(
            f"The reference of {exercise.name!r} fails its probe: {expected[-1].symptom}"
        )
    try:
        got = runner(exercise, answer, count)
    except TimeUp:
        return too_slow(exercise)
    stopped = got and got[-1].outputs is None and len(got) < len(expected)
    if len(got) != len(expected) and not stopped:
        raise ValueError(f"{len(expected)} runs were asked for; there are {len(got)}.")
    verdict = compared(exercise, expected, got)
    if verdict.kind == "right":
        return verdict
    explanation = _known_mistake(exercise, got, runner, count, mistakes)
    if explanation:
        return replace(verdict, explanation=explanation)
    return replace(
        verdict,
        finding=f"{verdict.finding.removesuffix('.')}.{remark}" if remark else verdict.finding,
        explanation=slips.meaning(got[-1].symptom, got[-1].warned) or _pattern(expected, got),
    )


def too_slow(exercise: Exercise) -> Verdict:
    """The verdict on an answer that was stopped."""
    return Verdict(
        "error",
        f"Your `{exercise.answer}` ran for more than {isolation.TIME_LIMIT:g} seconds and "
        "was stopped. Is there a loop that never ends?",
    )


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
            result = _outcome(exercise, answer, seed, calls)
    finally:
        RUNNING.reset(token)
    texts = [tidy(f"{type_name(w.category)}: {w.message}") for w in warned]
    return replace(
        result,
        calls=tuple(made.result for made in calls.made),
        printed=tidy(str(output)),
        warned=tuple(dict.fromkeys(text[:400] for text in texts)),
    )


def _outcome(exercise: Exercise, answer: Any, seed: int, calls: Calls) -> Run:
    try:
        rng = torch.Generator().manual_seed(seed)
        outcome = exercise.probe(answer, rng)
        return Run(comparing.plain_outputs(outcome), inputs=calls.inputs_of(outcome))
    except TimeUp:
        raise
    except ProbeFinding as finding:
        return Run(finding=str(finding), symptom=str(finding))
    except BaseException as error:  # a learner's SystemExit is an error like any other
        line = error_line(error)
        if isinstance(answer, type):
            line = line.replace(type_name(answer), exercise.answer)
        return Run(traceback=trimmed(error), symptom=line)


def compared(exercise: Exercise, expected: list[Run], got: list[Run]) -> Verdict:
    """The verdict on what a probe saw of an answer, without an explanation."""
    for right, given in zip(expected, got, strict=False):
        verdict = _compared_once(exercise, right, given)
        if verdict.kind != "right":
            return replace(verdict, printed=given.printed, warned=given.warned[:2])
    return Verdict("right", printed=got[0].printed)


def _compared_once(exercise: Exercise, expected: Run, got: Run) -> Verdict:
    if got.finding:
        return Verdict("wrong", got.finding)
    if got.traceback:
        odd = _odd_result(exercise, expected, got)
        if odd:
            return Verdict("wrong", odd)
        finding = f"Your `{exercise.answer}` stops with an error."
        return Verdict("error", finding, traceback=got.traceback)
    assert expected.outputs is not None
    assert got.outputs is not None
    found = comparing.first_difference(
        expected.outputs, got.outputs, exact_dtype=exercise.exact_dtype
    )
    if found is None:
        return Verdict("right")
    quantity, difference = found
    right, given = expected.outputs.get(quantity), got.outputs.get(quantity)
    forgotten = given is None and right is not None and quantity in got.outputs
    if forgotten and callable(exercise.reference):
        difference += ". Is a `return` missing?"
    return Verdict(
        "wrong",
        f"{quantity}: {difference}" if len(expected.outputs) > 1 else difference,
        shown=grids(
            got.inputs.get(quantity, {}), right, given, wrong=comparing.wrong_places(right, given)
        ),
    )


def _odd_result(exercise: Exercise, expected: Run, got: Run) -> str:
    """When the probe stumbled over what a call returned: a sentence on that, else nothing."""
    for right, given in zip(expected.calls, got.calls, strict=False):
        if right != given:
            missing = " Is a `return` missing?" if given == "None" else ""
            of_class = isinstance(exercise.reference, type)
            is_rule = of_class and issubclass(exercise.reference, torch.autograd.Function)
            what = (
                f"The `forward` of your `{exercise.answer}`"
                if is_rule
                else (f"Your `{exercise.answer}`")
            )
            return f"{what} should return {right}; it returns {given}.{missing}"
    return ""


def _known_mistake(
    exercise: Exercise, got: list[Run], runner: Runner, count: int, mistakes: Mapping[str, Any]
) -> str:
    """The explanation of the mistake that behaves like the answer in everything, or nothing."""
    for explanation, mistake in mistakes.items():
        try:
            wrong = runner(exercise, mistake, 1)
            if _alike(wrong[0], got[0]):
                wrong = runner(exercise, mistake, count)
        except TimeUp:
            continue
        if len(wrong) == len(got) and all(map(_alike, wrong, got)):
            return explanation
    return ""


def _alike(one: Run, other: Run) -> bool:
    if one.outputs is None or other.outputs is None:
        return one.symptom == other.symptom
    return comparing.first_difference(one.outputs, other.outputs) is None


def _pattern(expected: list[Run], got: list[Run]) -> str:
    """What all values of the first quantity that differs have in common, or nothing."""
    for right, given in zip(expected, got, strict=False):
        if right.outputs is None or given.outputs is None:
            return ""
        found = comparing.first_difference(right.outputs, given.outputs)
        if found is not None:
            name = found[0]
            return comparing.pattern(right.outputs.get(name), given.outputs.get(name))
    return ""


def before_running(exercise: Exercise, answer: Any) -> Verdict | None:
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
        if rule_of(answer) is not None:
            return Verdict("wrong", f"`{name}` should be the class itself, without `.apply`.")
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


def remarks(exercise: Exercise, answer: Any) -> str:
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
