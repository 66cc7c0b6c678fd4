"""The graph that a forward pass leaves behind: its nodes, and what they did."""

from __future__ import annotations

import re
from collections.abc import Iterator
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
MOVING = frozenset(_NAMES.split())
"""Operations each of whose outputs is a copy of one of their inputs, or a constant."""

LINEAR = re.compile(r"Convolution|^(Mkldnn|Cudnn|Miopen)?(Addmm|Mm|Addmv|Mv|Bmm|Linear)$")
"""Finds the operations that are linear layers or convolutions."""


def now() -> int:
    """The number of a node made now; those of later ones are larger."""
    with torch.inference_mode(False), torch.enable_grad():
        node: Any = torch.zeros((), requires_grad=True).clone().grad_fn
    return node._sequence_nr()


def nodes_behind(x: torch.Tensor, since: int = 0) -> Iterator[Any]:
    """The nodes of the graph that made x, each once.

    Args:
        x: the end of the graph.
        since: the number of the first node that counts, as `now` gives it.
    """
    waiting: list[Any] = [x.grad_fn]
    seen: set[Any] = set()
    while waiting:
        node = waiting.pop()
        if node is None or node in seen or node._sequence_nr() < since:
            continue
        seen.add(node)
        yield node
        waiting.extend(earlier for earlier, _ in node.next_functions)


@lru_cache(maxsize=4096)
def kind_of(name: str) -> str:
    """The operation of a node of this name.

    >>> kind_of("SliceBackward0")
    'Slice'
    """
    return re.sub(r"Backward\d*$", "", name.rpartition("::")[2])
