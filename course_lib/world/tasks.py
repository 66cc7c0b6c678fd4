"""What the small networks are trained to answer, and how good their answers are.

`TASKS["labels"]`: which classes are in a picture; `TASKS["masks"]`: for each class, which pixels it
covers. Both answers are logits, each for itself, so one loss trains them all.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from .scenes import CLASSES, Scene

NOTHING = len(CLASSES)
"""What stands in a map of classes where no object is."""

Batch = tuple[Tensor, Tensor]
"""Images N x 3 x H x W, and what is wanted of them: numbers in [0, 1], shaped as the logits."""


@dataclass(frozen=True)
class Task:
    """What a network is to answer.

    Attributes:
        truth: of a scene, what is kept for training: an array, small, of one shape for all scenes.
        wanted: of a stack of such arrays, numbers in [0, 1] in the shape of the logits.
        measure: (network, batches of images and what is wanted) to figures for the manifest.
    """

    truth: Callable[[Scene], NDArray[Any]]
    wanted: Callable[[NDArray[Any]], Tensor]
    measure: Callable[[nn.Module, Any], dict[str, float]]


def class_map(scene: Scene) -> NDArray[np.uint8]:
    """The class that covers at least half of each pixel, or `NOTHING`: (H, W) bytes.

    >>> from .scenes import draw_scene
    >>> scene = draw_scene(0)
    >>> set(np.unique(class_map(scene)).tolist()) == {*scene.objects, NOTHING}
    True
    """
    covered = scene.masks >= 0.5
    return np.where(covered.any(0), covered.argmax(0), NOTHING).astype(np.uint8)


def masks_of(maps: NDArray[np.uint8]) -> Tensor:
    """A mask for each class, (N, 8, H, W) of zeros and ones, of maps of classes (N, H, W).

    >>> masks_of(np.array([[[2, NOTHING]]], np.uint8))[0, :4].flatten(1).tolist()
    [[0.0, 0.0], [0.0, 0.0], [1.0, 0.0], [0.0, 0.0]]
    """
    classes = torch.arange(len(CLASSES), dtype=torch.uint8).view(-1, 1, 1)
    return (torch.from_numpy(maps)[:, None] == classes).float()


@torch.inference_mode()
def label_figures(network: nn.Module, batches: Any) -> dict[str, float]:
    """The shares of labels and of whole pictures that a network gets right."""
    right = torch.cat([(network(x) > 0) == (wanted > 0) for x, wanted in batches])
    return {
        "label_accuracy": right.double().mean().item(),
        "exact_matches": right.all(1).double().mean().item(),
    }


@torch.inference_mode()
def mask_figures(network: nn.Module, batches: Any) -> dict[str, float]:
    """Of all pictures together each class's intersection over union; their mean."""
    both, either = torch.zeros(2, len(CLASSES), dtype=torch.double)
    for x, wanted in batches:
        found, true = network(x) > 0, wanted > 0
        both += (found & true).sum((0, 2, 3))
        either += (found | true).sum((0, 2, 3))
    there = either > 0
    return {"mean_iou": (both[there] / either[there]).mean().item()}


TASKS = {
    "labels": Task(lambda scene: scene.labels, torch.from_numpy, label_figures),
    "masks": Task(class_map, masks_of, mask_figures),
}
