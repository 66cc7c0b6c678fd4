"""Whether this code runs for somebody who grades or builds, and not for a learner."""

from __future__ import annotations

import os


def is_graded() -> bool:
    """Whether nbgrader or `course build` runs the notebook: nobody's progress is read or kept."""
    return os.environ.get("NBGRADER_EXECUTION") in ("autograde", "validate")
