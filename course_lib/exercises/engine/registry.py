"""Finds lessons and exercises by name, importing only what is asked for."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from importlib import import_module
from pathlib import Path

from .exercise import Exercise, Lesson
from .open_task import OpenTask

_FOLDER = Path(__file__).parents[1]
_PACKAGE = __package__.rpartition(".")[0]
_OPEN_TASK = "open_task"
_NO_EXERCISES = ("__init__", "shared", _OPEN_TASK)


class UnknownName(ValueError):
    """Nothing has this name; the message names what is called nearly so."""

    def _render_traceback_(self) -> list[str]:
        """In a notebook the sentence alone is shown, without the course's own stack."""
        return [str(self)]


def lessons() -> list[Lesson]:
    """All lessons in order; their exercises are not imported."""
    return [_lesson(folder) for folder in _folders()]


def find_lesson(name: str) -> Lesson:
    """The lesson with this id; its number alone (`"03"`) is enough.

    Raises:
        UnknownName: no lesson is called so.
    """
    return _lesson(_find_folder(name))


def exercises(lesson: str | None = None) -> list[Exercise]:
    """The exercises of one lesson, or of all, in order.

    Raises:
        UnknownName: no lesson is called so.
        ValueError: an exercise is not complete, or their order is not plain.
    """
    folders = [_find_folder(lesson)] if lesson is not None else _folders()
    return [exercise for folder in folders for exercise in _in_order(folder)]


def find_exercise(name: str) -> Exercise:
    """The exercise with this name; no other one is imported.

    Raises:
        UnknownName: no exercise is called so.
    """
    if not isinstance(name, str):
        raise UnknownName(
            f"The first argument is the name of the exercise, a string; you gave {_an(name)}."
        )
    known = {path.stem: path for folder in _folders() for path in _files(folder)}
    if name not in known:
        raise UnknownName(_unknown("exercise", name, known))
    return _load(known[name])


def next_exercise(exercise: Exercise) -> Exercise | None:
    """The exercise that comes after this one in its lesson; None after the last."""
    return next(
        (other for other in exercises(exercise.lesson) if other.after == exercise.name), None
    )


def lesson_of_prediction(name: str) -> Lesson:
    """The lesson that asks for the prediction with this name.

    Raises:
        UnknownName: no lesson names it among its predictions.
    """
    known = {prediction: lesson for lesson in lessons() for prediction in lesson.predictions}
    if name not in known:
        raise UnknownName(_unknown("prediction", name, known))
    return known[name]


def open_task_of(lesson: str) -> OpenTask | None:
    """The open task that ends a lesson; None where there is none.

    Raises:
        UnknownName: no lesson is called so.
    """
    folder = _find_folder(lesson)
    if not (folder / f"{_OPEN_TASK}.py").is_file():
        return None
    task: OpenTask = import_module(f"{_PACKAGE}.{folder.name}.{_OPEN_TASK}").TASK
    return task


def find_open_task(name: str) -> OpenTask:
    """The open task with this name.

    Raises:
        UnknownName: no open task is called so.
    """
    found = [open_task_of(lesson.id) for lesson in lessons()]
    known = {task.name: task for task in found if task is not None}
    if name not in known:
        raise UnknownName(_unknown("open task", name, known))
    return known[name]


def _an(value: object) -> str:
    kind = type(value).__name__
    return f"{'an' if kind[:1].lower() in 'aeiou' else 'a'} {kind}"


def _folders() -> list[Path]:
    return sorted(path.parent for path in _FOLDER.glob("lesson_*/__init__.py"))


def _files(folder: Path) -> list[Path]:
    return [path for path in sorted(folder.glob("*.py")) if path.stem not in _NO_EXERCISES]


def _lesson(folder: Path) -> Lesson:
    found: Lesson = import_module(f"{_PACKAGE}.{folder.name}").LESSON
    return found


def _find_folder(name: str) -> Path:
    known = {_lesson(folder).id: folder for folder in _folders()}
    for id_, folder in known.items():
        if name in (id_, id_.split("_")[0]):
            return folder
    raise UnknownName(_unknown("lesson", name, known))


def _load(path: Path) -> Exercise:
    exercise: Exercise = import_module(f"{_PACKAGE}.{path.parent.name}.{path.stem}").EXERCISE
    if exercise.name != path.stem:
        raise ValueError(
            f"The exercise {exercise.name!r} stands in {path.name}, not in {exercise.name}.py."
        )
    return exercise


def _in_order(folder: Path) -> list[Exercise]:
    following: dict[str, Exercise] = {}
    for exercise in map(_load, _files(folder)):
        other = following.setdefault(exercise.after, exercise)
        if other is not exercise:
            place = f"come after {exercise.after!r}" if exercise.after else "come first"
            raise ValueError(
                f"The exercises {other.name!r} and {exercise.name!r} of {folder.name} both "
                f"{place}; `after` of one of them should name the other."
            )
    chain: list[Exercise] = []
    name = ""
    while name in following:
        chain.append(following.pop(name))
        name = chain[-1].name
    for exercise in following.values():
        raise ValueError(
            f"The exercise {exercise.name!r} comes after {exercise.after!r}, which is no exercise "
            f"of {folder.name} or comes later itself."
        )
    return chain


def _unknown(kind: str, name: str, known: Iterable[str]) -> str:
    names = list(known)
    close = get_close_matches(name, names, n=3, cutoff=0.5)
    if close:
        advice = f"Did you mean {' or '.join(repr(match) for match in close)}?"
    elif kind == "exercise":
        advice = "`course progress --all` lists them all."
    else:
        advice = f"There are: {', '.join(names) or 'none'}."
    return f"There is no {kind} {name!r}. {advice}"
