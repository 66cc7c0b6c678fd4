"""What the playground is made of, and its page."""

from __future__ import annotations

import base64
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import torch

from course_lib.attribution.grad_cam import grad_cam
from course_lib.attribution.rise import rise
from course_lib.figures.plotting import Panel, gallery
from course_lib.world.networks import load_network
from course_lib.world.scenes import (
    CLASSES,
    OBJECT_SCALE,
    SIZE,
    TEXTURES,
    Draws,
    Placed,
    Scene,
    cover_and_shade,
    draw_scene,
    two_colours,
)

PAGE = Path(__file__).with_name("playground.md")
STATIC = "static/playground"

PART = 42
"""Side of an object's picture in pixels: room for a radius of 0.19 of the scene."""
RADIUS = 0.19
PATTERNS = ("plain", "stripes", "checks", "clouds")
COLOURS = (
    *("pink", "red", "orange", "amber", "yellow green", "green"),
    *("sea green", "cyan", "sky blue", "blue", "violet", "purple"),
)
"""Twelve hues of the Oklab colour space, evenly round the circle."""

# A ground's name, whether it is dark, its pattern, and its hue in radians.
GROUNDS = (
    ("light checks", False, 2, 1.6),
    ("light and plain", False, 0, 5.2),
    ("dark clouds", True, 3, 4.5),
    ("dark stripes", True, 1, 2.6),
)
# The objects that the page begins with, anywhere but on each other.
OBJECTS = (
    {"shape": "heart", "x": 4, "y": 6, "colour": 1, "pattern": 0},
    {"shape": "star", "x": 50, "y": 18, "colour": 3, "pattern": 1},
    {"shape": "ring", "x": 22, "y": 52, "colour": 8, "pattern": 2},
)
PUZZLES = (45, 2157, 7)
"""Seeds of the game's scenes."""


def write_playground(folder: Path, without: str) -> None:
    """Write the playground's page and data.

    Args:
        folder: the site's sources.
        without: why the engine is missing; empty where it is there.
    """
    static = folder / STATIC
    static.mkdir(parents=True, exist_ok=True)
    (static / "world.json").write_text(json.dumps(world()), encoding="utf-8")
    still(draw_scene(PUZZLES[1])).save(static / "still.png")
    page = PAGE.read_text(encoding="utf-8")
    page = page.replace('data-engine="yes"', f'data-engine="{"no" if without else "yes"}"')
    (folder / PAGE.name).write_text(page, encoding="utf-8")


def world() -> dict[str, Any]:
    """What the page draws from and what it needs of the network; arrays as base64, row by row."""
    classifier = load_network("tiny_vgg").classifier
    return {
        "classes": CLASSES,
        "size": SIZE,
        "part": PART,
        # 8 x 2 x part x part bytes: the share of each pixel that a shape covers, and its shade.
        "shapes": _bytes(np.stack([shape(i) for i in range(len(CLASSES))])),
        # 4 x part x part bytes: the share of an object's second colour.
        "patterns": _bytes(
            np.stack([pattern(i, PART, OBJECT_SCALE) for i in range(len(PATTERNS))])
        ),
        "patternNames": PATTERNS,
        # Two colours for each hue, 12 x 2 x 3 numbers, that stand out from a ground.
        "colours": {"dark": object_colours(True), "light": object_colours(False)},
        "colourNames": COLOURS,
        "grounds": [
            {"name": name, "dark": dark, "pixels": _bytes(ground(dark, texture, hue))}
            for name, dark, texture, hue in GROUNDS
        ],
        "objects": OBJECTS,
        "puzzles": [puzzle(draw_scene(seed)) for seed in PUZZLES],
        # 8 x 128 numbers: how much each channel of the last activations counts for each class.
        "weights": _base64(classifier.weight.detach().numpy().astype("<f4")),
    }


def shape(category: int) -> np.ndarray:
    """A class's cover and shade, 2 x part x part, upright and in the middle."""
    lines = (np.arange(PART) + 0.5) / SIZE
    middle = PART / 2 / SIZE
    placed = Placed(category, middle, middle, RADIUS, 0.0)
    return np.stack(cover_and_shade(placed, lines, lines, SIZE))


def pattern(index: int, side: int, scale: float) -> np.ndarray:
    """The share of the second colour, side x side; the same whenever it is drawn."""
    lines = (np.arange(side) + 0.5) / SIZE
    return TEXTURES[index](Draws(index + 1), lines, lines, SIZE, scale)


def object_colours(on_dark: bool) -> list[Any]:
    """A pair of colours for each hue, as vivid and as light as those of scenes."""
    lightness, step = (0.74, 0.12) if on_dark else (0.56, 0.12)
    hues = [math.radians(30 * i) for i in range(len(COLOURS))]
    return [two_colours(lightness, step, 0.14, hue, 0.3).round(4).tolist() for hue in hues]


def ground(dark: bool, texture: int, hue: float) -> np.ndarray:
    """A ground, 3 x 96 x 96, as quiet as those of scenes."""
    lightness, step = (0.36, 0.08) if dark else (0.87, -0.08)
    first, second = two_colours(lightness, step, 0.04, hue, 0.5)[:, :, None, None]
    return first + pattern(texture, SIZE, 1.0) * (second - first)


def puzzle(scene: Scene) -> dict[str, Any]:
    """A scene of the game: its pixels, and the object that the network is surest of."""
    probabilities = torch.sigmoid(load_network("tiny_vgg")(scene.x)[0])
    return {
        "shape": CLASSES[int(probabilities.argmax())],
        "seed": scene.seed,
        "pixels": _bytes(scene.image),
    }


def still(scene: Scene) -> Any:
    """The picture for those for whom the page doesn't run."""
    network = load_network("tiny_vgg")
    category = scene.objects[0]
    map_ = grad_cam(network, scene.x, category, "features.21", resize=True)
    masks = rise(network, scene.x, category, num_masks=1000)
    return gallery(
        [
            [
                Panel("image", scene.x, "scene", outlines=scene.masks, focus=category),
                Panel("heat", map_, "Grad-CAM", outlines=scene.masks, focus=category),
                Panel("heat", masks - masks.min(), "RISE", outlines=scene.masks, focus=category),
            ]
        ],
        caption=f"Where the network looks when it says {CLASSES[category]}.",
        alt="A scene, and maps by Grad-CAM and RISE.",
    )


def _bytes(values: np.ndarray) -> str:
    """Numbers in [0, 1] as one byte each."""
    return _base64(np.rint(np.clip(values, 0, 1) * 255).astype(np.uint8))


def _base64(values: np.ndarray) -> str:
    return base64.b64encode(values.tobytes()).decode("ascii")
