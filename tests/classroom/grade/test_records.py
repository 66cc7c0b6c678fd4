"""A grade once written is never lost and never graded twice."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time

import pytest

from course_lib.classroom.grade.command import Options, Progress, grade
from course_lib.classroom.grade.records import NAME, Record, Records
from course_lib.classroom.grade.verdicts import Grade, Result
from course_lib.classroom.rehearsal.notebooks import as_bytes, blank, solved

RESULT = Result(
    "00_start_here", (Grade("share_on_object", "00_start_here", 1, 1, "right"),), ("a",)
)


def record(student: str) -> Record:
    """A record of somebody."""
    return Record(student, "x.ipynb", f"digest of {student}", "2026-11-30T12:00:00+00:00", RESULT)


def test_what_was_written_is_there_again(tmp_path):
    records = Records(tmp_path)
    for student in ("bob", "ada"):
        records.add(record(student))
    records.close()
    again = Records(tmp_path, resume=True)
    assert again.all() == [record("ada"), record("bob")]
    assert again.has("ada", "x.ipynb", "digest of ada")
    assert not again.has("ada", "x.ipynb", "another digest")
    again.close()


def test_grades_are_not_overwritten_by_mistake(tmp_path):
    Records(tmp_path).close()
    with pytest.raises(ValueError, match="holds grades already; go on with them by --resume"):
        Records(tmp_path)


@pytest.mark.parametrize("cut", [1, 2, 20, 200])
def test_a_line_that_a_crash_has_cut_is_taken_away(tmp_path, cut):
    records = Records(tmp_path)
    for student in ("ada", "bob"):
        records.add(record(student))
    records.close()
    path = tmp_path / NAME
    os.truncate(path, path.stat().st_size - cut)
    again = Records(tmp_path, resume=True)
    assert [one.student for one in again.all()] == ["ada"]
    again.add(record("bob"))
    again.close()
    assert [json.loads(line)["student"] for line in path.read_text().splitlines()] == ["ada", "bob"]


def test_what_cannot_be_read_is_told_and_kept(tmp_path):
    records = Records(tmp_path)
    records.add(record("ada"))
    records.close()
    path = tmp_path / NAME
    other_version = path.read_bytes().replace(b'"max"', b'"most"')
    path.write_bytes(other_version)
    with pytest.raises(ValueError, match="is no grade of this version of the course"):
        Records(tmp_path, resume=True)
    assert path.read_bytes() == other_version


def test_two_do_not_write_at_once(tmp_path):
    records = Records(tmp_path)
    with pytest.raises(ValueError, match="Another `course grade` is writing to"):
        Records(tmp_path, resume=True)
    records.close()
    Records(tmp_path, resume=True).close()


def write_class(root):
    """Six students of the shortest lesson."""
    for number in range(6):
        home = root / "class" / f"student {number}"
        home.mkdir(parents=True)
        notebook = solved("00_start_here") if number % 2 else blank("00_start_here")
        (home / "00_start_here.ipynb").write_bytes(as_bytes(notebook))


@pytest.fixture
def small_class(tmp_path):
    """The class, not graded yet."""
    write_class(tmp_path)
    return tmp_path


@pytest.fixture(scope="module")
def graded_once(sandbox, tmp_path_factory):
    """The class, graded."""
    root = tmp_path_factory.mktemp("graded")
    write_class(root)
    grade(root / "class", root / "grades", Options(workers=1))
    return root


@pytest.fixture
def graded_class(graded_once, tmp_path):
    """A copy of the class that has been graded."""
    shutil.copytree(graded_once, tmp_path, dirs_exist_ok=True)
    return tmp_path


@pytest.mark.slow
def test_grading_goes_on_after_kill_9(sandbox, small_class):
    out = small_class / "grades"
    command = [sys.executable, "-m", "course_lib.cli", "grade", str(small_class / "class")]
    command += ["--out", str(out), "--workers", "1"]
    process = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    deadline = time.monotonic() + 120
    path = out / NAME
    while not (path.exists() and path.read_bytes().count(b"\n") >= 2):
        assert time.monotonic() < deadline
        assert process.poll() is None
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    before = path.read_bytes()
    before = before[: before.rfind(b"\n") + 1]
    done = [json.loads(line)["student"] for line in before.splitlines()]
    assert 2 <= len(done) < 6

    graded: list[str] = []
    students = grade(
        small_class / "class",
        out,
        Options(workers=1, resume=True),
        Progress(advance=graded.append),
    )
    assert [student.points for student in students] == [0, 1, 0, 1, 0, 1]
    assert path.read_bytes().startswith(before)
    lines = path.read_text().splitlines()
    assert sorted(json.loads(line)["student"] for line in lines) == [
        f"student {number}" for number in range(6)
    ]
    assert sorted(graded) == sorted(student.name for student in students)


@pytest.mark.slow
def test_only_a_file_that_has_changed_is_graded_again(graded_class):
    source, out = graded_class / "class", graded_class / "grades"
    with pytest.raises(ValueError, match="--resume"):
        grade(source, out, Options(workers=1))
    changed = source / "student 0" / "00_start_here.ipynb"
    changed.write_bytes(as_bytes(solved("00_start_here")))
    students = grade(source, out, Options(workers=1, resume=True))
    assert students[0].points == 1
    assert len((out / NAME).read_text().splitlines()) == 7


@pytest.mark.slow
def test_grades_of_files_that_are_gone_stay_and_are_told(graded_class):
    source, out = graded_class / "class", graded_class / "grades"
    (source / "student 5" / "00_start_here.ipynb").rename(graded_class / "lost.ipynb")
    times = graded_class / "times.csv"
    times.write_text("student,submitted\nstudent 0,2026-11-30\nstudnet 1,2026-11-30\n")
    said: list[str] = []
    students = grade(
        source, out, Options(workers=1, resume=True, times=times), Progress(say=said.append)
    )
    assert len(students) == 6
    assert "student 5/00_start_here.ipynb, is not among these submissions" in said[0]
    assert "names 1 student who handed nothing in here, such as studnet 1" in said[1]


def test_a_file_is_no_folder_for_grades(small_class):
    (small_class / "grades").write_text("not a folder")
    with pytest.raises(ValueError, match="grades is a file; name a folder"):
        grade(small_class / "class", small_class / "grades", Options(sandboxed=False))
    assert (small_class / "grades").read_text() == "not a folder"


def test_grades_do_not_go_among_the_submissions(small_class):
    with pytest.raises(ValueError, match="lies among the submissions"):
        grade(small_class / "class", small_class / "class" / "grades")
