"""A sandbox, where the machine has one, and small classes to grade in it."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

import pytest

from course_lib.classroom.grade.command import Options, Progress, grade
from course_lib.classroom.grade.gradebook import Student

LESSON = "01_gradients"


@pytest.fixture(scope="session")
def sandbox() -> None:
    """Skip without bubblewrap; the continuous integration must have it."""
    if shutil.which("bwrap") is not None:
        return
    reason = "students' code is sandboxed by bubblewrap (bwrap), which is not installed"
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def grade_class(sandbox: None) -> Callable[..., dict[str, Student]]:
    """A function (root, {student: file}) -> students by name: writes a class and grades it.

    `lessons` says by student which lesson a file is called after, where it is not the usual one.
    """

    def graded(
        root: Path,
        files: dict[str, bytes],
        lessons: Mapping[str, str] = MappingProxyType({}),
        **options: object,
    ) -> dict[str, Student]:
        for student, content in files.items():
            home = root / "submissions" / student
            home.mkdir(parents=True)
            (home / f"{lessons.get(student, LESSON)}.ipynb").write_bytes(content)
        settings = Options(workers=2, **options)  # type: ignore[arg-type]
        said: list[str] = []
        progress = Progress(say=said.append)
        students = grade(root / "submissions", root / "grades", settings, progress)
        assert said == []
        return {student.name: student for student in students}

    return graded


def slug(text: str) -> str:
    """A folder name for a case."""
    return re.sub(r"\W+", "-", text)
