"""The grades as others read them: spreadsheets, Moodle, Canvas, and browsers."""

from __future__ import annotations

import csv
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from course_lib.classroom.grade.gradebook import gradebook
from course_lib.classroom.grade.late import days_late, parse_due, read_times
from course_lib.classroom.grade.pages import feedback_name, feedback_page, report_page
from course_lib.classroom.grade.records import Record
from course_lib.classroom.grade.tables import (
    COLUMNS,
    canvas_csv,
    grades_csv,
    grades_json,
    moodle_csv,
    write_text,
)
from course_lib.classroom.grade.verdicts import Grade, Result
from course_lib.exercises.engine.registry import exercises

LESSON = "00_start_here"
ASKED = {LESSON: exercises(LESSON), "01_gradients": exercises("01_gradients")}
NOON = datetime(2026, 11, 30, 12, tzinfo=UTC)
EVIL = "<script>alert('x')</script>"


def record(student="ada", *, file="00_start_here.ipynb", came=NOON, notes=(), **grade):
    """A record with one grade."""
    values = {"points": 1, "max": 1, "verdict": "right", **grade}
    graded = Grade("share_on_object", LESSON, **values)
    return Record(student, file, "0", came.isoformat(), Result(LESSON, (graded,), tuple(notes)))


def rows(text):
    """The rows of a table."""
    return list(csv.reader(text.splitlines()))


def test_a_row_for_each_exercise():
    students = gradebook([record(), record("bob", points=0, verdict="wrong")], ASKED)
    assert rows(grades_csv(students)) == [
        list(COLUMNS),
        ["ada", LESSON, "share_on_object", "1", "1", "right", "0", ""],
        ["bob", LESSON, "share_on_object", "0", "1", "wrong", "0", ""],
    ]


@pytest.mark.parametrize(
    "name", ["=cmd|' /C calc'!A0", "+1", "-1+1", "@SUM(A1)", "\t=1", "＝1", " =1", "|x", "%x"]
)
def test_a_spreadsheet_runs_no_name(name):
    students = gradebook([record(name)], ASKED)
    numbered = gradebook([record(f"{name}_1234567")], ASKED)
    (sheet,) = moodle_csv(numbered).values()
    for table in (grades_csv(students), sheet, canvas_csv(students)["canvas.csv"]):
        (row,) = [row for row in rows(table)[1:] if "Points Possible" not in row[0]]
        assert not any(cell.lstrip(" ").startswith(tuple("=+@\t|%＝")) for cell in row)
        assert not any(cell.startswith("-") and cell != "-" for cell in row)
    assert json.loads(grades_json(students))[0]["student"] == name


def test_moodle_and_canvas_know_their_numbers():
    students = gradebook([record("Ada Lovelace_1234567")], ASKED)
    sheets = moodle_csv(students)
    assert list(sheets) == [f"moodle-{LESSON}.csv"]
    assert rows(sheets[f"moodle-{LESSON}.csv"]) == [
        ["Identifier", "Full name", "Grade", "Maximum Grade", "Last modified (grade)"],
        ["Participant 1234567", "Ada Lovelace", "1", "1", "-"],
    ]
    assert rows(canvas_csv(students)["canvas.csv"]) == [
        ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", LESSON],
        ["    Points Possible", "", "", "", "", "1"],
        ["Ada Lovelace", "1234567", "", "", "", "1"],
    ]


def test_the_newest_file_of_a_lesson_counts():
    older = record(file="a.ipynb", points=0, verdict="wrong")
    newer = record(file="b.ipynb", came=NOON + timedelta(hours=1))
    (student,) = gradebook([newer, older], ASKED)
    assert student.points == 1
    assert student.notes == ("a.ipynb is not counted: b.ipynb came later.",)


def test_a_file_that_cannot_be_read_is_0_points_of_the_lesson_it_is_called_after():
    broken = Record("ada", f"ada/{LESSON}.ipynb", "0", NOON.isoformat(), Result(notes=("No.",)))
    (student,) = gradebook([broken], ASKED)
    assert (student.points, student.max) == (0, 1)
    assert student.notes == (f"ada/{LESSON}.ipynb: No.",)
    (other,) = gradebook([Record("bob", "x.ipynb", "0", NOON.isoformat(), Result())], ASKED)
    assert rows(grades_csv([other]))[1] == ["bob", "", "", "0", "0", "unreadable", "", ""]


