"""Exercises of lesson 03: other backward rules for the ReLU, and what they do to the maps."""

from __future__ import annotations

from ..engine.exercise import Lesson

LESSON = Lesson(
    id="03_relu_rules",
    title="Three ways back through a ReLU",
    minutes=65,
    difficulty=2,
    summary="DeConvNet and guided backprop as autograd functions; how alike two classes' maps are",
    predictions=(
        "corner_and_neighbour",
        "fewest_pass",
        "peak_moves",
        "absent_on_objects",
        "guided_alike",
        "networks_with_the_rule",
        "same_for_cat_and_cup",
    ),
)
