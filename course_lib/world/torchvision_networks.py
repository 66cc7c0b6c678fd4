"""torchvision's classification networks by name, with their ImageNet weights.

Weights come through torchvision's weights API, from its cache or downloaded, or from a local file.
"""

from __future__ import annotations

from difflib import get_close_matches
from pathlib import Path
from typing import Any
from urllib.error import HTTPError

import torch
from torch import Tensor, nn

from .efficientnet_lite import LITE
from .networks import NETWORKS

# Settings that torchvision makes along with these networks' ImageNet weights.
WITH_IMAGENET_WEIGHTS: dict[str, dict[str, Any]] = {
    "googlenet": {"transform_input": True, "init_weights": False},
    "inception_v3": {"transform_input": True, "init_weights": False},
}


def check_architecture(arch: str) -> str:
    """The name, if it is one of torchvision's classification networks.

    Raises:
        TypeError: it is no string.
        ValueError: there is none of that name; close matches are named.
    """
    from torchvision import models

    if not isinstance(arch, str):
        raise TypeError(f"An architecture is given by its name, a string, not {arch!r}.")
    names = [*NETWORKS, *LITE, *models.list_models(module=models)]
    if arch in names:
        return arch
    near = get_close_matches(arch, names)
    hint = (
        f"did you mean {' or '.join(near)}?"
        if near
        else f"there are {', '.join([*NETWORKS, *LITE])} and torchvision's classification networks."
    )
    raise ValueError(f"There is no architecture {arch!r}; {hint}")


def preset_of(arch: str) -> Any:
    """What turns an image into a network's input (with `crop_size`, `mean` and `std`)."""
    from torchvision import models

    return models.get_model_weights(arch).DEFAULT.transforms()


def load_torchvision(arch: str, weights: str | Path | None = None) -> nn.Module:
    """A trained torchvision network, in eval mode, its parameters frozen.

    Args:
        arch: the name of a classification network, such as "resnet50".
        weights: a local file of weights (a state dict saved by torch, or safetensors); the default
            ImageNet weights, cached or downloaded, if None.

    Raises:
        OSError: the weights can't be had; the message names the ways out.
        ValueError: the name or the file is not right.
    """
    from torchvision import models

    check_architecture(arch)
    default = models.get_model_weights(arch).DEFAULT
    if weights is None:
        try:
            network = models.get_model(arch, weights=default)
        except Exception as error:
            # Anything may go wrong here: no network, no disk, a damaged file in the cache.
            if isinstance(error, HTTPError):
                error.close()
            raise OSError(
                f"The ImageNet weights of {arch} can't be had ({_in_one_line(error)}); use "
                "arch='tiny_vgg' or 'efficientnet_lite0', which need no download, or give a local "
                "file: weights=PATH."
            ) from error
    else:
        network = models.get_model(arch, weights=None, **WITH_IMAGENET_WEIGHTS.get(arch, {}))
        try:
            network.load_state_dict(_state_of(Path(weights)))
        except (RuntimeError, TypeError, AttributeError) as error:
            raise ValueError(f"The file {weights} does not hold weights of {arch}.") from error
    return network.eval().requires_grad_(False)


def _state_of(path: Path) -> dict[str, Tensor]:
    if not path.is_file():
        raise FileNotFoundError(f"The weights {path} are not there.")
    if path.suffix == ".safetensors":
        from .checkpoints import load_weights

        return load_weights(path.stem, path)
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        raise ValueError(f"{path} is not a file of weights.") from error


def _in_one_line(error: Exception) -> str:
    return next(iter(str(error).splitlines()), "") or type(error).__name__
