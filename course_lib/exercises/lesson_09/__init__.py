"""Exercises of lesson 09: find out what a network answers for, and prove it."""

from __future__ import annotations

from ..engine.exercise import Lesson

LESSON = Lesson(
    id="09_detective",
    title="The right answer for the wrong reason",
    minutes=60,
    difficulty=2,
    summary="the share of a map beside the object; a class's mean map; a patch moved into scenes",
    predictions=(
        "suspects_accuracy",
        "outside_when_honest",
        "peaks_in_the_middle",
        "right_without_the_mark",
        "framed",
        "share_of_the_mark",
        "worst_witness",
    ),
)
