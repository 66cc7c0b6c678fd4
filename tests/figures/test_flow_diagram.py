"""The diagrams of units and links."""

from __future__ import annotations

import io

import numpy as np
import pytest
import torch
from PIL import Image

from course_lib.figures.flow_diagram import contributions, relevance_flow

WORDS = {"caption": "A network.", "alt": "Units and links."}
X, W = torch.tensor([3.0, 1.0]), torch.tensor([[1.0, 2.0]])


def _pixels(picture: object) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(picture.png)).convert("RGB"), dtype=int)


def _coloured(picture: object, redder: bool) -> int:
    pixels = _pixels(picture)
    lead = pixels[..., 0] - pixels[..., 2]
    return int(((lead if redder else -lead) > 40).sum())


def test_a_link_that_holds_back_is_blue() -> None:
    exciting = contributions([X, W @ X], [W], **WORDS)
    holding = contributions([X, -W @ X], [-W], **WORDS)
    assert _coloured(exciting, redder=True) > 0 == _coloured(exciting, redder=False)
    assert _coloured(holding, redder=False) > 0 == _coloured(holding, redder=True)


@pytest.mark.parametrize("draw", [contributions, relevance_flow])
def test_the_picture_carries_its_words(draw) -> None:
    picture = draw([X, W @ X], [W], **WORDS)
    assert str(picture) == WORDS["alt"]
    assert WORDS["caption"] in picture._repr_html_()


def test_more_flow_makes_a_thicker_link() -> None:
    p = [torch.tensor([0.9, 0.1]), torch.ones(1)]
    uneven = relevance_flow(p, [torch.tensor([[0.9, 0.1]])], **WORDS)
    even = relevance_flow(p, [torch.tensor([[0.9, 0.9]])], **WORDS)
    nothing = relevance_flow(p, [torch.tensor([[0.9, 0.0]])], **WORDS)
    areas = [_coloured(picture, redder=True) for picture in (even, uneven, nothing)]
    assert areas == sorted(areas, reverse=True)
    assert len(set(areas)) == 3
