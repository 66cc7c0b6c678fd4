"""Verdicts on right, wrong, empty, failing and unfitting answers."""

from __future__ import annotations

import functools
import warnings
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import nn

from course_lib.attribution import common
from course_lib.exercises.engine.exercise import Exercise
from course_lib.exercises.engine.judging import judge
from course_lib.exercises.engine.probes import call, rand

ITSELF = "`gate` should be the function itself, without brackets; this is"


def test_another_right_answer_is_right(gate_exercise: Exercise) -> None:
    def gate(x: torch.Tensor, p: torch.Tensor) -> torch.Tensor:
        return torch.where(x > 0, p, torch.zeros_like(p))

    verdict = judge(gate_exercise, gate)
    assert verdict.kind == "right"
    assert verdict.finding == ""


@pytest.mark.parametrize(
    "answer", [lambda x, p: p * (x > 0), functools.partial(lambda x, p: p * (x > 0))]
)
def test_any_callable_may_be_the_function(gate_exercise: Exercise, answer: Any) -> None:
    assert judge(gate_exercise, answer).kind == "right"


def test_wrong_says_the_worst_element_and_then_the_known_mistake(gate_exercise: Exercise) -> None:
    def gate(x, p):
        return p.clamp(min=0)

    verdict = judge(gate_exercise, gate)
    assert verdict.kind == "wrong"
    assert verdict.explanation == "It gates on the *gradient*, not on `x`."
    assert verdict.finding.startswith("values differ at [")
    assert ": expected " in verdict.finding
    assert ", got " in verdict.finding


def test_right_in_another_float_type_is_right(gate_exercise: Exercise) -> None:
    def gate(x, p):
        return (p * (x > 0)).float()

    assert judge(gate_exercise, gate).kind == "right"
    verdict = judge(replace(gate_exercise, exact_dtype=True), gate)
    assert verdict.finding == "the dtype differs: expected float64, got float32"


def test_the_lessons_next_step_is_tried_when_the_probe_is_content(gate_exercise: Exercise) -> None:
    def then(answer, rng):
        return {"twice": answer(rand(rng, 3), rand(rng, 3)) * 2}

    def gate(x, p):
        return p * (x > 0) if x.ndim == 2 else p

    exercise = replace(gate_exercise, then=then)
    assert judge(exercise, lambda x, p: p * (x > 0)).kind == "right"
    verdict = judge(exercise, gate)
    assert verdict.kind == "wrong"
    assert verdict.finding.startswith(
        "What was asked for is right, but not for what the lesson does with it next. values differ"
    )
    assert judge(exercise, lambda x, p: p).finding.startswith("values differ")


def test_a_mistake_that_only_the_next_step_shows_is_named(gate_exercise: Exercise) -> None:
    def gate(x, p):
        return p * (x > 0) if x.ndim == 2 else p

    mistakes = {**gate_exercise.mistakes, "Vectors too.": gate}
    exercise = replace(
        gate_exercise,
        mistakes=mistakes,
        then=lambda answer, rng: {"y": answer(*[rand(rng, 3)] * 2)},
    )
    assert judge(exercise, lambda x, p: gate(x, p)).explanation == "Vectors too."


def test_wrong_numbers_are_shown_as_grids(gate_exercise: Exercise) -> None:
    verdict = judge(gate_exercise, lambda x, p: p * (x > 0) + (x < 0))
    assert [grid.label for grid in verdict.shown] == ["x", "p", "expected", "got", "difference"]
    shown = {grid.label: grid for grid in verdict.shown}
    for i in range(2):
        for j in range(3):
            negative = shown["x"].rows[i][j].startswith("-")
            assert shown["difference"].rows[i][j] == ("1" if negative else "0")
            assert ((i, j) in shown["got"].marked) == negative
    assert judge(gate_exercise, lambda x, p: p[0]).shown == ()


def test_unknown_mistake_has_no_explanation(gate_exercise: Exercise) -> None:
    verdict = judge(gate_exercise, lambda x, p: p * (x > 0.5))
    assert verdict.kind == "wrong"
    assert verdict.explanation == ""


def test_a_mistake_that_raises_is_named_by_its_error(gate_exercise: Exercise) -> None:
    def gate(x, p):
        return p @ x

    verdict = judge(gate_exercise, gate)
    assert verdict.kind == "error"
    assert verdict.explanation == "That is a matrix product."
    assert "return p @ x" in verdict.traceback


def test_quantities_are_named_when_there_are_several(doubler_exercise: Exercise) -> None:
    class Doubler:
        def __init__(self):
            self.count = 0

        def __call__(self, x):
            return 2 * x

    verdict = judge(doubler_exercise, Doubler)
    assert verdict.finding == "count: expected 1, got 0"


