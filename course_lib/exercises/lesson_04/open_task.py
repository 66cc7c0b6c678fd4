"""The open task of lesson 04: a scene in which Grad-CAM points at the wrong object."""

from __future__ import annotations

from operator import index
from typing import Any

import torch

from course_lib.attribution.grad_cam import grad_cam
from course_lib.world.networks import load_network
from course_lib.world.scenes import CLASSES, Scene, draw_scene, two_object_scenes

from ..engine.open_task import CannotScore, OpenTask
from . import LESSON

LAYER = "features.21"
SCENES_OF_THE_LESSON = 60


def share_on_the_wrong_one(seed: Any) -> float:
    """Of what Grad-CAM puts on a scene's two objects, the share on the one not asked for.

    Raises:
        CannotScore: there is no such scene, it has not two objects, or the network does not see
            the one asked for.
    """
    try:
        seed = index(seed)
    except TypeError:
        seed = -1
    if seed < 0:
        raise CannotScore("The answer is the seed of a scene: one whole number from 0 on.")
    scene = draw_scene(seed)
    if len(scene.objects) != 2:
        names = " and a ".join(scene.names)
        raise CannotScore(f"Scene {seed} has a {names}; the task is about scenes with two objects.")
    with torch.no_grad():
        score = load_network("tiny_vgg")(scene.x)[0, scene.objects[0]]
    if score <= 0:
        raise CannotScore(
            f"The network does not find the {CLASSES[scene.objects[0]]} in scene {seed}: there is "
            "nothing for a map to point at."
        )
    return max(_shares([scene]))


def _worst_of_the_lesson() -> float:
    """The largest such share among the scenes that the lesson measures."""
    return max(_shares(list(two_object_scenes(SCENES_OF_THE_LESSON))))


def _shares(scenes: list[Scene]) -> list[float]:
    """For each scene, asked for its first object, the share on the second; 0 of an empty map."""
    maps = grad_cam(
        load_network("tiny_vgg"),
        torch.cat([scene.x for scene in scenes]),
        [scene.objects[0] for scene in scenes],
        saliency_layer=LAYER,
        resize=scenes[0].image.shape[1:],
        resize_mode="nearest",
    )
    shares = []
    for s, scene in zip(maps[:, 0], scenes, strict=True):
        asked, other = (float((s * torch.from_numpy(m)).sum()) for m in scene.masks[scene.objects])
        shares.append(other / (asked + other) if asked + other > 0 else 0.0)
    return shares


TASK = OpenTask(
    name="wrong_object",
    lesson=LESSON.id,
    title="find a scene where Grad-CAM points at the wrong object",
    score=share_on_the_wrong_one,
    to_beat=_worst_of_the_lesson,
    whose=f"the worst of the lesson's {SCENES_OF_THE_LESSON} scenes",
    measured="of what Grad-CAM puts on the two objects lies on the one not asked for",
    example=745,
    shown="{:.1%}",
)
