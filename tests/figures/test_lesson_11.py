"""The figures of lesson 11 draw what they are given, and say it in words."""

from __future__ import annotations

import pytest
import torch

from course_lib.figures import lesson_11 as figures
from course_lib.figures.plotting import Panel
from course_lib.world.examples import example_scene
from course_lib.world.scenes import CLASSES
from tests.figures.words import says

SCENE = example_scene(48)
MAP = torch.rand(1, 1, 48, 48, generator=torch.Generator().manual_seed(0))


def test_patches_are_drawn_apart(panels) -> None:
    changed = SCENE.x.clone()
    changed[..., :8, :8] = 0
    assert says(figures.in_patches(SCENE, 8, changed), "8 x 8", "6 rows of 6", "black")
    cut, black = panels[0][1].data, panels[0][2].data
    assert cut.shape == (1, 3, 58, 58)
    assert torch.equal(cut[..., 10:18, 50:58], SCENE.x[..., 8:16, 40:48])
    assert bool((cut[..., 8:10, :] == 1).all())
    assert not black[..., :8, :8].any()


@pytest.mark.parametrize(("number", "rows"), [(3, [4]), (5, [3, 3]), (6, [4, 3])])
def test_all_maps_of_tokens_are_drawn(panels, number, rows) -> None:
    maps = {f"map {k}": MAP for k in range(number)}
    assert says(figures.maps_of_tokens(SCENE, maps, "what it is"), "What it is", *maps)
    assert [len(row) for row in panels] == rows


def test_both_networks_have_a_row_for_each_class(panels) -> None:
    maps = {"one": MAP, "another": MAP - 0.5}
    networks = {name: dict.fromkeys(SCENE.objects, maps) for name in ("vgg", "vit")}
    names = [CLASSES[c] for c in SCENE.objects]
    assert says(figures.both_networks(SCENE, networks), "vgg", "vit", *maps)
    assert [row[0].title for row in panels] == [f"{name}?" for name in names] * 2
    assert [p.kind for p in panels[0] if isinstance(p, Panel)] == ["image", "heat", "signed"]


def test_signed_maps(panels) -> None:
    c = SCENE.objects[0]
    assert says(figures.signed_maps(SCENE, c, {"from black": MAP - 0.5}), CLASSES[c], "from black")
    assert panels[0][1].kind == "signed"


def test_gaps() -> None:
    assert says(figures.gaps([1, 2, 4], {"vit": [0.5, 0.1, 0.01]}, 7), "vit", "7 scenes")


def test_finds_and_answers() -> None:
    values = {"rollout": torch.tensor([0.0, 1, 1]), "Grad-CAM": torch.tensor([0.2, 0.4, 0.9])}
    assert says(figures.finds_and_answers(values, values), "3 questions", *values)
