"""Example data, and how to compare methods."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from course_lib.world.examples import get_example_data as get_example_data

    from .example import plot_example as plot_example
    from .pointing_game import PointingGame as PointingGame
    from .pointing_game import PointingGameBenchmark as PointingGameBenchmark
    from .results.leaderboard import leaderboard as leaderboard

_HOME = {
    "PointingGame": "course_lib.benchmark.pointing_game",
    "PointingGameBenchmark": "course_lib.benchmark.pointing_game",
    "get_example_data": "course_lib.world.examples",
    "leaderboard": "course_lib.benchmark.results.leaderboard",
    "plot_example": "course_lib.benchmark.example",
}

__all__ = sorted(_HOME)


def __getattr__(name: str) -> Any:
    """Load each name's module on first use."""
    if name not in _HOME:
        raise AttributeError(f"module 'course_lib.benchmark' has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)
