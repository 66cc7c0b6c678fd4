"""Run a network on images in the memory layout that its convolutions are fastest in."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

_LAYOUT_DTYPES = (torch.float32, torch.float16, torch.bfloat16)


class FastForward:
    """Calls a network on channels-last images, as long as the network can take them.

    Convolutions with few channels run up to twice as fast on images whose channels lie next to each
    other in memory, forward and backward, with the same result. A network that flattens its
    activations by `view` can't take them; it is found out at the first call and gets ordinary
    images from then on.

    Args:
        model: the network; nothing about it changes.

    >>> run = FastForward(torch.nn.Conv2d(3, 4, 3))
    >>> run(torch.zeros(2, 3, 8, 8)).shape
    torch.Size([2, 4, 6, 6])
    """

    def __init__(self, model: nn.Module) -> None:
        self.model = model
        self.channels_last = True

    def __call__(self, x: torch.Tensor) -> Any:
        if not self.channels_last or x.dtype not in _LAYOUT_DTYPES:
            return self.model(x.contiguous())
        try:
            return self.model(x.contiguous(memory_format=torch.channels_last))
        except RuntimeError as error:
            if "view size is not compatible" not in str(error):
                raise
            self.channels_last = False
        return self.model(x.contiguous())
