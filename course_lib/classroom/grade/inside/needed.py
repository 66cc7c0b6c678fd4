"""Leave out of a script what no student's cell needs: most of a lesson's demonstrations."""

from __future__ import annotations

import ast

from . import names
from .plain_python import parse
from .step import Step


def needed_steps(steps: list[Step]) -> list[Step]:
    """The steps that must run, in the same order: all but optional ones nobody needs.

    Backwards from the end, a step is needed when it binds or changes a name that a later one
    reads. A name that is read inside a function may be read at any time, so that every step that
    binds it is needed, wherever it stands.
    """
    trees = [parse(step.source) or ast.Module([], []) for step in steps]
    later: set[str] = set()
    while True:
        kept, found = _pass(steps, trees, later)
        if found <= later:
            return kept
        later |= found


def _pass(
    steps: list[Step], trees: list[ast.Module], later: set[str]
) -> tuple[list[Step], set[str]]:
    needed: set[str] = set()
    found: set[str] = set()
    kept: list[Step] = []
    for step, tree in zip(reversed(steps), reversed(trees), strict=True):
        if step.kind == "check":
            needed.discard(step.answer)
            kept.append(step)
            continue
        bound, changed = names.bound(tree), names.changed(tree)
        if step.optional and not (bound | changed) & (needed | later):
            continue
        uses = names.used(tree)
        if _is_plain(tree):
            needed -= bound
        needed |= uses.now
        found |= uses.later
        kept.append(step)
    return kept[::-1], found


def _is_plain(tree: ast.Module) -> bool:
    """Tell whether every statement binds its names whatever happens."""
    plain = (
        ast.Assign | ast.AnnAssign | ast.Import | ast.ImportFrom | ast.FunctionDef | ast.ClassDef
    )
    return all(isinstance(statement, plain) for statement in tree.body)
