"""The open task of lesson 07: the judges prefer the object to a place where nothing is."""

from __future__ import annotations

import pytest
import torch

from course_lib.benchmark.regions import centred_disc
from course_lib.exercises.engine.hidden_scenes import hidden_scenes
from course_lib.exercises.engine.open_task import CannotScore
from course_lib.exercises.lesson_07 import open_task
from course_lib.exercises.lesson_07.open_task import evidence


@pytest.fixture(autouse=True)
def one_scene(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(open_task, "SCENES", 1)


def test_the_object_is_better_evidence_than_the_ground() -> None:
    (scene,) = hidden_scenes(1)
    masks = torch.from_numpy(scene.masks)
    nothing = 1 - masks.sum(0)
    assert evidence(lambda model, x, target: masks[target]) > evidence(
        lambda model, x, target: nothing
    )
    assert evidence(lambda model, x, target: masks[target]) > evidence(
        lambda model, x, target: centred_disc(96, 96)
    )


def test_what_is_no_map_is_said() -> None:
    with pytest.raises(CannotScore, match="H x W"):
        evidence(lambda model, x, target: 7)