def test_an_expected_lesson_that_did_not_come_is_0_points():
    (student,) = gradebook([record()], ASKED, expected=["01_gradients"])
    assert [lesson.points for lesson in student.lessons] == [1, 0]
    assert student.max == 1 + sum(exercise.points for exercise in ASKED["01_gradients"])


@pytest.mark.parametrize(
    ("came", "days"),
    [
        (NOON - timedelta(days=3), 0),
        (NOON, 0),
        (NOON + timedelta(seconds=1), 1),
        (NOON + timedelta(days=1), 1),
        (NOON + timedelta(days=1, seconds=1), 2),
    ],
)
def test_late_days_are_rounded_up(came, days):
    assert days_late(NOON, came) == days
    (student,) = gradebook([record(came=came)], ASKED, due=NOON)
    assert student.lessons[0].late == days


def test_a_table_of_times_comes_before_the_files_dates(tmp_path):
    path = tmp_path / "times.csv"
    path.write_text("student,submitted\nada,2026-12-02T12:00+00:00\n")
    (student,) = gradebook([record()], ASKED, due=NOON, times=read_times(path))
    assert student.lessons[0].late == 2


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"who,when\n", "needs the columns student and submitted"),
        (b"student;submitted\nada;2026-12-02\n", "with a comma between them"),
        (b"student,submitted\nada\n", "times.csv, ada: '' is no date"),
        (b"student,submitted\nj\xfcrg,2026-12-02\n", "is no CSV in UTF-8"),
        (None, "can't be read: No such file"),
    ],
)
def test_a_table_of_times_that_is_none_is_told(tmp_path, content, sentence):
    path = tmp_path / "times.csv"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ValueError, match=sentence):
        read_times(path)


def test_a_date_without_an_hour_is_the_end_of_that_day():
    assert parse_due("2026-11-30").hour == 23
    assert parse_due("2026-11-30T18:00").hour == 18
    assert parse_due("2026-11-30T18:00+01:00").utcoffset() == timedelta(hours=1)
    with pytest.raises(ValueError, match="'soon' is no date"):
        parse_due("soon")


def test_everything_a_student_wrote_is_escaped():
    hostile = record(
        EVIL, file=EVIL, notes=[EVIL], verdict="error", finding=EVIL, traceback=EVIL, points=0
    )
    (student,) = gradebook([hostile], ASKED)
    for page in (feedback_page(student), report_page([student])):
        assert "<script" not in page
    assert feedback_page(student).count("&lt;script&gt;") >= 6


def test_names_of_pages_are_safe_and_differ():
    names = ["../../x", "a/b", "ada", "Ada", "ADA", "é", "e\u0301", "😀", "", "x" * 300, "-rf"]
    pages = [feedback_name(name) for name in names]
    assert len({page.lower() for page in pages}) == len(names)
    assert all(Path(page).name == page and len(page) < 60 and page[0].isalnum() for page in pages)


def test_the_report_of_nobody_and_of_one():
    assert "0 students" in report_page([])
    (student,) = gradebook([record(looks_like_reference=True)], ASKED)
    page = report_page([student])
    assert "1 student," in page
    assert "look like the course's own" in page


def test_a_file_is_there_whole_or_not_at_all(tmp_path):
    path = tmp_path / "grades.csv"
    write_text(path, "old")
    with pytest.raises(UnicodeEncodeError):
        write_text(path, "new" * 100_000 + "\udce4")
    assert path.read_text() == "old"


def test_the_report_leads_to_every_students_page():
    students = gradebook([record(), record("bob", came=NOON + timedelta(days=2))], ASKED, due=NOON)
    page = report_page(students)
    for student in students:
        assert f'href="feedback/{feedback_name(student.name)}"' in page
    assert '<td class="number">2</td></tr>' in page


def test_notes_have_the_courses_markup_and_nothing_of_a_students():
    (student,) = gradebook([record(notes=["The cell of `x` is <b>there</b>."])], ASKED)
    assert "<code>x</code> is &lt;b&gt;there&lt;/b&gt;." in feedback_page(student)
