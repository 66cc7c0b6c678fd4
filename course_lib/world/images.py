"""Anybody's image as a tensor: from a file, an address, PIL, NumPy or torch, in any pixel format.

Whole numbers stand for shares of their format's largest, 255 or 65535. What is transparent lies on
white paper, as viewers show it. Grey is red, green and blue alike.
"""

from __future__ import annotations

import io
import struct
import warnings
from http.client import HTTPException
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.error import HTTPError
from urllib.request import urlopen

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from .photographs import PHOTOS, photos

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

SECONDS_TO_ANSWER = 20

LEAST_SIDE = 8
"""Pixels on an image's shorter side; there is nothing to see on fewer."""

MOST_PIXELS = 50_000_000
"""An image has at most so many pixels, also when it is resized: in float32 that is 600 MB."""

Shape = int | tuple[int, int]

_WHOLE = {np.dtype("uint8"): 255, np.dtype("uint16"): 65535, np.dtype("bool"): 1}


def read_image(image: Any) -> Tensor:
    """An image as (1, 3, H, W) float32 in [0, 1].

    Args:
        image: a path, a URL, a name among `photos()`, a PIL image, an array (H, W) or (H, W, C),
            or a tensor (H, W), (C, H, W) or (1, C, H, W). C is 1 (grey), 3 (colours), or 2 or 4
            (the last is opacity). Values are whole numbers of 8 or 16 bits, or floats in [0, 1].

    Raises:
        TypeError: it is none of those.
        ValueError: it is not a picture, it is broken, too small or too large, or its shape or
            values are wrong; the message names it.
        OSError: it can't be had.
    """
    if isinstance(image, Tensor):
        return _from_array(_channels_last(image), "The tensor")
    if isinstance(image, np.ndarray):
        return _from_array(image, "The array")
    from PIL import Image

    if isinstance(image, Image.Image):
        name = f"The image {getattr(image, 'filename', '')}".rstrip()
        return _from_picture(image, name)
    if not isinstance(image, str | Path):
        raise TypeError(
            "An image is a path, a URL, a PIL image, an array or a tensor, not "
            f"{type(image).__name__}."
        )
    return _from_file(image)


def resized(picture: Tensor, shape: Any) -> Tensor:
    """An image (1, 3, H, W) at another size: its shorter side in pixels, or (height, width).

    Raises:
        ValueError: that is no size, or one too large.
    """
    height, width = picture.shape[-2:]
    if isinstance(shape, int) and not isinstance(shape, bool):
        scale = shape / min(height, width)
        shape = (round(height * scale), round(width * scale))
    if len(shape) != 2 or min(shape) < 1:
        raise ValueError(f"The shape of an image is one number or (height, width), not {shape!r}.")
    if shape[0] * shape[1] > MOST_PIXELS:
        raise ValueError(
            f"An image of {height} x {width} pixels would have {shape[0]} x {shape[1]}, too many; "
            "give shape=(height, width)."
        )
    if tuple(shape) == (height, width):
        return picture
    small = F.interpolate(
        picture, tuple(shape), mode="bilinear", antialias=True, align_corners=False
    )
    return small.clamp(0, 1)


def _from_file(image: str | Path) -> Tensor:
    from PIL import Image, UnidentifiedImageError

    name = f"The image {image}"
    source = _source(image)
    try:
        with warnings.catch_warnings():
            # Pillow warns of a large image and refuses a larger one: there is a limit of our own.
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(source) as picture:
                _check_size(name, picture.height, picture.width)
                picture.load()
                return _from_picture(picture, name)
    except Image.DecompressionBombError:
        raise ValueError(_too_large(name)) from None
    except UnidentifiedImageError:
        raise ValueError(f"{name} is not a picture that can be read.") from None
    except (OSError, SyntaxError, EOFError, struct.error) as error:
        # So Pillow's readers say that a file ends too early, or holds what it should not.
        raise ValueError(f"{name} is broken: {error}.") from None


