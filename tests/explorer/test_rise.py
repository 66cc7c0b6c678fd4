"""The explorer of RISE: the map of every number of masks, and its standard error."""

from __future__ import annotations

import html
import re

import numpy as np
import pytest
import torch
from torch import nn

from course_lib.attribution.rise import RiseMasks, rise
from course_lib.explorer import RiseExplorer
from course_lib.explorer.rise import describe, render
from course_lib.explorer.runners import Cancelled
from course_lib.world.scenes import draw_scene

COUNTS = (4, 10, 40)


class Colours(nn.Module):
    """Class 0: mean of the red channel; class 1: of the green one; class 2: of the blue one."""

    def forward(self, x):
        return x.mean((2, 3))


@pytest.fixture
def scene():
    return draw_scene(5, size=48)


@pytest.fixture
def explorer(scene):
    names = ["red", "green", "blue"]
    return RiseExplorer(Colours(), scene.x, 0, counts=COUNTS, names=names, masks=scene.masks)


def alt_of(explorer):
    return html.unescape(re.search(r'alt="([^"]*)"', explorer.screen.value).group(1))


def test_before_it_ran_there_is_no_map(explorer):
    state = explorer.state(10)
    assert state.map is None
    assert alt_of(explorer) == "There is no map of RISE for red from 40 masks yet."
    assert explorer.count.disabled
    assert render(state).startswith(b"\x89PNG")


@pytest.mark.parametrize("target", [0, 2])
def test_the_map_is_that_of_the_method_with_so_many_masks(explorer, scene, target):
    explorer.wait()
    explorer.target.value = target
    state = explorer.state(40)
    expected = rise(Colours(), scene.x, target, num_masks=40)[0, 0]
    np.testing.assert_allclose(state.map, expected.numpy(), rtol=1e-4)
    masks = RiseMasks((48, 48), 40)[:]
    weighed = Colours()(scene.x * masks).sigmoid()[:, target].view(-1, 1, 1, 1) * masks
    for count in COUNTS:
        state, first = explorer.state(count), weighed[:count]
        np.testing.assert_allclose(state.map, first.mean(0)[0], rtol=1e-4)
        np.testing.assert_allclose(state.error, first.std(0)[0] / count**0.5, rtol=1e-3, atol=1e-6)
        torch.testing.assert_close(torch.tensor(state.seen), (scene.x * masks[count - 1])[0])


def test_every_step_of_the_slider_has_its_own_picture(explorer):
    explorer.wait()
    assert explorer.count.value == 40
    assert "Done." in explorer.news.value
    assert not explorer.count.disabled
    seen = set()
    for count in COUNTS:
        explorer.count.value = count
        assert f"from {count} masks" in alt_of(explorer)
        assert alt_of(explorer) == describe(explorer.state(count))
        seen.add(explorer.screen.value)
    assert len(seen) == len(COUNTS)
    shares = [explorer.state(count).share for count in COUNTS]
    assert shares[-1] < shares[0]


def test_the_map_grows_while_it_runs(explorer):
    scores = torch.rand(12, 3)
    explorer._tell(scores, 40)
    assert explorer.count.value == 10
    assert explorer.progress.value == 12
    assert explorer.state(10).map is not None
    assert explorer.state(40).map is None


def test_stopped_and_failed_runs_are_said(explorer, monkeypatch):
    for error, words in ((Cancelled(), "Cancelled."), (ValueError("no <map>"), "no &lt;map&gt;")):

        def fail(*args, error=error, **more):
            raise error

        monkeypatch.setattr(explorer._background._runner, "run", fail)
        with pytest.raises(RuntimeError, match="no map of RISE"):
            explorer.wait()
        assert words in explorer.news.value
        assert not explorer.run.disabled
        assert explorer.cancel.disabled


@pytest.mark.parametrize("counts", [(), (1, 5), (5, 5), (9, 3)])
def test_counts_that_are_none_are_one_sentence(scene, counts):
    with pytest.raises(ValueError, match="numbers of masks, at least 2"):
        RiseExplorer(Colours(), scene.x, 0, counts=counts, names=["r", "g", "b"])


def test_every_control_has_a_label(explorer):
    controls = ("target", "count", "opacity", "run", "cancel", "progress")
    assert all(getattr(explorer, name).description for name in controls)
    assert "up to 40 masks" in explorer._repr_mimebundle_()["text/plain"]
