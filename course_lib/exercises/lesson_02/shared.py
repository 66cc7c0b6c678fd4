"""What several exercises of lesson 02 share."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

from torch import Tensor


def double(x: Tensor, scale: float = 2.0) -> Tensor:
    """The practice function that answers replace."""
    return x * scale


def negate(x: Tensor, scale: float = 1.0) -> Tensor:
    """One replacement."""
    return -x * scale


def square(x: Tensor, scale: float = 1.0) -> Tensor:
    """Another replacement."""
    return x * x * scale


def which(current: Any) -> str:
    """Which of the practice functions `current` is, in words."""
    names = {
        id(double): "the original",
        id(negate): "the replacement",
        id(square): "somebody else's function",
        id(None): "nothing: the name is gone",
    }
    return names.get(id(current), "some other object")


@contextmanager
def practice(function: Callable[..., Tensor] = double) -> Iterator[Any]:
    """A module `practice`, importable by name inside the context.

    It has a function `f`, a class `Tool` with the same `f`, and a class `Handle` that inherits it.
    """
    module: Any = ModuleType("practice")
    module.f = function
    module.Tool = type("Tool", (), {"f": function})
    module.Handle = type("Handle", (module.Tool,), {})
    before = sys.modules.get("practice")
    sys.modules["practice"] = module
    try:
        yield module
    finally:
        sys.modules.pop("practice", None)
        if before is not None:
            sys.modules["practice"] = before


@contextmanager
def kept(owner: Any, *attributes: str) -> Iterator[None]:
    """Puts the owner's attributes back afterwards, whatever an answer left there."""
    before = {name: getattr(owner, name) for name in attributes}
    try:
        yield
    finally:
        for name, value in before.items():
            setattr(owner, name, value)


def describe(thing: Any) -> str:
    """What `thing` is, in words that are the same in every process."""
    if isinstance(thing, ModuleType):
        return f"the module {thing.__name__}"
    if isinstance(thing, type):
        return f"the class {thing.__module__}.{thing.__qualname__}"
    if isinstance(thing, str):
        return f"the text {thing!r}"
    if callable(thing):
        return f"the function {getattr(thing, '__name__', '?')}"
    return f"an object of type {type(thing).__name__}"


def described(thing: Any) -> str:
    """`describe`, with None said as a learner would."""
    return "None" if thing is None else describe(thing)
