"""Tells the library's own objects, and calls of them, from what a student wrote."""

from __future__ import annotations

import ast
import inspect
import sys
import textwrap
import types
from collections.abc import Callable, Iterator
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
    """Notice inside whether the reference's code runs: the answer then only wraps it."""
    codes = set(_codes(exercise.reference))
    seen = False

    def note(frame: types.FrameType, event: str, _: Any) -> None:
        nonlocal seen
        seen = seen or (event == "call" and frame.f_code in codes)

    sys.setprofile(note)
    try:
        yield lambda: seen
    finally:
        sys.setprofile(None)


def is_a_copy(exercise: Exercise, sources: list[str]) -> bool:
    """Tell whether a definition reads like the reference, whatever its names and comments are.

    Short answers are all alike, so that nothing is said of them.

    Args:
        exercise: whose reference is looked at.
        sources: a student's cells.
    """
    if not callable(exercise.reference):
        return False
    try:
        source = textwrap.dedent(inspect.getsource(exercise.reference))
    except (OSError, TypeError):
        return False
    wanted = _shape(parse(source))
    if len(wanted) < _SMALL:
        return False
    trees = [parse(source) for source in sources]
    definitions = [node for tree in trees if tree for node in tree.body if _defines(node)]
    return any(_shape(node) == wanted for node in definitions)


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
    _walk(tree, nodes, numbers)
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
