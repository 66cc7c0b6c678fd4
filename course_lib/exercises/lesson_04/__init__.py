"""Exercises of lesson 04: what a layer sees, and two ways of making a map from it."""

from __future__ import annotations

from ..engine.exercise import Lesson

LESSON = Lesson(
    id="04_layers",
    title="The same image, seen from every layer",
    minutes=55,
    difficulty=2,
    summary="a probe for any layer; linear approximation and Grad-CAM; the layer slider",
    predictions=(
        "cell_width",
        "kept_output",
        "top_gradient",
        "lower_maps",
        "lowest_layer",
        "four_families",
        "tripod",
    ),
)
