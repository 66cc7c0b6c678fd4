"""Each figure of lesson 07 shows the data that it is given, and says what one sees."""

from __future__ import annotations

import inspect
from collections.abc import Callable

import pytest
import torch

from course_lib.figures import lesson_07
from course_lib.figures.plotting import Picture
from course_lib.world.scenes import two_object_scenes

SCENES = list(two_object_scenes(2))
SCENE, TARGET = SCENES[0], SCENES[0].objects[0]
WHERE = (TARGET, SCENE.masks)
ONE = (1, 96, 96)


def random(*shape: int, seed: int) -> torch.Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed))


def views(seed: int) -> torch.Tensor:
    return SCENE.x * random(2, *ONE, seed=seed)


FIGURES: dict[str, Callable[[int], Picture]] = {
    "levels": lambda seed: lesson_07.levels(views(seed), SCENE.masks),
    "ramp": lambda seed: lesson_07.ramp(random(*ONE, seed=seed), SCENE.x),
    "bumps": lambda seed: lesson_07.bumps(
        torch.linspace(0, 1, 9), random(9, 2, seed=seed), random(9, seed=0), torch.ones(2),
        torch.ones(2),
    ),
    "generated": lambda seed: lesson_07.generated(
        random(*ONE, seed=seed), random(*ONE, seed=0)
    ),
    "masks_and_views": lambda seed: lesson_07.masks_and_views(
        random(2, *ONE, seed=seed), torch.tensor([0.1, 0.2]), views(0), torch.ones(2), *WHERE
    ),
    "score_against_area": lambda seed: lesson_07.score_against_area(
        {c: (torch.tensor([0.1, 0.2]), random(2, seed=seed)) for c in SCENE.objects},
        torch.ones(8),
        SCENE.masks,
    ),
    "three_questions": lambda seed: lesson_07.three_questions(
        {"delete": random(*ONE, seed=seed)}, {"delete": (views(0)[0], 1.0)},
        {"delete": (views(0)[1], 2.0)}, *WHERE,
    ),
    "smooth_and_free": lambda seed: lesson_07.smooth_and_free(
        {"free": random(*ONE, seed=seed)}, {"free": SCENE.x}, {"free": 3.0}, *WHERE
    ),
    "regions": lambda seed: lesson_07.regions(
        {"disc": views(seed)},
        {"disc": torch.ones(2)},
        [scene.objects[0] for scene in SCENES],
        [scene.masks for scene in SCENES],
    ),
    "side_by_side": lambda seed: lesson_07.side_by_side(
        {"one": random(*ONE, seed=seed), "other": random(*ONE, seed=0)}, *WHERE
    ),
    "photo_mask": lambda seed: lesson_07.photo_mask(
        random(3, 32, 32, seed=0), random(1, 32, 32, seed=seed), random(3, 32, 32, seed=0),
        "tripod: 94%", "Photo: me.",
    ),
}  # fmt: skip


def test_every_figure_is_tried() -> None:
    drawn = inspect.getmembers(lesson_07, inspect.isfunction)
    assert {name for name, f in drawn if f.__module__ == lesson_07.__name__} == {*FIGURES}


@pytest.mark.parametrize("figure", FIGURES)
def test_a_figure_shows_its_data_and_has_words(figure: str) -> None:
    draw = FIGURES[figure]
    picture = draw(1)
    assert picture.alt
    assert picture.caption
    assert picture.png == draw(1).png
    assert picture.png != draw(2).png


def test_a_photo_names_its_author() -> None:
    assert "Photo: me." in FIGURES["photo_mask"](1).caption
