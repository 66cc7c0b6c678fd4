"""Exercises of lesson 05: relevance that is handed down and shared, and never grows."""

from __future__ import annotations

from ..engine.exercise import Lesson

LESSON = Lesson(
    id="05_excitation_backprop",
    title="Who contributed how much?",
    minutes=60,
    difficulty=2,
    summary="relevance shared among contributors, conserved, through residual sums; the contrast",
)
