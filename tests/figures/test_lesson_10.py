"""The figures of lesson 10 draw what they are given, and say it in words."""

from __future__ import annotations

import torch

from course_lib.figures import lesson_10 as figures
from course_lib.world.examples import example_scene
from course_lib.world.scenes import CLASSES
from tests.figures.words import says

SCENE = example_scene(48)
ASKED = SCENE.objects[0]
NAME = CLASSES[ASKED]
MAP = torch.rand(1, 1, 48, 48, generator=torch.Generator().manual_seed(0))
REGION = torch.as_tensor(SCENE.masks[ASKED]) >= 0.5


def test_each_object_has_a_picture_of_its_own() -> None:
    assert says(figures.masks_found(SCENE, torch.rand(1, 8, 48, 48)), *SCENE.names)


def test_maps_of_a_pixel_and_of_a_region() -> None:
    assert says(figures.map_of_a_pixel(SCENE, ASKED, (3, 40), MAP), NAME, "cross")
    picture = figures.maps_of_a_region(SCENE, ASKED, REGION, {"one": MAP, "another": MAP})
    assert says(picture, NAME, "one", "another")


def test_shares_stand_side_by_side() -> None:
    table = {"one": (0.5, 0.2, 0.3), "another": (0.0, 0.1, 0.9)}
    picture = figures.shares_of_methods({"here": table, "there": table}, 7)
    assert says(picture, "one", "another", "here", "there", "7 scenes")


def test_halves_and_swaps() -> None:
    picture = figures.two_halves(SCENE, ASKED, [REGION, ~REGION], {"one": [MAP, MAP]})
    assert says(picture, NAME, "one")
    images = {"as it is": (SCENE.x, 1.0), "swapped": (1 - SCENE.x, -2.0)}
    assert says(figures.other_surroundings(SCENE, ASKED, (3, 4, 20, 30), images), NAME, "swapped")


def test_curves_over_distance_and_size() -> None:
    assert says(figures.reach({"one": {0: 0.4, 5: 0.1}}, 3), "one", "3 scenes")
    assert says(figures.along_a_size([-2, 0, 2], {"one": [0, 1, -1]}, 3), "one", "3 scenes")
