"""Give ReLUs another backward rule after the forward pass: by hooks in the graph that it left."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any
from weakref import WeakSet

import torch
from torch import nn

from ..inputs.notices import warn
from .graph import LINEAR, MOVING, kind_of, nodes_behind
from .relu_rules import RuleContext

_LEAST, _MOST = 0, 6
# What the networks of ReLUs consist of beside linear layers and operations that move units. An
# operation on a view in place (CopySlices) may be a ReLU that the graph does not show.
_ORDINARY = MOVING - {"CopySlices"} | {
    "AdaptiveAvgPool2D",
    "Add",
    "AvgPool2D",
    "CudnnBatchNorm",
    "Div",
    "Mean",
    "MiopenBatchNorm",
    "MkldnnAdaptiveAvgPool2D",
    "Mul",
    "NativeBatchNorm",
    "NativeGroupNorm",
    "NativeLayerNorm",
    "Sub",
    "Sum",
    "UpsampleBilinear2D",
    "UpsampleNearest2D",
}


class GraphRule:
    """Makes contexts with a rule for ReLU and ReLU6, and gives the rule to a graph without one.

    To watch each operation of a small network costs a tenth of the time that it runs. Where the
    graph of a plain forward pass shows that nothing ran but ReLUs and operations that need no
    rule, hooks at the ReLUs do the same without. Any other network is for the context, which
    knows more kinds of ReLU and what to warn of; the graph then shows what was out of its reach.

    Args:
        context: makes the context with the rule.
        hook: gives the rule to a node of the graph that is a ReLU or ReLU6.
        name: how warnings and errors call the method.
    """

    def __init__(
        self, context: Callable[[], RuleContext], hook: Callable[[Any], object], name: str
    ) -> None:
        self.__name__ = name
        self._context = context
        self._hook = hook
        self._for_the_context: WeakSet[nn.Module] = WeakSet()

    def __call__(self) -> RuleContext:
        return self._context()

    def may_suit(self, model: nn.Module) -> bool:
        """Whether the graphs of the model may do; False once `give_to` met one that did not."""
        return model not in self._for_the_context

    def give_to(self, y: torch.Tensor, since: int, model: nn.Module) -> bool:
        """Give the rule to the graph of a plain forward pass if it suits; say whether it did.

        Args:
            y: the end of the graph.
            since: the number of its first node that belongs to this pass.
            model: the network that ran.
        """
        rectifiers = []
        for node in nodes_behind(y, since):
            if _is_rectifier(node):
                rectifiers.append(node)
            elif not _is_ordinary(node.name()):
                self._for_the_context.add(model)
                return False
        for node in rectifiers:
            self._hook(node)
        # The context knows whether there are none in the whole network, or none on this way.
        return bool(rectifiers)

    def complete(self, context: RuleContext, y: torch.Tensor, since: int) -> None:
        """Give the rule to ReLUs that ran in the context out of its sight, or say what can't be.

        Args:
            context: the context that the forward pass ran in.
            y, since: as for `give_to`.

        Raises:
            ValueError: a scripted function ran.

        Warns:
            UserWarning: autograd functions of the network's own ran, by name.
        """
        unseen: list[str] = []
        for node in nodes_behind(y, since):
            function = getattr(node, "_forward_cls", None)
            if function is not None:
                own = function.__module__.split(".")[0] not in ("torch", "course_lib")
                if own and function.__name__ not in unseen:
                    unseen.append(function.__name__)
            elif kind_of(node.name()) == "DifferentiableGraph":
                raise ValueError(
                    f"{self.__name__} changes backward rules, which can't reach into a scripted "
                    f"function, as this network has one: use the function as it is in Python."
                )
            elif _is_rectifier(node):
                self._hook(node)
                context.met_elsewhere()
        if unseen:
            warn(
                f"{self.__name__} can't see into autograd functions of the network's own: the "
                f"gradient of {', '.join(unseen)} is as written there.",
            )


def _is_rectifier(node: Any) -> bool:
    name = node.name()
    if name == "HardtanhBackward0":
        return bool((node._saved_min_val, node._saved_max_val) == (_LEAST, _MOST))
    return bool(name == "ReluBackward0")


@lru_cache(maxsize=4096)
def _is_ordinary(name: str) -> bool:
    # The nodes of functions in Python bear no number.
    if name.endswith("Backward"):
        return False
    kind = kind_of(name)
    return kind in _ORDINARY or LINEAR.search(kind) is not None


def positive(gradients: tuple[torch.Tensor | None, ...]) -> tuple[torch.Tensor | None, ...]:
    """The gradients' positive parts."""
    return tuple(None if p is None else p.clamp(min=0) for p in gradients)
