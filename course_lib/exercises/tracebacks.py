"""A learner's traceback, without the frames of the course, of torch and of Python itself."""

from __future__ import annotations

import re
import sysconfig
import traceback
from pathlib import Path

_COURSE = str(Path(__file__).resolve().parents[1])
_OTHERS = tuple(
    {sysconfig.get_path(kind) for kind in ("stdlib", "platstdlib", "purelib", "platlib")}
)
_SHOWN = 4


def trimmed(error: BaseException) -> str:
    """The learner's own lines and the error, as text; no path and no memory address in it."""
    frames = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if not frame.filename.startswith((_COURSE, *_OTHERS, "<frozen"))
    ]
    lines = []
    if len(frames) > _SHOWN:
        lines.append(f"... {len(frames) - _SHOWN} more calls before")
    for frame in frames[-_SHOWN:]:
        lines.append(f"line {frame.lineno}, in {frame.name}")
        if frame.line:
            lines.append(f"    {frame.line}")
    lines.append(error_line(error))
    return without_addresses("\n".join(lines))


def error_line(error: BaseException) -> str:
    """`ValueError: what it says`, however the exception behaves when asked for its text."""
    name = type(error).__name__
    try:
        text = str(error)
    except Exception:
        text = "(its text can't be shown)"
    text = text if len(text) <= 600 else f"{text[:597]}..."
    return f"{name}: {text}" if text else name


def without_addresses(text: str) -> str:
    """The text with memory addresses replaced, so that it is the same every time."""
    return re.sub(r"0x[0-9a-fA-F]{6,}", "0x...", text)
