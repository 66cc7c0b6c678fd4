"""The open task of lesson 01: a map whose largest pixel hits the object more often."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from course_lib.attribution.gradient import gradient
from course_lib.attribution.maps.imaging import imsmooth

from ..engine.hidden_scenes import hit, over_hidden_scenes
from ..engine.open_task import OpenTask
from . import LESSON

SCENES = 20


def hits(make_map: Any) -> float:
    """In how many maps of the hidden scenes the largest pixel lies on the object asked for."""
    return over_hidden_scenes(make_map, hit, scenes=SCENES)


def _by_contrast(model: nn.Module, x: Tensor, target: int) -> Tensor:
    """Gradient times the distance from the mean colour, summed up over regions."""
    image = x.clone().requires_grad_()
    (slopes,) = torch.autograd.grad(model(image)[0, target], image)
    contrast = x - x.mean(dim=(2, 3), keepdim=True)
    return imsmooth((slopes * contrast).sum(dim=1, keepdim=True), sigma=4)


TASK = OpenTask(
    name="better_peak",
    lesson=LESSON.id,
    title="a better peak",
    score=hits,
    to_beat=lambda: hits(gradient),
    whose="one gradient",
    measured="of the maps have their largest number on the object",
    example=_by_contrast,
)
