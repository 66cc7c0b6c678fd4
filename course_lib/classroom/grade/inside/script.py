"""What is run of a submission, in which order: a student's cells, and of ours what they need."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field

from ..lessons import OwnCell
from .needed import needed_steps
from .notebook import Cell, Unreadable
from .plain_python import parse, plain_python
from .step import Step


@dataclass
class Script:
    """A lesson as one student answered it, and what is worth saying of its form."""

    lesson: str
    steps: list[Step] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class _Placed:
    """A student's cell with what it is taken for: a cell of ours, or one of their own."""

    cell: Cell
    ours: OwnCell | None


def write_script(
    cells: list[Cell], lessons: dict[str, list[OwnCell]], file_name: str = ""
) -> Script:
    """Put a submission's cells into the order of the lesson that it answers.

    Answers are where the lesson has them, wherever a student moved them; of several copies the
    last one that is not empty counts. Locked cells are ours. A demonstration runs only as far as
    a student's cells need what it defines.

    Args:
        cells: the submission's.
        lessons: the course's.
        file_name: decides where the cells leave it open.

    Raises:
        Unreadable: it answers no lesson of the course.
    """
    lesson = _which_lesson(cells, lessons, file_name)
    ours = lessons[lesson]
    script = Script(lesson)
    placed = [_Placed(cell, _match(cell, ours)) for cell in cells]
    answers = _answers(placed, ours, script.notes)
    extra = _extra(placed)
    changed = _changed_demonstrations(placed)
    steps = [_own_step(cell) for cell in extra.get("", [])]
    for cell in ours:
        match cell.kind:
            case "plain":
                steps += [
                    Step("run", f"the course's cell {cell.id}", text, optional=True)
                    for text in _statements(cell.source)
                ]
                steps += [_own_step(own, optional=True) for own in changed.get(cell.id, [])]
            case "answer":
                steps += [_own_step(own, cell.exercise) for own in answers.get(cell.id, [])]
            case "check":
                steps.append(Step("check", cell.id, exercise=cell.exercise, answer=cell.answer))
        steps += [_own_step(own) for own in extra.get(cell.id, [])]
    script.steps = needed_steps(steps)
    return script


def _which_lesson(cells: list[Cell], lessons: dict[str, list[OwnCell]], file_name: str) -> str:
    scores = dict.fromkeys(lessons, 0)
    texts = "\n".join(cell.source for cell in cells)
    carried = {i for cell in cells for i in cell.ids}
    for lesson, ours in lessons.items():
        for cell in ours:
            if cell.kind != "plain":
                scores[lesson] += 2 * (cell.id in carried)
            if cell.kind == "check":
                scores[lesson] += f'check("{cell.exercise}"' in texts
                scores[lesson] += f"def {cell.answer}(" in texts or f"class {cell.answer}" in texts
        scores[lesson] *= 2
        scores[lesson] += lesson in file_name
    best = max(scores, key=lambda lesson: scores[lesson], default="")
    if not best or not scores[best]:
        raise Unreadable("The notebook is none of the course's lessons: no exercise is in it.")
    return best


def _match(cell: Cell, ours: list[OwnCell]) -> OwnCell | None:
    """The cell of ours that a student's cell is, by its text or else by its id."""
    text = _squeezed(cell.source)
    for own in ours:
        if own.kind != "answer" and text in (_squeezed(own.source), _squeezed(own.released)):
            return own
    by_id = {own.id: own for own in ours}
    found = next((by_id[i] for i in cell.ids if i in by_id), None)
    if found is None or found.kind != "plain" or cell.is_code:
        return found
    return None


def _squeezed(source: str) -> str:
    return "\n".join(line.rstrip() for line in source.strip().splitlines())


def _answers(placed: list[_Placed], ours: list[OwnCell], notes: list[str]) -> dict[str, list[Cell]]:
    """For each answer cell of ours the students' versions that count."""
    by_id: dict[str, list[Cell]] = {}
    for one in placed:
        if one.ours is not None and one.ours.kind == "answer":
            by_id.setdefault(one.ours.id, []).append(one.cell)
    for own in ours:
        copies = by_id.get(own.id, [])
        # an id on a text, where there is code with it too, is a slip or a forgery
        copies = [cell for cell in copies if cell.is_code] or copies
        if len(copies) > 1:
            times = f"{len(copies)} times"
            begun = [c for c in copies if _squeezed(c.source) != _squeezed(own.source)]
            copies = (begun or copies)[-1:]
            notes.append(f"The cell of `{own.exercise}` is there {times}; the last answer counts.")
        by_id[own.id] = copies
        for cell in copies:
            if not cell.is_code:
                notes.append(f"The cell of `{own.exercise}` is no code cell; it was read as one.")
    return by_id


def _extra(placed: list[_Placed]) -> dict[str, list[Cell]]:
    """A student's own code cells, by the id of the cell of ours that stands before them."""
    groups: dict[str, list[Cell]] = {}
    before = ""
    for one in placed:
        if one.ours is not None:
            before = one.ours.id
        elif one.cell.is_code:
            groups.setdefault(before, []).append(one.cell)
    return groups


def _changed_demonstrations(placed: list[_Placed]) -> dict[str, list[Cell]]:
    groups: dict[str, list[Cell]] = {}
    for one in placed:
        ours = one.ours
        if ours is None or ours.kind != "plain":
            continue
        if _squeezed(ours.source) != _squeezed(one.cell.source):
            groups.setdefault(ours.id, []).append(one.cell)
    return groups


def _statements(source: str) -> list[str]:
    tree = parse(source)
    return [ast.unparse(statement) for statement in tree.body] if tree is not None else []


def _own_step(cell: Cell, exercise: str = "", *, optional: bool = False) -> Step:
    label = f"cell {cell.place + 1}"
    return Step("run", label, plain_python(cell.source), exercise, own=True, optional=optional)
