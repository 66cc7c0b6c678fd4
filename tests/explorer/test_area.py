from __future__ import annotations

import dataclasses
import html
import io
import re
import threading

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from course_lib.attribution.masks.generator import generator_for
from course_lib.explorer import AreaExplorer, canvas
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


def alt_of(explorer):
    return html.unescape(re.search(r'alt="([^"]*)"', explorer.screen.value).group(1))


def without_a_mask(explorer, area):
    return (
        f"There is no preserve mask for red with an area of {area} of the image yet; "
        f"the network's score for red is {explorer._scores[0]:.1f} for the whole image."
    )


def test_before_there_are_masks_class_area_and_score_are_said(explorer):
    words = without_a_mask(explorer, "10 %")
    assert alt_of(explorer) == words
    assert explorer.news.value == f'<span role="status">{html.escape(words)}</span>'
    states = [explorer.state(i) for i in range(len(AREAS))]
    assert all(state.found is None for state in states)
    assert len({render(state) for state in states}) == len(AREAS)
    assert render(states[0]) == render(states[0])
    waiting = Image.open(io.BytesIO(render(states[1]))).size
    explorer.wait()
    assert Image.open(io.BytesIO(render(explorer.state(1)))).size == waiting


def test_one_core_is_left_to_the_browser(explorer, monkeypatch):
    seen = []

    def note(*args, **options):
        seen.append(torch.get_num_threads())
        raise ValueError

    monkeypatch.setattr("course_lib.explorer.jobs.extremal_perturbation", note)
    monkeypatch.setattr("course_lib.explorer.threads.os.cpu_count", lambda: 2)
    torch.set_num_threads(2)
    explorer.start()
    explorer._background.join(10)
    assert seen == [1]
    assert torch.get_num_threads() == 2


def test_every_step_of_the_slider_has_its_own_picture(explorer):
    explorer.wait()
    seen = set()
    for i, area in enumerate(AREAS):
        explorer.area.value = i
        alt = alt_of(explorer)
        assert f"an area of {100 * area:.3g} %" in alt
        assert "red" in alt
        assert f"is {explorer.state(i).found.scores[i]:.1f}" in alt
        assert alt == describe(explorer.state(i))
        assert render(explorer.state(i)) == render(explorer.state(i))
        seen.add(explorer.screen.value)
    assert len(seen) == len(AREAS)
    assert not explorer.area.disabled
    assert explorer.progress.value == explorer.progress.max == 6


def test_every_area_has_its_own_score_in_words_and_in_the_picture(explorer):
    state = explorer.wait().state(0)
    scores = np.array([1.0, 2.0, 3.0], dtype=np.float32)
    found = dataclasses.replace(state.found, scores=scores)
    states = [dataclasses.replace(state, here=i, found=found, whole=4.0) for i in range(3)]
    for state, area, score in zip(states, ("5 %", "10 %", "30 %"), scores, strict=True):
        assert describe(state) == (
            f"Preserve mask for red with an area of {area} of the image; the network's score for "
            f"red when only the mask is kept is {score:.1f}, and 4.0 for the whole image."
        )
    assert "when the mask is blurred away is 2.0" in describe(
        dataclasses.replace(states[1], variant="delete")
    )
    other = dataclasses.replace(found, scores=np.array([1.0, 9.0, 3.0], dtype=np.float32))
    assert render(dataclasses.replace(states[1], found=other)) != render(states[1])


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

    def slow(*args, callback, watch, **options):
        watch(torch.zeros(3, 1, 48, 48))
        begun.set()
        gate.wait(10)
        callback(1, 100)
        raise AssertionError("the callback should have stopped it")

    monkeypatch.setattr("course_lib.explorer.jobs.extremal_perturbation", slow)
    monkeypatch.setattr("course_lib.explorer.jobs.TOLD_EVERY", 0)
    explorer.start()
    assert begun.wait(10)
    assert not explorer.cancel.disabled
    assert explorer.again.disabled
    assert "Optimising the masks of all 3 areas." in explorer.news.value
    assert alt_of(explorer) == without_a_mask(explorer, "10 %")
    explorer.cancel.click()
    gate.set()
    explorer._background.join(10)
    assert "Cancelled" in explorer.news.value
    assert alt_of(explorer) == without_a_mask(explorer, "10 %")
    assert html.escape(without_a_mask(explorer, "10 %")) in explorer.news.value
    assert explorer.cancel.disabled
    assert not explorer.again.disabled
    assert explorer.area.disabled
    monkeypatch.undo()
    explorer.again.click()
    explorer.wait()
    assert alt_of(explorer) == describe(explorer.state(1))
    assert explorer.state(1).found is not None
    assert "Done." in explorer.news.value


