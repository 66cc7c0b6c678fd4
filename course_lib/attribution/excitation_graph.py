"""What the graph of a forward pass says: what comes from the image, and by which operations."""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Iterator
from functools import lru_cache
from typing import Any, NoReturn

import torch
from torch import nn
from torch.utils.checkpoint import CheckpointFunction

# Each output of these is a copy of one of their inputs, or a constant, so that their ordinary
# gradient is the relevance.
_MOVING_NAMES = (
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
_MOVING = frozenset(_MOVING_NAMES.split())
_LINEAR = re.compile(r"Convolution|^(Mkldnn|Cudnn|Miopen)?(Addmm|Mm|Addmv|Mv|Bmm|Linear)$")


class RelevanceFunction(torch.autograd.Function):
    """An operation whose "gradient" is its inputs' relevance.

    Attributes:
        is_linear_layer: whether it is one.
    """

    is_linear_layer = False


# `saliency` says what is wrong with checkpoints.
_ALLOWED = (RelevanceFunction, CheckpointFunction)


def is_linear_layer(node: Any) -> bool:
    """Whether this node is a linear layer or convolution, with its rule or (below) without."""
    function = getattr(node, "_forward_cls", None)
    if function is None:
        return _LINEAR.search(_kind(node.name())) is not None
    return getattr(function, "is_linear_layer", False)


def depends_on_image(x: torch.Tensor) -> bool:
    """Whether x is an activation, and not computed from the network's parameters alone.

    An activation has a linear layer behind it, or a tensor that requires a gradient and is no
    parameter, such as the image.
    """
    if x.grad_fn is None:
        return x.requires_grad and not isinstance(x, nn.Parameter)
    return any(
        is_linear_layer(node)
        or (hasattr(node, "variable") and not isinstance(node.variable, nn.Parameter))
        for node in _nodes_behind(x, 0)
    )


def tensors_in(args: Iterable[Any]) -> Iterator[torch.Tensor]:
    """The tensors among an operation's arguments, also those in lists."""
    for value in args:
        if isinstance(value, torch.Tensor):
            yield value
        elif isinstance(value, (tuple, list)):
            yield from tensors_in(value)


def refuse_unruled(y: torch.Tensor, since: int, ruled: Container[str]) -> None:
    """ValueError for an operation behind y that has no rule and does more than to move units.

    Args:
        y: the network's scores.
        since: the number of the first node that relevance may reach, as `now` gives it.
        ruled: names of the operations that have a rule where it can be seen that they run.
    """
    for node in _nodes_behind(y, since):
        function = getattr(node, "_forward_cls", None)
        if function is None:
            if _kind(node.name()) not in _MOVING:
                refuse(_name(node.name(), ruled))
        elif not issubclass(function, _ALLOWED):
            refuse(function.__name__)


def _name(node: str, ruled: Container[str]) -> str:
    """log_sigmoid for LogSigmoidBackward0, and why no rule has met it if there is one."""
    kind = _kind(node)
    name = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", kind).lower()
    if node.endswith(("SumBackward0", "MeanBackward0")):
        return f"{name} over everything, images included"
    if name in ruled or kind == "DifferentiableGraph":
        return f"{name} out of the rules' reach (in a scripted function)"
    return name


def now() -> int:
    """The number of a node made now; those of later ones are larger."""
    with torch.inference_mode(False), torch.enable_grad():
        node: Any = torch.zeros((), requires_grad=True).clone().grad_fn
    return node._sequence_nr()


def refuse(name: str) -> NoReturn:
    """The ValueError for an operation of this name."""
    raise ValueError(
        f"Excitation backprop is not defined for {name}, which this network "
        f"uses: it needs activations that are weighted sums of others. Defined for this network "
        f"are gradient, linear_approx, grad_cam, rise and extremal_perturbation."
    )


def _nodes_behind(x: torch.Tensor, since: int) -> Iterator[Any]:
    waiting = [x.grad_fn]
    seen: set[Any] = set()
    while waiting:
        node = waiting.pop()
        if node is None or node in seen or node._sequence_nr() < since:
            continue
        seen.add(node)
        yield node
        waiting.extend(earlier for earlier, _ in node.next_functions)


@lru_cache(maxsize=4096)
def _kind(name: str) -> str:
    """Slice for SliceBackward0."""
    return re.sub(r"Backward\d*$", "", name.rpartition("::")[2])
