"""What `function()` returns while `owner.attribute` is `replacement`."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor, nn

from ..engine.exercise import Exercise, Mistakes, Outcome
from ..engine.probes import call, randn
from ..engine.traces import no_trace
from . import LESSON
from .shared import described, double, kept, negate, practice, square, which


def run_with(
    owner: Any, attribute: str, replacement: Callable[..., Any], function: Callable[[], Any]
) -> Any:
    """What `function()` returns while `owner.attribute` is `replacement`."""
    original = getattr(owner, attribute)
    setattr(owner, attribute, replacement)
    try:
        return function()
    finally:
        setattr(owner, attribute, original)


def probe_run_with(answer: Callable[..., Any], rng: torch.Generator) -> Outcome:
    """The result, what is left behind, errors of two kinds, and one run inside another."""
    x = randn(rng, 3)
    outcome: Outcome = {}
    desk = SimpleNamespace(f=double)
    calls = []

    def work() -> Tensor:
        calls.append(1)
        return desk.f(x)

    result = call(answer, desk, "f", negate, work)
    plainly = result is None or isinstance(result, Tensor)
    outcome["what run_with returns"] = result if plainly else described(result)
    outcome["how often function() was called"] = len(calls)
    outcome["afterwards, owner.attribute is"] = which(getattr(desk, "f", None))
    outcome["afterwards, the names on the owner"] = sorted(vars(desk))
    nought = call(answer, desk, "f", negate, lambda: 0)
    outcome["what it returns when function() returns 0"] = (
        nought if isinstance(nought, int) else described(nought)
    )
    for error in (KeyError, KeyboardInterrupt):
        desk = SimpleNamespace(f=double)
        came = _comes_out(error, answer, desk)
        outcome[f"a {error.__name__} in function()"] = came
        outcome[f"after that {error.__name__}, owner.attribute is"] = which(
            getattr(desk, "f", None)
        )
    _nested(answer, x, outcome)
    _on_classes(answer, x, outcome)
    with kept(torch, "relu"), no_trace(outcome, "after a run with torch.relu"):
        value = call(answer, torch, "relu", torch.neg, lambda: nn.ReLU()(x))
        outcome["nn.ReLU()(x) while torch.relu is torch.neg"] = (
            value if isinstance(value, Tensor) else described(value)
        )
    return outcome


def _comes_out(error: type[BaseException], answer: Callable[..., Any], desk: Any) -> str:
    def fail() -> None:
        raise error("a failure on purpose")

    try:
        call(answer, desk, "f", negate, fail)
    except error:
        return "reaches the caller"
    return "is lost"


def _nested(answer: Callable[..., Any], x: Tensor, outcome: Outcome) -> None:
    """Inside a run, another one with the same attribute, and one with another owner's."""
    desk, other = SimpleNamespace(f=double), SimpleNamespace(f=square)
    seen: list[Any] = []

    def inner() -> None:
        seen.extend([desk.f(x), other.f(x)])

    def outer() -> None:
        call(answer, desk, "f", square, inner)
        call(answer, other, "f", double, inner)
        inner()

    call(answer, desk, "f", negate, outer)
    for number, value in enumerate(seen):
        outcome[f"runs one inside the other: result {number + 1} of 6"] = value
    outcome["after runs one inside the other, owner.attribute is"] = which(desk.f)
    outcome["after runs one inside the other, the other owner's is"] = (
        "the original" if other.f is square else "some other object"
    )


def _on_classes(answer: Callable[..., Any], x: Tensor, outcome: Outcome) -> None:
    """The owner is a class: one with a function of its own, one that inherits it."""
    with practice() as module:
        for owner, what in ((module.Tool, "a class"), (module.Handle, "a class that inherits it")):

            def work(owner: Any = owner) -> Tensor:
                return owner.f(x)

            value = call(answer, owner, "f", negate, work)
            outcome[f"on {what}: what run_with returns"] = (
                value if isinstance(value, Tensor) else described(value)
            )
            outcome[f"on {what}: afterwards, owner.attribute is"] = which(owner.f)


HINTS = [
    "Three things in order: remember the original, replace it, put it back. Between the "
    "last two, `function()` runs.",
    "`getattr(owner, attribute)` reads and `setattr(owner, attribute, value)` writes an "
    "attribute whose name is in a variable.",
    "What stands in the `finally:` of a `try:` runs on every way out, by `return` as by an "
    "exception, and the exception goes on afterwards.",
    "The last four lines are: `try:`, `return function()`, `finally:`, and one `setattr`.",
]

