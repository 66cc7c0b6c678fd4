"""What lesson 10 has learners build, on the network that the course ships."""

from __future__ import annotations

import pytest
import torch

from course_lib.attribution.gradient import gradient
from course_lib.exercises.engine.open_task import CannotScore
from course_lib.exercises.lesson_10.open_task import _checked, in_its_mean_colour
from course_lib.exercises.lesson_10.region_score import RegionScore
from course_lib.exercises.lesson_10.three_shares import three_shares
from course_lib.world.networks import load_network
from course_lib.world.scenes import draw_scene

SCENE = draw_scene(3)
BOX = (10, 20, 40, 60)


@pytest.fixture(scope="module")
def network():
    return load_network("tiny_segmenter")


def test_a_regions_gradient_is_that_of_the_logits_with_the_region_to_start_from(network):
    c = SCENE.objects[0]
    region = torch.as_tensor(SCENE.masks[c]) >= 0.5
    start = torch.zeros(1, 8, 96, 96)
    start[0, c][region] = 1 / region.sum()
    known = gradient(network, SCENE.x, start)
    found = gradient(RegionScore(network, region), SCENE.x, c)
    assert torch.allclose(found, known, rtol=1e-4, atol=1e-6 * float(known.max()))


def test_three_shares_are_a_whole():
    torch.manual_seed(0)
    regions = torch.rand(4, 9, 7) > 0.8
    regions[:, 4, 4] = True
    found = three_shares(torch.rand(4, 1, 9, 7), regions, 1)
    assert torch.allclose(found.sum(1), torch.ones(4))


def test_an_image_of_the_open_task_may_differ_outside_of_the_box_only():
    x = SCENE.x
    fine = in_its_mean_colour(None, x, BOX, 0)
    assert torch.equal(_checked(fine, x, BOX), fine)
    touched = fine.clone()
    touched[0, 0, 39, 59] += 0.01
    for given, says in (
        (touched, "Leave the pixels in the box"),
        (fine[0], "shape"),
        (None, "returned None"),
        (torch.where(fine == x, x, fine + 2), "between 0 and 1"),
        (torch.full_like(x, torch.nan), "between 0 and 1"),
    ):
        with pytest.raises(CannotScore, match=says):
            _checked(given, x, BOX)
