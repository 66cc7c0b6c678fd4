from __future__ import annotations

import html
import re
import threading

import pytest
import torch
from torch import nn

from course_lib.attribution.extremal_perturbation import extremal_perturbation
from course_lib.explorer import AreaExplorer
from course_lib.explorer.area import describe, render
from course_lib.world.scenes import draw_scene

AREAS = (0.05, 0.1, 0.3)


class Red(nn.Module):
    """Class 0: mean of the red channel; class 1: of the green one; class 2: of the blue one."""

    def forward(self, x):
        return x.mean((2, 3))


@pytest.fixture
def scene():
    return draw_scene(5, size=48)


@pytest.fixture
def explorer(scene):
    x = torch.from_numpy(scene.image)[None]
    return AreaExplorer(
        Red(),
        x,
        0,
        areas=AREAS,
        masks=scene.masks,
        names=["red", "green", "blue"],
        max_iter=6,
        perturbation="fade",
    )


def test_callback_counts_the_iterations_and_may_stop_them(scene):
    x = torch.from_numpy(scene.image)[None]
    seen = []
    extremal_perturbation(
        Red(), x, 0, areas=[0.1], max_iter=3, callback=lambda i, n: seen.append((i, n))
    )
    assert seen == [(1, 3), (2, 3), (3, 3)]

    def stop(iteration, total):
        raise RuntimeError("enough")

    with pytest.raises(RuntimeError, match="enough"):
        extremal_perturbation(Red(), x, 0, areas=[0.1], max_iter=3, callback=stop)


def test_every_step_of_the_slider_has_its_own_picture(explorer):
    explorer.wait()
    seen = set()
    for i, area in enumerate(AREAS):
        explorer.area.value = i
        alt = html.unescape(re.search(r'alt="([^"]*)"', explorer.screen.value).group(1))
        assert f"an area of {100 * area:.3g} %" in alt
        assert "red" in alt
        assert f"is {explorer.state(i).found.scores[i]:.1f}" in alt
        assert alt == describe(explorer.state(i))
        assert render(explorer.state(i)) == render(explorer.state(i))
        seen.add(explorer.screen.value)
    assert len(seen) == len(AREAS)
    assert not explorer.area.disabled
    assert explorer.progress.value == explorer.progress.max == 6


def test_the_score_is_that_of_what_is_shown(explorer):
    found = explorer.wait().state(0).found
    torch.testing.assert_close(
        torch.from_numpy(found.scores), torch.from_numpy(found.seen).mean((2, 3))[:, 0]
    )


@pytest.mark.parametrize("variant", ["delete", "dual"])
def test_variants_are_optimised_when_they_are_chosen(explorer, variant):
    explorer.wait()
    explorer.variant.value = variant
    explorer.wait()
    state = explorer.state(1)
    assert state.variant == variant
    assert variant.capitalize() in explorer.screen.value
    # a fade is linear: what is shown is the image times the mask, or times what is left of it
    mask = torch.from_numpy(state.found.masks[1])
    share = 1 - mask if variant == "delete" else mask
    torch.testing.assert_close(torch.from_numpy(state.found.seen[1]), explorer._x[0] * share)


def test_cancel_stops_and_says_so(explorer, monkeypatch):
    gate = threading.Event()
    begun = threading.Event()

    def slow(*args, callback, **options):
        begun.set()
        gate.wait(10)
        callback(1, 100)
        raise AssertionError("the callback should have stopped it")

    monkeypatch.setattr("course_lib.explorer.area.extremal_perturbation", slow)
    explorer.start()
    assert begun.wait(10)
    assert not explorer.cancel.disabled
    assert explorer.again.disabled
    explorer.cancel.click()
    gate.set()
    explorer._job.join(10)
    assert "Cancelled" in explorer.news.value
    assert explorer.cancel.disabled
    assert not explorer.again.disabled
    assert explorer.area.disabled
    monkeypatch.undo()
    explorer.again.click()
    explorer.wait()
    assert "<img" in explorer.screen.value


def test_errors_in_the_background_are_shown(explorer, monkeypatch):
    def fail(*args, **options):
        raise ValueError("no <mask> today")

    monkeypatch.setattr("course_lib.explorer.area.extremal_perturbation", fail)
    with pytest.raises(RuntimeError, match="no masks for red"):
        explorer.wait()
    assert 'role="alert"' in explorer.news.value
    assert "no &lt;mask&gt; today" in explorer.news.value


def test_bad_input_gets_one_sentence(scene):
    x = torch.from_numpy(scene.image)[None]
    with pytest.raises(ValueError, match="one image"):
        AreaExplorer(Red(), x.repeat(2, 1, 1, 1), 0)
    with pytest.raises(ValueError, match="target 3 is out of range"):
        AreaExplorer(Red(), x, 3)
    for areas in ([], [0.0, 0.1], [0.2, 0.1], [0.1, 0.1], [0.5, 1.0]):
        with pytest.raises(ValueError, match="areas are shares"):
            AreaExplorer(Red(), x, 0, areas=areas)


def test_the_contact_sheet_shows_every_area(explorer):
    sheet = explorer.contact_sheet()
    assert "3 areas" in sheet.alt
    assert sheet.png.startswith(b"\x89PNG")


def test_showing_it_starts_the_optimisation(explorer):
    bundle = explorer._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in bundle
    explorer.wait()
    assert "<img" in explorer.screen.value


def test_every_control_has_a_label(explorer):
    for control in (
        explorer.variant,
        explorer.target,
        explorer.area,
        explorer.cancel,
        explorer.again,
    ):
        assert control.description