mistake = Mistakes()


@mistake(
    "You put the original back only when all went well. An exception leaves the function "
    "at once, past your last line: the line that restores belongs into `finally`."
)
def _run_without_finally(owner, attribute, replacement, function):
    original = getattr(owner, attribute)
    setattr(owner, attribute, replacement)
    result = function()
    setattr(owner, attribute, original)
    return result


@mistake(
    "Afterwards the replacement is still there. Read the original *before* you replace it: "
    "read later, it is the replacement."
)
def _run_remember_too_late(owner, attribute, replacement, function):
    setattr(owner, attribute, replacement)
    original = getattr(owner, attribute)
    try:
        return function()
    finally:
        setattr(owner, attribute, original)


@mistake(
    "The exception disappeared: the caller takes a failed run for a good one. `finally` "
    "lets it pass on after the restoring; `except`, or a `return` inside `finally`, "
    "stops it."
)
def _run_swallow(owner, attribute, replacement, function):
    original = getattr(owner, attribute)
    setattr(owner, attribute, replacement)
    result = None
    with suppress(Exception):
        result = function()
    setattr(owner, attribute, original)
    return result


@mistake(
    "You put the original back after an `Exception`. Not all errors are one: when somebody "
    "presses stop, Python raises a KeyboardInterrupt. `finally` runs on every way out."
)
def _run_except_exception(owner, attribute, replacement, function):
    original = getattr(owner, attribute)
    setattr(owner, attribute, replacement)
    try:
        result = function()
    except Exception:
        setattr(owner, attribute, original)
        raise
    setattr(owner, attribute, original)
    return result


@mistake(
    '`owner.attribute` is an attribute whose name is "attribute". The name that you want is in '
    "the variable: `getattr(owner, attribute)` reads, `setattr(owner, attribute, ...)` writes."
)
def _run_literally(owner, attribute, replacement, function):
    original = owner.attribute
    owner.attribute = replacement
    try:
        return function()
    finally:
        owner.attribute = original


_remembered: list[Any] = []


@mistake(
    "What you remember is shared by all runs. With two runs, one inside the other, the inner one "
    "overwrites what the outer one remembered: keep the original in a variable of the function."
)
def _run_global(owner, attribute, replacement, function):
    _remembered[:] = [getattr(owner, attribute)]
    setattr(owner, attribute, replacement)
    try:
        return function()
    finally:
        setattr(owner, attribute, _remembered[0])


@mistake(
    "You read the original from the owner's own dictionary. What an owner inherits is not in "
    "there: `getattr(owner, attribute)` finds it all the same."
)
def _run_own_dictionary(owner, attribute, replacement, function):
    original = vars(owner)[attribute]
    setattr(owner, attribute, replacement)
    try:
        return function()
    finally:
        setattr(owner, attribute, original)


@mistake("You return the function itself, and nobody has run it: `return function()`.")
def _run_not_called(owner, attribute, replacement, function):
    return function


@mistake(
    "Every exception is lost. A `return` inside `finally`, or an `except` that does not `raise` "
    "again, takes its place: return inside `try`, and put back in `finally`, nothing else."
)
def _run_swallow_all(owner, attribute, replacement, function):
    original = getattr(owner, attribute)
    setattr(owner, attribute, replacement)
    result = None
    with suppress(BaseException):
        result = function()
    setattr(owner, attribute, original)
    return result


@mistake("You ran `function()` and threw its result away: return it.")
def _run_no_result(owner, attribute, replacement, function):
    run_with(owner, attribute, replacement, function)


@mistake("You deleted the name instead of putting the original back under it.")
def _run_delete(owner, attribute, replacement, function):
    setattr(owner, attribute, replacement)
    try:
        return function()
    finally:
        delattr(owner, attribute)


@mistake(
    "While `function()` ran, the name still stood for the original. Assigning to a local "
    "variable moves no signpost: use `setattr(owner, attribute, replacement)`."
)
def _run_local(owner, attribute, replacement, function):
    original = getattr(owner, attribute)
    try:
        current = replacement  # noqa: F841  the mistake: this binds a local name only
        return function()
    finally:
        setattr(owner, attribute, original)


EXERCISE = Exercise(
    name="run_with",
    lesson=LESSON.id,
    after="resolve",
    points=2,
    answer="run_with",
    reference=run_with,
    probe=probe_run_with,
    mistakes=mistake,
    hints=HINTS,
)
