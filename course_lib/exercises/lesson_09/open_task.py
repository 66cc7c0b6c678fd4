"""The open task of lesson 09: make the suspect honest, with few scenes and little time."""

from __future__ import annotations

import copy
from functools import cache
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from course_lib.world.networks import load_network
from course_lib.world.scenes import Scene, draw_scene
from course_lib.world.shortcut import SHORTCUT

from ..engine.hidden_scenes import FIRST_SEED
from ..engine.open_task import CannotScore, OpenTask
from ..engine.probes import describe
from . import LESSON

GIVEN, HIDDEN = 64, 60


@cache
def _scenes(first: int, number: int) -> tuple[Scene, ...]:
    """Scenes without a mark; every second one has an object of the class."""
    found: dict[bool, list[Scene]] = {True: [], False: []}
    seed = first
    while min(map(len, found.values())) < number // 2:
        scene = draw_scene(seed)
        found[bool(scene.labels[SHORTCUT.category])].append(scene)
        seed += 1
    pairs = zip(found[True][: number // 2], found[False][: number // 2], strict=True)
    return tuple(scene for pair in pairs for scene in pair)


def _arrays(scenes: tuple[Scene, ...]) -> tuple[Tensor, Tensor]:
    images = torch.cat([scene.x for scene in scenes])
    return images, torch.stack([torch.from_numpy(scene.labels.copy()) for scene in scenes])


def right_answers(cure: Any) -> float:
    """The share of right answers for the class, after the cure, on hidden scenes without a mark.

    Raises:
        CannotScore: the cure returns no network, or one that gives no scores (N, 8).
    """
    model = load_network("tiny_vgg_shortcut").requires_grad_(True)
    cured = cure(model, *_arrays(_scenes(FIRST_SEED, GIVEN)))
    if not isinstance(cured, nn.Module):
        raise CannotScore(f"A cure returns a network; your function returned {describe(cured)}.")
    images, labels = _arrays(_scenes(FIRST_SEED + 10_000, HIDDEN))
    with torch.no_grad():
        scores = cured.eval()(images)
    if scores.shape != labels.shape:
        raise CannotScore(
            f"The network should give scores of the shape {tuple(labels.shape)}; after your cure "
            f"it gives {tuple(scores.shape)}."
        )
    right = (scores > 0) == (labels > 0)
    return float(right[:, SHORTCUT.category].float().mean())


def as_it_is(model: nn.Module, x: Tensor, labels: Tensor) -> nn.Module:
    """No cure."""
    return model


def last_layer(model: nn.Module, x: Tensor, labels: Tensor) -> nn.Module:
    """The classifier trained again on what the layers below see, and nothing else."""
    cured: Any = copy.deepcopy(model)
    with torch.no_grad():
        seen = cured.avgpool(cured.features(x)).flatten(1)
    optimiser = torch.optim.Adam(cured.classifier.parameters(), lr=0.02)
    with torch.enable_grad():
        for _ in range(200):
            optimiser.zero_grad()
            F.binary_cross_entropy_with_logits(cured.classifier(seen), labels).backward()
            optimiser.step()
    return cured


TASK = OpenTask(
    name="honest_again",
    lesson=LESSON.id,
    title="make the suspect honest",
    score=right_answers,
    to_beat=lambda: right_answers(as_it_is),
    whose="the suspect as it is",
    measured="of the answers for that class are right on scenes without a mark",
    example=last_layer,
)
