"""How often `name` is called while `function()` runs; everything else stays as it was."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from ..engine.exercise import Exercise, Mistakes, Outcome
from ..engine.probes import call, randint, randn
from ..engine.traces import no_trace
from . import LESSON
from .patch import Patch
from .resolve import resolve
from .shared import described, kept, practice, which


def count_calls(name: str, function: Callable[[], Any]) -> int:
    """How often `name` is called while `function()` runs; everything else stays as it was."""
    owner, attribute = resolve(name)
    original = getattr(owner, attribute)
    calls = 0

    def counting(*args: Any, **kwargs: Any) -> Any:
        nonlocal calls
        calls += 1
        return original(*args, **kwargs)

    with Patch(name, counting):
        function()
    return calls


def probe_count_calls(answer: Callable[..., int], rng: torch.Generator) -> Outcome:
    """The count, and whether anybody could have noticed the counting."""
    x = randn(rng, 3)
    times = randint(rng, 2, 7)
    outcome: Outcome = {}

    with practice() as module:
        seen: list[Any] = []
        runs: list[int] = []

        def work() -> None:
            runs.append(1)
            for i in range(times):
                seen.append(_result(lambda i=i: _one_of_the_calls(module.f, x, i)))

        outcome["the count"] = _counted(answer, "practice.f", work)
        outcome["how often function() ran"] = len(runs)
        odd = [value for value in seen if not isinstance(value, Tensor)]
        outcome["what the calls got back while they were counted"] = (
            described(odd[0]) if odd else "tensors"
        )
        if not odd:
            outcome["the values that they got back"] = torch.stack(seen[:times])
        outcome["afterwards, the name is"] = which(module.f)
        outcome["the count for a function that never calls it"] = _counted(
            answer, "practice.f", lambda: None
        )

    for error in (KeyError, KeyboardInterrupt):
        with practice() as module:

            def fail(error: type[BaseException] = error) -> None:
                raise error("a failure on purpose")

            came = "is lost"
            try:
                call(answer, "practice.f", fail)
            except error:
                came = "reaches the caller"
            outcome[f"a {error.__name__} in function()"] = came
            outcome[f"after that {error.__name__}, the name is"] = which(module.f)

    _unnoticed(answer, x, outcome)
    _nested(answer, x, times, outcome)
    network = nn.Sequential(nn.Linear(3, 3), nn.ReLU(), nn.Linear(3, 2), nn.ReLU()).double()
    with kept(torch, "relu"), no_trace(outcome, "after counting torch.relu", network, x):
        outcome["calls of torch.relu in a network with two nn.ReLU"] = _counted(
            answer, "torch.relu", lambda: network(x)
        )
    return outcome


def _counted(answer: Callable[..., int], name: str, function: Callable[[], Any]) -> Any:
    count = call(answer, name, function)
    return count if count is None or isinstance(count, int) else described(count)


def _result(function: Callable[[], Any]) -> Any:
    """What it returns, or the error of a replacement that takes or does something else."""
    try:
        return function()
    except (TypeError, RecursionError) as error:
        return f"{type(error).__name__}, raised"


def _one_of_the_calls(f: Callable[..., Any], x: Tensor, i: int) -> Any:
    if i % 3 == 0:
        return f(x + i)
    return f(x, scale=3.0 + i) if i % 3 == 1 else f(scale=0.5, x=x)


def _unnoticed(answer: Callable[..., int], x: Tensor, outcome: Outcome) -> None:
    """The calls get the original's own object, its errors, and the way back for a gradient."""
    token = x.clone()
    with practice(lambda *args, **kwargs: token) as module:
        same: list[bool] = []
        call(
            answer,
            "practice.f",
            lambda: same.append(_result(lambda: module.f(1, "two", three=3)) is token),
        )
        outcome["the calls get back the very object that the original returns"] = all(same)
    with practice() as module:
        leaf = x.clone().requires_grad_()
        leads_back: list[bool] = []
        call(answer, "practice.f", lambda: leads_back.append(module.f(leaf).requires_grad))
        outcome["from what the calls get back, a gradient finds its way"] = all(leads_back)

    def refuse(x: Tensor) -> Tensor:
        raise ValueError("the original refuses")

    with practice(refuse) as module:
        reached: list[bool] = []

        def attempt() -> None:
            try:
                module.f(x)
                reached.append(False)
            except ValueError:
                reached.append(True)

        call(answer, "practice.f", attempt)
        outcome["an error of the original reaches those who called it"] = all(reached)


