"""Change how chosen torch operations go backward, without touching the model.

A network's forward pass calls torch functions. `BackwardRules` is a
`torch.overrides.TorchFunctionMode`: while it is active it sees each of those calls in its own
thread, and may carry it out with another backward rule. Nothing is patched and no hook is
registered, so nothing can be left behind.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from types import TracebackType
from typing import Any

import torch
from torch.overrides import TorchFunctionMode

from ..inputs.notices import warn
from .calls import as_activation, bind, is_in_place, operation_name, tensors_in

Rule = Callable[[Callable[..., Any], tuple[Any, ...], dict[str, Any]], Any]

_ACTIVATIONS = (
    "relu hardtanh leaky_relu prelu rrelu elu selu celu silu gelu mish softplus logsigmoid "
    "sigmoid hardsigmoid hardswish tanh tanhshrink softsign softshrink hardshrink threshold glu "
    "lstm gru rnn_tanh rnn_relu"
)
ACTIVATIONS = frozenset(_ACTIVATIONS.split())
"""Names of the nonlinearities that a context without a rule for them warns about."""


def _rule_of_function(cls: type[torch.autograd.Function], key: str) -> Rule:
    """Turn an autograd function into a rule that keeps an in-place call in place."""

    def rule(func: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        activation = as_activation(func, args, kwargs)
        if activation is None:
            bound = bind(func, args, kwargs)
            if bound is not None:
                bound.pop("inplace", None)
                inputs: tuple[Any, ...] = tuple(bound.values())
            elif kwargs:
                raise TypeError(
                    f"{cls.__name__} can't be used for {key}: the model passes "
                    f"{', '.join(kwargs)} by keyword; give a callable rule(func, args, kwargs)."
                )
            else:
                inputs = args
        else:
            inputs = (activation[1], *activation[2])
        if not is_in_place(func, args, kwargs):
            return cls.apply(*inputs)
        # The function may save its input for the backward pass, so it gets a copy that
        # overwriting x does not spoil.
        x = inputs[0]
        return x.copy_(cls.apply(x.clone(), *inputs[1:]))

    return rule


class BackwardRules(TorchFunctionMode):
    """Run a model forward as it is, and backward by the given rules.

    Args:
        rules: torch function -> rule. The key is any spelling of the operation: `F.relu` stands
            for `torch.relu`, `Tensor.relu`, `relu_`, `inplace=True`, `clamp(min=0)` and
            `nn.ReLU` alike; ReLU6 is `F.hardtanh`. The rule is one of

            - a `torch.autograd.Function` class whose `forward(ctx, x)` computes the operation
              (`forward(ctx, x, low, high)` for `F.hardtanh`; for others the operation's own
              arguments in order). An in-place operation stays in place.
            - a callable `rule(func, args, kwargs)` that returns the operation's result. It does
              in place what `is_in_place(func, args, kwargs)` says is in place. It may return
              `NotImplemented` to leave the call as it is.
        name: how warnings call this context.
        nonlinear: names of the operations that a model must not contain without a rule.

    Attributes:
        met: operation name -> number of calls a rule was there for.
        unruled: names of the nonlinearities met without a rule, in the order met.
        ran: names of all operations on tensors that need gradients, with a rule or without.

    The rules hold in the thread that entered the context. Contexts nest: the innermost one that
    has a rule for an operation decides. On leaving it (not by an exception), the context warns
    once if it met no operation it has a rule for, and once about nonlinearities it has no rule
    for. Compiled (`torch.compile`) and scripted models do not call torch functions from Python,
    so no rule can reach into them; nor into a model's own autograd functions, nor into what
    `torch.utils.checkpoint` runs with `use_reentrant=True`: they get their ordinary gradient.

    Raises:
        TypeError: a rule is neither an autograd function nor callable, or a key is not callable.

    >>> import torch.nn.functional as F
    >>> class Straight(torch.autograd.Function):
    ...     @staticmethod
    ...     def forward(ctx, x):
    ...         return x.clamp(min=0)
    ...     @staticmethod
    ...     def backward(ctx, p):
    ...         return p
    >>> x = torch.tensor([-1.0, 2.0], requires_grad=True)
    >>> with BackwardRules({F.relu: Straight}):
    ...     y = torch.relu(x)
    >>> y.sum().backward()
    >>> y.tolist(), x.grad.tolist()
    ([0.0, 2.0], [1.0, 1.0])
    """

    def __init__(
        self,
        rules: Mapping[Callable[..., Any], Rule | type[torch.autograd.Function]],
        *,
        name: str = "BackwardRules",
        nonlinear: Iterable[str] = ACTIVATIONS,
    ) -> None:
        super().__init__()
        self.name = name
        self.met: dict[str, int] = {}
        self.unruled: list[str] = []
        self.ran: set[str] = set()
        self._nonlinear = frozenset(nonlinear)
        self._depth = 0
        self._rules: dict[str, Rule] = {}
        for function, rule in rules.items():
            if not callable(function):
                raise TypeError(f"A key of the rules must be a torch function, not {function!r}.")
            key = operation_name(function)
            if isinstance(rule, type) and issubclass(rule, torch.autograd.Function):
                self._rules[key] = _rule_of_function(rule, key)
            elif callable(rule):
                self._rules[key] = rule
            else:
                raise TypeError(
                    f"The rule for {key} must be a torch.autograd.Function class or a callable "
                    f"rule(func, args, kwargs), not {rule!r}."
                )

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        kwargs = kwargs or {}
        key = operation_name(func)
        rule = self._rules.get(key)
        if rule is None and key in ("clamp", "clamp_min", "threshold"):
            activation = as_activation(func, args, kwargs)
            if activation is not None:
                key = activation[0]
                rule = self._rules.get(key)
        if rule is not None:
            self.met[key] = self.met.get(key, 0) + 1
        if any(t.requires_grad for t in tensors_in((*args, *kwargs.values()))):
            self.ran.add(key)
            if rule is not None:
                result = rule(func, args, kwargs)
                if result is not NotImplemented:
                    return result
            if key in self._nonlinear and key not in self.unruled:
                self.unruled.append(key)
        return func(*args, **kwargs)

    def __enter__(self) -> BackwardRules:
        if self._depth == 0:
            self.met, self.unruled, self.ran = {}, [], set()
        self._depth += 1
        super().__enter__()
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        super().__exit__(exc_type, exc_value, traceback)
        self._depth -= 1
        if exc_type is None and self._depth == 0:
            self._warn()

    def _warn(self) -> None:
        if self._rules and not self.met:
            warn(
                f"{self.name} met no operation it has a rule for "
                f"({', '.join(sorted(self._rules))}): the gradients are the ordinary ones.",
            )
        if self.unruled:
            warn(
                f"{self.name} has no rule for {', '.join(self.unruled)}: their ordinary gradient "
                f"was used.",
            )
