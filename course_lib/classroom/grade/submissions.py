"""Find who handed in what: a folder or a file a student, zip files, nbgrader's own layout."""

from __future__ import annotations

import hashlib
import os
import re
import stat
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from .archives import LIMIT, BadArchive, Member, members, read_member

_IGNORED = {"__MACOSX", ".ipynb_checkpoints", "__pycache__", ".git"}
_MOODLE = re.compile(r"_assignsubmission_(file|onlinetext).*\Z", re.IGNORECASE)
_CANVAS = re.compile(r"\A(?P<name>[^_]+)(_LATE)?_(?P<id>\d+)_\d+(_|\Z)")
_COPY = r"(?:[ _-]*\(\d+\)|-\d{1,2}|[ _-]*copy\d*|-Copy\d+)?"
_FILES_A_STUDENT = 60
_NEST = 2


@dataclass(frozen=True)
class Submission:
    """A file that a student handed in.

    Attributes:
        student: who.
        file: its name, as the instructor and the student know it.
        date: when it was handed in, as far as the file knows.
        fault: why it is not graded, as an end of a sentence, or empty.
        read: gives its bytes; raises BadArchive or OSError.
    """

    student: str
    file: str
    date: datetime
    fault: str = ""
    read: Callable[[], bytes] = lambda: b""


@dataclass(frozen=True)
class _Entry:
    parts: tuple[str, ...]
    date: datetime
    fault: str
    read: Callable[[], bytes]


def find_submissions(root: Path, lessons: list[str]) -> list[Submission]:
    """All submissions under a folder or in a zip file, by student.

    Args:
        root: the folder, or the zip file.
        lessons: the names of the course's lessons, which are no part of a student's.

    Raises:
        ValueError: there is nothing like a submission.
    """
    if not root.exists():
        raise ValueError(f"There is no folder or zip file {root}.")
    if root.is_dir():
        inner = root / "submitted"
        if inner.is_dir() and not list(root.glob("*.ipynb")):
            root = inner
        entries = list(_in_folder(root, ()))
    else:
        content = _read_file(root)
        try:
            entries = _without_wrapper(list(_in_archive(content, (), 0)), lessons)
        except BadArchive as reason:
            raise ValueError(
                f"{root} is no folder and no zip file of submissions: {reason}."
            ) from None
    stamps = _time_stamps(entries)
    names = _Names(lessons)
    found: dict[str, list[Submission]] = {}
    for entry in entries:
        is_notebook = entry.parts[-1].lower().endswith(".ipynb")
        if not is_notebook and not entry.fault:
            continue
        student = names.of(entry.parts) or root.resolve().stem
        date = stamps.get(entry.parts[:2], entry.date)
        file = _legible("/".join(entry.parts))
        found.setdefault(student, []).append(
            Submission(student, file, date, entry.fault, entry.read)
        )
    for entry in entries:
        if len(entry.parts) > 1:
            # who handed in something, but no notebook, must hear of it
            student = names.of(entry.parts)
            if student and student not in found:
                file = _legible("/".join(entry.parts))
                fault = "it is no notebook (.ipynb)"
                found[student] = [Submission(student, file, entry.date, fault, entry.read)]
    if not found:
        raise ValueError(
            f"There is no notebook in {root}; it should hold a folder, a zip file or a notebook "
            "for each student."
        )
    return [
        submission
        if i < _FILES_A_STUDENT
        else replace(submission, fault="there are too many files")
        for student in sorted(found)
        for i, submission in enumerate(sorted(found[student], key=lambda s: s.file))
    ]


def _in_folder(folder: Path, above: tuple[str, ...]) -> Iterator[_Entry]:
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError:
        return
    for entry in entries:
        name = _text(entry.name)
        parts = (*above, name)
        path = Path(entry.path)
        if name in _IGNORED or name.startswith("._"):
            continue
        if entry.is_symlink():
            yield _Entry(parts, datetime.now().astimezone(), "it is a link", bytes)
        elif entry.is_dir():
            if len(parts) < 12:
                yield from _in_folder(path, parts)
        elif not entry.is_file():
            yield _Entry(parts, datetime.now().astimezone(), "it is no ordinary file", bytes)
        else:
            yield from _file(path, parts)


def _file(path: Path, parts: tuple[str, ...]) -> Iterator[_Entry]:
    status = path.lstat()
    date = datetime.fromtimestamp(status.st_mtime).astimezone()
    fault = f"it is larger than {LIMIT >> 20} MB" if status.st_size > LIMIT else ""
    if parts[-1].lower().endswith(".zip") and not fault:
        try:
            content = _read_file(path)
            yield from _in_archive(content, (*parts[:-1], parts[-1][:-4]), 0, path)
        except BadArchive as reason:
            yield _Entry(parts, date, str(reason), bytes)
        return
    yield _Entry(parts, date, fault, lambda: _read_file(path))


