"""The networks that the methods are timed on, and the layers where maps are asked for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import nn


@dataclass(frozen=True)
class Network:
    """A network and where to look into it.

    Args:
        make: builds it, in eval mode with its parameters frozen.
        size: side of its square input in pixels.
        last: layer for Grad-CAM and linear approximation.
        middle: layer for excitation backprop.
        contrast: layer at which the contrastive passes are subtracted.
        classifier: the layer whose weights are negated for it.
    """

    make: Callable[[], nn.Module]
    size: int
    last: str
    middle: str
    contrast: str
    classifier: str


def _tiny_vgg() -> nn.Module:
    from course_lib.world.networks import load_network

    return load_network("tiny_vgg")


def _torchvision(name: str) -> Callable[[], nn.Module]:
    def make() -> nn.Module:
        import torchvision

        torch.manual_seed(0)
        # speed does not depend on the weights' values, and random ones need no download
        return torchvision.models.get_model(name, weights=None).eval().requires_grad_(False)

    return make


NETWORKS = {
    "tiny_vgg": Network(_tiny_vgg, 96, "features.21", "features.9", "features.21", "classifier"),
    "resnet18": Network(_torchvision("resnet18"), 224, "layer4", "layer2", "layer4", "fc"),
    "vgg16": Network(
        _torchvision("vgg16"), 224, "features.29", "features.9", "features.30", "classifier.6"
    ),
}
