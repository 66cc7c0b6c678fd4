"""The attribution course: reference methods, exercises with checks, explorers, classroom tools."""

from __future__ import annotations

from typing import Any

__version__ = "0.1.0"

_LAZY = {
    "check": "course_lib.exercises",
    "hint": "course_lib.exercises",
    "solution": "course_lib.exercises",
}


def __getattr__(name: str) -> Any:
    """Load `check`, `hint` and `solution` on first use, so that `import course_lib` stays cheap."""
    if name not in _LAZY:
        raise AttributeError(f"module 'course_lib' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_LAZY[name]), name)
