"""The grades as tables: grades.csv, grades.json, and what Moodle and Canvas read."""

from __future__ import annotations

import csv
import io
import json
import os
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from .gradebook import Student

COLUMNS = (
    "student",
    "lesson",
    "exercise",
    "points",
    "max",
    "verdict",
    "late",
    "looks_like_reference",
)

_WORKSHEET = ("Identifier", "Full name", "Grade", "Maximum Grade", "Last modified (grade)")

_CANVAS = ("Student", "ID", "SIS User ID", "SIS Login ID", "Section")

# A spreadsheet takes a cell that begins with one of these for a formula, full-width ones too.
_FORMULA = tuple("=+-@\t\r\n|%＝＋－＠")


def grades_csv(students: Sequence[Student]) -> str:
    """One row for each student and exercise."""
    rows: list[tuple[Any, ...]] = [
        (
            student.name,
            lesson.lesson,
            grade.exercise,
            grade.points,
            grade.max,
            grade.verdict,
            lesson.late,
            "yes" if grade.looks_like_reference else "",
        )
        for student in students
        for lesson in student.lessons
        for grade in lesson.grades
    ]
    # who handed in nothing that can be graded is in the table too
    empty = [student for student in students if not student.lessons]
    rows += [(student.name, "", "", 0, 0, "unreadable", "", "") for student in empty]
    return _table(COLUMNS, sorted(rows, key=lambda row: str(row[0])))


def grades_json(students: Iterable[Student]) -> str:
    """Everything that is known, as nested data."""
    data = [
        {
            "student": student.name,
            "points": student.points,
            "max": student.max,
            "notes": list(student.notes),
            "lessons": [
                {
                    "lesson": lesson.lesson,
                    "file": lesson.file,
                    "late": lesson.late,
                    "points": lesson.points,
                    "max": lesson.max,
                    "notes": list(lesson.notes),
                    "exercises": [vars(grade) for grade in lesson.grades],
                }
                for lesson in student.lessons
            ],
        }
        for student in students
    ]
    return json.dumps(data, indent=1, ensure_ascii=False) + "\n"


def moodle_csv(students: Sequence[Student]) -> dict[str, str]:
    """A grading worksheet for each lesson, by file name, as Moodle's assignments take it.

    A folder that Moodle wrote is called `Full Name_1234567_assignsubmission_file`; the number is
    the participant's, under which Moodle knows the row. Other students can't be told to Moodle.
    """
    sheets = {}
    for lesson in _lessons(students):
        rows = []
        for student in students:
            name, number = _name_and_number(student)
            for one in student.lessons:
                if one.lesson == lesson and number:
                    rows.append((f"Participant {number}", name, one.points, one.max, "-"))
        sheets[f"moodle-{lesson}.csv"] = _table(_WORKSHEET, rows)
    return sheets


def canvas_csv(students: Sequence[Student]) -> dict[str, str]:
    """A row for each student and a column for each lesson, as Canvas's gradebook takes it.

    A file that Canvas wrote is called `name_1234_567890_file.ipynb`; the first number is Canvas's
    own for the student. The second row says how many points there are.
    """
    lessons = _lessons(students)
    possible = {one.lesson: one.max for student in students for one in student.lessons}
    rows: list[tuple[Any, ...]] = [
        ("    Points Possible", "", "", "", "", *(possible[lesson] for lesson in lessons))
    ]
    for student in students:
        name, number = _name_and_number(student)
        rows.append((name, number, "", "", "", *_points(student, lessons)))
    return {"canvas.csv": _table((*_CANVAS, *lessons), rows)}


def write_text(path: Path, text: str) -> None:
    """Write a file so that at any moment it is there whole: the old one, or the new one."""
    new = path.with_name(f".{path.name}.new")
    with new.open("w", encoding="utf-8", newline="") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)


def _name_and_number(student: Student) -> tuple[str, str]:
    """A student's name and the number that Moodle or Canvas wrote behind it; may be empty."""
    found = re.fullmatch(r"(.+)_(\d+)", student.name)
    return (found[1], found[2]) if found else (student.name, "")


def _lessons(students: Sequence[Student]) -> list[str]:
    return sorted({one.lesson for student in students for one in student.lessons})


def _points(student: Student, lessons: list[str]) -> list[int | str]:
    points = {one.lesson: one.points for one in student.lessons}
    return [points.get(lesson, "") for lesson in lessons]


def _table(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    for row in rows:
        writer.writerow([_harmless(value) for value in row])
    return text.getvalue()


def _harmless(value: Any) -> Any:
    """The value; a text that a spreadsheet would run is made a text by an apostrophe."""
    if isinstance(value, str) and value != "-" and value.lstrip(" ").startswith(_FORMULA):
        return f"'{value}"
    return value