def _source(image: str | Path) -> Any:
    if isinstance(image, str) and image.startswith(("http://", "https://")):
        try:
            with urlopen(image, timeout=SECONDS_TO_ANSWER) as answer:
                return io.BytesIO(answer.read())
        except (OSError, ValueError, HTTPException) as error:
            if isinstance(error, HTTPError):
                error.close()
            raise OSError(f"The image {image} can't be had ({error}).") from error
    if image in PHOTOS:
        return photos()[str(image)].path
    path = Path(image).expanduser()
    if path.is_file():
        return path
    raise FileNotFoundError(f"The image {path} is not there.")


def _from_picture(picture: Picture, name: str) -> Tensor:
    from PIL import ImageOps

    picture = ImageOps.exif_transpose(picture)
    if picture.mode == "I":
        # 32 bits, in which Pillow keeps 16.
        values = np.asarray(picture)
        if values.min() < 0 or values.max() > 65535:
            raise ValueError(
                f"{name} has values from {values.min()} to {values.max()}; those of 16 bits go "
                "from 0 to 65535."
            )
        return _from_array(values.astype(np.uint16), name)
    if picture.mode.startswith("I;16"):
        return _from_array(np.asarray(picture).astype(np.uint16), name)
    if picture.mode == "F":
        return _from_array(np.asarray(picture), name)
    opaque = "transparency" not in picture.info and not picture.mode.lower().endswith("a")
    return _from_array(np.asarray(picture.convert("RGB" if opaque else "RGBA")), name)


def _channels_last(image: Tensor) -> np.ndarray:
    picture = image.detach().cpu()
    if picture.dtype == torch.bfloat16:
        picture = picture.float()
    if picture.ndim == 4 and len(picture) == 1:
        picture = picture[0]
    if picture.ndim not in (2, 3) or (picture.ndim == 3 and len(picture) > 4):
        raise ValueError(f"An image has shape (3, H, W), this one has {tuple(image.shape)}.")
    return (picture if picture.ndim == 2 else picture.permute(1, 2, 0)).numpy()


def _from_array(array: np.ndarray, name: str) -> Tensor:
    channels = 1 if array.ndim == 2 else array.shape[-1]
    if array.ndim not in (2, 3) or not 1 <= channels <= 4:
        raise ValueError(
            f"{name} has shape {array.shape}; an image is (H, W) or (H, W, 3) as an array, and "
            "(3, H, W) as a tensor."
        )
    _check_size(name, *array.shape[:2])
    if array.dtype in _WHOLE:
        values = array.astype(np.float32) / _WHOLE[array.dtype]
    elif np.issubdtype(array.dtype, np.floating):
        values = array.astype(np.float32)
    else:
        raise ValueError(
            f"{name} has values of type {array.dtype}; an image has those of uint8, uint16, bool "
            "or a float in [0, 1]."
        )
    if not np.isfinite(values).all():
        raise ValueError(f"{name} has values that are not finite (NaN or infinity).")
    if values.min() < 0 or values.max() > 1:
        raise ValueError(
            f"{name} has values from {values.min():.3g} to {values.max():.3g}; an image of floats "
            "has them in [0, 1]."
        )
    values = values.reshape(*array.shape[:2], channels)
    if channels in (2, 4):
        values, opacity = values[..., :-1], values[..., -1:]
        values = opacity * values + (1 - opacity)
    colours = torch.from_numpy(values).permute(2, 0, 1)
    return colours.expand(3, -1, -1)[None].contiguous()


def _check_size(name: str, height: int, width: int) -> None:
    if min(height, width) < LEAST_SIDE:
        raise ValueError(
            f"{name} has {height} x {width} pixels, too few: its shorter side needs {LEAST_SIDE}."
        )
    if height * width > MOST_PIXELS:
        raise ValueError(_too_large(name))


def _too_large(name: str) -> str:
    return f"{name} has more than {MOST_PIXELS / 1e6:.0f} million pixels; make it smaller."
