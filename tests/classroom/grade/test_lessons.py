"""Every lesson of the course, as somebody solves it and as it is handed out."""

from __future__ import annotations

import pytest

from course_lib.classroom.grade.command import Options, Progress, grade
from course_lib.classroom.places import lesson_files, lesson_folder
from course_lib.classroom.rehearsal.notebooks import as_bytes, blank, solved, with_mistakes
from course_lib.exercises.engine.registry import exercises

pytestmark = pytest.mark.slow

LESSONS = [path.stem for path in lesson_files(lesson_folder())]


@pytest.fixture(scope="module")
def students(sandbox, tmp_path_factory):
    """Three students with all lessons: all right, all empty, all the first known mistake."""
    root = tmp_path_factory.mktemp("lessons")
    for student in ("right", "blank", "wrong"):
        home = root / "class" / student
        home.mkdir(parents=True)
        for lesson in LESSONS:
            notebook = blank(lesson) if student == "blank" else solved(lesson)
            if student == "wrong":
                notebook = with_mistakes(notebook, exercises(lesson), 0)
            (home / f"{lesson}.ipynb").write_bytes(as_bytes(notebook))
    said: list[str] = []
    progress = Progress(say=said.append)
    graded = grade(root / "class", root / "grades", Options(workers=2), progress)
    assert said == []
    return {student.name: student for student in graded}


def grades_of(student, lesson):
    """A student's grades in a lesson."""
    (found,) = [one for one in student.lessons if one.lesson == lesson]
    return found.grades


@pytest.mark.parametrize("lesson", LESSONS)
def test_the_solutions_are_right_and_nobodys_copy(students, lesson):
    grades = grades_of(students["right"], lesson)
    assert [(one.exercise, one.verdict, one.finding) for one in grades] == [
        (exercise.name, "right", "") for exercise in exercises(lesson)
    ]


@pytest.mark.parametrize("lesson", LESSONS)
def test_an_untouched_notebook_is_not_attempted(students, lesson):
    assert {one.verdict for one in grades_of(students["blank"], lesson)} == {"not attempted"}


@pytest.mark.parametrize("lesson", LESSONS)
def test_a_known_mistake_is_named_in_every_lesson(students, lesson):
    for exercise, one in zip(exercises(lesson), grades_of(students["wrong"], lesson), strict=True):
        assert (one.exercise, one.points) == (exercise.name, 0)
        assert one.explanation == next(iter(exercise.mistakes)), one.finding
