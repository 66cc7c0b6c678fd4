"""Networks of the benchmark by TorchRay's names: VGG16, ResNet50 and others for VOC and COCO.

The networks of the pointing game were trained in Caffe (Zhang et al. 2016) on images of one value a
channel from 0 to 255, blue first, less the mean of ImageNet; `get_transform` gives such images.
Their weights can't be shipped here: give the file that you have.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torchvision import models, transforms
from torchvision.models.vgg import VGG

from course_lib.attribution.network.layers import get_module
from course_lib.world.torchvision_networks import check_architecture, load_torchvision, preset_of

from .datasets import COCO_CLASSES, VOC_CLASSES

__all__ = ["get_model", "get_transform", "replace_module"]

CLASSES = {"voc": len(VOC_CLASSES), "coco": len(COCO_CLASSES)}
"""How many classes a network has that was trained for a data set."""

CAFFE_MEAN = (123.68, 116.779, 103.939)
"""The mean of ImageNet's red, green and blue, of 255, that Caffe's networks subtract."""


def get_model(
    arch: str = "vgg16",
    dataset: str = "voc",
    convert_to_fully_convolutional: bool = False,
    *,
    weights: str | Path | None = None,
) -> nn.Module:
    """A network for a data set, in eval mode, its parameters frozen.

    Args:
        arch: "vgg16", "resnet50", or another of torchvision's classification networks.
        dataset: "imagenet", "voc" or "coco"; "voc_2007" and the like will do.
        convert_to_fully_convolutional: have a VGG give the mean of the scores at all places of an
            image larger than it was trained on, in place of the scores of the mean of its features.
            Networks that end in a global average, such as ResNets, do so by themselves.
        weights: a file of weights as torch saves them: a state dict, or a dict that has one as
            "state_dict"; also in the form of `replace_module`d convolutions in place of linear
            layers. For "imagenet", torchvision's if None.

    Raises:
        OSError: there are no weights.
        ValueError: there is no such network or data set, or the file holds other weights.
    """
    kind = _kind(dataset)
    if kind == "imagenet":
        network = load_torchvision(arch, weights)
    else:
        check_architecture(arch)
        if weights is None:
            raise FileNotFoundError(
                f"The course has no weights of {arch} for {kind}: give weights=PATH, the file of a "
                f"network with {CLASSES[kind]} classes."
            )
        network = models.get_model(arch, weights=None, num_classes=CLASSES[kind])
        _load(network, weights, arch)
    if convert_to_fully_convolutional and isinstance(network, VGG):
        network = FullyConvolutional(network)
    return network.eval().requires_grad_(False)


def get_transform(dataset: str = "imagenet", size: int | tuple[int, int] = 224) -> Any:
    """What turns a PIL image into what the networks for a data set take, 3 x H x W.

    Args:
        dataset: "imagenet": red, green and blue, less torchvision's mean, over its deviation.
            "voc" or "coco": blue, green and red from 0 to 255, less Caffe's mean.
        size: the shorter side in pixels, or (height, width).

    Raises:
        ValueError: there is no such data set.

    >>> from PIL import Image
    >>> get_transform("voc", size=32)(Image.new("RGB", (64, 40))).shape
    torch.Size([3, 32, 51])
    """
    steps: list[Any] = [transforms.Resize(size), transforms.ToTensor()]
    if _kind(dataset) == "imagenet":
        preset = preset_of("resnet50")
        steps.append(transforms.Normalize(preset.mean, preset.std))
    else:
        mean = [value / 255 for value in CAFFE_MEAN]
        steps += [transforms.Normalize(mean, [1 / 255] * 3), _blue_first]
    return transforms.Compose(steps)


def replace_module(curr_module: nn.Module, module_path: str, new_module: nn.Module) -> None:
    """Put another layer in the place of one, by its dotted name.

    Args:
        curr_module: the network.
        module_path: the name, such as "classifier.6".
        new_module: what takes its place.

    Raises:
        ValueError: there is no such layer; close matches are named.

    >>> network = nn.Sequential(nn.Sequential(nn.ReLU()))
    >>> replace_module(network, "0.0", nn.Tanh())
    >>> network[0][0]
    Tanh()
    """
    get_module(curr_module, module_path)
    parent, _, name = module_path.rpartition(".")
    setattr(curr_module.get_submodule(parent), name, new_module)


class FullyConvolutional(nn.Module):
    """A VGG whose classifier looks at every place of the image, and takes the mean of its scores.

    Layers keep their names; linear layers become convolutions. An image of the size that the
    network was trained on has one place, and the same scores as before.

    Args:
        vgg: one of torchvision's VGGs, which it takes apart.
    """

    def __init__(self, vgg: VGG) -> None:
        super().__init__()
        self.features = vgg.features
        self.classifier = vgg.classifier
        side = vgg.avgpool.output_size[0]
        for name, layer in list(vgg.classifier.named_children()):
            if isinstance(layer, nn.Linear):
                replace_module(self.classifier, name, _as_convolution(layer, side))
                side = 1
        self.gap = nn.AdaptiveAvgPool2d(1)

    def forward(self, x: Tensor) -> Tensor:
        """Scores, N x classes."""
        return torch.flatten(self.gap(self.classifier(self.features(x))), 1)


def _as_convolution(layer: nn.Linear, side: int) -> nn.Conv2d:
    channels = layer.in_features // side**2
    convolution = nn.Conv2d(channels, layer.out_features, side)
    weight = layer.weight.detach().view(layer.out_features, channels, side, side)
    convolution.load_state_dict({"weight": weight, "bias": layer.bias.detach()})
    return convolution


def _load(network: nn.Module, weights: str | Path, arch: str) -> None:
    path = Path(weights).expanduser()
    if not path.is_file():
        raise FileNotFoundError(f"The file of weights {path} is not there.")
    try:
        found = torch.load(path, map_location="cpu", weights_only=True)
        state = found.get("state_dict", found)
        shapes = {name: tensor.shape for name, tensor in network.state_dict().items()}
        # The same numbers, whether the layer was linear or a convolution.
        network.load_state_dict(
            {name: tensor.reshape(shapes.get(name, tensor.shape)) for name, tensor in state.items()}
        )
    except Exception as error:
        # A file of anything at all: torch and pickle have many ways of saying so.
        detail = re.sub(r"\s+", " ", str(error))[:200]
        raise ValueError(
            f"The file {path} does not hold weights of {arch} ({detail.rstrip('.')})."
        ) from None


def _kind(dataset: str) -> str:
    kind = dataset.partition("_")[0]
    if kind not in (*CLASSES, "imagenet"):
        raise ValueError(f"There are networks for imagenet, voc and coco, not for {dataset!r}.")
    return kind


def _blue_first(image: Tensor) -> Tensor:
    return image.flip(0)
