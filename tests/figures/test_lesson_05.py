"""The figures of lesson 05 draw what they are given, and say it in words."""

from __future__ import annotations

import pytest
import torch

from course_lib.figures import lesson_05 as figures
from course_lib.world.examples import example_scene
from course_lib.world.scenes import CLASSES
from tests.figures.words import says

SCENE = example_scene(48)
ASKED, OTHER = SCENE.objects
LAYERS = [torch.tensor([0.7, 0.3]), torch.tensor([1.0, 0.0]), torch.ones(1)]
LINKS = [torch.tensor([[0.7, 0.3], [0.0, 0.0]]), torch.tensor([[1.0, 0.0]])]


@pytest.mark.parametrize("draw", [figures.example_network, figures.example_flow])
def test_the_small_network_is_told_by_its_numbers(draw) -> None:
    assert says(draw(LAYERS, LINKS), "0.7, 0.3", "1, 0")


def test_shares_on_grids(panels) -> None:
    grid = torch.eye(3)[None, None]
    assert says(figures.shares_on_grids(grid, grid, grid, grid, grid), "convolution", "pooling")
    assert [len(row) for row in panels] == [3, 3]


@pytest.mark.parametrize("draw", [figures.relevance_at_layers, figures.methods_compared])
def test_a_map_has_its_parts_on_the_two_objects_in_its_title(panels, draw) -> None:
    on = {c: torch.as_tensor(SCENE.masks[c] > 0.99).float()[None, None] for c in SCENE.objects}
    both = on[ASKED] / on[ASKED].sum() * 3 + on[OTHER] / on[OTHER].sum()
    picture = draw(SCENE, {c: {"right": on[c], "both": both} for c in SCENE.objects})
    assert says(picture, CLASSES[ASKED], CLASSES[OTHER], "right, both")
    assert [[panel.title for panel in row[1:]] for row in panels] == [
        ["right\n100%/0%", "both\n75%/25%"],
        ["right\n100%/0%", "both\n25%/75%"],
    ]
    assert [{panel.focus for panel in row} for row in panels] == [{ASKED}, {OTHER}]


def test_sums_by_block() -> None:
    picture = figures.sums_by_block({"low": 16.0, "high": 2.0}, {"low": 0.99, "high": 1.0})
    assert says(picture, "16 at the bottom", "2 at the top", "0.99 and 1.00")


@pytest.mark.parametrize("credit", ["Photo: somebody, CC0.", ""])
def test_relevance_on_photo(panels, credit: str) -> None:
    maps = {"excitation": torch.rand(1, 1, 4, 4)}
    picture = figures.relevance_on_photo(torch.rand(1, 3, 9, 9), "tripod", maps, credit)
    assert says(picture, "tripod", "excitation", credit)
    assert [panel.title for panel in panels[0]] == ["tripod?", "excitation"]
