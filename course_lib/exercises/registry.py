"""Finds lessons and exercises by name, importing only the lesson that is asked for."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from difflib import get_close_matches
from functools import cache
from importlib import import_module
from pathlib import Path

from course_lib.exercises.exercise import Exercise, Lesson

_FOLDER = Path(__file__).parent
_PREFIX = "lesson_"


class UnknownName(ValueError):
    """No exercise or lesson has this name; the message names those that are close."""

    def _render_traceback_(self) -> list[str]:
        """In a notebook the sentence alone is shown, without the course's own stack."""
        return [str(self)]


def lessons() -> list[Lesson]:
    """All lessons in order, read from the sources without importing them."""
    return [_read_lesson(path) for path in _lesson_files()]


def find_lesson(name: str) -> Lesson:
    """The lesson with this id; its number alone (`"03"`) is enough.

    Raises:
        UnknownName: no lesson is called so.
    """
    known = {lesson.id: lesson for lesson in lessons()}
    if name in known:
        return known[name]
    by_number = [lesson for id_, lesson in known.items() if id_.split("_")[0] == name]
    if by_number:
        return by_number[0]
    raise UnknownName(_unknown("lesson", name, known))


def exercises(lesson: str | None = None) -> list[Exercise]:
    """The exercises of one lesson, or of all, in order.

    Raises:
        UnknownName: no lesson is called so.
    """
    ids = [find_lesson(lesson).id] if lesson is not None else [entry.id for entry in lessons()]
    return [exercise for id_ in ids for exercise in _load(id_)]


def find_exercise(name: str) -> Exercise:
    """The exercise with this name.

    Raises:
        UnknownName: no exercise is called so.
    """
    if not isinstance(name, str):
        raise UnknownName(
            f"The first argument is the name of the exercise, a string; you gave {_an(name)}."
        )
    for path in _lesson_files():
        if name in path.read_text(encoding="utf-8"):
            for exercise in _load(path.stem.removeprefix(_PREFIX)):
                if exercise.name == name:
                    return exercise
    raise UnknownName(_unknown("exercise", name, (exercise.name for exercise in exercises())))


def _an(value: object) -> str:
    kind = type(value).__name__
    return f"{'an' if kind[:1].lower() in 'aeiou' else 'a'} {kind}"


def _lesson_files() -> list[Path]:
    return sorted(_FOLDER.glob(f"{_PREFIX}*.py"))


def _load(lesson_id: str) -> list[Exercise]:
    return list(import_module(f"{__package__}.{_PREFIX}{lesson_id}").EXERCISES)


@cache
def _read_lesson(path: Path) -> Lesson:
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        match node:
            case ast.Assign(
                targets=[ast.Name(id="LESSON")], value=ast.Call(args=[], keywords=keywords)
            ):
                return Lesson(**{str(k.arg): ast.literal_eval(k.value) for k in keywords})
    raise ValueError(f"{path.name} defines no LESSON = Lesson(id=..., title=..., ...).")


def _unknown(kind: str, name: str, known: Iterable[str]) -> str:
    names = list(known)
    close = get_close_matches(name, names, n=3, cutoff=0.5)
    if close:
        advice = f"Did you mean {' or '.join(repr(match) for match in close)}?"
    elif kind == "lesson":
        advice = f"There are: {', '.join(names)}."
    else:
        advice = "`course progress` lists them all."
    return f"There is no {kind} {name!r}. {advice}"
