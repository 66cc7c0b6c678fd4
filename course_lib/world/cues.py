"""Cues: small marks drawn into a scene, beside which everything stays as it was.

A cue has nothing to do with the objects. A network that answers for it cheats, and the same scene
with and without the cue, a counterfactual, shows that: `scene` is the one, `with_cue(scene, cue)`
the other.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from difflib import get_close_matches

import numpy as np

from .scenes import Array, Scene

PLACES = {
    "upper left": (-1, -1),
    "upper middle": (-1, 0),
    "upper right": (-1, 1),
    "middle left": (0, -1),
    "middle right": (0, 1),
    "lower left": (1, -1),
    "lower middle": (1, 0),
    "lower right": (1, 1),
}
"""Where along the border a cue may be: downwards and to the right, from the middle."""

COLOURS = {
    "white": (1.0, 1.0, 1.0),
    "black": (0.0, 0.0, 0.0),
    "red": (0.85, 0.10, 0.10),
    "orange": (0.95, 0.55, 0.05),
    "yellow": (0.95, 0.90, 0.10),
    "green": (0.10, 0.65, 0.20),
    "blue": (0.10, 0.25, 0.85),
    "purple": (0.55, 0.15, 0.70),
}
"""Red, green and blue of each colour, in [0, 1]."""

MARGIN = 1.5
"""Pixels between a cue and the border."""

SIZES = (0.04, 0.25)
"""The smallest and the largest width of a cue, in shorter sides."""


@dataclass(frozen=True)
class Cue:
    """A mark of one colour at a place of its own.

    Args:
        kind: one of `KINDS`.
        place: one of `PLACES`.
        colour: one of `COLOURS`.
        size: its width in shorter sides of the image.

    Raises:
        ValueError: there is no such kind, place or colour, or the size is out of `SIZES`.

    >>> print(Cue("dot", "upper right", "red"))
    a red dot, upper right
    """

    kind: str
    place: str
    colour: str
    size: float = 0.1

    def __post_init__(self) -> None:
        for what, choices in (("kind", KINDS), ("place", PLACES), ("colour", COLOURS)):
            _one_of(what, getattr(self, what), choices)
        if not SIZES[0] <= self.size <= SIZES[1]:
            raise ValueError(
                f"The size of a cue is from {SIZES[0]} to {SIZES[1]} shorter sides, not "
                f"{self.size!r}."
            )

    def __str__(self) -> str:
        article = "an" if self.colour[0] in "aeiou" else "a"
        return f"{article} {self.colour} {self.kind}, {self.place}"

    def cover(self, height: int, width: int) -> Array:
        """The share of each pixel that the cue covers, (height, width) in [0, 1]."""
        radius = self.size * min(height, width) / 2
        down, right = PLACES[self.place]
        row = height / 2 + down * (height / 2 - MARGIN - radius)
        column = width / 2 + right * (width / 2 - MARGIN - radius)
        y = (np.arange(height, dtype=np.float64)[:, None] + 0.5 - row) / radius
        x = (np.arange(width, dtype=np.float64)[None] + 0.5 - column) / radius
        cover: Array = np.clip(0.5 - KINDS[self.kind](x, y) * radius, 0.0, 1.0)
        return cover


def with_cue(scene: Scene, cue: Cue) -> Scene:
    """The same scene with a cue drawn over it; labels and seed stay, and so does all else.

    Where the cue lies over an object, the object's mask has a hole.

    Returns:
        A new `Scene`; the one given is as it was.

    >>> from .scenes import draw_scene
    >>> bare = draw_scene(7)
    >>> changed = (with_cue(bare, Cue("dot", "upper right", "red")).image != bare.image).any(0)
    >>> bool(changed[:12, -12:].any()), bool(changed[:, :-12].any())
    (True, False)
    """
    cover = cue.cover(*scene.image.shape[1:]).astype(np.float32)
    colour = np.array(COLOURS[cue.colour], np.float32)[:, None, None]
    image = scene.image + cover * (colour - scene.image)
    return replace(scene, image=image, masks=scene.masks * (1 - cover))


def _one_of(what: str, given: str, choices: Mapping[str, object]) -> None:
    if given in choices:
        return
    near = get_close_matches(str(given), choices)
    hint = (
        f"did you mean {' or '.join(map(repr, near))}?"
        if near
        else f"there are {', '.join(choices)}."
    )
    raise ValueError(f"There is no {what} of cue {given!r}; {hint}")


# The outlines: signed distances in half widths, with x to the right and y downwards.


def _dot(x: Array, y: Array) -> Array:
    return np.hypot(x, y) - 1


def _block(x: Array, y: Array) -> Array:
    return np.maximum(np.abs(x), np.abs(y)) - 1


def _diamond(x: Array, y: Array) -> Array:
    return (np.abs(x) + np.abs(y) - 1) / np.sqrt(2)


def _dash(x: Array, y: Array) -> Array:
    """Three times as wide as it is high."""
    return np.maximum(np.abs(x) - 1, np.abs(y) - 1 / 3)


def _post(x: Array, y: Array) -> Array:
    """Three times as high as it is wide."""
    return _dash(y, x)


KINDS: dict[str, Callable[[Array, Array], Array]] = {
    "dot": _dot,
    "block": _block,
    "diamond": _diamond,
    "dash": _dash,
    "post": _post,
}
