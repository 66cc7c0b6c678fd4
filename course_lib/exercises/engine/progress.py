"""What a learner has done so far, in one local file that may be deleted at any time.

The file is `progress.json` in the folder where this platform keeps the data of programs; the
environment variable COURSE_PROGRESS names another file, or is `off` to keep nothing.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console

_FORMAT = "attribution course: progress"
_LOCK_SECONDS = 10.0
_warned_of: set[Path] = set()


@dataclass(frozen=True)
class Entry:
    """What happened with one exercise; times are ISO 8601 in UTC.

    Attributes:
        attempts: how many answers were judged (stubs do not count).
        solved: when the first right answer came, or None.
        hints: how many of the hints were taken.
        first: when it was first touched.
        last: when it was last touched.
    """

    attempts: int = 0
    solved: str | None = None
    hints: int = 0
    first: str | None = None
    last: str | None = None


def progress_file() -> Path | None:
    """Where progress is kept, or None when it is not."""
    named = os.environ.get("COURSE_PROGRESS")
    if named:
        return None if named == "off" else Path(named).expanduser()
    if sys.platform == "win32":
        folder = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    elif sys.platform == "darwin":
        folder = Path.home() / "Library" / "Application Support"
    else:
        folder = Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share")
    return folder / "attribution-course" / "progress.json"


def record_attempt(name: str, *, right: bool) -> str:
    """Note that an answer was judged. Returns a sentence to show when that went wrong, else ""."""

    def change(entry: Entry, now: str) -> Entry:
        solved = entry.solved or (now if right else None)
        return replace(entry, attempts=entry.attempts + 1, solved=solved)

    return _update(name, change)


def record_hint(name: str, number: int) -> str:
    """Note that this many hints were taken. Returns a sentence to show when that went wrong."""
    return _update(name, lambda entry, _: replace(entry, hints=max(entry.hints, number)))


def read() -> dict[str, Entry]:
    """The entries by exercise; none when there is no file or it can't be read."""
    path = progress_file()
    try:
        return _parse(path.read_text(encoding="utf-8")) if path is not None else {}
    except (OSError, ValueError, RecursionError):
        return {}


def _update(name: str, change: Any) -> str:
    path: Path | None = None
    try:
        path = progress_file()
        if path is None:
            return ""
        path = path.resolve()
        path.parent.mkdir(parents=True, exist_ok=True)
        with _locked(path):
            entries, note = _read_or_set_aside(path)
            now = datetime.now(UTC).isoformat(timespec="seconds")
            entry = entries.get(name, Entry(first=now))
            entries[name] = replace(change(entry, now), last=now)
            _write(path, entries)
        return note
    except (OSError, RuntimeError) as error:  # no home folder is a RuntimeError
        reason = getattr(error, "strerror", None) or str(error)
        place = path or Path("~")
        if place in _warned_of:
            return ""
        _warned_of.add(place)
        return f"Your progress is not kept: `{place}` can't be written ({reason})."


def _parse(text: str) -> dict[str, Entry]:
    data = json.loads(text)
    if not isinstance(data, dict) or data.get("format") != _FORMAT:
        raise ValueError("not a progress file of this course")
    entries = data.get("exercises")
    if not isinstance(entries, dict):
        raise ValueError("no exercises in it")
    return {name: _parse_entry(entry) for name, entry in entries.items()}


def _parse_entry(data: Any) -> Entry:
    try:
        entry = Entry(**data)
    except TypeError as error:
        raise ValueError(str(error)) from None
    counts_ok = all(type(count) is int and count >= 0 for count in (entry.attempts, entry.hints))
    times = (entry.solved, entry.first, entry.last)
    if not counts_ok or not all(moment is None or isinstance(moment, str) for moment in times):
        raise ValueError("an entry is damaged")
    return entry


