"""Read zip files that nobody vouches for: nothing is unpacked to disk, and nothing grows."""

from __future__ import annotations

import io
import stat
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

LIMIT = 64 << 20
"""The most bytes of a file, in an archive or not."""

MEMBERS = 20_000
"""The most files in an archive."""

_DIRECTORY = 8 << 20
_END, _END_64 = b"PK\x05\x06", b"PK\x06\x07"


class BadArchive(ValueError):
    """A zip file that is not read; the message is a sentence about why."""


@dataclass(frozen=True)
class Member:
    """A file in an archive: the parts of its name, its date, and why it can't be read, if so."""

    parts: tuple[str, ...]
    date: datetime
    fault: str
    info: zipfile.ZipInfo


def members(content: bytes) -> Iterator[Member]:
    """The files of an archive, in the order of their names.

    Args:
        content: the zip file.

    Raises:
        BadArchive: it is none, or larger than an archive of notebooks can be.
    """
    for info in sorted(_open(content).infolist(), key=lambda info: info.filename):
        if info.is_dir():
            continue
        fault = ""
        parts = tuple(part for part in info.filename.replace("\\", "/").split("/") if part)
        if ".." in parts or info.filename.startswith(("/", "\\")) or ":" in parts[0][:2]:
            fault = "its name leads out of the archive"
            parts = tuple(part for part in parts if part != "..")
        elif stat.S_ISLNK(info.external_attr >> 16):
            fault = "it is a link"
        elif info.flag_bits & 1:
            fault = "it is encrypted"
        elif info.file_size > LIMIT:
            fault = f"it is larger than {LIMIT >> 20} MB"
        yield Member(parts or ("?",), _date(info), fault, info)


def read_member(content: bytes, member: Member) -> bytes:
    """One file of an archive.

    Raises:
        BadArchive: it is damaged, or larger than it says.
    """
    try:
        with _open(content).open(member.info) as file:
            data = file.read(LIMIT + 1)
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, RuntimeError):
        raise BadArchive("it is damaged") from None
    if len(data) > LIMIT:
        raise BadArchive(f"it is larger than {LIMIT >> 20} MB")
    return data


def _open(content: bytes) -> zipfile.ZipFile:
    end = content.rfind(_END)
    if end < 0 or len(content) - end < 22:
        raise BadArchive("it is no zip file")
    count = int.from_bytes(content[end + 10 : end + 12], "little")
    size = int.from_bytes(content[end + 12 : end + 16], "little")
    if count > MEMBERS or size > _DIRECTORY or _END_64 in content[max(0, end - 20) : end]:
        raise BadArchive(f"it holds more than {MEMBERS:,} files")
    try:
        return zipfile.ZipFile(io.BytesIO(content))
    except (zipfile.BadZipFile, ValueError, NotImplementedError, OSError):
        raise BadArchive("it is a damaged zip file") from None


def _date(info: zipfile.ZipInfo) -> datetime:
    try:
        return datetime(*info.date_time).astimezone()
    except (ValueError, OverflowError):
        return datetime(1980, 1, 1).astimezone()
