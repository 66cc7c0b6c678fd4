"""The made-up class: what is written, and what each should get."""

from __future__ import annotations

import csv

import pytest

from course_lib.classroom.rehearsal import broken, hostile
from course_lib.classroom.rehearsal.class_ import simulate_class
from course_lib.exercises.engine.registry import exercises, lessons

VERDICTS = {"right", "wrong", "error", "not attempted"}


def quiet(_: str) -> None:
    """Swallow what is said."""


def test_every_student_has_a_file_and_verdicts_for_all_exercises(tmp_path):
    simulate_class(tmp_path / "new" / "class", 20, "05", say=quiet)
    root = tmp_path / "new" / "class"
    with (root / "expected.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    asked = {exercise.name for exercise in exercises("05_excitation_backprop")}
    by_student: dict[str, set[str]] = {}
    for row in rows:
        by_student.setdefault(row["student"], set()).add(row["exercise"])
        assert set(row["verdict"].split(" or ")) <= VERDICTS
    files = {path.parent.name for path in (root / "submissions").glob("*/*.ipynb")}
    assert len(files) == 20
    assert set(by_student) <= files
    assert all(names == asked for names in by_student.values())


def test_a_class_replaces_nothing(tmp_path):
    (tmp_path / "x").write_text("mine")
    with pytest.raises(ValueError, match="is not empty"):
        simulate_class(tmp_path, 1, "01")
    with pytest.raises(ValueError, match="x is a file; name a folder"):
        simulate_class(tmp_path / "x", 1, "01")
    with pytest.raises(ValueError, match="There is no lesson '99'"):
        simulate_class(tmp_path / "y", 1, "99")
    assert [path.name for path in tmp_path.iterdir()] == ["x"]


def test_no_two_kinds_have_one_name():
    names = [case.name for case in (*hostile.ALL, *broken.ALL)]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("lesson", [lesson.id for lesson in lessons()])
def test_most_kinds_suit_every_lesson(lesson):
    first = exercises(lesson)[0]
    suited = hostile.suited(first)
    assert len(suited) > 0.6 * len(hostile.ALL)
    assert all(set(case.due(first).split(" or ")) <= VERDICTS for case in suited)
