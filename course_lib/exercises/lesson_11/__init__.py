"""Exercises of lesson 11: maps from tokens, and how far attention is an explanation."""

from __future__ import annotations

from ..engine.exercise import Lesson

LESSON = Lesson(
    id="11_transformers",
    title="Is attention an explanation?",
    minutes=60,
    difficulty=2,
    summary="maps from tokens; attention rollout; Grad-CAM on tokens; integrated gradients",
    predictions=(
        "tokens_that_change",
        "change_at_its_place",
        "rollout_on_objects",
        "rollout_without_classifier",
        "last_block_gradient",
        "one_step_gap",
        "shuffled_is_complete",
        "finds_an_object",
    ),
)
