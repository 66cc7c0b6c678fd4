"""Finding lessons and exercises by name."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from course_lib.exercises import registry
from course_lib.exercises.registry import UnknownName

LESSON = """
from course_lib.exercises import Exercise, Lesson
LESSON = Lesson(id="{id}", title="T {id}", minutes=5, difficulty=2, summary="S")
{line}
EXERCISES = [
    Exercise("{name}", "{id}", 1, "f", print, None, {{}}, [])
]
"""


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "made_up_lessons"
    folder.mkdir()
    (folder / "__init__.py").write_text("")
    broken = "raise OSError('broken')"
    for id_, name, line in (("01_one", "first", ""), ("02_two", "second", broken)):
        text = LESSON.format(id=id_, name=name, line=line)
        (folder / f"lesson_{id_}.py").write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(registry, "_FOLDER", folder)
    monkeypatch.setattr(registry, "__package__", "made_up_lessons")
    return folder


def test_lessons_are_read_without_importing_them(package: Path) -> None:
    assert [lesson.title for lesson in registry.lessons()] == ["T 01_one", "T 02_two"]
    assert registry.lessons()[0].dots == "●●○"
    assert "made_up_lessons.lesson_02_two" not in sys.modules


def test_a_broken_lesson_does_not_hide_the_others(package: Path) -> None:
    assert registry.find_exercise("first").lesson == "01_one"
    with pytest.raises(OSError, match="broken"):
        registry.find_exercise("second")


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
        ("qqqqqqqq", "`course progress` lists them all."),
        (None, "is the name of the exercise, a string; you gave a NoneType."),
        (print, "you gave a builtin_function_or_method."),
    ],
)
def test_unknown_exercises(name: object, words: str) -> None:
    with pytest.raises(UnknownName) as caught:
        registry.find_exercise(name)  # type: ignore[arg-type]
    assert words in str(caught.value)
    assert caught.value._render_traceback_() == [str(caught.value)]


def test_a_lesson_module_without_lesson(package: Path) -> None:
    (package / "lesson_03_three.py").write_text("EXERCISES = []\n")
    with pytest.raises(ValueError, match=r"lesson_03_three.py defines no LESSON = Lesson"):
        registry.lessons()
