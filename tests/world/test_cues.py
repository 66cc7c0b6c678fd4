from __future__ import annotations

import numpy as np
import pytest

from course_lib.world.cues import COLOURS, KINDS, MARGIN, PLACES, Cue, with_cue
from course_lib.world.scenes import CLASSES, draw_scene

EVERY = [Cue(kind, place, "red") for kind in KINDS for place in PLACES]


@pytest.mark.parametrize("cue", EVERY, ids=str)
@pytest.mark.parametrize(("height", "width"), [(96, 96), (64, 120)])
def test_a_cue_lies_whole_at_its_place(cue, height, width):
    cover = cue.cover(height, width)
    assert cover.shape == (height, width)
    assert cover.max() == 1
    rows, columns = np.nonzero(cover)
    edge = int(MARGIN)
    assert rows.min() >= edge
    assert columns.min() >= edge
    assert rows.max() < height - edge
    assert columns.max() < width - edge
    down, right = PLACES[cue.place]
    assert np.sign(np.round(rows.mean() - (height - 1) / 2, 6)) == down
    assert np.sign(np.round(columns.mean() - (width - 1) / 2, 6)) == right
    assert max(np.ptp(rows), np.ptp(columns)) + 1 == pytest.approx(0.1 * min(height, width), abs=2)


def test_the_area_is_that_of_the_shape():
    """A fine grid, so that the rim matters little: areas of a half width of 50 pixels."""
    areas = {kind: Cue(kind, "lower left", "red", 0.2).cover(500, 500).sum() for kind in KINDS}
    expected = {
        "dot": np.pi * 50**2,
        "block": 100**2,
        "diamond": 100**2 / 2,
        "dash": 100**2 / 3,
        "post": 100**2 / 3,
    }
    assert areas == pytest.approx(expected, rel=0.01)


def test_kinds_differ():
    covers = [Cue(kind, "upper left", "red").cover(96, 96) for kind in KINDS]
    for number, one in enumerate(covers):
        for other in covers[:number]:
            assert np.abs(one - other).sum() > 5


@pytest.mark.parametrize("colour", COLOURS)
def test_all_else_stays_as_it_was(colour):
    cue = Cue("dot", "lower right", colour)
    bare = draw_scene(11)
    before = bare.image.copy(), bare.masks.copy()
    marked = with_cue(bare, cue)
    cover = cue.cover(96, 96)
    assert np.array_equal(marked.image[:, cover == 0], bare.image[:, cover == 0])
    inside = marked.image[:, cover == 1]
    assert np.allclose(inside, np.array(COLOURS[colour])[:, None], atol=1e-6)
    assert marked.image.dtype == marked.masks.dtype == np.float32
    assert marked.image.min() >= 0
    assert marked.image.max() <= 1
    assert np.array_equal(marked.labels, bare.labels)
    assert marked.seed == bare.seed
    assert np.array_equal(bare.image, before[0])
    assert np.array_equal(bare.masks, before[1])


def test_an_object_under_a_cue_has_a_hole():
    cue = Cue("block", "upper left", "white", 0.25)
    cover = cue.cover(96, 96)
    seed = next(seed for seed in range(99) if draw_scene(seed).masks.sum(0)[cover == 1].any())
    bare, marked = draw_scene(seed), with_cue(draw_scene(seed), cue)
    assert not marked.masks[:, cover == 1].any()
    assert np.array_equal(marked.masks[:, cover == 0], bare.masks[:, cover == 0])


def test_no_kind_has_the_name_of_an_object():
    assert not set(KINDS) & set(CLASSES)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (("dott", "upper left", "red"), "no kind of cue 'dott'; did you mean 'dot'"),
        (("dot", "centre", "red"), "no place of cue 'centre'; there are upper left, upper middle"),
        (("dot", "upper left", "mauve"), "no colour of cue 'mauve'; there are white, black"),
        (("dot", "upper left", "red", 0.5), "size of a cue is from 0.04 to 0.25"),
        (("dot", "upper left", "red", float("nan")), "size of a cue is from 0.04 to 0.25"),
    ],
)
def test_what_there_is_not(values, said):
    with pytest.raises(ValueError, match=said):
        Cue(*values)
