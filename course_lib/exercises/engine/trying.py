"""Tries an exercise for those who write it: does it judge and explain as it promises?"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from inspect import isclass
from pathlib import Path
from typing import Any

from .answers import misjudged, read_answers
from .checking import verdict_card
from .exercise import Exercise
from .judging import SEEDS, compared, judge, run

SECONDS = 0.5
"""How long a verdict may take."""

_MORE_SEEDS = range(100, 110)
_SEEDS_OF_GRADING = range(200, 206)


def faults(exercise: Exercise, collections: Path | None = None) -> Iterator[str]:
    """What is wrong with an exercise, a sentence each; nothing when it is fit for learners.

    Args:
        exercise: the exercise.
        collections: the folder of the collections of answers, of which those to this exercise are
            judged; None to judge none.
    """
    yield from reference_faults(exercise)
    for explanation in exercise.mistakes:
        yield from mistake_faults(exercise, explanation)
    yield from speed_faults(exercise)
    if collections is not None:
        own = [a for a in read_answers(collections) if a.exercise == exercise.name]
        yield from filter(None, map(misjudged, own))


def reference_faults(exercise: Exercise) -> Iterator[str]:
    """What is wrong with what the probe sees of the reference."""
    for seeds in (SEEDS, _MORE_SEEDS):
        expected, again = (run(exercise, exercise.reference, seeds) for _ in range(2))
        stopped = [one.symptom for one in expected if one.symptom]
        if stopped:
            yield f"The reference fails its own probe: {stopped[0]}"
        elif compared(exercise, expected, again).kind != "right":
            finding = compared(exercise, expected, again).finding
            yield f"The reference differs from itself in a second run: {finding}"
    if callable(exercise.reference) and judge(exercise, exercise.reference).kind != "not attempted":
        yield "The reference, handed back, is not said to be the course's own."


def mistake_faults(exercise: Exercise, explanation: str) -> Iterator[str]:
    """What is wrong with how a mistake is judged."""
    mistake = exercise.mistakes[explanation]
    named = f"The mistake {explanation!r}"
    if isclass(mistake) != isclass(exercise.reference):
        yield f"{named} is not of the same kind as the reference: one is a class."
        return
    verdict = judge(exercise, mistake)
    if verdict.kind == "right":
        yield f"{named} is judged right: the probe doesn't tell it from the reference."
        return
    if verdict.kind == "not attempted":
        yield f"{named} counts as not attempted: {verdict.finding}"
    elif verdict.explanation != explanation:
        yield f"{named} is explained by another: {verdict.explanation!r}"
    elif not verdict.finding:
        yield f"{named} is refused without a finding."
    if not _refused(exercise, mistake):
        yield f"{named} is judged right with all the seeds {list(_SEEDS_OF_GRADING)}."
    cards = {str(verdict_card(exercise, judge(exercise, mistake))) for _ in range(2)}
    if len(cards) > 1 or "0x7f" in cards.pop():
        yield f"{named} gets another card each time."


def speed_faults(exercise: Exercise) -> Iterator[str]:
    """Whether a verdict takes too long, in the time of this thread alone."""
    wrong = next(iter(exercise.mistakes.values()))
    judge(exercise, wrong)
    fastest = min(_seconds(exercise, wrong) for _ in range(3))
    if fastest > SECONDS:
        yield f"A verdict takes {fastest:.1f} s; it may take {SECONDS:g} s."


def report(exercise: Exercise, collections: Path | None) -> list[str]:
    """Print how an exercise was tried and what is wrong with it; returns what is wrong."""
    own = 0
    if collections is not None:
        own = sum(a.exercise == exercise.name for a in read_answers(collections))
    print(
        f"{exercise.name}: the reference, {len(exercise.mistakes)} mistakes and {own} answers of "
        "the collections ..."
    )
    found = list(faults(exercise, collections))
    for sentence in found:
        print(f"- {sentence}")
    if not found:
        print("All are judged as they should be.")
    return found


def _refused(exercise: Exercise, mistake: Any) -> bool:
    """Whether a mistake is noticed with other seeds too, as grading draws them."""
    for probe in filter(None, (exercise.probe, exercise.then)):
        tried = replace(exercise, probe=probe)
        for seed in _SEEDS_OF_GRADING:
            expected, got = (run(tried, a, [seed]) for a in (exercise.reference, mistake))
            if compared(tried, expected, got).kind != "right":
                return True
    return False


def _seconds(exercise: Exercise, answer: object) -> float:
    start = time.thread_time()  # not the wall's: other programs may be busy
    judge(exercise, answer)
    return time.thread_time() - start
