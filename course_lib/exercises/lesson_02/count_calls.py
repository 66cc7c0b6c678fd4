"""How often `name` is called while `function()` runs; everything else stays as it was."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from ..engine.exercise import Exercise, Mistakes, Outcome
from ..engine.probes import call, randint, randn
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

        def work() -> None:
            for i in range(times):
                try:
                    result = module.f(x + i) if i % 2 == 0 else module.f(x, scale=3.0 + i)
                except (TypeError, RecursionError) as error:
                    result = f"{type(error).__name__}, raised"
                seen.append(result)

        count = call(answer, "practice.f", work)
        outcome["the count"] = count if isinstance(count, int) else described(count)
        odd = [value for value in seen if not isinstance(value, Tensor)]
        outcome["what the calls got back while they were counted"] = (
            described(odd[0]) if odd else "tensors"
        )
        if not odd:
            outcome["the values that they got back"] = torch.stack(seen)
        outcome["afterwards, the name is"] = which(module.f)

    with practice() as module:
        outcome["the count for a function that never calls it"] = call(
            answer, "practice.f", lambda: None
        )

    with practice() as module:

        def fail() -> None:
            raise KeyError("a failure on purpose")

        try:
            call(answer, "practice.f", fail)
            outcome["an exception in function()"] = "is lost"
        except KeyError:
            outcome["an exception in function()"] = "reaches the caller"
        outcome["after that exception, the name is"] = which(module.f)

    network = nn.Sequential(nn.Linear(3, 3), nn.ReLU(), nn.Linear(3, 2), nn.ReLU()).double()
    with kept(torch, "relu"):
        outcome["calls of torch.relu in a network with two nn.ReLU"] = call(
            answer, "torch.relu", lambda: network(x)
        )
    return outcome


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
    "Your counting function takes one positional argument only. A call with keywords "
    "breaks: take `*args, **kwargs` and pass both on."
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
