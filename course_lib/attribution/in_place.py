"""Run ReLUs in place, and behind the max pooling, where nobody can tell but by the time."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FunctionType
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.modules import module as hooks

from .modules import modules_of, parameters_of
from .state import is_other_thread
from .validation import is_compiled, is_compiled_call

# Layers whose output is always a tensor of its own, which nothing else holds.
_FRESH = (nn.Conv2d, nn.ConvTranspose2d, nn.Linear, nn.BatchNorm2d)
# Where someone may put functions of their own to see what runs: in the place of these ...
_CALLS = ("__call__", "_call_impl", "forward")
_ORIGINALS = [
    (owner, name, getattr(owner, name))
    for owner, names in (
        *((kind, _CALLS) for kind in (*_FRESH, nn.ReLU, nn.MaxPool2d, nn.Sequential)),
        (nn.Sequential, ("__iter__",)),
        (nn.Conv2d, ("_conv_forward",)),
        (F, ("batch_norm", "conv2d", "conv_transpose2d", "linear", "max_pool2d", "relu")),
        (torch, ("batch_norm", "conv2d", "conv_transpose2d", "max_pool2d", "relu", "relu_")),
    )
    for name in names
]
# ... or under these names in a layer itself.
_OWN_CALLS = {"_call_impl", "_conv_forward", "forward"}
_relu_ = torch.relu_


@contextmanager
def in_place_relus(model: nn.Module) -> Iterator[None]:
    r"""Inside, the model's `nn.Sequential`s run forward with less work, to the same result.

    What a convolution, batch normalisation or linear layer gives to the ReLU after it in an
    `nn.Sequential` is held by nobody else, so that the ReLU may write over it. And as

    .. math:: \max_i \max(x_i, 0) = \max(\max_i x_i, 0),

    a ReLU before max pooling may as well come after it, where there is a fraction of the units.
    That is done on a CPU, while no gradient is taken, in this thread, and where no one looks at
    what is in between: there are no hooks or modes, and no functions were put in the place of
    torch's since this module was imported. (A profiler sees the other order.) Everything else runs
    as it is, and so do models of which parts are compiled.

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
    rows = [m for m in modules_of(model) if _is_row(m)] if _may_change(model) else []
    forwards = {row: _Forward(row) for row in rows}
    try:
        for row, forward in forwards.items():
            vars(row)["forward"] = forward
        yield
    finally:
        for row, forward in forwards.items():
            if vars(row).get("forward") is forward:
                del vars(row)["forward"]


def _may_change(model: nn.Module) -> bool:
    """Whether rows of the model may get another forward for a while."""
    # Code compiled for rows as they are would be compiled anew each time, and `nn.DataParallel`,
    # which is for GPUs, would give what one row got to its copies.
    modules = modules_of(model)
    return (
        not is_compiled(model)
        and not any(
            isinstance(own, FunctionType) and is_compiled_call(own)
            for m in modules
            for own in vars(m).values()
        )
        and all(p.device.type == "cpu" for p in parameters_of(modules))
    )


def _is_row(module: nn.Module) -> bool:
    """Whether the module runs its layers one after the other, some of them ReLUs."""
    kind = type(module)
    return (
        issubclass(kind, nn.Sequential)
        and kind.forward is nn.Sequential.forward
        and kind.__iter__ is nn.Sequential.__iter__
        and "forward" not in vars(module)
        and all(isinstance(layer, nn.Module) for layer in module._modules.values())
        and any(type(layer) is nn.ReLU for layer in module._modules.values())
    )


class _Forward:
    """What a row does instead of its own forward, in this thread."""

    def __init__(self, row: Any) -> None:
        self._row = row
        self._thread = threading.get_ident()

    def __call__(self, input: Any) -> Any:
        if is_other_thread(self._thread) or _is_watched():
            return type(self._row).forward(self._row, input)
        return _run(self._row, input)

    def __reduce__(self) -> Any:
        # A copy of the row that is made or saved meanwhile gets what its class has: its own
        # attributes are not there yet when this is looked up.
        return getattr, (self._row, "forward")


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


def _run(row: nn.Sequential, x: Any) -> Any:
    fresh = waiting = False
    for layer in row:
        if waiting and not _pools(layer):
            x, waiting = _relu_(x), False
        if fresh and _is_plain(layer, nn.ReLU) and _has_one_layout(x):
            waiting = True
            continue
        x = layer(x)
        if waiting:
            x, waiting = _relu_(x), False
        else:
            fresh = _is_plain(layer, *_FRESH)
    return _relu_(x) if waiting else x


def _has_one_layout(x: Any) -> bool:
    """Whether x is a plain tensor whose strides say in what order its units lie."""
    # Where a side is 1, ReLU may give other strides than it got, and the next layer then takes
    # another way, with other rounding.
    return type(x) is torch.Tensor and 1 not in x.shape


def _is_plain(layer: nn.Module, *kinds: type[nn.Module]) -> bool:
    """Whether the layer is of one of these kinds, and nothing is added to it."""
    return type(layer) in kinds and not (
        layer._forward_hooks
        or layer._forward_pre_hooks
        or layer._backward_hooks
        or layer._backward_pre_hooks
        or vars(layer).keys() & _OWN_CALLS
        # Parameters of a class of their own see each function that they are given to.
        or any(type(p) is not nn.Parameter for p in layer._parameters.values() if p is not None)
    )


def _pools(layer: nn.Module) -> bool:
    """Whether the layer only takes the largest units of windows, each of which has some."""
    return (
        _is_plain(layer, nn.MaxPool2d)
        and not layer.return_indices
        and layer.dilation in (1, (1, 1))
    )
