"""The exercise of lesson 00: how much of a map lies on an object."""

from __future__ import annotations

from ..engine.exercise import Lesson

LESSON = Lesson(
    id="00_start_here",
    title="Start here",
    minutes=15,
    difficulty=1,
    summary="the share of a map that lies on an object",
    predictions=(
        "star_covers",
        "bars",
        "crescent_covered",
        "what_raises",
        "star_share",
        "square_size",
    ),
)
