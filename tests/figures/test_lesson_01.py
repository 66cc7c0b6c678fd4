"""Each figure of lesson 01 shows the data that it is given, and says what one sees."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from course_lib.figures import lesson_01
from course_lib.figures.plotting import Picture
from course_lib.world.scenes import two_object_scenes

SCENES = list(two_object_scenes(2))
SCENE, TARGET = SCENES[0], SCENES[0].objects[0]
MAPS = (1, 96, 96)


def random(*shape: int, seed: int) -> torch.Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed))


FIGURES: dict[str, Callable[[int], Picture]] = {
    "nudged pixel": lambda seed: lesson_01.nudged_pixel(
        torch.linspace(0, 1, 9), random(9, seed=seed), (0.5, 0.5), 1.0, TARGET
    ),
    "gradient by channel": lambda seed: lesson_01.gradient_by_channel(
        SCENE, random(1, 3, 96, 96, seed=seed) - 0.5, TARGET, (20, 30)
    ),
    "ways to a map": lambda seed: lesson_01.ways_to_a_map(
        SCENE, {"one": random(*MAPS, seed=seed), "other": random(*MAPS, seed=seed)}, TARGET
    ),
    "for and against": lambda seed: lesson_01.for_and_against(
        SCENE, random(*MAPS, seed=0), random(*MAPS, seed=seed) - 0.5, TARGET
    ),
    "one-hot product": lambda seed: lesson_01.one_hot_product(
        9 * random(2, 8, seed=seed), torch.eye(8)[:2]
    ),
    "maps of a batch": lambda seed: lesson_01.maps_of_a_batch(
        SCENES, random(2, *MAPS, seed=seed)
    ),
    "maps under noise": lambda seed: lesson_01.maps_under_noise(
        SCENE, SCENE.x[0], {"its map": random(*MAPS, seed=seed)}, TARGET
    ),
    "fading in": lambda seed: lesson_01.fading_in(
        torch.linspace(0, 1, 9), torch.linspace(0, 1, 9), random(9, seed=seed), TARGET, at=[2, 8]
    ),
    "maps of a photo": lambda seed: lesson_01.maps_of_a_photo(
        random(2, 3, 96, 96, seed=0), {"one": random(1, *MAPS, seed=seed)}, "tripod", "Photo: me."
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


def test_the_photographer_is_named() -> None:
    picture = lesson_01.maps_of_a_photo(
        torch.rand(2, 3, 96, 96), {"one": torch.rand(1, *MAPS)}, "tripod", "Photo: me, CC0."
    )
    assert "Photo: me, CC0." in picture.caption
