"""Tells an answer that nobody has begun from one that somebody has."""

from __future__ import annotations

import dis
import functools
import inspect
import types
from typing import Any

_EMPTY_CODE = {
    "RESUME",
    "NOP",
    "CACHE",
    "COPY_FREE_VARS",
    "MAKE_CELL",
    "NOT_TAKEN",
    "LOAD_CONST",
    "LOAD_COMMON_CONSTANT",
    "RETURN_VALUE",
    "RETURN_CONST",
}


class _Nothing:
    """A class in which nothing is defined; what it has, Python put there."""


_ASSEMBLED = {*vars(_Nothing), "__annotations__", "__static_attributes__", "__firstlineno__"}
_ASSEMBLED |= {"_backward_cls", "__abstractmethods__", "_abc_impl"}


def is_stub(answer: Any, given: tuple[str, ...] = ()) -> bool:
    """Whether nothing has been written yet.

    A function is a stub when its body is a docstring and `...` (or `pass`); a class when this holds
    for all its own methods but those in `given`, it defines nothing else, and inherits from
    nothing but stubs, `object` and PyTorch's classes; a value when it is `...`.
    """
    if answer is Ellipsis:
        return True
    if issubclass(type(answer), type):
        inherited = filter(_is_own_work, answer.__mro__[1:])
        if not all(is_stub(base, given) for base in inherited):
            return False
        return all(_is_empty(member) for member in _own_members(answer, given).values())
    return _is_empty(answer)


def empty_methods(answer: Any, given: tuple[str, ...] = ()) -> list[str]:
    """The names of the methods of a class that are still stubs; none for anything but a class."""
    if not issubclass(type(answer), type):
        return []
    return [name for name, member in _own_members(answer, given).items() if _is_empty(member)]


def _is_own_work(base: type) -> bool:
    """Whether a base class is neither Python's nor PyTorch's."""
    return base is not object and base.__module__.split(".")[0] not in ("torch", "builtins")


def _own_members(answer: type, given: tuple[str, ...]) -> dict[str, Any]:
    hidden = _ASSEMBLED.union(given)
    return {name: member for name, member in vars(answer).items() if name not in hidden}


def _is_empty(member: Any) -> bool:
    kind = type(member)
    if kind in (staticmethod, classmethod):
        member = member.__func__
    elif kind is property:
        member = member.fget
    elif kind is functools.cached_property:
        member = member.func
    if type(member) is not types.FunctionType:
        return False
    function = inspect.unwrap(member)
    if type(function) is not types.FunctionType:
        return False
    instructions = list(dis.get_instructions(function))
    if any(instruction.opname not in _EMPTY_CODE for instruction in instructions):
        return False
    constants = [i.argval for i in instructions if i.opname in ("LOAD_CONST", "RETURN_CONST")]
    return all(constant is None or constant is Ellipsis for constant in constants)
