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
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

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

    def __post_init__(self) -> None:
        """Refuse what no exercise leaves behind."""
        _require(all(type(count) is int and count >= 0 for count in (self.attempts, self.hints)))
        _require(all(_is_text(moment) for moment in (self.solved, self.first, self.last)))


@dataclass(frozen=True)
class Prediction:
    """What happened with one prediction.

    Attributes:
        guess: the choice that was guessed, as it is shown; None for none.
        right: whether it was right; None until the answer was shown, and without a guess.
        answered: when the answer was shown first; guesses that come later do not count.
    """

    guess: str | None = None
    right: bool | None = None
    answered: str | None = None

    def __post_init__(self) -> None:
        """Refuse what no prediction leaves behind."""
        _require(_is_text(self.guess) and _is_text(self.answered))
        _require(self.right is None or type(self.right) is bool)


@dataclass(frozen=True)
class Best:
    """What happened with one open task.

    Attributes:
        score: the learner's best.
        to_beat: the number to beat when that score was reached.
        tries: how many answers were scored.
    """

    score: float
    to_beat: float
    tries: int = 1

    def __post_init__(self) -> None:
        """Refuse what no open task leaves behind."""
        _require(all(type(number) in (int, float) for number in (self.score, self.to_beat)))
        _require(type(self.tries) is int and self.tries >= 1)


@dataclass
class Record:
    """All that the file holds, by name."""

    exercises: dict[str, Entry] = field(default_factory=dict)
    predictions: dict[str, Prediction] = field(default_factory=dict)
    open_tasks: dict[str, Best] = field(default_factory=dict)

    def __bool__(self) -> bool:
        """Whether anything was done."""
        return bool(self.exercises or self.predictions or self.open_tasks)


def _require(sound: bool) -> None:
    if not sound:
        raise ValueError("an entry is damaged")


def _is_text(value: Any) -> bool:
    return value is None or isinstance(value, str)


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

    return _change_entry(name, change)


def record_hint(name: str, number: int) -> str:
    """Note that this many hints were taken. Returns a sentence to show when that went wrong."""
    return _change_entry(name, lambda entry, _: replace(entry, hints=max(entry.hints, number)))


def record_guess(name: str, guess: str) -> str:
    """Note a guess, unless the answer was shown before. Returns a sentence when that went wrong."""

    def change(record: Record, _: str) -> None:
        kept = record.predictions.get(name, Prediction())
        if kept.answered is None:
            record.predictions[name] = replace(kept, guess=guess)

    return _update(change)


def record_answer(name: str, right: bool | None) -> str:
    """Note that the answer to a prediction was shown. Returns a sentence when that went wrong.

    Args:
        name: of the prediction.
        right: whether the guess was right; None without a guess.
    """

    def change(record: Record, now: str) -> None:
        kept = record.predictions.get(name, Prediction())
        if kept.answered is None:
            record.predictions[name] = replace(kept, right=right, answered=now)

    return _update(change)


def record_score(name: str, score: float, to_beat: float, *, higher_is_better: bool) -> str:
    """Note the score of an open task. Returns a sentence to show when that went wrong, else ""."""

    def change(record: Record, _: str) -> None:
        record.open_tasks[name] = better(
            record.open_tasks.get(name), score, to_beat, higher_is_better=higher_is_better
        )

    return _update(change)


def better(kept: Best | None, score: float, to_beat: float, *, higher_is_better: bool) -> Best:
    """The best after one more score."""
    if kept is None:
        return Best(score, to_beat)
    improved = score > kept.score if higher_is_better else score < kept.score
    if improved:
        return Best(score, to_beat, kept.tries + 1)
    return replace(kept, tries=kept.tries + 1)


def read() -> Record:
    """What is kept; nothing when there is no file or it can't be read."""
    path = progress_file()
    try:
        return _parse(path.read_text(encoding="utf-8")) if path is not None else Record()
    except (OSError, ValueError, RecursionError):
        return Record()


def _change_entry(name: str, change: Callable[[Entry, str], Entry]) -> str:
    def change_record(record: Record, now: str) -> None:
        entry = record.exercises.get(name, Entry(first=now))
        record.exercises[name] = replace(change(entry, now), last=now)

    return _update(change_record)


def _update(change: Callable[[Record, str], None]) -> str:
    path: Path | None = None
    try:
        path = progress_file()
        if path is None:
            return ""
        path = path.resolve()
        path.parent.mkdir(parents=True, exist_ok=True)
        with _locked(path):
            record, note = _read_or_set_aside(path)
            change(record, datetime.now(UTC).isoformat(timespec="seconds"))
            _write(path, record)
        return note
    except (OSError, RuntimeError) as error:  # no home folder is a RuntimeError
        reason = getattr(error, "strerror", None) or str(error)
        place = path or Path("~")
        if place in _warned_of:
            return ""
        _warned_of.add(place)
        return f"Your progress is not kept: `{place}` can't be written ({reason})."


def _parse(text: str) -> Record:
    data = json.loads(text)
    if not isinstance(data, dict) or data.get("format") != _FORMAT:
        raise ValueError("not a progress file of this course")
    if "exercises" not in data:
        raise ValueError("no exercises in it")
    return Record(
        exercises=_parse_section(data, "exercises", Entry),
        predictions=_parse_section(data, "predictions", Prediction),
        open_tasks=_parse_section(data, "open_tasks", Best),
    )


def _parse_section(data: dict[str, Any], section: str, kind: Callable[..., Any]) -> dict[str, Any]:
    entries = data.get(section, {})
    if not isinstance(entries, dict):
        raise ValueError(f"no {section} in it")
    try:
        return {name: kind(**entry) for name, entry in entries.items()}
    except TypeError as error:
        raise ValueError(str(error)) from None


def _read_or_set_aside(path: Path) -> tuple[Record, str]:
    try:
        return _parse(path.read_text(encoding="utf-8")), ""
    except FileNotFoundError:
        return Record(), ""
    except (ValueError, RecursionError):
        stamp = datetime.now(UTC).strftime("%Y-%m-%d-%H%M%S")
        aside = path.with_name(f"{path.stem}-set-aside-{stamp}{path.suffix}")
        number = 1
        while aside.exists():
            number += 1
            aside = path.with_name(f"{path.stem}-set-aside-{stamp}-{number}{path.suffix}")
        path.rename(aside)
        return Record(), (
            f"The progress file could not be understood; it was set aside as `{aside.name}`, and a "
            "new one begun."
        )


def _write(path: Path, record: Record) -> None:
    data = {"format": _FORMAT, **asdict(record)}
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(data, file, indent=1, sort_keys=True)
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