def test_the_mask_is_drawn_while_it_is_optimised(explorer):
    waiting = explorer.screen.value
    masks = torch.zeros(3, 48, 48)
    masks[1, 20:30] = 1
    explorer._tell(2, 6, masks)
    assert (explorer.progress.value, explorer.progress.max) == (2, 6)
    assert explorer.screen.value != waiting
    assert alt_of(explorer) == without_a_mask(explorer, "10 %")
    of_all = [render(explorer.state(i)) for i in range(3)]
    assert of_all[1] not in (of_all[0], of_all[2])
    explorer.wait()
    assert explorer.state(1).growing is None


def test_another_class_is_optimised_only_once_masks_were_asked_for(explorer):
    explorer.target.value = 1
    assert not explorer._background.running
    assert "for green" in alt_of(explorer)
    explorer.wait()
    explorer.target.value = 2
    explorer._background.join(60)
    assert explorer.state(1).found is not None


def test_errors_in_the_background_are_shown(explorer, monkeypatch):
    def fail(*args, **options):
        raise ValueError("no <mask> today")

    monkeypatch.setattr("course_lib.explorer.jobs.extremal_perturbation", fail)
    with pytest.raises(RuntimeError, match="no masks for red"):
        explorer.wait()
    assert 'role="alert"' in explorer.news.value
    assert "no &lt;mask&gt; today" in explorer.news.value
    assert alt_of(explorer) == without_a_mask(explorer, "10 %")
    assert html.escape(without_a_mask(explorer, "10 %")) in explorer.news.value


def test_a_picture_that_can_t_be_drawn_is_an_error_in_sight(explorer, monkeypatch):
    explorer.wait()

    def fail(*args, **options):
        raise ValueError("no <curve> today")

    monkeypatch.setattr("course_lib.explorer.canvas.curve_pixels", fail)
    explorer.area.value = 2
    assert "no &lt;curve&gt; today" in explorer.news.value
    assert alt_of(explorer) == without_a_mask(explorer, "30 %")
    monkeypatch.undo()
    explorer.area.value = 0
    assert 'role="alert"' not in explorer.news.value
    assert alt_of(explorer) == describe(explorer.state(0))


def test_bad_input_gets_one_sentence(scene):
    x = torch.from_numpy(scene.image)[None]
    with pytest.raises(ValueError, match="one image"):
        AreaExplorer(Red(), x.repeat(2, 1, 1, 1), 0)
    with pytest.raises(ValueError, match="target 3 is out of range"):
        AreaExplorer(Red(), x, 3)
    for areas in ([], [0.0, 0.1], [0.2, 0.1], [0.1, 0.1], [0.5, 1.0]):
        with pytest.raises(ValueError, match="areas are shares"):
            AreaExplorer(Red(), x, 0, areas=areas)


def test_areas_smaller_than_a_disc_are_not_offered(scene):
    x = torch.from_numpy(scene.image)[None]
    disc = generator_for((48, 48)).disc_area() / 48**2
    offered = AreaExplorer(Red(), x, 0, areas=[0.01, 0.9 * disc, 1.1 * disc, 0.3])
    assert offered._areas == (1.1 * disc, 0.3)
    assert len(offered.area.options) == 2
    smaller = AreaExplorer(Red(), x, 0, areas=[0.01, 0.3], step=1, sigma=2)
    assert smaller._areas == (0.01, 0.3)
    with pytest.raises(ValueError, match=r"A single disc of the masks covers 3\.\d+ % .* larger"):
        AreaExplorer(Red(), x, 0, areas=[0.01, 0.02])


def test_the_curve_goes_over_what_the_masks_cover(explorer, monkeypatch):
    found = explorer.wait().state(0).found
    np.testing.assert_allclose(found.covered, found.masks.mean((1, 2)), rtol=1e-5)
    drawn = []
    monkeypatch.setattr(
        "course_lib.explorer.canvas.curve_pixels",
        lambda x, *rest, **labels: drawn.append((x, labels)) or canvas.blank_pixels(),
    )
    covered = np.array([0.0, 0.1, 0.2], dtype=np.float32)
    render(
        dataclasses.replace(explorer.state(1), found=dataclasses.replace(found, covered=covered))
    )
    (x, labels), *_ = drawn
    assert x == pytest.approx([0.001, 0.1, 0.2])
    assert labels["x_label"] == "covered by the mask, % of the image"


def test_the_contact_sheet_shows_every_area(explorer):
    sheet = explorer.contact_sheet()
    assert "3 areas" in sheet.alt
    assert sheet.png.startswith(b"\x89PNG")


def test_showing_it_starts_the_optimisation(explorer):
    bundle = explorer._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in bundle
    explorer.wait()
    assert alt_of(explorer) == describe(explorer.state(1))


def test_every_control_has_a_label(explorer):
    for control in (
        explorer.variant,
        explorer.target,
        explorer.area,
        explorer.cancel,
        explorer.again,
    ):
        assert control.description
