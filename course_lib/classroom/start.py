"""A learner's working folder: copy the lessons that are not there yet, overwrite none."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from .lab import open_lab
from .names import match_lesson
from .places import lesson_files, lesson_folder
from .ports import check_port
from .versions import fresh_command, older_copies


@dataclass(frozen=True)
class Copied:
    """What happened to the lessons: the names that were copied and those already there."""

    copied: tuple[str, ...]
    kept: tuple[str, ...]

    def __str__(self) -> str:
        """Return the one line that a learner reads."""
        copied = _count(len(self.copied), "lesson")
        if not self.kept:
            return f"{copied} copied."
        return f"{copied} copied, {len(self.kept)} already there and left as you wrote them."


def start(
    folder: Path,
    *,
    fresh: str | None = None,
    browser: bool = True,
    port: int | None = None,
    say: Callable[[str], None] = print,
) -> None:
    """Fill a working folder and open JupyterLab in it; returns when JupyterLab is stopped.

    Args:
        folder: the working folder; made when it is missing.
        fresh: a lesson to begin anew; the learner's file is set aside first.
        browser: whether a browser is opened.
        port: where JupyterLab listens; the first free one from 8888 on by default.
        say: where the lines for the learner go.

    Raises:
        ValueError: an unknown lesson, a folder that cannot be one, or a port in use.
    """
    if port is not None:
        check_port(port)
    aside = set_aside(folder, fresh) if fresh is not None else None
    if aside is not None:
        say(f"What you wrote is kept as {aside.name}.")
    result = copy_lessons(folder)
    say(f"{folder}: {result}")
    for lesson in older_copies(folder, lesson_folder()):
        say(
            f"Your {lesson} is older than the course: `{fresh_command(folder, lesson[:2])}` keeps "
            "it under a dated name and puts the new one beside it."
        )
    first = sorted(result.copied)[0] if result.copied else None
    open_lab(folder, lesson=first, browser=browser, port=port, say=say)


def copy_lessons(folder: Path, source: Path | None = None) -> Copied:
    """Copy the lessons that are not in a folder yet.

    Args:
        folder: the working folder; made when it is missing.
        source: where the lessons are; the course's own by default.

    Raises:
        ValueError: the folder is a file, or the course's own folder of lessons.
    """
    source = source if source is not None else lesson_folder()
    if folder.exists() and not folder.is_dir():
        raise ValueError(f"{folder} is a file; the lessons need a folder.")
    if folder.resolve() == source.resolve():
        raise ValueError(
            f"{folder} holds the clean copies of the lessons; work in another folder, such as work."
        )
    lessons = lesson_files(source)
    if not lessons:
        raise ValueError(f"There are no lessons in {source}.")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        copied = [lesson for lesson in lessons if not (folder / lesson.name).exists()]
        for lesson in copied:
            shutil.copyfile(lesson, folder / lesson.name)
    except OSError as error:
        raise ValueError(f"{folder} cannot be written: {error.strerror}.") from None
    return Copied(
        copied=tuple(lesson.stem for lesson in copied),
        kept=tuple(lesson.stem for lesson in lessons if lesson not in copied),
    )


def set_aside(
    folder: Path, lesson: str, source: Path | None = None, now: datetime | None = None
) -> Path | None:
    """Rename a learner's lesson to a dated name, so that a clean copy takes its place.

    Args:
        folder: the working folder.
        lesson: as `03_relu_rules`, `03` or `3`.
        source: where the lessons are; the course's own by default.
        now: the date to put into the name; this moment by default.

    Returns:
        The new name, or None when there was nothing to set aside.

    Raises:
        ValueError: no such lesson; close matches are named.
    """
    source = source if source is not None else lesson_folder()
    name = match_lesson(lesson, [path.stem for path in lesson_files(source)])
    old = folder / f"{name}.ipynb"
    if not old.exists():
        return None
    date = f"{now or datetime.now():%Y-%m-%d_%H%M%S}"
    new, number = old.with_name(f"{name}_{date}.ipynb"), 2
    while new.exists():
        new, number = old.with_name(f"{name}_{date}_{number}.ipynb"), number + 1
    return old.rename(new)


def _count(number: int, noun: str) -> str:
    """Return a number with its noun: `no lesson`, `1 lesson`, `4 lessons`."""
    return f"{number or 'no'} {noun}{'s' if number > 1 else ''}"
