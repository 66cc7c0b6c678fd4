"""The figures of lesson 09 draw what they are given, and say it in words."""

from __future__ import annotations

import pytest
import torch

from course_lib.figures import lesson_09 as figures
from course_lib.figures import plotting
from course_lib.world.examples import example_scene
from course_lib.world.scenes import CLASSES
from tests.figures.words import says

SCENE = example_scene(48)
ASKED = SCENE.objects[0]


@pytest.fixture
def axes(monkeypatch):
    """The axes of a figure of bars."""
    made = []

    def subplots(*args, **options):
        fig, ax = plotting.subplots(*args, **options)
        made.append(ax)
        return fig, ax

    monkeypatch.setattr(figures, "subplots", subplots)
    return made


def test_bars_stand_for_each_network_and_class(axes) -> None:
    shares = {"one": torch.linspace(0, 1, 8), "another": torch.linspace(1, 0, 8)}
    assert says(figures.shares_of_classes(shares, torch.arange(8)), "one", "another", *CLASSES)
    heights = [bar.get_height() for bar in axes[0].patches]
    assert heights == pytest.approx((100 * torch.cat(list(shares.values()))).tolist())
    assert axes[0].get_xticklabels()[3].get_text() == f"{CLASSES[3]}\nn = 3"


def test_changes_keep_their_sign(axes) -> None:
    change = torch.tensor([-3.0, 2, 0, 0, 0, 0, 0, 1])
    assert says(figures.reactions_of_classes({"pasted": change}), "pasted")
    assert [bar.get_height() for bar in axes[0].patches] == change.tolist()


def test_a_cross_marks_where_a_mean_map_is_largest(panels) -> None:
    s = torch.zeros(48, 48)
    s[40, 3] = 1
    figures.mean_maps({"heart": s, "star": s.T})
    assert [p.mark for row in panels for p in row] == [(40, 3), (3, 40)]


def test_patches_are_cut_out_of_the_box(panels) -> None:
    x = torch.rand(2, 3, 48, 48)
    picture = figures.patches({"with": x, "without": 1 - x}, (24, 48, 0, 20))
    assert says(picture, "rows 24 to 47", "columns 0 to 19", "with; without")
    assert torch.equal(panels[1][0].data, 1 - x[0, :, 24:48, :20])


def test_scores_stand_above_versions(panels) -> None:
    picture = figures.versions({"before": SCENE.x, "after": SCENE.x}, [3.14, -2.0], ASKED)
    assert says(picture, CLASSES[ASKED], "before, after")
    assert [p.title for p in panels[0]] == ["before: +3.1", "after: \N{MINUS SIGN}2.0"]
    scores = torch.tensor([[1.0, 2.0], [3.0, -4.0]])
    figures.two_by_two([SCENE.x] * 4, scores, ASKED)
    titles = [p.title for row in panels[1:] for p in row]
    assert titles == ["+1.0", "+2.0", "+3.0", "\N{MINUS SIGN}4.0"]


def test_witnesses_are_bars_beside_chance(axes) -> None:
    hits = {"suspect": {"one": 0.5, "two": 1.0}, "honest": {"one": 0.0, "two": 0.25}}
    assert says(figures.witnesses(hits, 0.06, 24), "one, two", "24 scenes")
    assert [bar.get_width() for bar in axes[0].patches] == [50, 100, 0, 25]


def test_the_testimony_has_the_objects_outline(panels) -> None:
    figures.testimony(SCENE, ASKED, {"one": torch.rand(1, 1, 12, 12)})
    assert all(p.outlines is SCENE.masks and p.focus == ASKED for row in panels for p in row)
