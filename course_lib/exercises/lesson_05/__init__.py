"""Exercises of lesson 05: relevance that is handed down and shared, and never grows."""

from __future__ import annotations

from ..engine.exercise import Lesson

LESSON = Lesson(
    id="05_excitation_backprop",
    title="Who contributed how much?",
    minutes=80,
    difficulty=2,
    summary="relevance shared among contributors, conserved, through residual sums; the contrast",
    predictions=(
        "most_credit",
        "bias_changes",
        "cells_with_a_share",
        "sum_at_the_bottom",
        "eight_sums",
        "credit_moved",
        "contrast_sum",
        "least_on_the_other",
        "lost_on_a_photo",
    ),
)
