"""The answers in a student's namespace: which object counts, and what the probe says of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from course_lib.exercises import Exercise
from course_lib.exercises.engine import isolation
from course_lib.exercises.engine.judging import (
    SEEDS,
    Verdict,
    before_running,
    compared,
    remarks,
    run,
    second_stage,
    too_slow,
)
from course_lib.exercises.engine.stubs import is_stub

from ..wire import pack_runs
from .own import is_the_librarys, watching_reference

_MISSING = object()


@dataclass
class Answers:
    """What a student's cells left under the names that are asked for.

    Attributes:
        exercises: the lesson's, by name.
        candidates: by exercise, the object that counts so far.
        given: by exercise, what its check left behind under the name.
        slow: by exercise, an answer that its check had to stop, and that need not run again.
    """

    exercises: dict[str, Exercise]
    candidates: dict[str, Any] = field(default_factory=dict)
    given: dict[str, Any] = field(default_factory=dict)
    slow: dict[str, Any] = field(default_factory=dict)

    def check(self, exercise: Exercise, space: dict[str, Any], *, judged: bool) -> None:
        """Do what a check cell does: keep the answer, and go on with it or with the reference.

        The cells that follow are a student's, so that it is their own business what they make of
        the reference; what an answer is worth is found out later, and outside. An answer that
        ended an earlier try is not judged here: the reference stands in for it.
        """
        answer = space.get(exercise.answer, _MISSING)
        self._consider(exercise, answer)
        right = False
        if judged and answer is not _MISSING:
            try:
                right = _is_right(exercise, answer)
            except isolation.TimeUp:
                self.slow[exercise.name] = answer
            except Exception:  # a student's cells have broken what judges here
                right = False
        space[exercise.answer] = self.given[exercise.name] = answer if right else exercise.reference

    def collect(self, space: dict[str, Any]) -> None:
        """After the last cell: take what was defined under a name since its check."""
        for exercise in self.exercises.values():
            answer = space.get(exercise.answer, _MISSING)
            if answer is not self.given.get(exercise.name, _MISSING):
                self._consider(exercise, answer)

    def _consider(self, exercise: Exercise, answer: Any) -> None:
        if answer is _MISSING:
            return
        if exercise.name in self.candidates and is_stub(answer, exercise.given):
            return
        self.candidates[exercise.name] = answer

    def probe(self, exercise: Exercise, seeds: list[int]) -> tuple[dict[str, Any], bytes]:
        """What the probe says of an answer with these seeds, as data and tensors to be sent."""
        answer = self.candidates.get(exercise.name, _MISSING)
        if answer is _MISSING:
            return _early("not attempted", f"`{exercise.answer}` is not defined."), b""
        if is_the_librarys(exercise, answer):
            return _early(
                "not attempted",
                f"This `{exercise.answer}` is the course's own object, not an answer of yours; it "
                "scores 0.",
            ), b""
        if self.slow.get(exercise.name, _MISSING) is answer:
            early: Verdict | None = too_slow(exercise)
        else:
            early = before_running(exercise, answer)
        if early is not None:
            return _early(early.kind, early.finding), b""
        with isolation.ONE_AT_A_TIME, isolation.usual_settings():
            try:
                runs = run(exercise, answer, seeds)
                then = second_stage(exercise)
                if then is not None and runs[-1].outputs is not None:
                    runs += run(then, answer, seeds[:1])
            except isolation.TimeUp:
                slow = too_slow(exercise)
                return _early(slow.kind, slow.finding), b""
            wraps = _wraps(exercise, answer, seeds[0])
        packed, tensors = pack_runs(runs)
        return {"runs": packed, "remark": remarks(exercise, answer), "wraps": wraps}, tensors


def _is_right(exercise: Exercise, answer: Any) -> bool:
    """What `judge` finds, without its search for the mistake that a wrong answer makes.

    Raises:
        TimeUp: the answer takes too long.
    """
    if before_running(exercise, answer) is not None:
        return False
    with isolation.ONE_AT_A_TIME, isolation.usual_settings():
        for stage, seeds in ((exercise, SEEDS), (second_stage(exercise), SEEDS[:1])):
            if stage is not None:
                expected = run(stage, stage.reference, seeds, limited=False)
                if compared(stage, expected, run(stage, answer, seeds)).kind != "right":
                    return False
    return True


def _early(kind: str, finding: str) -> dict[str, Any]:
    return {"kind": kind, "finding": finding}


def _wraps(exercise: Exercise, answer: Any, seed: int) -> bool:
    try:
        with watching_reference(exercise) as seen:
            run(exercise, answer, [seed])
            return seen()
    except BaseException:
        return False
