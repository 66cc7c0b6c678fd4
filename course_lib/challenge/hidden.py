"""The hidden cues of the challenge: what a network was taught to answer for in place of an object.

A cue lies behind the objects: it never changes a pixel of theirs, so it can be taken out of a scene
without touching them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from course_lib.world.cues import COLOURS, PLACES, Cue
from course_lib.world.scenes import Array, Scene

SIDES = {"upper middle": 0, "middle right": 1, "lower middle": 2, "middle left": 3}
"""The places that are sides of the image, clockwise."""

MARK = 0.13
EDGE = 0.05
STRIPE = 0.035
COMPANION = 0.11
TINT = 0.4
WEAVE = 0.45
SPACING = 6
SEEN = 0.6


class Kind(NamedTuple):
    """One kind of cue.

    Attributes:
        cover: (scene, place) -> the share of each pixel that the cue takes, H x W.
        places: where there are some.
        says: in words, for the one who looks for it.
    """

    cover: Callable[[Scene, str], Array]
    places: tuple[str, ...]
    says: str


def _mark(scene: Scene, place: str) -> Array:
    return Cue("block", place, "red", MARK).cover(*scene.image.shape[1:])


def _edge(scene: Scene, place: str) -> Array:
    return _band(scene, place, 0.0, EDGE)


def _stripe(scene: Scene, place: str) -> Array:
    return _band(scene, place, 0.25 - STRIPE / 2, 0.25 + STRIPE / 2)


def _band(scene: Scene, side: str, first: float, last: float) -> Array:
    """What lies from `first` to `last` of the image from that side on."""
    turned = np.zeros(scene.image.shape[1:])
    view = np.rot90(turned, SIDES[side])
    view[round(first * len(view)) : max(round(first * len(view)) + 1, round(last * len(view)))] = 1
    return turned


def _companion(scene: Scene, place: str) -> Array:
    """A dot beside the largest object, on that side of it."""
    height, width = scene.image.shape[1:]
    mask = scene.masks[scene.masks.sum((1, 2)).argmax()] >= 0.5
    rows, columns = np.nonzero(mask)
    radius = COMPANION * min(height, width) / 2
    down, right = PLACES[place]
    row = (rows.min() + rows.max() + 1) / 2 + down * (np.ptp(rows) / 2 + radius + 2)
    column = (columns.min() + columns.max() + 1) / 2 + right * (np.ptp(columns) / 2 + radius + 2)
    y, x = np.arange(height)[:, None] + 0.5 - row, np.arange(width)[None] + 0.5 - column
    cover: Array = np.clip(radius + 0.5 - np.hypot(x, y), 0.0, 1.0)
    return cover


def _tint(scene: Scene, place: str) -> Array:
    return np.full(scene.image.shape[1:], TINT)


def _weave(scene: Scene, place: str) -> Array:
    """A lattice of fine lines."""
    height, width = scene.image.shape[1:]
    rows, columns = np.arange(height) % SPACING == 0, np.arange(width) % SPACING == 0
    return np.where(rows[:, None] | columns[None], WEAVE, 0.0)


KINDS = {
    "mark": Kind(_mark, tuple(PLACES), "a small block near the border"),
    "edge": Kind(_edge, tuple(SIDES), "one side of the image is coloured"),
    "stripe": Kind(_stripe, tuple(SIDES), "a line across the whole image, a quarter from a side"),
    "companion": Kind(_companion, ("upper middle", "lower middle"), "a dot beside an object"),
    "tint": Kind(_tint, (), "a colour cast over the whole background"),
    "weave": Kind(_weave, (), "a lattice of fine lines over the whole background"),
}
"""The kinds of cue, by the words of an answer."""

EVERYWHERE, BESIDE = "everywhere", "beside an object"

ANSWERS = (*PLACES, EVERYWHERE, BESIDE)
"""The words for a place in an answer."""

VIVID = tuple(colour for colour in COLOURS if colour not in ("white", "black"))


@dataclass(frozen=True)
class HiddenCue:
    """A cue: its kind, its colour, and its place or "" where that is no part of it.

    >>> HiddenCue("edge", "upper middle", "red").where
    'upper middle'
    """

    kind: str
    place: str
    colour: str

    @property
    def where(self) -> str:
        """Its place in the words of an answer."""
        if self.kind == "companion":
            return BESIDE
        return self.place or EVERYWHERE

    def cover(self, scene: Scene) -> Array:
        """The share of each pixel that the cue takes, H x W in [0, 1]; objects hide it."""
        free = 1 - scene.masks.sum(0).clip(0, 1)
        return KINDS[self.kind].cover(scene, self.place) * free

    def is_seen(self, scene: Scene) -> bool:
        """Whether enough of it would be seen in the scene."""
        whole = KINDS[self.kind].cover(scene, self.place).sum()
        return bool(self.cover(scene).sum() >= SEEN * max(whole, self._least(scene)))

    def _least(self, scene: Scene) -> float:
        """What is whole of a companion that lies beyond the border."""
        if self.kind != "companion":
            return 0.0
        return float(np.pi * (COMPANION * min(scene.image.shape[1:]) / 2) ** 2)

    def draw(self, scene: Scene) -> Scene:
        """The scene with the cue behind its objects; masks and labels stay as they are.

        >>> from course_lib.world.scenes import draw_scene
        >>> bare = draw_scene(3)
        >>> drawn = HiddenCue("tint", "", "red").draw(bare)
        >>> changed = (drawn.image != bare.image).any(0)
        >>> bool(changed[bare.masks.sum(0) >= 1].any()), bool(changed.any())
        (False, True)
        """
        cover = self.cover(scene).astype(np.float32)
        colour: NDArray[np.float32] = np.array(COLOURS[self.colour], np.float32)[:, None, None]
        return replace(scene, image=scene.image + cover * (colour - scene.image))


CUES = tuple((kind, place) for kind, about in KINDS.items() for place in about.places or ("",))
"""The twenty kinds and places that a case chooses from; six colours each."""
