"""The open task of lesson 08: a map whose largest pixel hits more often than the best method's."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from course_lib.attribution.excitation_backprop import contrastive_excitation_backprop
from course_lib.attribution.maps.imaging import imsmooth
from course_lib.world.layers import LAYERS

from ..engine.hidden_scenes import hit, over_hidden_scenes
from ..engine.open_task import OpenTask
from . import LESSON

NETWORK = "tiny_densenet"
SCENES = 20


def hits(make_map: Any) -> float:
    """In how many maps of the hidden scenes the largest pixel lies on the object asked for."""
    return over_hidden_scenes(make_map, hit, scenes=SCENES, network=NETWORK)


def contrastive(model: nn.Module, x: Tensor, target: int) -> Tensor:
    """The contrastive map, in the image's size."""
    layers = LAYERS[NETWORK]
    return contrastive_excitation_backprop(
        model,
        x,
        target,
        saliency_layer=layers.middle,
        contrast_layer=layers.last,
        classifier_layer=layers.classifier,
        resize=True,
    )


def _smoothed(model: nn.Module, x: Tensor, target: int) -> Tensor:
    return imsmooth(contrastive(model, x, target), 4)


TASK = OpenTask(
    name="own_method",
    lesson=LESSON.id,
    title="a method of your own against the best one",
    score=hits,
    to_beat=lambda: hits(contrastive),
    whose="contrastive excitation backprop",
    measured="of the maps have their largest pixel on the object",
    example=_smoothed,
    shown="{:.1%}",
)
