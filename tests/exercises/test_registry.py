"""Finding lessons and exercises by name."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from course_lib.exercises.engine import registry
from course_lib.exercises.engine.registry import UnknownName

LESSON = """
from course_lib.exercises import Lesson
LESSON = Lesson(id="{id}", title="T {id}", minutes=5, difficulty=2, summary="S")
"""
EXERCISE = """
from course_lib.exercises import Exercise
{line}
EXERCISE = Exercise(
    "{name}", "{id}", 1, "f", print, None, dict(a=1, b=2, c=3, d=4), ["1", "2", "3"], "{after}"
)
"""


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    folder = tmp_path / "made_up_lessons"
    for id_ in ("01_one", "02_two"):
        lesson = folder / f"lesson_{id_[:2]}"
        lesson.mkdir(parents=True)
        (lesson / "__init__.py").write_text(LESSON.format(id=id_))
        (lesson / "shared.py").write_text("raise OSError('no exercise')")
    (folder / "__init__.py").write_text("")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(registry, "_FOLDER", folder)
    monkeypatch.setattr(registry, "_PACKAGE", "made_up_lessons")
    write(folder, "01_one", "zebra")
    write(folder, "01_one", "apple", after="zebra")
    write(folder, "02_two", "second", line="raise OSError('broken')")
    yield folder
    for name in [name for name in sys.modules if name.startswith("made_up_lessons")]:
        del sys.modules[name]


def write(folder: Path, lesson: str, name: str, *, line: str = "", after: str = "") -> None:
    text = EXERCISE.format(id=lesson, name=name, line=line, after=after)
    (folder / f"lesson_{lesson[:2]}" / f"{name}.py").write_text(text)


def test_lessons_are_read_without_importing_their_exercises(package: Path) -> None:
    assert [lesson.title for lesson in registry.lessons()] == ["T 01_one", "T 02_two"]
    assert registry.lessons()[0].dots == "●●○"
    assert [m for m in sys.modules if m.startswith("made_up_lessons.lesson_02.")] == []


def test_a_broken_exercise_does_not_hide_the_others(package: Path) -> None:
    assert registry.find_exercise("apple").lesson == "01_one"
    assert "made_up_lessons.lesson_01.zebra" not in sys.modules
    with pytest.raises(OSError, match="broken"):
        registry.find_exercise("second")


def test_exercises_come_in_the_order_that_they_name(package: Path) -> None:
    write(package, "01_one", "banana", after="apple")
    found = registry.exercises("01")
    assert [exercise.name for exercise in found] == ["zebra", "apple", "banana"]
    assert [registry.next_exercise(exercise) for exercise in found] == [*found[1:], None]


@pytest.mark.parametrize(
    ("name", "after", "words"),
    [
        ("banana", "zebra", "'apple' and 'banana' of lesson_01 both come after 'zebra'; `after`"),
        ("banana", "", "'banana' and 'zebra' of lesson_01 both come first;"),
        ("banana", "cherry", "'banana' comes after 'cherry', which is no exercise of lesson_01"),
        ("banana", "banana", "'banana' comes after 'banana', which"),
    ],
)
def test_an_order_that_is_not_plain_is_refused(
    package: Path, name: str, after: str, words: str
) -> None:
    write(package, "01_one", name, after=after)
    with pytest.raises(ValueError, match=re.escape(words)):
        registry.exercises("01")


def test_a_file_is_called_as_its_exercise(package: Path) -> None:
    write(package, "01_one", "banana", after="apple")
    (package / "lesson_01" / "banana.py").rename(package / "lesson_01" / "cherry.py")
    with pytest.raises(ValueError, match=r"'banana' stands in cherry.py, not in banana.py."):
        registry.exercises("01")


def test_lessons_by_id_and_number(package: Path) -> None:
    assert registry.find_lesson("02").id == "02_two"
    assert registry.find_lesson("02_two").id == "02_two"
    with pytest.raises(UnknownName, match=r"no lesson '02_too'. Did you mean '02_two'"):
        registry.find_lesson("02_too")
    with pytest.raises(UnknownName, match="There are: 01_one, 02_two"):
        registry.exercises("zzz")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("Gate", "There is no exercise 'Gate'."),
        ("qqqqqqqq", "`course progress --all` lists them all."),
        (None, "is the name of the exercise, a string; you gave a NoneType."),
        (print, "you gave a builtin_function_or_method."),
    ],
)
def test_unknown_exercises(name: object, words: str) -> None:
    with pytest.raises(UnknownName) as caught:
        registry.find_exercise(name)  # type: ignore[arg-type]
    assert words in str(caught.value)
    assert caught.value._render_traceback_() == [str(caught.value)]
