"""Exercises of lesson 07: the smooth mask of a given area that keeps the score highest."""

from __future__ import annotations

from ..engine.exercise import Lesson

LESSON = Lesson(
    id="07_extremal_perturbation",
    title="How little is enough: extremal perturbation",
    minutes=65,
    difficulty=3,
    summary="smooth masks of a given area, optimised; the score-area curve; the area slider",
    predictions=(
        "area_term",
        "enough",
        "curve",
        "preserve_and_delete",
        "free_mask",
        "free_masks_elsewhere",
        "best_regions",
        "another_network",
        "three_ways",
        "tripod_mask",
    ),
)
