"""Exercises of lesson 01: the gradient of a score, maps made from it, and a batch at once."""

from __future__ import annotations

from ..engine.exercise import Lesson

LESSON = Lesson(
    id="01_gradients",
    title="Gradients: which pixels would change the answer?",
    minutes=45,
    difficulty=1,
    summary="class score gradient; three maps made from it; one-hot targets for a batch",
    predictions=(
        "ways_alike",
        "adds_up",
        "batch_disturbs",
        "peak_on_object",
        "noisy_maps_alike",
        "average_on_object",
        "says_yes_at",
        "tripod_in_noise",
    ),
)