def _nested(answer: Callable[..., int], x: Tensor, times: int, outcome: Outcome) -> None:
    """A function that calls itself by its name, names on classes, one count inside another."""
    with practice() as module:

        def down(n: int) -> int:
            return n if n == 0 else module.f(n - 1)

        module.f = down
        outcome["the count of a function that calls itself"] = _counted(
            answer, "practice.f", lambda: module.f(times)
        )
    with practice() as module:
        inner: list[Any] = []

        def both() -> None:
            module.f(x)
            inner.append(_counted(answer, "practice.f", lambda: module.f(x)))
            inner.append(_counted(answer, "practice.Tool.f", lambda: module.Tool.f(x)))
            module.f(x)

        outcome["one count inside another: the outer"] = _counted(answer, "practice.f", both)
        outcome["one count inside another: the inner ones"] = inner
        outcome["the count of a function that a class inherits"] = _counted(
            answer, "practice.Handle.f", lambda: module.Handle.f(module.Handle.f(x))
        )


HINTS = [
    "Replace the name by a function that adds 1 to a counter and then does what the original does.",
    "Get the original with `resolve` and `getattr` before you patch. Inside the patch the "
    "name stands for your own function.",
    "`def counting(*args, **kwargs): ... return original(*args, **kwargs)` passes every "
    "kind of argument on. To count from inside, declare `nonlocal calls`.",
    "The last lines are `with Patch(name, counting): function()` and `return calls`.",
]

mistake = Mistakes()


def _count_with(make: Callable[[Any, str, list[int]], Callable[..., Any]]):
    """A `count_calls` whose replacement is what `make(owner, attribute, calls)` returns."""

    def answer(name, function):
        owner, attribute = resolve(name)
        calls: list[int] = []
        with Patch(name, make(owner, attribute, calls)):
            function()
        return len(calls)

    return answer


def _counting_drops_result(owner, attribute, calls):
    original = getattr(owner, attribute)

    def counting(*args, **kwargs):
        calls.append(1)
        original(*args, **kwargs)

    return counting


mistake(
    "Your counting function calls the original and drops what it returns, so the caller "
    "gets None: return it."
)(_count_with(_counting_drops_result))


def _counting_drops_keywords(owner, attribute, calls):
    original = getattr(owner, attribute)

    def counting(x):
        calls.append(1)
        return original(x)

    return counting


mistake(
    "A call with a keyword breaks on your counting function. Take `*args, **kwargs`, and pass "
    "both on."
)(_count_with(_counting_drops_keywords))


def _counting_calls_itself(owner, attribute, calls):
    def counting(*args, **kwargs):
        calls.append(1)
        return getattr(owner, attribute)(*args, **kwargs)

    return counting


mistake(
    "Your counting function looks the name up again, finds itself there, and calls itself "
    "without end. Read the original before you patch, and call that."
)(_count_with(_counting_calls_itself))


@mistake("After an exception the counting function is still in place. Use the patch in a `with`.")
def _count_stays_patched(name, function):
    owner, attribute = resolve(name)
    original = getattr(owner, attribute)
    calls: list[int] = []

    def counting(*args, **kwargs):
        calls.append(1)
        return original(*args, **kwargs)

    patch = Patch(name, counting)
    function()
    patch.remove()
    return len(calls)


@mistake(
    "Your count never goes beyond 1: add 1 per call. To change a variable of the outer "
    "function from the inner one, Python wants `nonlocal`."
)
def _count_at_most_one(name, function):
    return min(1, count_calls(name, function))


@mistake(
    "You counted the calls of `function`. Count those of the name: the counter belongs "
    "into the replacement."
)
def _count_the_function(name, function):
    count_calls(name, function)
    return 1


@mistake("You counted, but returned nothing.")
def _count_no_return(name, function):
    count_calls(name, function)


@mistake(
    "You run `function()` twice. Whatever it does is done twice then, and somebody would notice: "
    "run it once, inside the patch."
)
def _count_runs_twice(name, function):
    function()
    return count_calls(name, function)


@mistake(
    "You remove the patch after an `Exception` only. Not all errors are one: when somebody "
    "presses stop, Python raises a KeyboardInterrupt. Use the patch in a `with`."
)
def _count_except_exception(name, function):
    original = getattr(*resolve(name))
    calls: list[int] = []

    def counting(*args, **kwargs):
        calls.append(1)
        return original(*args, **kwargs)

    patch = Patch(name, counting)
    try:
        function()
    except Exception:
        patch.remove()
        raise
    patch.remove()
    return len(calls)


def _counting_hides_errors(owner, attribute, calls):
    original = getattr(owner, attribute)

    def counting(*args, **kwargs):
        calls.append(1)
        try:
            return original(*args, **kwargs)
        except Exception:
            return None

    return counting


mistake(
    "Your counting function keeps the original's errors to itself. Whoever calls it should meet "
    "them as always: let them pass."
)(_count_with(_counting_hides_errors))


@mistake("You return the calls themselves. Asked for is how many there were, an int: `len(...)`.")
def _count_gives_the_calls(name, function):
    return [()] * count_calls(name, function)


EXERCISE = Exercise(
    name="count_calls",
    lesson=LESSON.id,
    after="patch",
    points=2,
    answer="count_calls",
    reference=count_calls,
    probe=probe_count_calls,
    mistakes=mistake,
    hints=HINTS,
)
