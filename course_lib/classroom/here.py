"""What the first cell of every lesson asks: is this notebook open where it can work?"""

from __future__ import annotations

from pathlib import Path

from .places import lesson_folder


def here(*, solutions: bool = True) -> None:
    """Say so when the lesson was opened in the folder of clean copies; else say nothing.

    Args:
        solutions: whether `solution` shows any in this notebook.
    """
    if not solutions:
        from course_lib.exercises import close_solutions

        close_solutions()
    folder = Path.cwd()
    if folder.resolve() == lesson_folder().resolve():
        print(
            f"You opened this lesson in {folder}, where the course keeps its clean copies: the "
            "next build overwrites what you write there. "
            "Run `course start` and open the copy that it makes."
        )
