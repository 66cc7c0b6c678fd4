"""The open task of lesson 03: maps that lie more on the object than guided backprop's."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from course_lib.attribution.guided_backprop import guided_backprop

from ..engine.hidden_scenes import over_hidden_scenes
from ..engine.open_task import OpenTask
from . import LESSON

SCENES = 20


def brightest_on_object(s: Tensor, mask: Tensor) -> float:
    """How many of a map's brightest pixels lie on the object, as many as the object has.

    Unlike the share of a map's total, this is blind to what only stretches the map, as squaring
    does: the order of its pixels counts.
    """
    brightest = s.flatten().topk(round(float(mask.sum()))).indices
    return float(mask.flatten()[brightest].mean())


def on_object(make_map: Any) -> float:
    """The mean over maps of the hidden scenes."""
    return over_hidden_scenes(make_map, brightest_on_object, scenes=SCENES)


def _against_the_other_class(model: nn.Module, x: Tensor, target: int) -> Tensor:
    """Guided backprop, less that of the class with the highest score among the others."""
    scores = model(x)[0].detach()
    scores[target] = -torch.inf
    one, other = guided_backprop(model, x, [target, int(scores.argmax())])
    return one - other


TASK = OpenTask(
    name="own_relu_rule",
    lesson=LESSON.id,
    title="a rule of your own",
    score=on_object,
    to_beat=lambda: on_object(guided_backprop),
    whose="guided backprop",
    measured="of the brightest pixels lie on the object",
    example=_against_the_other_class,
)
