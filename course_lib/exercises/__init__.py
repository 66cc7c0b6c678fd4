"""What learners build: `check` judges an answer, `hint` helps, `solution` shows the reference."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .engine.exercise import Exercise, Lesson

if TYPE_CHECKING:
    from .engine.checking import (
        check,
        close_solutions,
        go_on_with,
        hint,
        require_right,
        solution,
    )

__all__ = [
    "Exercise",
    "Lesson",
    "check",
    "close_solutions",
    "go_on_with",
    "hint",
    "require_right",
    "solution",
]


def __getattr__(name: str) -> Any:
    """Load what judges and shows (and with it torch) on first use."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from .engine import checking

    return getattr(checking, name)
