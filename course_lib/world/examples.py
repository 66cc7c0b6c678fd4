"""An example to begin with: a network, an image with two objects, and their two classes."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from .efficientnet_lite import LITE, load_lite
from .images import Shape, read_image, resized
from .names import class_names
from .networks import NETWORKS, load_network
from .photographs import photos
from .scenes import SIZE, Scene, draw_scene

EXAMPLE_SEED = 2157
"""The scene of the example: two objects, well apart and alike in size."""

EXAMPLE_PHOTO = "cat"
"""The photo of the example, for the networks with ImageNet weights out of a package."""

_given: dict[bytes, tuple[int, str]] = {}


def example_scene(shape: Shape | None = None) -> Scene:
    """The scene that `get_example_data` shows, with its exact masks.

    >>> len(example_scene().objects)
    2
    """
    return draw_scene(EXAMPLE_SEED, SIZE if shape is None else shape)


def get_example_data(
    arch: str = "tiny_vgg16",
    shape: Shape | None = None,
    image: Any = None,
    *,
    weights: str | Path | None = None,
) -> tuple[nn.Module, Tensor, int, int]:
    """A network, an image with two objects, and the two classes.

    Args:
        arch: one of `NETWORKS`, of which "tiny_vgg16" has the layers of torchvision's VGG16;
            "efficientnet_lite0", a real network whose ImageNet weights are installed with the
            course; or the name of a torchvision classification network, whose ImageNet weights
            are downloaded.
        shape: side of the image in pixels, or (height, width); what the network was trained on if
            None. With an image of your own, one number is its shorter side.
        image: an image of your own, as `read_image` takes it: a path, a URL, a PIL image, an array
            or a tensor; or the name of one of `photos()`. If None, the example scene, and for
            "efficientnet_lite0" the photo of a cat.
        weights: a local file of weights for the network.

    Returns:
        The network, frozen and in eval mode; the image as the network takes it, (1, 3, H, W)
        float32; and two classes: those of the example scene's objects, or, where the network knows
        other classes or the image is yours, the two with the highest scores.

    Raises:
        ValueError: there is no such architecture (close matches are named), the image is broken,
            too small or too large or has the wrong shape or values, or a file of weights is
            damaged.
        OSError: the weights or the image can't be had.

    >>> network, x, category_1, category_2 = get_example_data()
    >>> x.shape, bool((network(x)[0, [category_1, category_2]] > 0).all())
    (torch.Size([1, 3, 96, 96]), True)
    """
    if arch in LITE and image is None:
        image = EXAMPLE_PHOTO
    picture = None if image is None else read_image(image)
    if arch in NETWORKS:
        network = load_network(arch, weights)
        if picture is None:
            scene = example_scene(shape)
            category_1, category_2 = scene.objects
            _given[_digest(scene.x[0])] = len(scene.labels), ""
            return network, scene.x, category_1, category_2
        x = resized(picture, SIZE if shape is None else shape)
    else:
        network = _pretrained(arch, weights)
        x = _prepared(picture, shape, _preset_of(arch))
    try:
        with torch.inference_mode():
            scores = network(x)[0]
    except RuntimeError as error:
        raise ValueError(
            f"An image of {x.shape[2]} x {x.shape[3]} pixels is too small for {arch}; give shape= "
            "a larger number."
        ) from error
    _given[_digest(x[0])] = len(scores), _credit(image)
    category_1, category_2 = scores.topk(2).indices.tolist()
    return network, x, category_1, category_2


def example_class_names(image: Tensor) -> Sequence[str]:
    """Names of the classes of the network that an image was given with.

    Args:
        image: one image, (3, H, W), with the values that `get_example_data` gave.

    Returns:
        The scenes' names for a network of the course, ImageNet's for one with 1,000 classes, and
        no names for others and for an image that does not come from `get_example_data`.
    """
    classes, _ = _given.get(_digest(image), (0, ""))
    return class_names(classes) or ()


def example_credit(image: Tensor) -> str:
    """Who took the photo that an image of `get_example_data` shows; "" for all other images."""
    _, credit = _given.get(_digest(image), (0, ""))
    return credit


def to_image(arch: str, x: Tensor) -> Tensor:
    """What `get_example_data(arch)` gave as the network's input, as an image in [0, 1] again."""
    if arch in NETWORKS:
        return x
    preset = _preset_of(arch)
    mean, std = (x.new_tensor(values).view(1, 3, 1, 1) for values in (preset.mean, preset.std))
    return (x * std + mean).clamp(0, 1)


def _credit(image: Any) -> str:
    if not isinstance(image, str | Path):
        return ""
    found = (p.credit for p in photos().values() if str(image) in (p.name, str(p.path)))
    return next(found, "")


def _digest(image: Tensor) -> bytes:
    values = image.detach().float().cpu().contiguous().numpy()
    return hashlib.sha256(values.tobytes()).digest()


def _pretrained(arch: str, weights: str | Path | None) -> nn.Module:
    if arch in LITE:
        return load_lite(arch, weights)
    from .torchvision_networks import load_torchvision

    return load_torchvision(arch, weights)


def _preset_of(arch: str) -> Any:
    if arch in LITE:
        return LITE[arch].preset
    from .torchvision_networks import preset_of

    return preset_of(arch)


def _prepared(picture: Tensor | None, shape: Shape | None, preset: Any) -> Tensor:
    if picture is None:
        picture = example_scene(preset.crop_size[0] if shape is None else shape).x
    elif shape is None:
        return preset(picture)
    else:
        picture = resized(picture, shape)
    mean, std = (torch.tensor(values).view(1, 3, 1, 1) for values in (preset.mean, preset.std))
    return (picture - mean) / std