def test_a_mistake_is_named_only_when_all_quantities_are_its_own(
    doubler_exercise: Exercise,
) -> None:
    class Doubler:
        def __init__(self):
            self.count = 7

        def __call__(self, x):
            return x + x + x

    verdict = judge(doubler_exercise, Doubler)
    assert verdict.explanation == "Each value is 1.5 times the expected one."


@pytest.mark.parametrize(
    ("change", "finding"),
    [
        (lambda y: y[None], "the shape differs: expected (2, 3), got (1, 2, 3)"),
        (lambda y: y.to("meta"), "the device differs: expected cpu, got meta"),
        (
            lambda y: y.to_sparse(),
            "the layout differs: expected torch.strided, got torch.sparse_coo",
        ),
        (lambda y: y.numpy(), "expected a tensor of shape (2, 3), got a NumPy array"),
        (lambda y: y.tolist(), "expected a tensor of shape (2, 3), got [[0.0,"),
        (lambda y: 7.0, "expected a tensor of shape (2, 3), got 7.0"),
        (lambda y: None, "expected a tensor of shape (2, 3), got None"),
        (lambda y: "text", "expected a tensor of shape (2, 3), got 'text'"),
        (lambda y: nn.ReLU, "expected a tensor of shape (2, 3), got the class ReLU"),
    ],
)
def test_other_kinds_of_results(gate_exercise: Exercise, change: Any, finding: str) -> None:
    verdict = judge(gate_exercise, lambda x, p: change(p * (x > 0)))
    assert verdict.kind == "wrong"
    assert verdict.finding.startswith(finding)


@pytest.mark.parametrize(("bad", "text"), [(float("nan"), "nan"), (float("inf"), "inf")])
def test_values_that_are_not_finite(gate_exercise: Exercise, bad: float, text: str) -> None:
    def gate(x, p):
        y = p * (x > 0)
        y[1, 2] = bad
        return y

    finding = judge(gate_exercise, gate).finding
    assert finding.startswith("values are not finite at [1, 2]: expected ")
    assert finding.endswith(f", got {text}")


def test_nan_in_the_reference_is_equal_to_nan_alone(gate_exercise: Exercise) -> None:
    exercise = replace(gate_exercise, reference=lambda x, p: p * float("nan"))
    assert judge(exercise, lambda x, p: p * float("nan")).kind == "right"
    assert judge(exercise, lambda x, p: p).kind == "wrong"


def test_forgotten_return_over_which_the_probe_stumbles(gate_exercise: Exercise) -> None:
    def probe(answer: Any, rng: torch.Generator) -> dict[str, Any]:
        y = call(answer, rand(rng, 2, 3), rand(rng, 2, 3))
        return {"sum": y.sum()}

    def gate(x, p):
        p * (x > 0)

    verdict = judge(replace(gate_exercise, probe=probe), gate)
    assert verdict.kind == "wrong"
    assert verdict.finding == (
        "Your `gate` should return a tensor of shape (2, 3); it returns None. "
        "Is a `return` missing?"
    )


@pytest.mark.parametrize("change", ["x.relu_()", "p.mul_(x > 0)", "x.t_()", "x.data = x.data * 2"])
def test_input_changed_in_place(gate_exercise: Exercise, change: str) -> None:
    scope: dict[str, Any] = {}
    exec(f"def gate(x, p):\n    y = p * (x > 0)\n    {change}\n    return y", scope)
    verdict = judge(gate_exercise, scope["gate"])
    assert verdict.kind == "wrong"
    name = change[0]
    assert verdict.finding.startswith(f"Your `gate` changes its input `{name}` in place.")


@pytest.mark.parametrize(
    ("answer", "part"),
    [
        (lambda x: x, "takes (x); it is called with 2 arguments"),
        (lambda x, p, q: x, "takes (x, p, q); it is called with 2 arguments"),
        (lambda: 1, "takes (nothing); it is called with 2 arguments"),
    ],
)
def test_other_signatures(gate_exercise: Exercise, answer: Any, part: str) -> None:
    verdict = judge(gate_exercise, answer)
    assert verdict.kind == "wrong"
    assert part in verdict.finding


def test_stub_function_is_not_attempted(gate_exercise: Exercise) -> None:
    def gate(x, p):
        """The gradient of a ReLU."""
        ...  # noqa: PIE790

    verdict = judge(gate_exercise, gate)
    assert verdict.kind == "not attempted"
    assert verdict.finding == "`gate` is still empty."


