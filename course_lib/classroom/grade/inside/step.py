"""One piece of what is run of a submission."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Step:
    """One piece of the script.

    Attributes:
        kind: `run` some code, or `check` an exercise.
        label: how a student finds the cell; what is written in tracebacks.
        source: the code.
        exercise: what is checked, or the exercise whose answer a cell holds.
        answer: the name that is checked.
        own: whether a student wrote it.
        optional: whether it is run only where others need what it defines.
    """

    kind: Literal["run", "check"]
    label: str
    source: str = ""
    exercise: str = ""
    answer: str = ""
    own: bool = False
    optional: bool = False
