"""The open task of lesson 06: answers are counted, and only the order of a map's pixels counts."""

from __future__ import annotations

import pytest
import torch

from course_lib.exercises.engine import hidden_scenes
from course_lib.exercises.engine.open_task import CannotScore
from course_lib.exercises.lesson_06 import open_task
from course_lib.exercises.lesson_06.open_task import QUESTIONS, Questions, found


class Brightness(torch.nn.Module):
    """Two scores of an image: its mean, and minus that."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        mean = x.mean((1, 2, 3))
        return torch.stack([mean, -mean], 1)


def test_the_network_answers_as_often_as_was_agreed() -> None:
    ask = Questions(Brightness(), 1)
    images = torch.rand(QUESTIONS - 1, 3, 4, 4)
    expected = torch.sigmoid(-images.mean((1, 2, 3)))
    torch.testing.assert_close(ask(images), expected)
    assert ask(images[:1]).shape == (1,)
    with pytest.raises(CannotScore, match="more than 100"):
        ask(images[:1])


def test_what_is_no_image_is_said() -> None:
    with pytest.raises(CannotScore, match="N x 3 x H x W"):
        Questions(Brightness(), 0)(torch.rand(3, 4, 4))


def test_sharpening_a_map_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(open_task, "SCENES", 1)
    (scene,) = hidden_scenes.hidden_scenes(1)
    truth = torch.from_numpy(scene.masks).sum(0)
    noisy = truth + torch.rand(truth.shape, generator=torch.Generator().manual_seed(0))
    blunt = found(lambda ask, x: noisy)
    assert 0.1 < blunt < 0.9, "both objects are in it, and one is asked for"
    assert found(lambda ask, x: noisy**5) == pytest.approx(blunt)
