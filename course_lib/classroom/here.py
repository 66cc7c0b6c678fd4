"""What the first cell of every lesson asks: is this notebook open where it can work?"""

from __future__ import annotations

from pathlib import Path

from .places import lesson_folder
from .versions import if_older


def here(*, lesson: str = "", version: str = "", solutions: bool = True) -> None:
    """Say so when the lesson was opened in the folder of clean copies, or is an old one.

    An old copy is named with every check, too.

    Args:
        lesson: what this notebook is a copy of, `03_relu_rules`; empty for what is no copy.
        version: of that copy.
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
    elif older := if_older(folder, lesson, version) if version else "":
        from course_lib.exercises import add_to_checks

        add_to_checks(older)
        print(older)
