"""The capstone: a sealed case for each learner, a network that looks at the wrong thing."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .case import Case as Case
    from .case import new_case as new_case
    from .case import open_case as open_case
    from .judging import judge as judge

_HOME = {"Case": "case", "new_case": "case", "open_case": "case", "judge": "judging"}

__all__ = sorted(_HOME)


def __getattr__(name: str) -> Any:
    """Load each name's module on first use."""
    if name not in _HOME:
        raise AttributeError(f"module 'course_lib.challenge' has no attribute {name!r}")
    return getattr(import_module(f".{_HOME[name]}", __name__), name)
