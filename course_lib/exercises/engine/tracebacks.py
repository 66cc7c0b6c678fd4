"""A learner's traceback, without the frames of the course, of torch and of Python itself."""

from __future__ import annotations

import re
import sysconfig
import traceback
from pathlib import Path

from .probes import type_name

_LIBRARIES = (
    str(Path(__file__).resolve().parents[2]),
    *{sysconfig.get_path(kind) for kind in ("stdlib", "platstdlib", "purelib", "platlib")},
    "<frozen",
    "<__array_function__",
)
_SHOWN = 4


def trimmed(error: BaseException) -> str:
    """The learner's own lines and the error, as text; no path and no memory address in it."""
    frames = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if not frame.filename.startswith(_LIBRARIES)
    ]
    lines = [f"... {len(frames) - _SHOWN} more calls"] if len(frames) > _SHOWN else []
    for frame in frames[-_SHOWN:]:
        lines.append(f"line {frame.lineno}, in {frame.name}")
        if frame.line:
            lines.append(f"    {frame.line}")
    return tidy("\n".join([*lines, error_line(error)]))


def error_line(error: BaseException) -> str:
    """`ValueError: what it says`, however the exception behaves when asked for its text."""
    name = type_name(type(error))
    try:
        text = str.__str__(str(error))
    except Exception:
        text = "(it has no text that can be shown)"
    text = text if len(text) <= 600 else f"{text[:600]}..."
    return f"{name}: {text}" if text else name


def tidy(text: str) -> str:
    """The text without memory addresses and torch's own file names: the same on every machine."""
    text = re.sub(r"\s*\(Triggered internally at [^)]*\)", "", text)
    return re.sub(r"0x[0-9a-fA-F]{6,}", "0x...", text)