def test_stub_class_is_not_attempted(doubler_exercise: Exercise) -> None:
    class Doubler:
        """Multiplies by two."""

        def __init__(self):
            self.count = 0

        def __call__(self, x):
            """Twice x."""
            ...  # noqa: PIE790

    assert judge(doubler_exercise, Doubler).kind == "not attempted"
    # with nothing given, the written __init__ is an attempt
    verdict = judge(replace(doubler_exercise, given=()), Doubler)
    assert verdict.kind == "wrong"
    assert verdict.finding.endswith("Still empty: `__call__`.")


def test_stub_value_is_not_attempted(layers_exercise: Exercise) -> None:
    assert judge(layers_exercise, ...).kind == "not attempted"


def test_values_are_compared(layers_exercise: Exercise) -> None:
    assert judge(layers_exercise, ["conv1", "conv2"]).kind == "right"
    assert judge(layers_exercise, ("conv1", "conv2")).kind == "right"
    verdict = judge(layers_exercise, ["conv1"])
    assert verdict.finding == "expected ['conv1', 'conv2'], got ['conv1']"
    assert verdict.explanation == "Only one."
    assert judge(layers_exercise, None).finding == "expected 2 values, got None"
    assert judge(layers_exercise, "conv1").finding == "expected 2 values, got 'conv1'"


@pytest.mark.parametrize(
    ("answer", "finding"),
    [
        (None, "`gate` should be a function; this is None."),
        (nn.ReLU, "`gate` should be a function; this is the class ReLU."),
        (
            torch.zeros(2),
            "`gate` should be the function itself, without brackets; "
            "this is a tensor of shape (2,).",
        ),
        (3, "`gate` should be the function itself, without brackets; this is an int."),
        ("gate", "`gate` should be the function itself, without brackets; this is a str."),
    ],
)
def test_wrong_kinds_for_a_function(gate_exercise: Exercise, answer: Any, finding: str) -> None:
    verdict = judge(gate_exercise, answer)
    assert (verdict.kind, verdict.finding) == ("wrong", finding)


@pytest.mark.parametrize(
    ("answer", "finding"),
    [
        (None, "`Doubler` should be a class; this is None."),
        (nn.ReLU(), "`Doubler` should be the class itself, without brackets; this is a ReLU."),
        (lambda x: x, "`Doubler` should be a class; this is a lambda."),
        (len, "`Doubler` should be a class; this is the function len."),
    ],
)
def test_wrong_kinds_for_a_class(doubler_exercise: Exercise, answer: Any, finding: str) -> None:
    verdict = judge(doubler_exercise, answer)
    assert (verdict.kind, verdict.finding) == ("wrong", finding)


def test_the_courses_own_is_not_counted(gate_exercise: Exercise) -> None:
    for own in (gate_exercise.reference, common.get_module, common.Probe):
        verdict = judge(gate_exercise, own)
        assert verdict.kind == "not attempted"
        assert verdict.finding.startswith("This `gate` is the course's own.")


def test_a_mistake_from_the_library_is_wrong_and_not_the_courses_own(
    gate_exercise: Exercise,
) -> None:
    exercise = replace(
        gate_exercise,
        mistakes={**gate_exercise.mistakes, "That finds modules.": common.get_module},
    )
    verdict = judge(exercise, common.get_module)
    assert verdict.kind in ("wrong", "error")
    assert verdict.explanation == "That finds modules."


def test_a_failing_reference_is_the_courses_fault(gate_exercise: Exercise) -> None:
    def broken(x, p):
        raise ValueError("broken")

    with pytest.raises(RuntimeError, match="reference of 'gate' fails its probe: ValueError"):
        judge(replace(gate_exercise, reference=broken), lambda x, p: p)


def test_answer_handed_in_under_another_name_is_mentioned(gate_exercise: Exercise) -> None:
    def something_else(x, p):
        return p + 1

    assert "\n\nYou handed in `something_else`." in judge(gate_exercise, something_else).finding


def test_warnings_are_shown_with_what_is_not_right(gate_exercise: Exercise) -> None:
    def gate(x, p):
        warnings.warn("look out (Triggered internally at /build/x.cpp:3.)", stacklevel=1)
        return p

    assert judge(gate_exercise, gate).warned == ("UserWarning: look out",)


def test_what_is_printed_is_captured_and_cut(
    gate_exercise: Exercise, capsys: pytest.CaptureFixture[str]
) -> None:
    def gate(x, p):
        print("a" * 1_000_000)
        return p * (x > 0)

    verdict = judge(gate_exercise, gate)
    assert verdict.kind == "right"
    assert verdict.printed == "a" * 1000 + "\n... and 999,001 more characters"
    assert capsys.readouterr() == ("", "")


def test_only_the_run_that_differs_is_quoted(gate_exercise: Exercise) -> None:
    def gate(x, p):
        print("once")
        return p

    assert judge(gate_exercise, gate).printed == "once"
