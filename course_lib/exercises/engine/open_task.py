"""What an open task is: a number to beat with anything that the learner likes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


class CannotScore(ValueError):
    """An answer that has no score; the message is one plain sentence for the learner."""


@dataclass(frozen=True)
class OpenTask:
    """One number to beat, at a lesson's end. No points, nothing is graded.

    Each stands in a file of its own, `lesson_NN/open_task.py`, as `TASK = OpenTask(...)` at its
    end.

    Args:
        name: what `beat("name", answer)` is called with. Unique in the course.
        lesson: id of the lesson, such as `"03_relu_rules"`.
        title: what stands in the lesson's heading, `## Open task: ...`.
        score: the score of an answer, whatever kind of thing that is: a function, or the seed of a
            scene. It raises `CannotScore` with a sentence when there is none. `over_hidden_scenes`
            is there for functions that make maps.
        to_beat: computes the number to beat, from the library's own method and the same scenes.
        whose: what reaches the number to beat, such as `"the gradient"`.
        measured: what the score is a number of, such as `"of the map lies on the object"`.
        example: an answer that beats the number: a test sees that it can be done.
        shown: how a score is written, such as `"{:.0%}"`.
        higher_is_better: whether the larger score wins.
    """

    name: str
    lesson: str
    title: str
    score: Callable[[Any], float]
    to_beat: Callable[[], float]
    whose: str
    measured: str
    example: Any
    shown: str = "{:.0%}"
    higher_is_better: bool = True

    def beats(self, score: float, other: float) -> bool:
        """Whether a score is better than another one."""
        return score > other if self.higher_is_better else score < other