def _read_or_set_aside(path: Path) -> tuple[dict[str, Entry], str]:
    try:
        return _parse(path.read_text(encoding="utf-8")), ""
    except FileNotFoundError:
        return {}, ""
    except (ValueError, RecursionError):
        stamp = datetime.now(UTC).strftime("%Y-%m-%d-%H%M%S")
        aside = path.with_name(f"{path.stem}-set-aside-{stamp}{path.suffix}")
        number = 1
        while aside.exists():
            number += 1
            aside = path.with_name(f"{path.stem}-set-aside-{stamp}-{number}{path.suffix}")
        path.rename(aside)
        return {}, (
            f"The progress file could not be understood; it was set aside as `{aside.name}`, and a "
            "new one begun."
        )


def _write(path: Path, entries: dict[str, Entry]) -> None:
    data = {
        "format": _FORMAT,
        "exercises": {name: asdict(entry) for name, entry in sorted(entries.items())},
    }
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(data, file, indent=1)
            file.write("\n")
            file.flush()
            os.fsync(file.fileno())
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Keep other kernels out; go on without a lock where there are none or it takes too long."""
    with path.with_name(f".{path.name}.lock").open("a+b") as file:
        locked = _lock(file.fileno())
        try:
            yield
        finally:
            if locked:
                _unlock(file.fileno())


if sys.platform == "win32":
    import msvcrt

    def _lock(number: int) -> bool:
        return _patiently(lambda: msvcrt.locking(number, msvcrt.LK_NBLCK, 1))

    def _unlock(number: int) -> None:
        os.lseek(number, 0, os.SEEK_SET)
        msvcrt.locking(number, msvcrt.LK_UNLCK, 1)

else:
    import fcntl

    def _lock(number: int) -> bool:
        return _patiently(lambda: fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB))

    def _unlock(number: int) -> None:
        fcntl.flock(number, fcntl.LOCK_UN)


def _patiently(attempt: Any) -> bool:
    deadline = time.monotonic() + _LOCK_SECONDS
    while True:
        try:
            attempt()
            return True
        except (BlockingIOError, PermissionError):  # another kernel has it
            if time.monotonic() > deadline:
                return False
            time.sleep(0.01)
        except OSError:  # there are no locks here
            return False


def report(console: Console | None = None) -> None:
    """Print a table of all lessons and exercises: state, points, hints taken."""
    from rich.console import Console
    from rich.table import Table

    from .registry import exercises, lessons

    console = console or Console()
    # A console that can't write every sign, such as Windows's, gets the words alone.
    signs = not console.options.ascii_only
    entries = read()
    earned_of_all = points_of_all = 0
    for lesson in lessons():
        own = exercises(lesson.id)
        earned = sum(e.points for e in own if entries.get(e.name, Entry()).solved)
        points = sum(e.points for e in own)
        earned_of_all += earned
        points_of_all += points
        dot = "·" if signs else "-"
        table = Table(
            title=f"{lesson.id[:2]} {dot} {lesson.title}  ({earned} of {points} points)",
            title_justify="left",
            title_style="bold",
            width=min(76, console.width),
        )
        table.add_column("exercise", ratio=1)
        table.add_column("state", width=15)
        table.add_column("points", justify="right", width=6)
        table.add_column("hints", justify="right", width=6)
        for exercise in own:
            entry = entries.get(exercise.name, Entry())
            table.add_row(
                exercise.name,
                _state(entry, signs),
                f"{exercise.points if entry.solved else 0} / {exercise.points}",
                f"{min(entry.hints, len(exercise.hints))} / {len(exercise.hints)}",
            )
        console.print(table)
        console.print()
    console.print(f"{earned_of_all} of {points_of_all} points.")
    place = progress_file()
    if place is not None and entries:
        console.print(f"Kept in {place}; delete it to begin anew.", soft_wrap=True)
    elif place is not None:
        console.print("Nothing attempted yet: `course start` opens the lessons.")
    else:
        console.print("No progress is kept (COURSE_PROGRESS=off).")


def _state(entry: Entry, signs: bool) -> str:
    if entry.solved:
        sign, colour, words = "✓", "green", "solved"
    elif entry.attempts:
        tries = "try" if entry.attempts == 1 else "tries"
        sign, colour, words = "✗", "yellow", f"{entry.attempts} {tries}"
    else:
        sign, colour, words = "○", "dim", "not attempted"
    return f"[{colour}]{sign} {words}[/{colour}]" if signs else words
