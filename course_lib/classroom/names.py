"""Find the lesson that somebody means."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path


def match_lesson(lesson: str, lessons: Iterable[str]) -> str:
    """Return the full name of a lesson given as `03_relu_rules`, `03_relu_rules.ipynb`, `03`, `3`.

    Args:
        lesson: what somebody typed.
        lessons: the names there are.

    Raises:
        ValueError: no such lesson; close matches are named.
    """
    known = list(lessons)
    wanted = Path(lesson).name.removesuffix(".ipynb").removesuffix(".py")
    for name in known:
        number, _, title = name.partition("_")
        if wanted in (name, number, number.lstrip("0") or "0", title):
            return name
    close = get_close_matches(wanted, known, n=3, cutoff=0.4)
    meant = f"did you mean {' or '.join(close)}?" if close else f"there are {', '.join(known)}."
    raise ValueError(f"There is no lesson {lesson!r}; {meant}")
