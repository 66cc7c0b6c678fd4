"""The open task of lesson 05: a map is worth the region that its largest pixels make."""

from __future__ import annotations

import pytest
import torch

from course_lib.exercises.lesson_05.open_task import region

MASK = torch.tensor([[1.0, 1.0, 0.0], [0.6, 0.4, 0.0]])


@pytest.mark.parametrize(
    ("s", "expected"),
    [
        (MASK, 1.0),
        (-MASK, 0.0),
        (torch.tensor([[9.0, 1.0, 8.0], [7.0, 0.0, 0.0]]), 2 / 3),
    ],
)
def test_it_is_the_share_of_the_objects_number_of_pixels(s, expected) -> None:
    assert region(s, MASK) == pytest.approx(expected)


def test_no_growing_function_of_the_map_is_worth_more_than_the_map() -> None:
    s = torch.rand(2, 3, generator=torch.Generator().manual_seed(3))
    assert region(s, MASK) == region(s**7, MASK) == region(s.exp(), MASK)
