"""The figures of lesson 04 draw what they are given, and say it in words."""

from __future__ import annotations

import pytest
import torch

from course_lib.figures import lesson_04 as figures
from course_lib.figures.plotting import Panel
from course_lib.world.examples import example_scene
from course_lib.world.scenes import CLASSES
from tests.figures.words import says

SCENE = example_scene(48)
ASKED, OTHER = SCENE.objects
COARSE = torch.tensor([[[[0.0, 1.0], [2.0, -3.0]]]])
CREDIT = "Photo: somebody, CC0."


def test_channels_of_layers(panels) -> None:
    picture = figures.channels_of_layers(
        SCENE.x, {"low": torch.rand(2, 8, 8), "high": torch.rand(2, 2, 2)}
    )
    assert says(picture, "scene")
    assert [[panel.kind for panel in row] for row in panels] == [["image", "heat", "heat"]] * 2


def test_both_classes(panels) -> None:
    maps = {ASKED: (COARSE, COARSE.clamp(min=0)), OTHER: (COARSE, COARSE.clamp(min=0))}
    picture = figures.both_classes(SCENE, "features.7", maps)
    assert says(picture, "features.7", "2 x 2", CLASSES[ASKED], CLASSES[OTHER])
    assert [{panel.focus for panel in row} for row in panels] == [{ASKED}, {OTHER}]
    assert [panel.kind for panel in panels[0]] == ["image", "signed", "heat"]


def test_shares_by_layer() -> None:
    picture = figures.shares_by_layer(["a", "b"], {"one": [0.5, 0.9], "another": [0.4, 0.6]}, 7)
    assert says(picture, "one", "another", "7 scenes")
    assert picture.png


def test_a_method_has_one_colour_map_on_all_networks(panels) -> None:
    on_scene = {"a": {"heat": COARSE.abs(), "signed": COARSE}}
    on_photo = {"b": {"heat": COARSE.abs(), "signed": COARSE.abs()}}
    picture = figures.methods_and_networks(
        SCENE, ASKED, on_scene, torch.rand(1, 3, 9, 9), "tripod", on_photo, CREDIT
    )
    assert says(picture, CLASSES[ASKED], "tripod", CREDIT)
    assert [[panel.kind for panel in row] for row in panels] == [["image", "heat", "signed"]] * 2
    assert [panel.outlines is None for panel in panels[1]] == [True] * 3


@pytest.mark.parametrize("credit", [CREDIT, ""])
def test_guesses_on_photo(panels, credit: str) -> None:
    maps = {"tripod (94%)": COARSE.abs(), "harmonica (1%)": COARSE.abs()}
    picture = figures.guesses_on_photo(torch.rand(1, 3, 9, 9), maps, credit)
    assert says(picture, "tripod", "harmonica", credit)
    assert picture.caption == picture.caption.strip()
    assert [panel.title for panel in panels[0] if isinstance(panel, Panel)][1:] == list(maps)
