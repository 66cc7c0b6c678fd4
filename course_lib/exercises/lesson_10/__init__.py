"""Exercises of lesson 10: a network that answers for each pixel, and a score to explain it by."""

from __future__ import annotations

from ..engine.exercise import Lesson

LESSON = Lesson(
    id="10_beyond_classification",
    title="Beyond classification",
    minutes=45,
    difficulty=2,
    summary="a region's score for a segmentation network; what of a map says nothing; context",
    predictions=(
        "middle_pixel",
        "forgot_everything",
        "half_an_object",
        "other_surroundings",
        "far_pixels",
        "box_score",
    ),
)
