"""The right answers: what the references and the known mistakes give on this run's fresh seeds."""

from __future__ import annotations

import secrets
from functools import cached_property
from typing import Any

from course_lib.exercises import Exercise
from course_lib.exercises.judging import Run, run
from course_lib.exercises.registry import exercises

_SEEDS = 3


class Key:
    """Fresh seeds, and the course's own answers to them, each worked out when first needed.

    All students of a run are asked the same questions. The seeds are in the memory of the
    grading process, nowhere else, and gone with it: a later run draws others.
    """

    def __init__(self) -> None:
        """Draw the seeds."""
        self.seeds = [secrets.randbelow(2**31) + 2**31 for _ in range(_SEEDS)]
        self._expected: dict[str, list[Run]] = {}
        self._mistaken: dict[tuple[str, int], list[Run]] = {}

    @cached_property
    def exercises(self) -> dict[str, list[Exercise]]:
        """The exercises of every lesson, in order."""
        found: dict[str, list[Exercise]] = {}
        for exercise in exercises():
            found.setdefault(exercise.lesson, []).append(exercise)
        return found

    def expected(self, exercise: Exercise) -> list[Run]:
        """The reference's runs.

        Raises:
            RuntimeError: the reference fails its own probe: a fault of the course.
        """
        if exercise.name not in self._expected:
            runs = run(exercise, exercise.reference, self.seeds, limited=False)
            if runs[-1].outputs is None:
                raise RuntimeError(
                    f"The reference of {exercise.name!r} fails its probe: {runs[-1].symptom}"
                )
            self._expected[exercise.name] = runs
        return self._expected[exercise.name]

    def mistaken(self, exercise: Exercise, mistake: Any, count: int) -> list[Run]:
        """The runs of a known mistake with the first seeds.

        Raises:
            TimeUp: it takes too long.
        """
        where = list(map(id, exercise.mistakes.values())).index(id(mistake))
        key = (exercise.name, where)
        if key not in self._mistaken:
            self._mistaken[key] = run(exercise, mistake, self.seeds)
        return self._mistaken[key][:count]

    def without_seeds(self, text: str) -> str:
        """The text, with any seed that a student got hold of taken out."""
        for seed in self.seeds:
            text = text.replace(str(seed), "...")
        return text
