"""`beat`: the score of an answer to an open task, beside the number to beat and the best so far."""

from __future__ import annotations

from functools import cache
from typing import Any

from . import isolation, progress
from .card import Block, Card, show
from .graded import is_graded
from .isolation import TimeUp
from .open_task import CannotScore, OpenTask
from .registry import find_open_task
from .stubs import is_stub
from .tracebacks import trimmed

SEED = 11
SECONDS = 60.0
"""After so long an answer is stopped: it may cost more than one to an exercise."""

_bests: dict[str, progress.Best] = {}


def beat(name: str, answer: Any) -> None:
    """Score an answer to an open task, and show the number to beat and the personal best.

    Nothing depends on it: what has not been tried costs nothing, and nothing is graded.

    Args:
        name: the open task.
        answer: what the task asks for; `None` or a stub as long as nobody has tried.

    Raises:
        UnknownName: no open task is called so.
    """
    task = find_open_task(name)
    if answer is None or is_stub(answer):
        show(Card("not attempted", "not tried yet", name))
        return
    try:
        score, printed = _score(task, answer)
    except TimeUp:
        sentence = f"It ran for more than {SECONDS:g} seconds and was stopped."
        show(Card("error", "no score", name, blocks=(Block(sentence),)))
    except CannotScore as error:
        show(Card("error", "no score", name, blocks=(Block(str(error)),)))
    except Exception as error:
        blocks = (
            Block("It stops with an error."),
            Block(trimmed(error), "preformatted"),
        )
        show(Card("error", "no score", name, blocks=blocks))
    else:
        show(_scored(task, score, printed))


def best_of(task: OpenTask) -> progress.Best | None:
    """The learner's best score so far, of this kernel or of the file; None without one."""
    kept = {} if is_graded() else progress.read().open_tasks
    return kept.get(task.name, _bests.get(task.name))


def _score(task: OpenTask, answer: Any) -> tuple[float, str]:
    """The score, and what was printed meanwhile.

    Raises:
        TimeUp: it took too long.
        KeyboardInterrupt: the learner interrupted.
        CannotScore: the answer has no score.
    """
    with (
        isolation.ONE_AT_A_TIME,
        isolation.interruptible() as pressed,
        isolation.isolated(SEED),
        isolation.captured() as output,
    ):
        try:
            with isolation.time_limit(SECONDS):
                score = float(task.score(answer))
        finally:
            if pressed.is_set():
                raise KeyboardInterrupt
    return score, str(output)


@cache
def _to_beat(task: OpenTask) -> float:
    with isolation.isolated(SEED):
        return float(task.to_beat())


def _scored(task: OpenTask, score: float, printed: str) -> Card:
    to_beat = _to_beat(task)
    before = best_of(task)
    note = ""
    if not is_graded():
        note = progress.record_score(
            task.name, score, to_beat, higher_is_better=task.higher_is_better
        )
        _bests[task.name] = progress.better(
            before, score, to_beat, higher_is_better=task.higher_is_better
        )
    beaten = task.beats(score, to_beat)
    shown, other = task.shown.format(score), task.shown.format(to_beat)
    if before is None:
        record = "It is your first try."
    elif task.beats(score, before.score):
        record = f"It is your best; before, that was {task.shown.format(before.score)}."
    else:
        record = f"Your best is {task.shown.format(before.score)}."
    blocks = [Block(f"{shown} {task.measured}. To beat: {other}, {task.whose}. {record}")]
    if printed:
        blocks.append(Block(printed, "preformatted", "It printed:"))
    if note:
        blocks.append(Block(note))
    return Card(
        tone="record" if beaten else "answer",
        word=f"{shown}, beaten" if beaten else f"{shown}, not beaten yet",
        title=task.name,
        blocks=tuple(blocks),
    )
