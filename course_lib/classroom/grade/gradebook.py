"""The grades of a class: for each student and lesson the file that counts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from course_lib.exercises import Exercise

from .late import days_late
from .records import Record
from .verdicts import Grade


@dataclass(frozen=True)
class LessonGrades:
    """A student's grades in a lesson: from which file, how late, and what is worth saying."""

    lesson: str
    file: str
    late: int
    grades: tuple[Grade, ...]
    notes: tuple[str, ...] = ()

    @property
    def points(self) -> int:
        """Points got."""
        return sum(grade.points for grade in self.grades)

    @property
    def max(self) -> int:
        """Points there are."""
        return sum(grade.max for grade in self.grades)


@dataclass(frozen=True)
class Student:
    """A student's grades, and sentences on files that could not be graded."""

    name: str
    lessons: tuple[LessonGrades, ...]
    notes: tuple[str, ...] = ()

    @property
    def points(self) -> int:
        """Points got."""
        return sum(lesson.points for lesson in self.lessons)

    @property
    def max(self) -> int:
        """Points there are."""
        return sum(lesson.max for lesson in self.lessons)


def gradebook(
    records: Iterable[Record],
    exercises: Mapping[str, Sequence[Exercise]],
    *,
    due: datetime | None = None,
    times: Mapping[str, datetime] | None = None,
    expected: Sequence[str] = (),
) -> list[Student]:
    """All students, by name.

    Args:
        records: one for each file.
        exercises: of each lesson.
        due: when it was due.
        times: when each student handed in; else the files' dates count.
        expected: lessons that everybody should have handed in; who has not, gets 0 points.
    """
    by_student: dict[str, list[Record]] = {}
    for record in records:
        by_student.setdefault(record.student, []).append(record)
    return [
        _student(name, by_student[name], exercises, due, times or {}, expected)
        for name in sorted(by_student)
    ]


def _student(
    name: str,
    records: list[Record],
    exercises: Mapping[str, Sequence[Exercise]],
    due: datetime | None,
    times: Mapping[str, datetime],
    expected: Sequence[str],
) -> Student:
    newest: dict[str, Record] = {}
    broken: dict[str, Record] = {}
    notes = []
    for record in sorted(records, key=lambda record: (record.submitted, record.file)):
        lesson = record.result.lesson
        if not lesson:
            notes += [f"{record.file}: {note}" for note in record.result.notes]
            named = next((one for one in exercises if one in record.file), "")
            if named:
                broken.setdefault(named, record)
            continue
        older = newest.get(lesson)
        if older is not None:
            notes.append(f"{older.file} is not counted: {record.file} came later.")
        newest[lesson] = record
    graded = [
        LessonGrades(
            lesson,
            record.file,
            days_late(due, times.get(name, datetime.fromisoformat(record.submitted))),
            record.result.grades,
            record.result.notes,
        )
        for lesson, record in newest.items()
    ]
    for lesson in dict.fromkeys((*broken, *expected)):
        if lesson not in newest:
            file = broken[lesson].file if lesson in broken else ""
            zeros = tuple(_missing(exercise) for exercise in exercises[lesson])
            graded.append(LessonGrades(lesson, file, 0, zeros))
    return Student(name, tuple(sorted(graded, key=lambda one: one.lesson)), tuple(notes))


def _missing(exercise: Exercise) -> Grade:
    return Grade(
        exercise.name,
        exercise.lesson,
        0,
        exercise.points,
        "not attempted",
        "This lesson was not handed in, or not as a notebook that can be read.",
    )