def _in_archive(
    content: bytes, above: tuple[str, ...], depth: int, path: Path | None = None
) -> Iterator[_Entry]:
    for member in members(content):
        if _IGNORED & set(member.parts) or member.parts[-1].startswith("._"):
            continue
        parts = (*above, *map(_text, member.parts))
        if not member.fault and parts[-1].lower().endswith(".zip") and depth < _NEST:
            try:
                inner = read_member(content, member)
                yield from _in_archive(inner, (*parts[:-1], parts[-1][:-4]), depth + 1)
            except BadArchive as reason:
                yield _Entry(parts, member.date, str(reason), bytes)
            continue
        yield _Entry(parts, member.date, member.fault, _reader(content, member, path))


def _reader(content: bytes, member: Member, path: Path | None) -> Callable[[], bytes]:
    """Read a member later; an archive that lies on disk is not kept in memory meanwhile."""
    if path is None:
        return lambda: read_member(content, member)
    return lambda: read_member(_read_file(path), member)


def _read_file(path: Path) -> bytes:
    """A file's bytes; a link that has taken its place since is not followed."""
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0))
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise BadArchive("it is no ordinary file")
        return file.read()


def _without_wrapper(entries: list[_Entry], lessons: list[str]) -> list[_Entry]:
    """Take away the one folder in which an archive has everything, unless it is a student's."""
    tops = {entry.parts[0] for entry in entries}
    deep = all(len(entry.parts) > 2 and entry.parts[1] not in lessons for entry in entries)
    if len(tops) == 1 and deep:
        return [replace(entry, parts=entry.parts[1:]) for entry in entries]
    return entries


def _time_stamps(entries: list[_Entry]) -> dict[tuple[str, ...], datetime]:
    """The dates that nbgrader wrote into `student/lesson/timestamp.txt`."""
    stamps: dict[tuple[str, ...], datetime] = {}
    for entry in entries:
        if entry.parts[-1] == "timestamp.txt" and len(entry.parts) == 3 and not entry.fault:
            try:
                text = entry.read()[:100].decode()
                # nbgrader writes `2015-02-02 15:58:23.948203 America/Los_Angeles` or ` UTC`
                date, _, zone = text.strip().partition(" ")
                clock, _, zone = zone.partition(" ")
                stamps[entry.parts[:2]] = _zoned(datetime.fromisoformat(f"{date} {clock}"), zone)
            except (ValueError, OSError):
                continue
    return stamps


def _zoned(date: datetime, zone: str) -> datetime:
    from zoneinfo import ZoneInfo

    if date.tzinfo is not None or not zone:
        return date.astimezone()
    try:
        return date.replace(tzinfo=ZoneInfo(zone))
    except (ValueError, KeyError, OSError):
        return date.astimezone()


class _Names:
    """Students' names, legible, and no two students' the same: nobody hands in for another.

    Args:
        lessons: what is no part of a name.
    """

    def __init__(self, lessons: list[str]) -> None:
        self._lessons = lessons
        self._whole: dict[str, str] = {}

    def of(self, parts: tuple[str, ...]) -> str:
        """The name of whose file has these parts in its name; may be empty."""
        name = _student(parts, self._lessons)
        legible = _legible(name)
        if self._whole.setdefault(legible, name) == name:
            return legible
        mark = hashlib.sha256(name.encode("utf-8", "replace")).hexdigest()[:6]
        return f"{legible} ({mark})"


def _student(parts: tuple[str, ...], lessons: list[str]) -> str:
    """The student's name: the first folder, or what a file's name has besides the lesson's."""
    name = _MOODLE.sub("", parts[0])
    canvas = _CANVAS.match(name)
    if canvas:
        return f"{canvas['name']}_{canvas['id']}"
    if len(parts) > 1:
        return name.strip()
    name = name.rpartition(".")[0] or name
    for lesson in lessons:
        pattern = rf"(?:\A|[ _.-]+){re.escape(lesson)}{_COPY}(?=\Z|[ _.-])"
        name = re.sub(pattern, "", name, flags=re.IGNORECASE)
    return name.strip(" _.-")


def _legible(text: str) -> str:
    """A name without what can't be seen or turns the text around it about."""
    kept = "".join(c for c in text if unicodedata.category(c) not in ("Cc", "Cf", "Cs", "Co", "Cn"))
    return kept[:200].strip()


def _text(name: str) -> str:
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
