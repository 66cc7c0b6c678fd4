"""What has been graded, one line a file, written as it comes: a grade once written stays."""

from __future__ import annotations

import hashlib
import json
import os
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from .verdicts import Result, result_of

NAME = "results.jsonl"


@dataclass(frozen=True)
class Record:
    """A file's result.

    Attributes:
        student, file: whose, and which.
        digest: of the file's bytes; one that has changed since is graded again.
        submitted: when it came, in ISO format.
        result: what it is worth.
    """

    student: str
    file: str
    digest: str
    submitted: str
    result: Result


class Records:
    """The results of a grading run, in a file that only grows.

    A line is written in one piece and reaches the disk before the next submission's does. A last
    line that a crash has cut off is taken away when the file is opened again.

    Args:
        folder: where it is kept.
        resume: go on with what is there.

    Raises:
        ValueError: there are results already, and nobody said to go on with them; they can't be
            read; or another process is writing there.
    """

    def __init__(self, folder: Path, *, resume: bool = False) -> None:
        self._path = folder / NAME
        self._lock = threading.Lock()
        self._records: dict[tuple[str, str], Record] = {}
        if self._path.exists() and not resume:
            raise ValueError(
                f"{folder} holds grades already; go on with them by --resume, or choose "
                "another folder."
            )
        self._file = self._path.open("ab")
        try:
            _lock(self._file)
            self._read()
        except ValueError:
            self._file.close()
            raise

    def _read(self) -> None:
        good = 0
        with self._path.open("rb") as file:
            for number, line in enumerate(file, start=1):
                if not line.endswith(b"\n"):
                    break
                try:
                    data = json.loads(line)
                    record = Record(**{**data, "result": result_of(data["result"])})
                except (ValueError, TypeError, KeyError):
                    raise ValueError(
                        f"Line {number} of {self._path} is no grade of this version of the course; "
                        "choose another folder, where all are graded anew."
                    ) from None
                good += len(line)
                self._records[record.student, record.file] = record
        if good < self._path.stat().st_size:
            os.truncate(self._path, good)

    def has(self, student: str, file: str, digest: str) -> bool:
        """Tell whether this very file has been graded."""
        record = self._records.get((student, file))
        return record is not None and record.digest == digest

    def add(self, record: Record) -> None:
        """Keep a result; it is on the disk when this returns."""
        data: dict[str, Any] = {**vars(record), "result": record.result.plain()}
        line = json.dumps(data).encode() + b"\n"
        with self._lock:
            self._file.write(line)
            self._file.flush()
            os.fsync(self._file.fileno())
            self._records[record.student, record.file] = record

    def all(self) -> list[Record]:
        """All results, by student and file."""
        return [self._records[key] for key in sorted(self._records)]

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def _lock(file: BinaryIO) -> None:
    """Keep other processes away until the file is closed, where the system has such locks."""
    try:
        import fcntl
    except ModuleNotFoundError:
        return
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise ValueError(
            f"Another `course grade` is writing to {Path(file.name).parent}; wait for its end."
        ) from None
    except OSError:
        return  # a file system without locks


def digest(content: bytes) -> str:
    """A fingerprint of a file's bytes."""
    return hashlib.sha256(content).hexdigest()
