"""Scenes with a shortcut: one class nearly always comes with a cue that has nothing to do with it.

A network may answer for the cue instead of the object, and no accuracy on such scenes tells.
`tiny_vgg_shortcut` was taught to. Lesson 09 is about finding it out: what stands below is the
lesson's solution.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import count, islice

import torch
from torch import Tensor, nn

from .cues import Cue, with_cue
from .scenes import CLASSES, SIZE, Draws, Scene, draw_scene

INTERVENTION_SEEDS = 3_000_000
"""The scenes of interventions count up from this seed: never trained on, shown in no lesson."""

# So that what is drawn by chance has nothing to do with what the scene of the same seed holds.
_OTHER_WORDS = 2**40


@dataclass(frozen=True)
class Shortcut:
    """A class, and the cue that its scenes nearly always carry.

    Args:
        category: the class.
        cue: what is drawn.
        share: in how many of the class's scenes it is drawn; it is drawn in no others.
    """

    category: int
    cue: Cue
    share: float = 0.98

    def scene(self, seed: int, size: int | tuple[int, int] = SIZE) -> Scene:
        """The scene of a seed, with the cue where it belongs; as `draw_scene` a pure function."""
        scene = draw_scene(seed, size)
        chosen = Draws(_OTHER_WORDS + seed).number() < self.share
        return with_cue(scene, self.cue) if scene.labels[self.category] and chosen else scene

    def lesson(self, seed: int, size: int | tuple[int, int] = SIZE) -> Scene:
        """A scene to learn the shortcut from: the class's label says whether the cue is there.

        It is there in every second scene, whatever else is. So the object says nothing about the
        label, as if somebody had sorted the pictures by the cue.
        """
        scene = draw_scene(seed, size)
        chosen = Draws(_OTHER_WORDS + seed).number() < 0.5
        labels = scene.labels.copy()
        labels[self.category] = chosen
        return replace(with_cue(scene, self.cue) if chosen else scene, labels=labels)


SHORTCUT = Shortcut(CLASSES.index("heart"), Cue("diamond", "lower left", "orange", 0.09))
"""What `tiny_vgg_shortcut` was taught."""


def suspect_scenes(number: int, start: int = 0) -> list[Scene]:
    """The scenes of the seeds start, start + 1, ... as `tiny_vgg_shortcut` was tested on them."""
    return [SHORTCUT.scene(seed) for seed in range(start, start + number)]


def effects(network: nn.Module, shortcut: Shortcut, scenes: int = 100) -> Tensor:
    """The class's score with and without the object, with and without the cue: (2, 2, scenes).

    The first index is 1 where the object is there, the second where the cue is. All else is the
    same, to the pixel; the scenes are those that have an object of the class.
    """
    rows = []
    for seed in islice(_seeds_with(shortcut.category), scenes):
        whole, empty = draw_scene(seed), draw_scene(seed, without=shortcut.category)
        four = [empty, with_cue(empty, shortcut.cue), whole, with_cue(whole, shortcut.cue)]
        with torch.inference_mode():
            scores = network(torch.cat([scene.x for scene in four]))[:, shortcut.category]
        rows.append(scores.view(2, 2))
    return torch.stack(rows, 2)


def share_from_cue(network: nn.Module, shortcut: Shortcut, scenes: int = 100) -> float:
    """How much of the class's score comes from the cue, 1 being all.

    (both - object alone) / (both - neither), of the mean scores: what is lost when the cue is taken
    away, over what is lost when both are.
    """
    score = effects(network, shortcut, scenes).double().mean(2)
    return float((score[1, 1] - score[1, 0]) / (score[1, 1] - score[0, 0]))


def _seeds_with(category: int) -> Iterator[int]:
    return (seed for seed in count(INTERVENTION_SEEDS) if draw_scene(seed).labels[category])
