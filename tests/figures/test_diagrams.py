"""The lessons' diagrams: arrows end at the functions named, replacements stand out."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from course_lib.figures import diagrams
from course_lib.figures.plotting import Picture

ORANGE = (0xD5, 0x5E, 0x00)


def pixels(picture: Picture) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(picture.png)).convert("RGB")).astype(int)


def orange_share(image: np.ndarray) -> float:
    return float((np.abs(image - ORANGE).max(-1) < 24).mean())


def posts(arrows: dict[str, str], changed: list[str]) -> np.ndarray:
    picture = diagrams.signposts([("now", arrows)], changed=changed, caption="c", alt="a")
    return pixels(picture)


def test_an_arrow_to_a_replacement_stands_out() -> None:
    arrows = {"torch.relu": "torch.neg", "early": "the ReLU"}
    plain, marked = posts(arrows, []), posts(arrows, ["torch.neg"])
    assert orange_share(plain) == 0
    assert orange_share(marked) > 0


def test_a_turned_signpost_looks_different() -> None:
    straight = posts({"a": "f", "b": "g"}, ["g"])
    crossed = posts({"a": "g", "b": "f"}, ["g"])
    assert straight.shape == crossed.shape
    assert (straight != crossed).any()


def test_the_shade_covers_its_stretch_of_time_in_every_lane() -> None:
    lanes = [("A", [(0, 6, "")]), ("B", [(2, 4, "")])]
    bare = pixels(diagrams.timeline(lanes, caption="c", alt="a"))
    shaded = pixels(diagrams.timeline(lanes, shade=(1, 5, ""), caption="c", alt="a"))
    assert bare.shape == shaded.shape
    columns = (bare != shaded).any(-1).mean(0)
    covered = np.flatnonzero(columns > 0.4)
    # 4 of 6 steps, in a figure that has a little room for names at its left
    assert 0.4 < len(covered) / columns.size < 0.7
    assert np.array_equal(covered, np.arange(covered[0], covered[-1] + 1))


@pytest.mark.parametrize("caption", ["", " "])
def test_a_diagram_needs_a_caption(caption: str) -> None:
    with pytest.raises(ValueError, match="caption"):
        diagrams.signposts([("now", {"a": "f"})], caption=caption, alt="a")
    with pytest.raises(ValueError, match="caption"):
        diagrams.timeline([("A", [(0, 1, "")])], caption=caption, alt="a")
