"""Run a network on images in the memory layout that its convolutions are fastest in."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cached_property
from typing import Any, TypeVar
from weakref import WeakSet

import torch
from torch import nn

from ..inputs.checks import is_compiled
from .heap import keep_freed_memory
from .layers import modules_of

_Result = TypeVar("_Result")

_LAYOUT_DTYPES = (torch.float32, torch.float16, torch.bfloat16)
_CONVOLUTIONS = (nn.Conv2d, nn.ConvTranspose2d)
# Each pass puts the convolutions' weights in order anew, which costs more than the layout saves
# where there are many of them for few pixels: resnet18 has 220 for each pixel of one image of
# 224 x 224 and takes a fifth longer, googlenet has 120 and takes a quarter less.
_WEIGHTS_PER_PIXEL = 150
# Networks that can't take another layout, such as those that flatten by `view`.
_ORDINARY_ONLY: WeakSet[nn.Module] = WeakSet()


class FastForward:
    """Calls a network on channels-last images where that is faster and the network can take them.

    On a CPU, convolutions run up to twice as fast on images whose channels lie next to each other
    in memory, forward and backward, with the same result but for rounding. A network that can't
    take them, for instance because it flattens its activations by `view`, is found out the first
    time and gets ordinary images from then on.

    Args:
        model: the network; nothing about it changes.

    >>> run = FastForward(torch.nn.Conv2d(3, 4, 3))
    >>> run(torch.zeros(2, 3, 8, 8)).shape
    torch.Size([2, 4, 6, 6])
    """

    def __init__(self, model: nn.Module) -> None:
        self.model = model

    def __call__(self, x: torch.Tensor) -> Any:
        return self.attempt(lambda layout: self.model(x.contiguous(memory_format=layout)), x)

    def attempt(self, run: Callable[[torch.memory_format], _Result], x: torch.Tensor) -> _Result:
        """run(layout), in the layout that suits images like x; once more if it can't be had."""
        if x.device.type == "cpu":
            keep_freed_memory()
        if self.suits(x):
            try:
                return run(torch.channels_last)
            except (RuntimeError, AssertionError):
                # Perhaps because of the layout; if not, it comes again.
                pass
            result = run(torch.contiguous_format)
            _ORDINARY_ONLY.add(self.model)
            return result
        return run(torch.contiguous_format)

    def suits(self, x: torch.Tensor) -> bool:
        """Whether the network is run on channels-last copies of images like x."""
        if x.device.type != "cpu" or x.dtype not in _LAYOUT_DTYPES or x.dim() != 4:
            return False
        pixels = x.shape[0] * x.shape[2] * x.shape[3]
        return 0 < self._weights <= _WEIGHTS_PER_PIXEL * pixels and self.model not in _ORDINARY_ONLY

    @cached_property
    def _weights(self) -> int:
        """How many weights the network's convolutions have."""
        # Compiled code is made for one layout, and would be made again for another.
        if is_compiled(self.model):
            return 0
        return sum(
            m.in_channels // m.groups * m.out_channels * math.prod(m.kernel_size)
            for m in modules_of(self.model)
            if isinstance(m, _CONVOLUTIONS)
        )
