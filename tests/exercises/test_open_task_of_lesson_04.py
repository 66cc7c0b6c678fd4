"""The open task of lesson 04: a seed is worth what Grad-CAM puts on the wrong object."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from course_lib.exercises.engine.open_task import CannotScore
from course_lib.exercises.lesson_04 import open_task
from course_lib.world.scenes import draw_scene, number_of_objects

TWO, THREE = (next(seed for seed in range(99) if number_of_objects(seed) == n) for n in (2, 3))


@pytest.mark.parametrize("seed", [TWO, np.int64(TWO), torch.tensor(TWO)])
def test_the_score_is_the_share_on_the_second_object(seed, monkeypatch) -> None:
    first, second = draw_scene(TWO).masks[draw_scene(TWO).objects]

    def one_to_three(model, x, target, **options):
        s = first / first.sum() + 3 * second / second.sum()
        return torch.from_numpy(s)[None, None]

    monkeypatch.setattr(open_task, "grad_cam", one_to_three)
    assert open_task.TASK.score(seed) == pytest.approx(0.75, abs=0.01)


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        ("7", "one whole number"),
        (7.0, "one whole number"),
        ([7], "one whole number"),
        (-1, "one whole number"),
        (THREE, "scenes with two objects"),
    ],
)
def test_what_has_no_score_is_told_so(answer, sentence) -> None:
    with pytest.raises(CannotScore, match=sentence):
        open_task.TASK.score(answer)


def test_an_object_that_the_network_does_not_find_has_no_map(monkeypatch) -> None:
    monkeypatch.setattr(open_task, "load_network", lambda name: lambda x: -torch.ones(1, 8))
    with pytest.raises(CannotScore, match="does not find the"):
        open_task.TASK.score(TWO)
