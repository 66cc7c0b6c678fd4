"""What `function()` returns while `owner.attribute` is `replacement`."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor

from ..engine.exercise import Exercise, Mistakes, Outcome
from ..engine.probes import call, randn
from . import LESSON
from .shared import double, negate, which


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
    """The result, what is left behind, and what an exception does."""
    x = randn(rng, 3)
    desk = SimpleNamespace(f=double)
    calls = []

    def work() -> Tensor:
        calls.append(1)
        return desk.f(x)

    result = call(answer, desk, "f", negate, work)
    outcome: Outcome = {
        "what run_with returns": "nothing" if result is None else "the result of function()",
        "how often function() was called": len(calls),
    }
    if isinstance(result, Tensor):
        outcome["the result, computed with the replacement"] = result
    outcome["afterwards, owner.attribute is"] = which(getattr(desk, "f", None))

    desk = SimpleNamespace(f=double)

    def fail() -> None:
        raise KeyError("a failure on purpose")

    try:
        call(answer, desk, "f", negate, fail)
        outcome["an exception in function()"] = "is lost"
    except KeyError:
        outcome["an exception in function()"] = "reaches the caller"
    outcome["after that exception, owner.attribute is"] = which(getattr(desk, "f", None))
    return outcome


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
