"""An example to begin with: a network, an image with two objects, and their two classes."""

from __future__ import annotations

import io
from http.client import HTTPException
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import urlopen

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .networks import NETWORKS, load_network
from .scenes import SIZE, Scene, draw_scene

EXAMPLE_SEED = 2157
"""The scene of the example: two objects, well apart and alike in size."""

SECONDS_TO_ANSWER = 20

Shape = int | tuple[int, int]


def example_scene(shape: Shape | None = None) -> Scene:
    """The scene that `get_example_data` shows, with its exact masks.

    >>> len(example_scene().objects)
    2
    """
    return draw_scene(EXAMPLE_SEED, SIZE if shape is None else shape)


def get_example_data(
    arch: str = "tiny_vgg",
    shape: Shape | None = None,
    image: str | Path | Tensor | None = None,
    *,
    weights: str | Path | None = None,
) -> tuple[nn.Module, Tensor, int, int]:
    """A network, an image with two objects, and the two classes.

    Args:
        arch: one of `NETWORKS`, or the name of a torchvision classification network, which comes
            with its ImageNet weights.
        shape: side of the image in pixels, or (height, width); what the network was trained on if
            None. With an image of your own, one number is its shorter side.
        image: an image of your own: a path, a URL, or a (3, H, W) tensor with values in [0, 1];
            the example scene if None.
        weights: a local file of weights for the network.

    Returns:
        The network, frozen and in eval mode; the image as the network takes it, (1, 3, H, W)
        float32; and two classes: those of the example scene's objects, or, where the network knows
        other classes or the image is yours, the two with the highest scores.

    Raises:
        ValueError: there is no such architecture (close matches are named), the image has the wrong
            shape or values, or a file of weights is damaged.
        OSError: the weights or the image can't be had.

    >>> network, x, category_1, category_2 = get_example_data()
    >>> x.shape, bool((network(x)[0, [category_1, category_2]] > 0).all())
    (torch.Size([1, 3, 96, 96]), True)
    """
    if arch in NETWORKS:
        network = load_network(arch, weights)
        if image is None:
            scene = example_scene(shape)
            category_1, category_2 = scene.objects
            return network, scene.x, category_1, category_2
        x = _resize(read_image(image), SIZE if shape is None else shape)
        return network, x, *_two_highest(network, x)

    from .torchvision_networks import load_torchvision

    picture = None if image is None else read_image(image)
    network, preset = load_torchvision(arch, weights)
    if picture is not None and shape is None:
        x = preset(picture)
    else:
        if picture is None:
            side = preset.crop_size[0] if shape is None else shape
            picture = example_scene(side).x
        else:
            picture = _resize(picture, shape)
        mean, std = (torch.tensor(values).view(1, 3, 1, 1) for values in (preset.mean, preset.std))
        x = (picture - mean) / std
    return network, x, *_two_highest(network, x)


def read_image(image: str | Path | Tensor) -> Tensor:
    """An image from a path, a URL or a tensor, as (1, 3, H, W) float32 in [0, 1].

    Raises:
        TypeError: it is none of those.
        ValueError: it is not a picture, or the tensor's shape or values are wrong.
        OSError: it can't be had.
    """
    if isinstance(image, Tensor):
        return _checked(image)
    if not isinstance(image, str | Path):
        raise TypeError(f"An image is a path, a URL or a tensor, not {type(image).__name__}.")
    import numpy as np
    from PIL import Image, ImageOps, UnidentifiedImageError

    try:
        with Image.open(_source(image)) as picture:
            colours = np.asarray(ImageOps.exif_transpose(picture).convert("RGB"))
    except UnidentifiedImageError:
        raise ValueError(f"{image} is not a picture that can be read.") from None
    return torch.from_numpy(colours.copy()).permute(2, 0, 1)[None].float() / 255


def _source(image: str | Path) -> Any:
    if isinstance(image, str) and image.startswith(("http://", "https://")):
        try:
            with urlopen(image, timeout=SECONDS_TO_ANSWER) as answer:
                return io.BytesIO(answer.read())
        except (OSError, ValueError, HTTPException) as error:
            if isinstance(error, HTTPError):
                error.close()
            raise OSError(f"The image {image} can't be had ({error}).") from error
    path = Path(image).expanduser()
    if not path.is_file():
        raise FileNotFoundError(f"The image {path} is not there.")
    return path


def _checked(image: Tensor) -> Tensor:
    picture = image if image.ndim == 4 else image[None]
    if picture.ndim != 4 or picture.shape[:2] != (1, 3):
        raise ValueError(f"An image has shape (3, H, W), this one has {tuple(image.shape)}.")
    picture = picture.detach().float()
    if not torch.isfinite(picture).all():
        raise ValueError("The image has values that are not finite (NaN or infinity).")
    if picture.min() < 0 or picture.max() > 1:
        raise ValueError(
            f"An image has values in [0, 1], this one from {picture.min():.3g} to "
            f"{picture.max():.3g}."
        )
    return picture.clone()


def _resize(picture: Tensor, shape: Any) -> Tensor:
    height, width = picture.shape[-2:]
    if isinstance(shape, int) and not isinstance(shape, bool):
        scale = shape / min(height, width)
        shape = (round(height * scale), round(width * scale))
    if len(shape) != 2 or min(shape) < 1:
        raise ValueError(f"The shape of an image is one number or (height, width), not {shape!r}.")
    if tuple(shape) == (height, width):
        return picture
    small = F.interpolate(
        picture, tuple(shape), mode="bilinear", antialias=True, align_corners=False
    )
    return small.clamp(0, 1)


def _two_highest(network: nn.Module, x: Tensor) -> tuple[int, int]:
    with torch.inference_mode():
        first, second = network(x)[0].topk(2).indices.tolist()
    return first, second
