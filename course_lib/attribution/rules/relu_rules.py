"""Contexts that run a rule for ReLU and ReLU6 by `BackwardRules`."""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import Any

import torch
import torch.nn.functional as F

from .backward_rules import BackwardRules, as_activation, is_in_place
from .relu import ReLUContext


def activation_rule(function: type[torch.autograd.Function]) -> Callable[..., Any]:
    """The rule that runs ReLUs through function.apply(x, high, in_place, run).

    `run()` does the model's own call, so that the forward pass is unchanged to the last bit, and
    in place if it was; high is the upper bound (None for ReLU). A hardtanh whose lower bound is
    not 0 is no ReLU, and is left alone.
    """

    def rule(func: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        activation = as_activation(func, args, kwargs)
        if activation is None or (activation[2] and activation[2][0] != 0):
            return NotImplemented
        _, x, bounds = activation

        def run() -> torch.Tensor:
            return func(*args, **kwargs)

        high = bounds[1] if bounds else None
        return function.apply(x, high, is_in_place(func, args, kwargs), run)

    return rule


class RuleContext(ReLUContext):
    """A `ReLUContext` that patches nothing: its rule holds in its own thread only.

    Args:
        relu_func: the rule as a learner writes it, for ReLU alone.
        fused: the same rule for ReLU and ReLU6, called as `activation_rule` says.
        name: how warnings call the method.
    """

    def __init__(
        self,
        relu_func: type[torch.autograd.Function],
        fused: type[torch.autograd.Function],
        name: str,
    ) -> None:
        super().__init__(relu_func)
        rule = activation_rule(fused)
        self._rules = BackwardRules({F.relu: rule, F.hardtanh: rule}, name=name)

    def met_elsewhere(self) -> None:
        """Count a ReLU that got the rule without the context."""
        self._rules.met["relu"] = self._rules.met.get("relu", 0) + 1

    def __enter__(self) -> RuleContext:
        self._rules.__enter__()
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._rules.__exit__(exc_type, exc_value, traceback)
