"""What learners build: `check` judges an answer, `hint` helps, `solution` shows the reference."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from .engine.exercise import Exercise, Lesson

if TYPE_CHECKING:
    from .engine.beating import beat
    from .engine.checking import (
        add_to_checks,
        check,
        close_solutions,
        go_on_with,
        hint,
        require_right,
        solution,
    )
    from .engine.predictions import lesson_end, predict, reveal

_MODULES = {
    "beat": "beating",
    "lesson_end": "predictions",
    "predict": "predictions",
    "reveal": "predictions",
}

__all__ = [
    "Exercise",
    "Lesson",
    "add_to_checks",
    "beat",
    "check",
    "close_solutions",
    "go_on_with",
    "hint",
    "lesson_end",
    "predict",
    "require_right",
    "reveal",
    "solution",
]


def __getattr__(name: str) -> Any:
    """Load what judges and shows (and with it torch) on first use."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = import_module(f"{__name__}.engine.{_MODULES.get(name, 'checking')}")
    return getattr(module, name)
