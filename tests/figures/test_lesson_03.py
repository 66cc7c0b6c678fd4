"""Each figure of lesson 03 shows the data that it is given, and says what one sees."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from course_lib.figures import lesson_03
from course_lib.figures.plotting import Picture
from course_lib.world.examples import example_scene
from course_lib.world.scenes import CLASSES

SCENE = example_scene()
FIRST, SECOND = SCENE.objects
METHODS = ("gradient", "DeConvNet", "guided")


def random(*shape: int, seed: int) -> torch.Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed))


def maps(seed: int) -> dict[str, torch.Tensor]:
    return {method: random(96, 96, seed=seed + i) for i, method in enumerate(METHODS)}


GRID = torch.tensor([[1.0, -2.0], [0.0, 3.0]])
FIGURES: dict[str, Callable[[int], Picture]] = {
    "both ways": lambda seed: lesson_03.both_ways(
        GRID, torch.relu(GRID), GRID, 4 * random(2, 2, seed=seed)
    ),
    "three rules": lambda seed: lesson_03.three_rules(
        GRID, GRID, {method: 4 * random(2, 2, seed=seed) for method in METHODS}
    ),
    "maps of two classes": lambda seed: lesson_03.maps_of_two_classes(
        SCENE, {FIRST: maps(seed), SECOND: maps(seed)}
    ),
    "maps of an absent class": lambda seed: lesson_03.maps_of_absent_class(
        SCENE, CLASSES.index("star"), maps(seed)
    ),
    "dots of correlation": lambda seed: lesson_03.dots_of_correlation(
        {method: random(8, seed=seed) for method in METHODS}
    ),
    "cosines on the way": lambda seed: lesson_03.cosines_on_the_way(
        {method: random(4, seed=seed).tolist() for method in METHODS}
    ),
    "maps of photos": lambda seed: lesson_03.maps_of_photos(
        [SCENE.x], ["tiger cat"], {"guided": [random(96, 96, seed=seed)]}, ["Photo: me."]
    ),
}  # fmt: skip


@pytest.mark.parametrize("figure", FIGURES)
def test_a_figure_shows_its_data_and_has_words(figure: str) -> None:
    draw = FIGURES[figure]
    picture = draw(1)
    assert picture.alt
    assert picture.caption
    assert picture.png == draw(1).png
    assert picture.png != draw(2).png


def test_the_photographers_are_named() -> None:
    credits = ["Photo: me, CC0.", "Photo: you, CC0."]
    maps = {"guided": [torch.ones(96, 96)]}
    picture = lesson_03.maps_of_photos([SCENE.x], ["tiger cat"], maps, credits)
    assert all(credit in picture.caption for credit in credits)
