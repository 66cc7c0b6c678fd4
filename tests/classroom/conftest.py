"""A small lesson with two real exercises, in folders of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from course_lib.classroom.lesson import Graded
from course_lib.exercises.engine.registry import find_exercise

NAME = "01_small"

SOURCE = '''\
# %% [markdown]
# # A small lesson

# %%
import torch

from course_lib import check

# %% [markdown]
# Write `share_on_object(s, mask)`.

# %%
def share_on_object(s, mask):
    """The share of s that lies on the object."""
    ### BEGIN SOLUTION
    return (s * mask).sum() / s.sum()
    ### END SOLUTION


# %%
share_on_object = check("share_on_object", share_on_object)

# %%
print(share_on_object(torch.ones(2, 2), torch.eye(2)))

# %%
def saliency_by_maximum(gradient):
    """The largest of the channels' sizes at each place."""
    ### BEGIN SOLUTION
    return gradient.abs().amax(dim=1, keepdim=True)
    ### END SOLUTION


# %%
saliency_by_maximum = check("saliency_by_maximum", saliency_by_maximum)
'''


@dataclass(frozen=True)
class Course:
    """Folders and exercises of a course with one lesson."""

    root: Path
    exercises: Mapping[str, Graded]
    name: str = NAME

    @property
    def solutions(self) -> Path:
        """Return the folder of the sources."""
        return self.root / "solutions"

    @property
    def notebooks(self) -> Path:
        """Return the folder of the student notebooks."""
        return self.root / "notebooks"

    @property
    def source(self) -> Path:
        """Return the source of the lesson."""
        return self.solutions / f"{self.name}.py"

    def folders(self) -> dict[str, object]:
        """Return what the builder's functions want by keyword."""
        return {
            "solutions": self.solutions,
            "notebooks": self.notebooks,
            "exercises": self.exercises,
        }


def make_course(root: Path) -> Course:
    """Write the small lesson's source into a folder."""
    points = {"share_on_object": 3, "saliency_by_maximum": 2}
    exercises = {
        name: replace(find_exercise(name), lesson=NAME, points=worth)
        for name, worth in points.items()
    }
    course = Course(root, exercises)
    course.solutions.mkdir()
    course.source.write_text(SOURCE)
    return course


@pytest.fixture
def course(tmp_path: Path) -> Course:
    """The small course, not built."""
    return make_course(tmp_path)


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Course:
    """The small course, built once; copy it before changing anything in it."""
    from course_lib.classroom.build import build

    course = make_course(tmp_path_factory.mktemp("built"))
    build(**course.folders(), say=lambda _: None)
    return course
