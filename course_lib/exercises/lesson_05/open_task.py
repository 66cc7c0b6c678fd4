"""The open task of lesson 05: a map that lies on the object better than the contrastive one."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from course_lib.attribution.excitation_backprop import contrastive_excitation_backprop
from course_lib.attribution.maps.imaging import imsmooth

from ..engine.hidden_scenes import over_hidden_scenes
from ..engine.open_task import OpenTask
from . import LESSON


def region(s: Tensor, mask: Tensor) -> float:
    """Of the largest pixels of a map, as many as the object has, the share on the object.

    It depends on the order of the pixels alone: no power of a map is worth more than the map.
    """
    on_object = (mask > 0.5).flatten()
    largest = s.flatten().topk(int(on_object.sum())).indices
    return float(on_object[largest].float().mean())


def mean_region(make_map: Any) -> float:
    """The mean of `region` over hidden scenes, for a function `(model, x, target) -> map`."""
    return over_hidden_scenes(make_map, region)


def contrastive(model: nn.Module, x: Tensor, target: int, layer: str = "features.8") -> Tensor:
    """The lesson's contrastive map."""
    return contrastive_excitation_backprop(
        model, x, target, saliency_layer=layer, contrast_layer="avgpool"
    )


def smoothed(model: nn.Module, x: Tensor, target: int) -> Tensor:
    """The contrastive map of a finer layer, its points melted into a region."""
    return imsmooth(contrastive(model, x, target, "features.3"), 3)


TASK = OpenTask(
    name="better_region",
    lesson=LESSON.id,
    title="a region that fits the object better than the contrast's",
    score=mean_region,
    to_beat=lambda: mean_region(contrastive),
    whose="the contrastive map at features.8",
    measured="of the region lies on the object",
    example=smoothed,
    shown="{:.1%}",
)
