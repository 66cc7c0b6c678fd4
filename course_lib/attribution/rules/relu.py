"""Give every ReLU another backward rule: by patching torch, or by a hook at each ReLU that runs."""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import Any

import torch
import torch.nn.functional as F

from ..inputs.notices import warn
from .backward_rules import BackwardRules
from .calls import as_activation, is_in_place, operation_name
from .patch import Patch

_PATCHED = (
    "torch.relu",
    "torch.relu_",
    "torch.nn.functional.relu_",
    "torch.Tensor.relu",
    "torch.Tensor.relu_",
    "torch.nn.functional.relu6",
    "torch.nn.functional.hardtanh",
    "torch.nn.functional.hardtanh_",
)


class NullContext:
    """A context that changes nothing: the backward rules are torch's own."""

    def __enter__(self) -> NullContext:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        pass


class ReLUContext:
    """Run ReLUs through an autograd function while the context is active.

    `torch.relu`, `torch.relu_` and the other places where torch's ReLU can be called from are
    patched; modules and `F.relu` end up there too. In-place calls stay in place. Where a ReLU6 is
    flat, above 6 as below 0, the function gets 0.

    The patch is seen by **every thread** of the process: another thread that runs a network
    meanwhile gets this context's gradients. `BackwardRules` does the same job in its own thread
    only, and is what the library's own methods use.

    Args:
        relu_func: a `torch.autograd.Function` class whose `forward(ctx, x)` is max(x, 0).

    Raises:
        TypeError: relu_func is not a `torch.autograd.Function` class.

    Warns:
        UserWarning: the context has met no ReLU.

    >>> class Straight(torch.autograd.Function):
    ...     @staticmethod
    ...     def forward(ctx, x):
    ...         return x.clamp(min=0)
    ...     @staticmethod
    ...     def backward(ctx, p):
    ...         return p
    >>> x = torch.tensor([-1.0, 2.0], requires_grad=True)
    >>> with ReLUContext(Straight):
    ...     y = torch.nn.ReLU()(x)
    >>> y.sum().backward()
    >>> x.grad.tolist()
    [1.0, 1.0]
    """

    def __init__(self, relu_func: type[torch.autograd.Function]) -> None:
        if not (isinstance(relu_func, type) and issubclass(relu_func, torch.autograd.Function)):
            raise TypeError(
                f"ReLUContext needs a torch.autograd.Function class, not {relu_func!r}."
            )
        self.relu_func = relu_func
        self.met = 0
        self._patches: list[Patch] = []

    def _replacement(self, name: str, original: Callable[..., Any]) -> Callable[..., Any]:
        def relu(*args: Any, **kwargs: Any) -> Any:
            activation = as_activation(original, args, kwargs)
            if activation is None or (activation[2] and activation[2][0] != 0):
                return original(*args, **kwargs)
            self.met += 1
            _, x, bounds = activation
            in_place = is_in_place(original, args, kwargs)
            y = self._run(x.clone() if in_place else x, *bounds[1:])
            return x.copy_(y) if in_place else y

        relu.__name__ = name.rsplit(".", 1)[1]
        return relu

    def _run(self, x: torch.Tensor, high: float | None = None) -> torch.Tensor:
        if high is None:
            return self.relu_func.apply(x)
        y = self.relu_func.apply(_Instead.apply(x, x.where(x < high, 0)))
        return _Instead.apply(y, x.clamp(0, high))

    def __enter__(self) -> ReLUContext:
        self.met = 0
        try:
            for name in _PATCHED:
                holder, attribute = Patch.resolve(name)
                original = getattr(holder, attribute)
                self._patches.append(Patch(name, self._replacement(name, original)))
        except BaseException:
            self._remove()
            raise
        return self

    def _remove(self) -> None:
        while self._patches:
            self._patches[-1].remove()
            self._patches.pop()

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._remove()
        if exc_type is None and not self.met:
            warn(
                f"ReLUContext({self.relu_func.__name__}) met no ReLU: the gradients are the "
                f"ordinary ones.",
            )


class _Instead(torch.autograd.Function):
    """Another value, with the gradient going to x all the same."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, value: torch.Tensor) -> torch.Tensor:
        return value.clone()

    @staticmethod
    def backward(ctx: Any, p: torch.Tensor) -> Any:
        return p, None


class HookedReLUs(ReLUContext):
    """A `ReLUContext` that patches nothing: each ReLU runs as it is, and its node gets a hook.

    The forward pass is unchanged to the last bit, and the rule holds in its own thread only.

    Args:
        relu_func: the rule as a learner writes it.
        hook: gives the same rule to the node that a ReLU or ReLU6 leaves in autograd's graph.
        name: how warnings call the method.

    Attributes:
        rules: the `BackwardRules` that see the network's operations.
    """

    def __init__(
        self,
        relu_func: type[torch.autograd.Function],
        hook: Callable[[torch.autograd.graph.Node], object],
        name: str,
    ) -> None:
        super().__init__(relu_func)

        def rule(func: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
            activation = as_activation(func, args, kwargs)
            if activation is None or (activation[2] and activation[2][0] != 0):
                return NotImplemented
            _, x, bounds = activation
            in_place = is_in_place(func, args, kwargs)
            # The node of an operation on a view in place is not to be had.
            beside = in_place and x._is_view()
            # Not `func`: before torch 2.12 a clamp lets p through at x = 0.
            relu: Any = F.hardtanh if bounds else F.relu
            if operation_name(func) == "threshold":
                # It makes 0 of -0; the others don't.
                relu, bounds = F.threshold, (0.0, 0.0)
            # An outer context must not give its rule to the same node.
            with torch._C.DisableTorchFunction():
                y = relu(x.clone() if beside else x, *bounds, inplace=in_place)
                if y.grad_fn is not None:
                    hook(y.grad_fn)
                return x.copy_(y) if beside else y

        self.rules = BackwardRules({F.relu: rule, F.hardtanh: rule}, name=name)

    def __enter__(self) -> HookedReLUs:
        self.rules.__enter__()
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.rules.__exit__(exc_type, exc_value, traceback)


def positive(gradients: tuple[torch.Tensor | None, ...]) -> tuple[torch.Tensor | None, ...]:
    """The gradients' positive parts."""
    return tuple(None if p is None else p.clamp(min=0) for p in gradients)
