"""The right answers: what the references and the known mistakes give on this run's fresh seeds."""

from __future__ import annotations

import secrets
from functools import cached_property
from typing import Any

from course_lib.exercises import Exercise
from course_lib.exercises.engine import isolation
from course_lib.exercises.engine.judging import Run, run
from course_lib.exercises.engine.registry import exercises

_SEEDS = 3


class Key:
    """Fresh seeds, and the course's own answers to them, each worked out when first needed.

    All students of a run are asked the same questions. The seeds are in the memory of the
    grading process, nowhere else, and gone with it: a later run draws others.
    """

    def __init__(self) -> None:
        """Draw the seeds."""
        self.seeds = [secrets.randbelow(2**31) + 2**31 for _ in range(_SEEDS)]
        self._runs: dict[tuple[str, bool, int, int], list[Run]] = {}

    @cached_property
    def exercises(self) -> dict[str, list[Exercise]]:
        """The exercises of every lesson, in order."""
        found: dict[str, list[Exercise]] = {}
        for exercise in exercises():
            found.setdefault(exercise.lesson, []).append(exercise)
        return found

    def runs(self, stage: Exercise, thing: Any, count: int) -> list[Run]:
        """The runs of a reference or a known mistake with the first seeds.

        Args:
            stage: the exercise with the probe that is meant.
            thing: the reference, or a known mistake.
            count: how many seeds.

        Raises:
            TimeUp: a mistake takes too long.
        """
        key = (stage.name, stage.then is None, id(thing), count)
        if key not in self._runs:
            limited = thing is not stage.reference
            with isolation.usual_settings():
                self._runs[key] = run(stage, thing, self.seeds[:count], limited=limited)
        return self._runs[key]

    def without_seeds(self, text: str) -> str:
        """The text, with any seed that a student got hold of taken out."""
        for seed in self.seeds:
            text = text.replace(str(seed), "...")
        return text
