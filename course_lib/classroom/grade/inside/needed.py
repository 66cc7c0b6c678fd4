"""Leave out of a script what no student's cell needs: most of a lesson's demonstrations."""

from __future__ import annotations

from .names import CellNames, names_of
from .step import Step


def needed_steps(steps: list[Step]) -> list[Step]:
    """The steps that must run, in the same order: all but optional ones nobody needs.

    Backwards from the end, a step is needed when it binds or changes a name that a later one
    reads. A name that is read inside a function may be read at any time, so that every step that
    binds it is needed, wherever it stands.
    """
    names = [names_of(step.source) for step in steps]
    later: set[str] = set()
    while True:
        kept, found = _pass(steps, names, later)
        if found <= later:
            return kept
        later |= found


def _pass(
    steps: list[Step], names: list[CellNames], later: set[str]
) -> tuple[list[Step], set[str]]:
    needed: set[str] = set()
    found: set[str] = set()
    kept: list[Step] = []
    for step, cell in zip(reversed(steps), reversed(names), strict=True):
        if step.kind == "check":
            needed.discard(step.answer)
            kept.append(step)
            continue
        if step.optional and not (needed | later) & (cell.bound | cell.changed):
            continue
        if cell.surely_bound:
            needed -= cell.bound
        needed |= cell.now
        found |= cell.later
        kept.append(step)
    return kept[::-1], found
