"""The open task of lesson 10: surroundings in which the network does not see the object."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from course_lib.world.boxes import Box, box_around
from course_lib.world.networks import load_network

from ..engine.hidden_scenes import hidden_scenes
from ..engine.open_task import CannotScore, OpenTask
from ..engine.probes import describe
from . import LESSON

SCENES = 8
MARGIN = 3

Surround = Callable[[nn.Module, Tensor, Box, int], Any]
"""(network, image 1 x 3 x H x W, box, class) -> the image with other surroundings."""


def still_found(surround: Surround) -> float:
    """The share of the objects' pixels that the network still finds, over hidden scenes.

    Raises:
        CannotScore: what came back is no image, or differs inside the box.
    """
    model = load_network("tiny_segmenter")
    found = []
    for scene in hidden_scenes(SCENES):
        target = scene.objects[0]
        region = torch.from_numpy(scene.masks[target]) >= 0.5
        box = box_around(region, MARGIN)
        image = _checked(surround(model, scene.x, box, target), scene.x, box)
        with torch.no_grad():
            found.append((model(image)[0, target] > 0)[region].float().mean().item())
    return sum(found) / len(found)


def _checked(given: Any, x: Tensor, box: Box) -> Tensor:
    if not isinstance(given, Tensor) or given.shape != x.shape:
        raise CannotScore(
            f"Return an image of the shape {tuple(x.shape)}; your function returned "
            f"{describe(given)}."
        )
    image = given.detach().to(x)
    if not bool(((image >= 0) & (image <= 1)).all()):
        raise CannotScore("The values of an image lie between 0 and 1; some of yours do not.")
    top, left, bottom, right = box
    inside = (..., slice(top, bottom), slice(left, right))
    if not torch.equal(image[inside], x[inside]):
        raise CannotScore("Leave the pixels in the box as they are; some of yours differ.")
    return image


def in_its_mean_colour(model: nn.Module, x: Tensor, box: Box, target: int) -> Tensor:
    """The surroundings in the image's mean colour."""
    return _kept(x, box, x.mean((2, 3), keepdim=True).expand_as(x))


def _kept(x: Tensor, box: Box, surroundings: Tensor) -> Tensor:
    top, left, bottom, right = box
    image = surroundings.clone()
    image[..., top:bottom, left:right] = x[..., top:bottom, left:right]
    return image


def _down_the_gradient(model: nn.Module, x: Tensor, box: Box, target: int) -> Tensor:
    """Ten steps of the surroundings against the class's logits in the box."""
    top, left, bottom, right = box
    image = x
    for _ in range(10):
        image = image.detach().requires_grad_()
        logits = model(image)[0, target, top:bottom, left:right]
        (slope,) = torch.autograd.grad(logits.sum(), image)
        image = _kept(x, box, (image.detach() - 0.1 * slope.sign()).clamp(0, 1))
    return image


TASK = OpenTask(
    name="unseen",
    lesson=LESSON.id,
    title="make an object unseen without touching it",
    score=still_found,
    to_beat=lambda: still_found(in_its_mean_colour),
    whose="the mean colour all around",
    measured="of the objects' pixels are still found",
    example=_down_the_gradient,
    higher_is_better=False,
)
