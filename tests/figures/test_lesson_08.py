"""The figures of lesson 08 draw what they are given, and say it in words."""

from __future__ import annotations

import math

import pytest
import torch

from course_lib.benchmark.league import league
from course_lib.benchmark.published import published_pointing
from course_lib.benchmark.scene_grids import scene_grids
from course_lib.figures import lesson_08 as figures
from course_lib.figures.plotting import Panel
from course_lib.world.examples import example_scene
from course_lib.world.scenes import CLASSES
from tests.figures.words import says

SCENE = example_scene(48)
ASKED = SCENE.objects[0]
MAP = torch.zeros(1, 1, 48, 48)
MAP[0, 0, 7, 30] = 1


def test_a_cross_marks_each_maps_largest_pixel(panels) -> None:
    picture = figures.maps_and_points(SCENE, ASKED, {"one": MAP, "another": MAP.mT})
    assert says(picture, CLASSES[ASKED], "one", "another")
    marks = [p.mark for row in panels for p in row if isinstance(p, Panel) and p.kind == "heat"]
    assert marks == [(7, 30), (30, 7)]


def test_a_class_without_images_is_drawn_as_unknown() -> None:
    table = torch.tensor([[0.5, 0.3, 0.8], [math.nan, 0, 1]]).repeat(4, 1)
    picture = figures.accuracies_of_classes({"one": table, "another": table}, 7)
    assert says(picture, "one", "another", "7 scenes")
    values, (down, up), _ = figures._values_and_bars(table, 0)
    assert (values - down).tolist() == pytest.approx([0.3, 0] * 4)
    assert (values + up).tolist() == pytest.approx([0.8, 1] * 4)


def test_curves_of_deletion() -> None:
    assert says(figures.curves_of_deletion({"one": torch.linspace(1, 0, 5)}), "one", "mean colour")


def test_the_probability_stands_above_each_version(panels) -> None:
    picture = figures.with_points(SCENE, ASKED, {"as it is": (SCENE.x, 0.987)})
    assert says(picture, CLASSES[ASKED], "as it is")
    assert panels[0][0].title == "as it is: 98.7%"


def test_maps_without_weights(panels) -> None:
    stages = {"as learned": MAP, "3 drawn anew": MAP}
    picture = figures.maps_without_weights(SCENE, ASKED, {"one": stages, "another": stages})
    assert says(picture, "one", "another", "3 drawn anew")
    assert [[panel.title for panel in row] for row in panels] == [list(stages)] * 2


def test_likeness_by_layer() -> None:
    picture = figures.likeness_by_layer(["top", "low"], {"one": torch.tensor([0.5, 0.1])}, 7)
    assert says(picture, "one", "7 scenes")


def test_the_league_has_a_panel_for_each_network() -> None:
    rows = {"one": (0.5, 0.3, 0.7, 60), "another": (1.0, 0.76, 1.0, 12)}
    picture = figures.league({"tiny_vgg": rows, "tiny_resnet": rows})
    assert says(picture, "tiny_vgg", "tiny_resnet", "one", "another")


def test_the_whole_league_stands_beside_the_published_table() -> None:
    picture = figures.whole_league(league("scenes", "pointing_game"), published_pointing())
    assert says(picture, "tiny_vgg", "tiny_resnet", "Grad-CAM", "centre", "VOC 2007, ResNet-50")


def test_a_method_that_a_network_lacks_is_left_out_there() -> None:
    table = league("scenes", "pointing_game")["tiny_vgg"]
    few = {"gradient": table["gradient"]}
    picture = figures.whole_league({"one": table, "another": few}, published_pointing())
    assert says(picture, "one", "another", "Grad-CAM")


def test_the_cell_asked_for_is_outlined(panels) -> None:
    grid = next(scene_grids(1, size=48))
    picture = figures.grid_and_maps(grid, "ring", {"one": torch.ones(1, 1, 9, 9)}, {"one": 0.25})
    assert says(picture, "one", "cell asked for")
    assert panels[0][0].title == "ring?"
    assert torch.equal(panels[0][0].outlines[0] > 0.5, grid.truth)
    assert panels[0][1].title == "one: 25%"


def test_two_orders() -> None:
    picture = figures.two_orders({"there": {"a": 1, "b": 2}, "here": {"a": 4, "b": 3}})
    assert says(picture, "there", "here", "a, b")
