"""From what a sandbox said to grades: arrays are compared here, and only here."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from typing import Any

from course_lib.exercises import Exercise
from course_lib.exercises.engine.judging import Run, Verdict, judge_by

from .key import Key
from .slot import Collected
from .wire import TEXT_LIMIT, BadFrame, Frame, unpack_runs

_SUBMITTED = object()
_EARLY = ("wrong", "not attempted", "error")


@dataclass(frozen=True)
class Grade:
    """One exercise of one student.

    Attributes:
        exercise, lesson: their names.
        points: what the answer is worth: all of `max`, or nothing.
        max: what a right answer is worth.
        verdict: right, wrong, not attempted or error.
        finding, explanation, traceback: what a student reads, as in `Verdict`.
        looks_like_reference: right, and a copy or a wrapper of the course's own answer.
    """

    exercise: str
    lesson: str
    points: int
    max: int
    verdict: str
    finding: str = ""
    explanation: str = ""
    traceback: str = ""
    looks_like_reference: bool = False


@dataclass(frozen=True)
class Result:
    """What one file is worth.

    Attributes:
        lesson: the lesson that it answers; empty where it answers none.
        grades: of all exercises of the lesson, in order.
        notes: sentences on the file as a whole.
    """

    lesson: str = ""
    grades: tuple[Grade, ...] = ()
    notes: tuple[str, ...] = field(default=())

    def plain(self) -> dict[str, Any]:
        """As data for JSON."""
        return asdict(self)


def result_of(data: dict[str, Any]) -> Result:
    """What `Result.plain` gave."""
    grades = tuple(Grade(**grade) for grade in data["grades"])
    return Result(data["lesson"], grades, tuple(data["notes"]))


def judge_collected(collected: Collected, key: Key) -> Result:
    """Grade one submission.

    Args:
        collected: what the sandbox said; none of it is relied on.
        key: the right answers.
    """
    if collected.lesson not in key.exercises:
        sentence = collected.unreadable or "The notebook could not be read."
        return Result(notes=(_kept(sentence, key),))
    grades = []
    for exercise in key.exercises[collected.lesson]:
        verdict, wraps = _verdict(exercise, collected, key)
        right = verdict.kind == "right"
        grades.append(
            Grade(
                exercise=exercise.name,
                lesson=exercise.lesson,
                points=exercise.points if right else 0,
                max=exercise.points,
                verdict=verdict.kind,
                finding=_kept(verdict.finding, key),
                explanation=verdict.explanation,
                traceback=_kept(verdict.traceback, key),
                looks_like_reference=right and (wraps or exercise.name in collected.copies),
            )
        )
    return Result(collected.lesson, tuple(grades), _notes(collected, key))


def _verdict(exercise: Exercise, collected: Collected, key: Key) -> tuple[Verdict, bool]:
    """The verdict, and whether the answer was seen to call the reference."""
    name = exercise.name
    if name in collected.ended:
        sentence = f"While your `{exercise.answer}` was checked, it {collected.ended[name]}."
        return Verdict("error", sentence), False
    frame = collected.answers.get(name)
    if frame is None:
        sentence = f"Your `{exercise.answer}` was not reached: the notebook stopped before."
        return _with_trouble(Verdict("error", sentence), exercise, collected), False
    try:
        return _from_frame(exercise, frame, collected, key)
    except BadFrame:
        sentence = f"What came back from your `{exercise.answer}` is no result."
        return Verdict("error", sentence), False


def _from_frame(
    exercise: Exercise, frame: Frame, collected: Collected, key: Key
) -> tuple[Verdict, bool]:
    data = frame.data
    if "runs" not in data:
        kind, finding = data.get("kind"), data.get("finding")
        if kind not in _EARLY or not isinstance(finding, str):
            raise BadFrame("This is no verdict.")
        verdict = Verdict(kind, finding)
        return _with_trouble(verdict, exercise, collected), False
    remark = data.get("remark")
    count = len(key.seeds)
    key.runs(exercise, exercise.reference, count)
    try:
        got = unpack_runs(data["runs"], frame.tensors)
        if len(got) > count + (exercise.then is not None):
            raise BadFrame("These are more runs than there are seeds.")

        def runner(stage: Exercise, thing: Any, wanted: int) -> list[Run]:
            if thing is not _SUBMITTED:
                return key.runs(stage, thing, wanted)
            return got[:count] if stage is exercise else got[count:]

        verdict = judge_by(
            exercise,
            _SUBMITTED,
            runner,
            count,
            remark[:TEXT_LIMIT] if isinstance(remark, str) else "",
        )
    except Exception:  # whatever comparing stumbles over, a sandbox made it up
        raise BadFrame("This is no result.") from None
    return verdict, data.get("wraps") is True


def _with_trouble(verdict: Verdict, exercise: Exercise, collected: Collected) -> Verdict:
    """Where nothing was defined because its cell failed, that is what there is to say."""
    for trouble in reversed(collected.troubles):
        if trouble["exercise"] == exercise.name:
            finding = f"The cell of your `{exercise.answer}` did not come to its end."
            if verdict.kind == "not attempted" and "not defined" not in verdict.finding:
                return verdict
            return replace(verdict, kind="error", finding=finding, traceback=trouble["trouble"])
    return verdict


def _notes(collected: Collected, key: Key) -> tuple[str, ...]:
    notes = [note for note in collected.notes if isinstance(note, str)]
    for trouble in collected.troubles:
        if trouble["own"] and not trouble["exercise"]:
            last = trouble["trouble"].strip().splitlines()[-1:]
            notes.append(f"In {trouble['label']}: {' '.join(last)}")
    return tuple(_kept(note, key) for note in notes[:40])


def _kept(text: str, key: Key) -> str:
    """The text, cut, without seeds and without half characters, which no file can hold."""
    whole = text[:TEXT_LIMIT].encode("utf-8", "replace").decode()
    return key.without_seeds(whole)
