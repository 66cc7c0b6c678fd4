"""What the graph of a forward pass says: what comes from the image, and by which operations."""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Iterator
from typing import Any, NoReturn

import torch
from torch import nn
from torch.utils.checkpoint import CheckpointFunction

from .graph import LINEAR, MOVING, kind_of, nodes_behind


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
        return LINEAR.search(kind_of(node.name())) is not None
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
        for node in nodes_behind(x, 0)
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
        since: the number of the first node that relevance may reach, as `graph.now` gives it.
        ruled: names of the operations that have a rule where it can be seen that they run.
    """
    for node in nodes_behind(y, since):
        function = getattr(node, "_forward_cls", None)
        if function is None:
            if kind_of(node.name()) not in MOVING:
                refuse(_name(node.name(), ruled))
        elif not issubclass(function, _ALLOWED):
            refuse(function.__name__)


def _name(node: str, ruled: Container[str]) -> str:
    """log_sigmoid for LogSigmoidBackward0, and why no rule has met it if there is one."""
    kind = kind_of(node)
    name = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", kind).lower()
    if node.endswith(("SumBackward0", "MeanBackward0")):
        return f"{name} over everything, images included"
    if name in ruled or kind == "DifferentiableGraph":
        return f"{name} out of the rules' reach (in a scripted function)"
    return name


def refuse(name: str) -> NoReturn:
    """The ValueError for an operation of this name."""
    raise ValueError(
        f"Excitation backprop is not defined for {name}, which this network "
        f"uses: it needs activations that are weighted sums of others. Defined for this network "
        f"are gradient, linear_approx, grad_cam, rise and extremal_perturbation."
    )
