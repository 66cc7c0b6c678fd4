"""Scenes that no lesson shows, and what a learner's maps of them are worth."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from itertools import count, islice
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from course_lib.world.networks import load_network
from course_lib.world.scenes import Scene, draw_scene

from .open_task import CannotScore
from .probes import describe

FIRST_SEED = 7_000_000
"""Far from the seeds of lessons, of training and of what learners try."""

COARSEST = 3
"""A map has at least so many places on a side, as at the deepest layer of the tiny networks."""

MakeMap = Callable[[nn.Module, Tensor, int], Any]
"""(network, image 1 x 3 x H x W, class) -> the class's map, H x W or 1 x 1 x H x W."""


def over_hidden_scenes(
    make_map: MakeMap,
    measure: Callable[[Tensor, Tensor], float],
    *,
    scenes: int = 12,
    network: str = "tiny_vgg",
) -> float:
    """The mean of a measure over maps of hidden scenes, two objects in each.

    Args:
        make_map: gets the network, an image, and one of its objects' classes.
        measure: (map H x W, mask H x W) -> number, such as `share` or `hit`.
        scenes: how many; twice as many maps are made.
        network: name of the network.

    Raises:
        CannotScore: something that is no map came back.
    """
    model = load_network(network)
    values = []
    for scene in hidden_scenes(scenes):
        for target in scene.objects[:2]:
            mask = torch.from_numpy(scene.masks[target])
            values.append(measure(as_map(make_map(model, scene.x, target), mask), mask))
    return sum(values) / len(values)


@cache
def hidden_scenes(number: int) -> tuple[Scene, ...]:
    """Scenes with two or three objects, always the same."""

    def with_two_objects() -> Iterator[Scene]:
        for seed in count(FIRST_SEED):
            scene = draw_scene(seed)
            if len(scene.objects) > 1:
                yield scene

    return tuple(islice(with_two_objects(), number))


def share(s: Tensor, mask: Tensor) -> float:
    """The share of a map that lies on the object, of its positive part; 0 of an empty map."""
    s = s.clamp(min=0)
    total = float(s.sum())
    return float((s * mask).sum()) / total if total > 0 else 0.0


def hit(s: Tensor, mask: Tensor) -> float:
    """1 when the map's largest pixel lies on the object, else 0."""
    return float(mask.flatten()[s.argmax()] > 0.5)


def as_map(given: Any, mask: Tensor) -> Tensor:
    """A map in the size of the mask; a coarser one, as a layer's is, becomes as large.

    Raises:
        CannotScore: it is no map of the image or of a layer, or not a finite one.
    """
    if not isinstance(given, Tensor):
        raise CannotScore(f"A map is a tensor H x W; your function returned {describe(given)}.")
    s = given.detach().float()
    if s.dim() < 2 or s.shape[-2:].numel() != s.numel():
        raise CannotScore(
            f"A map is a tensor H x W; your function returned the shape {tuple(given.shape)}."
        )
    _check_size(*s.shape[-2:], *mask.shape)
    if not bool(s.isfinite().all()):
        raise CannotScore("Your function returned a map with numbers that are not finite.")
    s = s.reshape(1, 1, *s.shape[-2:])
    if s.shape[-2:] != mask.shape:
        s = F.interpolate(s, mask.shape, mode="bilinear", align_corners=False)
    return s[0, 0]


def _check_size(h: int, w: int, height: int, width: int) -> None:
    """Refuse maps that are finer than the image, of other proportions, or hardly there.

    Raises:
        CannotScore: the map h x w is not one of an image height x width.
    """
    if h * width != w * height or not COARSEST <= min(h, w) <= min(height, width):
        raise CannotScore(
            f"A map of these images is {height} x {width}, or coarser as a layer's is, from "
            f"{COARSEST} x {COARSEST} on; your function returned {h} x {w}."
        )
