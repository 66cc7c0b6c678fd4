"""Run ReLUs in place, and behind the max pooling, where nobody can tell but by the time."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.modules import module as hooks

from .modules import modules_of
from .state import is_other_thread
from .validation import is_compiled

# Layers whose output is always a tensor of its own, which nothing else holds.
_FRESH = (nn.Conv2d, nn.ConvTranspose2d, nn.Linear, nn.BatchNorm2d)
# Someone may have put functions of their own in the place of these, to see what runs.
_REPLACEABLE: dict[Any, str] = {
    **dict.fromkeys((*_FRESH, nn.ReLU, nn.MaxPool2d), "forward"),
    nn.Sequential: "forward __iter__",
    nn.Module: "__call__ _call_impl",
    F: "batch_norm conv2d conv_transpose2d linear max_pool2d relu",
    torch: "batch_norm conv2d conv_transpose2d max_pool2d relu",
}
_ORIGINALS = [
    (owner, name, getattr(owner, name))
    for owner, names in _REPLACEABLE.items()
    for name in names.split()
]
_relu_ = torch.relu_


@contextmanager
def in_place_relus(model: nn.Module) -> Iterator[None]:
    r"""Inside, the model's `nn.Sequential`s run forward with less work, to the same result.

    What a convolution, batch normalisation or linear layer gives to the ReLU after it in an
    `nn.Sequential` is held by nobody else, so that the ReLU may write over it. And as

    .. math:: \max_i \max(x_i, 0) = \max(\max_i x_i, 0),

    a ReLU before max pooling may as well come after it, where there is a fraction of the units.
    That is done while no gradient is taken, in this thread, and where no one looks at what is in
    between: there are no hooks, no modes, no functions put in the place of torch's. Everything
    else runs as it is, and so do compiled models.

    Args:
        model: the network; as it was on leaving.

    >>> net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.MaxPool2d(2))
    >>> x = torch.rand(1, 3, 8, 8)
    >>> with torch.no_grad():
    ...     y = net(x)
    ...     with in_place_relus(net):
    ...         torch.equal(net(x), y)
    True
    """
    rows = [] if is_compiled(model) else [m for m in modules_of(model) if _is_row(m)]
    forwards = {row: _Forward(row) for row in rows}
    try:
        for row, forward in forwards.items():
            vars(row)["forward"] = forward
        yield
    finally:
        for row, forward in forwards.items():
            if vars(row).get("forward") is forward:
                del vars(row)["forward"]


def _is_row(module: nn.Module) -> bool:
    """Whether the module runs its layers one after the other, some of them ReLUs."""
    kind = type(module)
    return (
        issubclass(kind, nn.Sequential)
        and kind.forward is nn.Sequential.forward
        and kind.__iter__ is nn.Sequential.__iter__
        and "forward" not in vars(module)
        and any(type(layer) is nn.ReLU for layer in module._modules.values())
    )


class _Forward:
    """What a row does instead of its own forward, in this thread; copied, it serves the copy."""

    def __init__(self, row: Any) -> None:
        self._row = row
        self._thread = threading.get_ident()

    def __call__(self, input: Any) -> Any:
        if is_other_thread(self._thread) or _is_watched():
            return type(self._row).forward(self._row, input)
        for step in _steps(list(self._row)):
            input = step(input)
        return input


def _is_watched() -> bool:
    """Whether what happens between layers matters to anyone beside the layers' own hooks."""
    return bool(
        torch.is_grad_enabled()
        or torch.compiler.is_compiling()
        or torch._C._len_torch_function_stack()
        or torch._C._len_torch_dispatch_stack()
        or hooks._has_any_global_hook()
        or any(getattr(owner, name) is not original for owner, name, original in _ORIGINALS)
    )


def _steps(layers: list[nn.Module]) -> list[Callable[[Any], Any]]:
    """The layers, in the order in which they run best."""
    steps: list[Callable[[Any], Any]] = []
    fresh = False
    waiting = iter(range(len(layers)))
    for i in waiting:
        layer = layers[i]
        if fresh and _is_plain(layer, nn.ReLU):
            if i + 1 < len(layers) and _pools(layers[i + 1]):
                steps.append(layers[next(waiting)])
            steps.append(_in_place)
        else:
            fresh = _is_plain(layer, *_FRESH)
            steps.append(layer)
    return steps


def _is_plain(layer: nn.Module, *kinds: type[nn.Module]) -> bool:
    """Whether the layer is of one of these kinds and nothing is added to it."""
    return type(layer) in kinds and not (
        layer._forward_hooks
        or layer._forward_pre_hooks
        or layer._backward_hooks
        or layer._backward_pre_hooks
        or vars(layer).keys() & {"forward", "_conv_forward"}
        or any(type(p) is not nn.Parameter for p in layer._parameters.values() if p is not None)
    )


def _pools(layer: Any) -> bool:
    return _is_plain(layer, nn.MaxPool2d) and not layer.return_indices


def _in_place(x: torch.Tensor) -> torch.Tensor:
    return _relu_(x) if type(x) is torch.Tensor else F.relu(x)
