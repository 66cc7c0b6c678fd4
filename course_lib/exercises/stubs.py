"""Tells an answer that nobody has begun from one that somebody has."""

from __future__ import annotations

import dis
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
_ASSEMBLED = {"__module__", "__qualname__", "__doc__", "__dict__", "__weakref__", "__annotations__"}


def is_stub(answer: Any, given: tuple[str, ...] = ()) -> bool:
    """Whether nothing has been written yet.

    A function is a stub when its body is a docstring and `...` (or `pass`); a class when this holds for all
    its own methods but those in `given`, and it defines nothing else; a value when it is `...`.
    """
    if answer is Ellipsis:
        return True
    if isinstance(answer, type):
        own = _own_attributes(answer, given)
        return all(_is_empty(member) for member in own.values())
    return _is_empty(answer)


def empty_methods(answer: Any, given: tuple[str, ...] = ()) -> list[str]:
    """The names of the methods of a class that are still stubs; none for anything but a class."""
    if not isinstance(answer, type):
        return []
    return [name for name, member in _own_attributes(answer, given).items() if _is_empty(member)]


def _own_attributes(answer: type, given: tuple[str, ...]) -> dict[str, Any]:
    return {
        name: member
        for name, member in vars(answer).items()
        if name not in given
        and not name.startswith("__static_attributes")
        and not name.startswith("__firstlineno")
        and name not in _ASSEMBLED
        and not (name == "_backward_cls" or name == "__abstractmethods__" or name == "_abc_impl")
    }


def _is_empty(member: Any) -> bool:
    if isinstance(member, property):
        member = member.fget
    function = inspect.unwrap(getattr(member, "__func__", member))
    if not isinstance(function, types.FunctionType):
        return False
    instructions = list(dis.get_instructions(function))
    if any(instruction.opname not in _EMPTY_CODE for instruction in instructions):
        return False
    constants = [i.argval for i in instructions if i.opname in ("LOAD_CONST", "RETURN_CONST")]
    return all(constant is None or constant is Ellipsis for constant in constants)
