"""The open task of lesson 03 measures where a map is brightest, not how bright it is there."""

from __future__ import annotations

import torch

from course_lib.exercises.lesson_03.open_task import brightest_on_object

MASK = torch.zeros(6, 8)
MASK[1:4, 2:6] = 1


def test_the_mask_itself_scores_one_and_its_opposite_none() -> None:
    assert brightest_on_object(MASK, MASK) == 1
    assert brightest_on_object(1 - MASK, MASK) == 0


def test_half_of_the_brightest_pixels_on_the_object_score_a_half() -> None:
    shifted = torch.zeros_like(MASK)
    shifted[1:4, 4:8] = 1
    assert brightest_on_object(shifted, MASK) == 0.5


def test_stretching_a_map_changes_nothing() -> None:
    s = torch.rand(6, 8, generator=torch.Generator().manual_seed(0))
    assert brightest_on_object(s**4, MASK) == brightest_on_object(s, MASK)
