"""Warnings that name the caller's line."""

from __future__ import annotations

import sys
import warnings

# contextlib: functions made contexts by `contextmanager` are left through it.
_INSIDE = ("course_lib", "torch", "contextlib")


def warn(message: str) -> None:
    """A UserWarning at the line outside this package, and outside torch, that led to it.

    Python shows a warning once for each such line; one that named ours would be shown for the
    first network only.
    """
    level = 1
    frame = sys._getframe()
    while frame.f_back and str(frame.f_globals.get("__name__")).split(".")[0] in _INSIDE:
        frame = frame.f_back
        level += 1
    warnings.warn(message, stacklevel=level)
