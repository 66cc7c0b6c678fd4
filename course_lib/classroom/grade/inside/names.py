"""Which names a piece of Python binds, changes and uses at the top level of a notebook."""

from __future__ import annotations

import ast
import re
import symtable
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

from .plain_python import HUGE, parse

_CHANGES = {"append", "extend", "insert", "add", "update", "setdefault", "eval", "train"}
_CHANGES |= {"manual_seed", "seed", "set_default_dtype", "register_forward_hook"}
_COMPREHENSIONS = {"listcomp", "setcomp", "dictcomp", "genexpr"}
_PLAIN = (ast.Assign, ast.AnnAssign, ast.Import, ast.ImportFrom, ast.FunctionDef, ast.ClassDef)
_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)


def bound(node: ast.AST) -> set[str]:
    """The names that running this gives a value: by assignment, def, class, import, for, with."""
    names: set[str] = set()
    for part in _same_scope(node):
        match part:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                names.add(part.name)
            case ast.Name(ctx=ast.Store()):
                names.add(part.id)
            case ast.Import() | ast.ImportFrom():
                for alias in part.names:
                    names.add(alias.asname or alias.name.split(".")[0])
    return names


def changed(node: ast.AST) -> set[str]:
    """The names whose values this changes in place: `x[0] = 1`, `x.a = 1`, `x.append(1)`."""
    names: set[str] = set()
    for part in _same_scope(node):
        match part:
            case ast.Subscript(ctx=ast.Store()) | ast.Attribute(ctx=ast.Store()):
                names |= _base(part)
            case ast.Call(func=ast.Attribute(attr=method)) if method in _CHANGES or (
                method.endswith("_") and not method.endswith("__")
            ):
                names |= _base(part.func)
    return names


@dataclass(frozen=True)
class CellNames:
    """The names of a notebook that have to do with a cell.

    Attributes:
        bound: those that it gives a value.
        changed: those whose values it changes in place.
        now: those that it reads while it runs.
        later: those that it reads when something that it defines is called.
        surely_bound: whether it binds all of `bound`, whatever happens.
    """

    bound: frozenset[str] = frozenset()
    changed: frozenset[str] = frozenset()
    now: frozenset[str] = frozenset()
    later: frozenset[str] = frozenset()
    surely_bound: bool = False


def names_of(source: str) -> CellNames:
    """The names of a cell; for one that is huge, or that Python won't compile, all its words.

    Too many names cost a demonstration that nobody needs; too few would cost an answer.
    """
    tree = parse(source)
    if tree is None and len(source) <= HUGE:
        return CellNames()
    if tree is not None:
        # compiling finds more than parsing does, such as two arguments of one name
        with suppress(SyntaxError, ValueError, RecursionError, MemoryError):
            uses = used(tree)
            return CellNames(
                frozenset(bound(tree)),
                frozenset(changed(tree)),
                uses.now,
                uses.later,
                all(isinstance(statement, _PLAIN) for statement in tree.body),
            )
    words = frozenset(re.findall(r"[^\W\d]\w*", source))
    return CellNames(words, words, words, words)


@dataclass(frozen=True)
class Uses:
    """The names of a notebook that some Python reads: while it runs, or when it is called later."""

    now: frozenset[str]
    later: frozenset[str]


def used(tree: ast.Module) -> Uses:
    """Which names this reads that it has not given a value before."""
    now: set[str] = set()
    later: set[str] = set()
    given: set[str] = set()
    for statement in tree.body:
        source = ast.unparse(statement)
        here, there = _read(symtable.symtable(source, "a cell", "exec"), inside_function=False)
        now |= here - given
        later |= there
        given |= bound(statement)
    return Uses(frozenset(now), frozenset(later - given))


def _read(table: symtable.SymbolTable, *, inside_function: bool) -> tuple[set[str], set[str]]:
    now: set[str] = set()
    later: set[str] = set()
    top = table.get_type() == "module"
    for symbol in table.get_symbols():
        if symbol.is_referenced() and (top or symbol.is_global()):
            (later if inside_function else now).add(symbol.get_name())
    for child in table.get_children():
        comprehension = child.get_name() in _COMPREHENSIONS
        function = child.get_type() == "function" and not comprehension
        here, there = _read(child, inside_function=inside_function or function)
        now |= here
        later |= there
    return now, later


def _base(node: ast.expr) -> set[str]:
    while isinstance(node, ast.Subscript | ast.Attribute):
        node = node.value
    return {node.id} if isinstance(node, ast.Name) else set()


def _same_scope(node: ast.AST) -> Iterator[ast.AST]:
    yield node
    if not isinstance(node, _SCOPES):
        for child in ast.iter_child_nodes(node):
            yield from _same_scope(child)
