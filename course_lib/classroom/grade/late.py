"""Late days: from the date that something was due and the date that it came."""

from __future__ import annotations

import csv
import math
from datetime import datetime, time, timedelta
from pathlib import Path

_DAY = timedelta(days=1)


def parse_due(text: str) -> datetime:
    """A moment from `2026-11-30`, the end of that day, or `2026-11-30 18:00`, with or without zone.

    Raises:
        ValueError: it is no date.
    """
    try:
        date = datetime.fromisoformat(text.strip())
    except ValueError:
        raise ValueError(
            f"{text!r} is no date; write it as 2026-11-30 or 2026-11-30T18:00."
        ) from None
    if len(text.strip()) <= 10:
        date = datetime.combine(date.date(), time(23, 59, 59))
    return date if date.tzinfo is not None else date.astimezone()


def days_late(due: datetime | None, came: datetime) -> int:
    """Whole days, rounded up: a minute late is one day late; 0 when nothing was due."""
    if due is None or came <= due:
        return 0
    return math.ceil((came - due) / _DAY)


def read_times(path: Path) -> dict[str, datetime]:
    """When each student handed in, from a CSV with the columns `student` and `submitted`.

    Raises:
        ValueError: there is no such table, the columns are not there, or a date is none.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = csv.DictReader(file, restval="")
            if not {"student", "submitted"} <= set(rows.fieldnames or ()):
                raise ValueError(
                    f"{path} needs the columns student and submitted, with a comma between them."
                )
            return {row["student"].strip(): _moment(path, row) for row in rows}
    except OSError as error:
        raise ValueError(f"{path} can't be read: {error.strerror}.") from None
    except (UnicodeDecodeError, csv.Error):
        raise ValueError(f"{path} is no CSV in UTF-8; save it as that.") from None


def _moment(path: Path, row: dict[str, str]) -> datetime:
    try:
        return parse_due(row["submitted"])
    except ValueError as error:
        raise ValueError(f"{path}, {row['student']}: {error}") from None
