"""`course simulate-class`: a folder of made-up submissions, and what each should get."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import cycle
from pathlib import Path

from course_lib.classroom.names import match_lesson
from course_lib.classroom.places import make_folder
from course_lib.exercises import Exercise
from course_lib.exercises.engine.registry import exercises, lessons

from . import broken, hostile
from .notebooks import as_bytes, blank, solved, with_mistakes

NAMES = "Ada Bea Cem Dan Eva Fay Gil Hao Ida Jan Kim Lea Mia Noa Olu Pia Raj Sol Tom Uma Zoe"
KINDS = "right wrong right odd right wrong blank right wrong right"


@dataclass(frozen=True)
class Pupil:
    """A made-up student: what kind, the file, and what should come out for each exercise."""

    kind: str
    content: bytes
    verdicts: tuple[str, ...]


def simulate_class(
    folder: Path, students: int, lesson: str, say: Callable[[str], None] = print
) -> None:
    """Write submissions/STUDENT/LESSON.ipynb, and expected.csv with what each should get.

    Of ten students five are right, three make known mistakes, one is blank, and one is broken
    or hostile.

    Args:
        folder: where; made when it is missing, and must be empty.
        students: how many.
        lesson: which lesson they answer.
        say: where the summary goes.

    Raises:
        ValueError: an unknown lesson, a folder with something in it or that can't be made, no clone
            of the course.
    """
    name = match_lesson(lesson, [one.id for one in lessons()])
    if any(make_folder(folder).iterdir()):
        raise ValueError(f"{folder} is not empty; name a new folder for the made-up class.")
    asked, names = exercises(name), NAMES.split()
    rows = []
    for number, pupil in zip(range(students), pupils(name), strict=False):
        student = f"{names[number % len(names)]} {number + 1:03}"
        home = folder / "submissions" / student
        home.mkdir(parents=True)
        (home / f"{name}.ipynb").write_bytes(pupil.content)
        rows += [
            (student, pupil.kind, exercise.name, verdict)
            for exercise, verdict in zip(asked, pupil.verdicts, strict=False)
        ]
    with (folder / "expected.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("student", "kind", "exercise", "verdict"), *rows])
    say(f"{students} students handed in {name}: {folder / 'submissions'}")
    say(f"What each should get: {folder / 'expected.csv'}")


def pupils(lesson: str) -> Iterator[Pupil]:
    """Made-up students without end, in the same order each time."""
    asked = exercises(lesson)
    right = Pupil("right", as_bytes(solved(lesson)), ("right",) * len(asked))
    empty = Pupil("blank", as_bytes(blank(lesson)), ("not attempted",) * len(asked))
    mistaken, odd = _mistaken(lesson, asked), cycle(_odd(lesson, asked))
    while True:
        for kind in KINDS.split():
            match kind:
                case "right":
                    yield right
                case "blank":
                    yield empty
                case "wrong":
                    yield next(mistaken)
                case "odd":
                    make = next(odd)
                    yield make()


def _mistaken(lesson: str, asked: list[Exercise]) -> Iterator[Pupil]:
    notebook = solved(lesson)
    most = max(len(exercise.mistakes) for exercise in asked)
    for number in cycle(range(most)):
        content = as_bytes(with_mistakes(notebook, asked, number))
        yield Pupil(f"mistake {number + 1}", content, ("wrong or error",) * len(asked))


def _odd(lesson: str, asked: list[Exercise]) -> list[Callable[[], Pupil]]:
    first, others = asked[0], len(asked) - 1

    def of_broken(case: broken.Broken) -> Pupil:
        verdicts = (case.target, *[case.others] * others) if case.target else ()
        return Pupil(case.name, case.make(lesson, first), verdicts)

    def of_hostile(case: hostile.Hostile) -> Pupil:
        return Pupil(
            case.name, case.make(lesson, first), (case.due(first), *[case.others] * others)
        )

    return [
        *(partial(of_broken, case) for case in broken.ALL),
        *(partial(of_hostile, case) for case in hostile.suited(first)),
    ]
