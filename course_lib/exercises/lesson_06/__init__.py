"""Exercises of lesson 06: a map from random masks and the network's answers alone."""

from __future__ import annotations

from ..engine.exercise import Lesson

LESSON = Lesson(
    id="06_rise",
    title="Asking from the outside: RISE",
    minutes=45,
    difficulty=2,
    summary="random masks and their estimator; its standard error; a classifier without gradients",
    predictions=(
        "four_masks",
        "average_mask",
        "constant_classifier",
        "two_classes",
        "half_the_error",
        "cells",
        "rounded_gradient",
        "eight_scenes",
        "espresso",
    ),
)
