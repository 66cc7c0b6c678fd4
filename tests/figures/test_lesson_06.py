"""Each figure of lesson 06 shows the data that it is given, and says what one sees."""

from __future__ import annotations

import inspect
from collections.abc import Callable

import pytest
import torch

from course_lib.figures import lesson_06
from course_lib.figures.photograph import photograph
from course_lib.figures.plotting import Picture
from course_lib.world.examples import example_scene
from course_lib.world.scenes import CLASSES

SCENE = example_scene()
WHERE = (SCENE.objects[0], SCENE.masks)
ONE = (1, 96, 96)


def random(*shape: int, seed: int) -> torch.Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed))


FIGURES: dict[str, Callable[[int], Picture]] = {
    "masked_images": lambda seed: lesson_06.masked_images(
        SCENE.x * random(2, *ONE, seed=seed), *WHERE, random(2, seed=0)
    ),
    "from_grid_to_mask": lambda seed: lesson_06.from_grid_to_mask(
        torch.eye(3), torch.eye(5), random(40, 40, seed=seed)
    ),
    "some_masks": lambda seed: lesson_06.some_masks(random(3, *ONE, seed=seed)),
    "map_and_floor": lambda seed: lesson_06.map_and_floor(
        SCENE.x, random(*ONE, seed=seed), random(*ONE, seed=seed) - 0.5, *WHERE
    ),
    "error_by_number": lambda seed: lesson_06.error_by_number(
        [10, 20, 40], [*torch.tensor([0.1, 0.07, 0.05])], [*random(3, seed=seed)]
    ),
    "by_cells": lambda seed: lesson_06.by_cells(
        {n: random(*ONE, seed=seed + n) - 0.5 for n in (3, 7)}, *WHERE
    ),
    "with_rounding": lambda seed: lesson_06.with_rounding(
        random(*ONE, seed=seed), torch.zeros(ONE), random(*ONE, seed=seed) - 0.5, *WHERE
    ),
    "photo_map": lambda seed: lesson_06.photo_map(
        random(3, 32, 32, seed=0), random(1, 32, 32, seed=seed) - 0.5, "cat", "Photo: me.", 500
    ),
}  # fmt: skip


def test_every_figure_is_tried() -> None:
    drawn = inspect.getmembers(lesson_06, inspect.isfunction)
    assert {name for name, f in drawn if f.__module__ == lesson_06.__name__} == {*FIGURES}


@pytest.mark.parametrize("figure", FIGURES)
def test_a_figure_shows_its_data_and_has_words(figure: str) -> None:
    draw = FIGURES[figure]
    picture = draw(1)
    assert picture.alt
    assert picture.caption
    assert picture.png == draw(1).png
    assert picture.png != draw(2).png


def test_probabilities_are_shown_only_when_they_are_given() -> None:
    images = SCENE.x.expand(2, -1, -1, -1)
    before = lesson_06.masked_images(images, *WHERE)
    after = lesson_06.masked_images(images, *WHERE, torch.tensor([0.25, 0.75]))
    assert before.png != after.png
    assert CLASSES[WHERE[0]] not in before.caption + before.alt


def test_a_photo_names_its_author() -> None:
    assert "Photo: me." in photograph(random(3, 32, 32, seed=0), "cat: 39%", "Photo: me.").caption
    assert "Photo: me." in FIGURES["photo_map"](1).caption
