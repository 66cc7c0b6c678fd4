"""Tells the library's own objects, and calls of them, from what a student wrote."""

from __future__ import annotations

import ast
import inspect
import sys
import textwrap
import types
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from course_lib.exercises import Exercise

from .plain_python import parse

_COURSE = str(Path(__file__).resolve().parents[3])
_SMALL = 40


def is_the_librarys(exercise: Exercise, answer: Any) -> bool:
    """Tell whether an answer is an object of the course's, or runs the very same code object.

    The known mistakes are not meant: they are wrong anyway, and rehearsals hand them in.
    """
    if any(answer is mistake for mistake in exercise.mistakes.values()):
        return False
    shared = isinstance(exercise.reference, list | dict) or callable(exercise.reference)
    if shared and answer is exercise.reference:
        return True
    codes = list(_codes(answer))
    return bool(codes) and all(code.co_filename.startswith(_COURSE) for code in codes)


def _codes(answer: Any) -> Iterator[types.CodeType]:
    members = vars(answer).values() if isinstance(answer, type) else [answer]
    for member in members:
        if isinstance(member, staticmethod | classmethod | types.MethodType):
            member = member.__func__
        elif isinstance(member, property):
            member = member.fget
        if isinstance(member, types.FunctionType):
            yield member.__code__


@contextmanager
def watching_reference(exercise: Exercise) -> Iterator[Callable[[], bool]]:
    """Notice inside whether the reference's code runs, or copies of all of it under other names.

    Copies of short answers are not noticed: they are all alike.
    """
    codes = set(_codes(exercise.reference))
    short = len(_reference_shape(exercise)) < _SMALL
    copied = set() if short else {_instructions(code) for code in codes}
    left = set(copied)
    seen = False

    def note(frame: types.FrameType, event: str, _: Any) -> None:
        nonlocal seen
        if event == "call":
            seen = seen or frame.f_code in codes
            if left:
                left.discard(_instructions(frame.f_code))

    sys.setprofile(note)
    try:
        yield lambda: seen or bool(copied and not left)
    finally:
        sys.setprofile(None)


def _instructions(code: types.CodeType) -> tuple[Any, ...]:
    """What code does, whatever it and its variables are called and wherever it stands."""
    numbers = [value for value in code.co_consts if isinstance(value, int | float)]
    return code.co_code, code.co_names, tuple(map(repr, numbers))


def definitions(source: str) -> list[ast.stmt]:
    """The functions and classes that a cell defines."""
    tree = parse(source)
    return [node for node in tree.body if _defines(node)] if tree is not None else []


def is_a_copy(exercise: Exercise, written: Iterable[ast.stmt]) -> bool:
    """Tell whether a definition reads like the reference, whatever its names and comments are.

    Short answers are all alike, so that nothing is said of them.

    Args:
        exercise: whose reference is looked at.
        written: a student's definitions.
    """
    wanted = _reference_shape(exercise)
    if len(wanted) < _SMALL:
        return False
    return any(_shape(node) == wanted for node in written)


def _reference_shape(exercise: Exercise) -> list[str]:
    if not callable(exercise.reference):
        return []
    try:
        source = textwrap.dedent(inspect.getsource(exercise.reference))
    except (OSError, TypeError):
        return []
    return _shape(parse(source))


def _defines(node: ast.stmt) -> bool:
    return isinstance(node, ast.FunctionDef | ast.ClassDef)


def _shape(tree: ast.AST | None) -> list[str]:
    """The nodes of a definition in order, without its names, annotations and docstrings."""
    nodes: list[str] = []
    if tree is None:
        return nodes
    if isinstance(tree, ast.Module):
        tree = tree.body[0]
    numbers: dict[str, int] = {}
    try:
        _walk(tree, nodes, numbers)
    except RecursionError:
        return []  # nested deeper than anything of the course's
    return nodes


def _walk(node: ast.AST, nodes: list[str], numbers: dict[str, int]) -> None:
    text = type(node).__name__
    for name in ("id", "arg", "name"):
        value = getattr(node, name, None)
        if isinstance(value, str):
            text += f" {numbers.setdefault(value, len(numbers))}"
    if isinstance(node, ast.Attribute):
        text += f" .{node.attr}"
    if isinstance(node, ast.Constant):
        text += f" {node.value!r}"
    nodes.append(text)
    for field, value in ast.iter_fields(node):
        if field in ("annotation", "returns", "type_comment"):
            continue
        children = value if isinstance(value, list) else [value]
        for i, child in enumerate(children):
            docstring = field == "body" and i == 0 and _is_text(child)
            if isinstance(child, ast.AST) and not docstring:
                _walk(child, nodes, numbers)


def _is_text(node: Any) -> bool:
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )
