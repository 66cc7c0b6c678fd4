"""The attribution course: reference methods, exercises with checks, explorers, classroom tools."""

from __future__ import annotations

from typing import Any

__version__ = "0.1.0"

_FOR_NOTEBOOKS = ("beat", "check", "hint", "lesson_end", "predict", "reveal", "solution")


def __getattr__(name: str) -> Any:
    """Load what notebooks call on first use, so that `import course_lib` stays cheap."""
    if name not in _FOR_NOTEBOOKS:
        raise AttributeError(f"module 'course_lib' has no attribute {name!r}")
    from course_lib import exercises

    return getattr(exercises, name)
