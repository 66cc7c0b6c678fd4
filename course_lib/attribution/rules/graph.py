"""The graph that a forward pass leaves behind: its nodes, and what they did."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any

import torch

_NAMES = (
    "AccumulateGrad AdaptiveMaxPool2D AdaptiveMaxPool3D Alias Amax Amin Aminmax AsStrided "
    "BlockDiag Cat ChannelShuffle Clone ConstantPadNd CopyBackwards CopySlices Cummax Cummin Diag "
    "DiagEmbed Diagonal Expand Fill Flip Fmax Fmin FractionalMaxPool2D FractionalMaxPool3D Gather "
    "Im2Col Index IndexCopy IndexFill IndexPut IndexPutImpl IndexSelect Kthvalue MaskedFill "
    "MaskedScatter MaskedSelect Max MaxPool2DWithIndices MaxPool3DWithIndices MaxUnpool2D "
    "MaxUnpool3D Maximum Median Min Minimum Mode NanToNum Nanmedian NativeChannelShuffle Permute "
    "PixelShuffle PixelUnshuffle Put ReflectionPad1D ReflectionPad2D ReflectionPad3D Repeat "
    "ReplicationPad1D ReplicationPad2D ReplicationPad3D ReshapeAlias Roll Rot90 Scatter Select "
    "SelectScatter Slice SliceScatter Sort Split SplitWithSizes Squeeze Stack T Take ToCopy Topk "
    "Transpose Tril Triu Unbind Unfold UnsafeSplit UnsafeView Unsqueeze View Where Zero"
)
_MOVING = frozenset(_NAMES.split())


def nodes_behind(x: torch.Tensor, until: Callable[[Any], bool] = lambda node: False) -> Iterator:
    """The nodes of the graph that made x, each once.

    Args:
        x: the end of the graph.
        until: says of a node whether those behind it are left out.
    """
    waiting: list[Any] = [x.grad_fn]
    seen: set[Any] = {None}
    while waiting:
        node = waiting.pop()
        if node in seen:
            continue
        seen.add(node)
        yield node
        if not until(node):
            waiting.extend(earlier for earlier, _ in node.next_functions)


def only_moves(node: Any) -> bool:
    """Whether each output of this node is a copy of one of its inputs, or a constant."""
    return kind_of(node.name()) in _MOVING


@lru_cache(maxsize=4096)
def kind_of(name: str) -> str:
    """The operation of a node of this name.

    >>> kind_of("SliceBackward0")
    'Slice'
    """
    return re.sub(r"Backward\d*$", "", name.rpartition("::")[2])
