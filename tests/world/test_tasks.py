"""What networks are trained to answer, and how it is measured."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from course_lib.world.boxes import box_around
from course_lib.world.scenes import draw_scene
from course_lib.world.tasks import NOTHING, TASKS, class_map, mask_figures, masks_of


class Says(nn.Module):
    """A network that has its answer already."""

    def __init__(self, logits):
        super().__init__()
        self.logits = logits

    def forward(self, x):
        return self.logits


def test_masks_are_those_of_the_scene():
    scenes = [draw_scene(seed, 48) for seed in range(5)]
    wanted = masks_of(np.stack([class_map(scene) for scene in scenes]))
    true = torch.stack([torch.from_numpy(scene.masks) >= 0.5 for scene in scenes])
    assert torch.equal(wanted > 0, true)


def test_an_empty_pixel_is_of_no_class():
    assert masks_of(np.full((1, 2, 3), NOTHING, np.uint8)).sum() == 0


def test_mean_iou_is_counted_over_all_pictures_together():
    wanted = torch.zeros(2, 8, 1, 4)
    wanted[0, 0, 0, :2] = 1
    wanted[1, 0, 0, :1] = 1
    wanted[1, 3, 0, 2:] = 1
    logits = torch.full((2, 8, 1, 4), -1.0)
    logits[0, 0, 0, 1:3] = 1
    logits[1, 0, 0, 0] = 1
    found = mask_figures(Says(logits), [(torch.zeros(2, 3, 1, 4), wanted)])
    # class 0: 2 of 4 pixels; class 3: none of 2; the others are nowhere and do not count
    assert found == {"mean_iou": pytest.approx((2 / 4 + 0) / 2)}


def test_a_right_answer_measures_one():
    scene = draw_scene(3, 48)
    for task in TASKS.values():
        wanted = task.wanted(task.truth(scene)[None])
        figures = task.measure(Says(wanted - 0.5), [(scene.x, wanted)])
        assert set(figures.values()) == {1.0}


def test_a_box_needs_something_to_be_around():
    with pytest.raises(ValueError, match="not around an empty one"):
        box_around(torch.zeros(3, 3, dtype=torch.bool))
    with pytest.raises(ValueError, match=r"not around the shape \(1, 3, 3\)"):
        box_around(torch.ones(1, 3, 3, dtype=torch.bool))
