"""Run a network in the memory layout, and in the portions, that it is fastest in on a CPU."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache
from typing import Any
from weakref import WeakSet

import torch
from torch import nn

from ..inputs.checks import is_compiled
from .layers import modules_of

_LAYOUT_DTYPES = (torch.float32, torch.float16, torch.bfloat16)
_CONVOLUTIONS = (nn.Conv2d, nn.ConvTranspose2d)
# Each pass puts the convolutions' weights in order anew, which costs more than the layout saves
# where there are many of them for few pixels: resnet18 has 220 for each pixel of one image of
# 224 x 224 and takes a fifth longer, googlenet has 120 and takes a quarter less.
_WEIGHTS_PER_PIXEL = 150
# The activations of many more pixels at once fall out of a CPU's caches between two layers.
_CACHED_PIXELS = 150_000
_LEAST_ROWS = 8
# Elsewhere one image at a time leaves most of a GPU idle; so many of 224 x 224, with all that a
# backward pass of resnet50 keeps, take some 3 GB.
_ROWS_ELSEWHERE = 32
# The GNU C library counts blocks of up to 32 MiB, their headers included.
_LARGEST_COUNTED = 31 * 2**20
# Networks that can't take another layout, such as those that flatten by `view`.
_ORDINARY_ONLY: WeakSet[nn.Module] = WeakSet()


def run_fast(
    model: nn.Module, x: torch.Tensor, run: Callable[[torch.Tensor], Any] | None = None
) -> Any:
    """model(x), with the channels of each pixel next to each other where that is faster.

    On a CPU, convolutions run up to twice as fast on such images, forward and backward, with the
    same result but for rounding. A network that can't take them, for instance because it flattens
    its activations by `view`, is found out the first time and gets ordinary images from then on.

    Args:
        model: the network; nothing about it changes.
        x: N x C x H x W images, of which the network gets a copy where the layout changes.
        run: what to call with the images in place of the model, twice the first time that a
            network turns out to need the ordinary layout.

    >>> run_fast(torch.nn.Conv2d(3, 4, 3), torch.zeros(2, 3, 8, 8)).shape
    torch.Size([2, 4, 6, 6])
    """
    run = run or model
    if x.device.type == "cpu":
        _keep_freed_memory()
    if not prefers_channels_last(model, x):
        return run(x.contiguous())
    try:
        return run(x.contiguous(memory_format=torch.channels_last))
    except (RuntimeError, AssertionError):
        # Perhaps because of the layout; if not, it comes again.
        pass
    result = run(x.contiguous())
    _ORDINARY_ONLY.add(model)
    return result


def prefers_channels_last(model: nn.Module, x: torch.Tensor) -> bool:
    """Whether `run_fast` runs the network on channels-last copies of images like x."""
    if x.device.type != "cpu" or x.dtype not in _LAYOUT_DTYPES or x.dim() != 4:
        return False
    # Compiled code is made for one layout, and would be made again for another.
    if model in _ORDINARY_ONLY or is_compiled(model):
        return False
    weights = sum(
        m.in_channels // m.groups * m.out_channels * math.prod(m.kernel_size)
        for m in modules_of(model)
        if isinstance(m, _CONVOLUTIONS)
    )
    return 0 < weights <= _WEIGHTS_PER_PIXEL * x.shape[0] * x.shape[2] * x.shape[3]


def pieces(x: torch.Tensor) -> int:
    """How many images of the size of x are best run through a network at once.

    On a CPU as many as its caches hold; elsewhere as many as there are.

    Args:
        x: N x C x H x W.

    >>> pieces(torch.zeros(500, 3, 96, 96)), pieces(torch.zeros(500, 3, 224, 224))
    (16, 8)
    """
    if x.device.type != "cpu":
        return len(x)
    return max(_LEAST_ROWS, _CACHED_PIXELS // (x.shape[2] * x.shape[3]))


def versions_at_once(x: torch.Tensor) -> int:
    """How many versions of each of the images x are best run through a network at once.

    For methods that show it the same images many times, each time changed: at least one version,
    else as many as `pieces` holds on a CPU, and 32 images elsewhere.

    Args:
        x: N x C x H x W.

    >>> versions_at_once(torch.zeros(2, 3, 96, 96)), versions_at_once(torch.zeros(50, 3, 96, 96))
    (8, 1)
    """
    images = pieces(x) if x.device.type == "cpu" else _ROWS_ELSEWHERE
    return max(1, images // len(x))


@lru_cache(maxsize=1)
def _keep_freed_memory() -> None:
    """Have the C library keep up to 62 MiB of freed memory, where it would give it back.

    A convolution writes its activations to memory that was just freed by another. The GNU C
    library returns such memory to the system and asks for it anew, page by page, each filled with
    zeros: for RISE on a small network that is up to a fifth of its time. How much it keeps is
    twice the largest block that it saw freed; so it is shown one, once, none of whose pages is
    ever touched. Other C libraries take no notice.
    """
    torch.empty(_LARGEST_COUNTED, dtype=torch.uint8, device="cpu")
