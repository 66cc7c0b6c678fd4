"""Exercises of lesson 02: find what a name stands for, replace it, put it back."""

from __future__ import annotations

from ..engine.exercise import Lesson

LESSON = Lesson(
    id="02_patch",
    title="Change a function without touching its users",
    minutes=60,
    difficulty=2,
    summary="resolve a dotted name; a Patch that always puts back what it replaced",
    predictions=(
        "turned",
        "after_the_failure",
        "without_relus",
        "desk",
        "relu_calls",
        "two_names",
        "open_units",
        "b_differs",
    ),
)
