"""SmoothGrad: the mean of a method's maps over noisy copies of the image."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Unpack

import torch
from torch import nn
from tqdm.auto import trange

from . import methods
from .gradient import gradient
from .inputs.checks import as_number, check_callable, check_image, generator, whole_number
from .inputs.options import MapOptions
from .inputs.targets import Target


@methods.method("SmoothGrad", passes="samples forward and backward")
def smooth_grad(
    model: nn.Module,
    input: torch.Tensor,
    target: Target,
    saliency_layer: str | nn.Module = "",
    *,
    method: Callable[..., torch.Tensor] = gradient,
    samples: int = 32,
    noise: float = 0.15,
    seed: int = 0,
    progress: bool = False,
    **options: Unpack[MapOptions],
) -> torch.Tensor:
    """s = (1/K) sum_k s_method(x + n_k), n_k ~ N(0, (noise (max x - min x))^2): smooth a method.

    All images of a batch get the same random numbers, so that a batch is as its images one by one.

    Args:
        model: maps N x C x H x W images to N x K or N x K x H' x W' scores.
        input: x, N x C x H x W, any floating dtype, on the model's device.
        target: a class, one per image, several per image, or a gradient; see `parse_target`.
        saliency_layer: name of the layer, or the layer, at which the method explains.
        method: (model, input, target, saliency_layer, ...) to maps: `gradient`,
            `guided_backprop`, `linear_approx`, ...
        samples: K.
        noise: the noise's standard deviation as a share of each image's range of values.
        seed: of the random numbers; the global random state is neither used nor changed.
        progress: show a progress bar.
        {options}

    Returns:
        Maps as the method's.

    Raises:
        ValueError, TypeError: as the method; a number out of its range.

    Paper: D. Smilkov, N. Thorat, B. Kim, F. Viegas, M. Wattenberg, "SmoothGrad: removing noise by
    adding noise", 2017, arXiv 1706.03825.

    >>> net = torch.nn.Sequential(torch.nn.Conv2d(3, 2, 3), torch.nn.Flatten(), torch.nn.ReLU())
    >>> smooth_grad(net, torch.rand(2, 3, 5, 5), 0, samples=4).shape
    torch.Size([2, 1, 5, 5])
    """
    x = check_image(input).detach()
    check_callable("method", method)
    samples = whole_number("samples", samples)
    share = as_number(noise)
    if share is None or not 0 <= share < math.inf:
        raise ValueError(f"noise must be a share of the image's range, 0 or more, not {noise!r}.")
    drawn: Any = {"generator": generator(seed), "device": "cpu", "dtype": torch.float32}
    spread = share * (x.amax((1, 2, 3), keepdim=True) - x.amin((1, 2, 3), keepdim=True))
    total: torch.Tensor | None = None
    for _ in trange(samples, desc="SmoothGrad", unit="pass", disable=not progress):
        noisy = x + spread * torch.randn(x.shape[1:], **drawn).to(x)
        maps = method(model, noisy, target, saliency_layer, **options)
        total = maps if total is None else total + maps
    assert total is not None
    return total / samples
