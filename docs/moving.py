"""Draws docs/moving.webp: the map of RISE, as it comes out of the noise mask after mask.

.venv/bin/python docs/moving.py
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from course_lib.attribution.rise import RiseMasks
from course_lib.benchmark import get_example_data
from course_lib.figures.plotting import Panel, gallery
from course_lib.world.examples import example_scene
from course_lib.world.scenes import CLASSES

FRAMES = 30
MASKS = 3000
FIRST, BETWEEN, LAST = 1200, 160, 3000
"""Milliseconds that the first, the others and the last picture stay."""


def counts() -> list[int]:
    """After how many masks a picture is taken: often at first, then less and less."""
    return sorted({round(n) for n in np.geomspace(2, MASKS, FRAMES)})


def frames() -> Iterator[Image.Image]:
    """The pictures: the scene, what the last mask leaves of it, and the map so far."""
    network, x, category, _ = get_example_data("tiny_vgg")
    outlines = example_scene().masks
    masks = RiseMasks(x.shape[2:], MASKS)
    total, done = torch.zeros(1, 1, *x.shape[2:]), 0
    for count in counts():
        some = masks[done:count]
        probabilities = torch.sigmoid(torch.cat([network(x * m) for m in some.split(50)]))
        total += (probabilities[:, category, None, None, None] * some).sum(0)
        done = count
        yield drawn(x, x * some[-1], total / count, count, category, outlines)


def drawn(
    x: Tensor, masked: Tensor, map_: Tensor, count: int, category: int, outlines: np.ndarray
) -> Image.Image:
    """One picture of the series."""
    row = [
        Panel("image", x, f"where is the {CLASSES[category]}?", outlines=outlines, focus=category),
        Panel("image", masked, "a random mask"),
        Panel("heat", map_ - map_.min(), f"{count:,} masks"),
    ]
    caption = "The map of RISE after more and more masks."
    alt = "A scene, the scene under a random mask, and the map so far."
    picture = gallery([row], column_width=1.8, caption=caption, alt=alt)
    return Image.open(io.BytesIO(picture.png)).convert("RGB")


if __name__ == "__main__":
    first, *others = frames()
    first.save(
        Path(__file__).with_name("moving.webp"),
        save_all=True,
        append_images=others,
        duration=[FIRST, *[BETWEEN] * (len(others) - 1), LAST],
        loop=0,
        quality=70,
        method=4,
    )
