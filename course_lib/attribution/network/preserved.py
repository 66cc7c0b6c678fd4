"""Leave a model, its inputs and the random state as they were found."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any
from weakref import WeakKeyDictionary

import torch
from torch import nn

from .layers import modules_of, parameters_of


def random_states(tensors: Iterable[torch.Tensor]) -> dict[torch.device, Any]:
    """The random states of the CPU and of the tensors' devices."""
    devices = {t.device for t in tensors}
    states: dict[torch.device, Any] = {torch.device("cpu"): torch.get_rng_state()}
    for device in devices:
        if device.type == "cuda":
            states[device] = torch.cuda.get_rng_state(device)
        elif device.type == "mps":
            states[device] = torch.mps.get_rng_state()
    return states


def restore_random_states(states: dict[torch.device, Any]) -> None:
    """Bring back what `random_states` gave."""
    for device, state in states.items():
        if device.type == "cuda":
            torch.cuda.set_rng_state(state, device)
        elif device.type == "mps":
            torch.mps.set_rng_state(state)
        else:
            torch.set_rng_state(state)


class _Tensors:
    """`requires_grad` and `.grad` of tensors."""

    def __init__(self, tensors: Iterable[torch.Tensor]) -> None:
        # Those made in inference mode can be changed there only, and are left alone.
        self._flags = [
            (t, t.requires_grad, t.grad) for t in tensors if t.is_leaf and not t.is_inference()
        ]

    def freeze(self) -> None:
        for tensor, _, _ in self._flags:
            if tensor.requires_grad:
                tensor.requires_grad_(False)

    def restore(self) -> None:
        for tensor, requires_grad, grad in self._flags:
            if tensor.requires_grad != requires_grad:
                tensor.requires_grad_(requires_grad)
            if tensor.grad is not grad:
                tensor.grad = grad


class _Model:
    """The training flags of a model's modules, and its parameters."""

    def __init__(self, model: nn.Module) -> None:
        modules = modules_of(model)
        # A frozen scripted module has no such flag.
        self._training = [(m, m.training) for m in modules if hasattr(m, "training")]
        self.parameters = parameters_of(modules)
        self._flags = _Tensors(self.parameters)

    def freeze(self) -> None:
        # Not by eval(): a layer may do more in it than change its flag, such as merge its weights.
        for module, _ in self._training:
            if module.training:
                module.training = False
        self._flags.freeze()

    def restore(self) -> None:
        for module, training in self._training:
            if module.training != training:
                module.training = training
        self._flags.restore()


_LOCK = threading.Lock()
# What a model was like before the first of its present users, and who these are.
_IN_USE: WeakKeyDictionary[nn.Module, tuple[_Model, set[object]]] = WeakKeyDictionary()


def _take(model: nn.Module, user: object) -> list[nn.Parameter]:
    with _LOCK:
        if model not in _IN_USE:
            _IN_USE[model] = (_Model(model), set())
        found, users = _IN_USE[model]
        users.add(user)
        found.freeze()
        return found.parameters


def _give_back(model: nn.Module, user: object) -> None:
    with _LOCK:
        if model not in _IN_USE:
            return
        found, users = _IN_USE[model]
        users.discard(user)
        if not users:
            found.restore()
            del _IN_USE[model]


def current_autocast(device: torch.device) -> Callable[[], AbstractContextManager[Any]]:
    """Makes contexts in which the autocast of now holds again."""
    kind = device.type
    if not torch.is_autocast_enabled(kind):
        return nullcontext
    dtype = torch.get_autocast_dtype(kind)
    return lambda: torch.autocast(kind, dtype=dtype)


def is_other_thread(thread: int) -> bool:
    """Whether this runs in another thread; never while a compiler, which can't ask, looks on."""
    return not torch.compiler.is_compiling() and threading.get_ident() != thread


@contextmanager
def preserved(model: Any, *tensors: torch.Tensor) -> Iterator[None]:
    """Eval mode and frozen parameters inside; everything as before outside.

    Restored on leaving, also by an exception, also when it strikes half-way through the set-up:
    each module's training flag, `requires_grad` and `.grad` of each parameter and of the given
    tensors, the random state of the CPU and of the devices that these live on, whether gradients
    are on, and the function modes that are active. Where several threads use a model at once, the
    last to leave restores it.

    Args:
        model: the network; anything that is not an `nn.Module` is left alone.
        tensors: further tensors whose `requires_grad` and `.grad` must come back.

    >>> model = torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.Dropout())
    >>> with preserved(model):
    ...     print(model.training, model[0].weight.requires_grad)
    False False
    >>> model.training, model[1].training, model[0].weight.requires_grad
    (True, True, True)
    """
    user, inputs = object(), _Tensors(tensors)
    gradients, modes = torch.is_grad_enabled(), torch._C._len_torch_function_stack()
    random: dict[torch.device, Any] = {}
    try:
        parameters = _take(model, user) if isinstance(model, nn.Module) else []
        random = random_states((*parameters, *tensors))
        yield
    finally:
        while torch._C._len_torch_function_stack() > modes:
            torch._C._pop_torch_function_stack()
        torch.set_grad_enabled(gradients)
        if isinstance(model, nn.Module):
            _give_back(model, user)
        inputs.restore()
        restore_random_states(random)


@contextmanager
def explaining(model: nn.Module, *tensors: torch.Tensor) -> Iterator[None]:
    """The setting in which a method runs a network: `preserved`, and gradients can be taken.

    Also where the caller's code runs without gradients, or in inference mode.

    >>> with torch.no_grad(), explaining(torch.nn.ReLU()):
    ...     torch.is_grad_enabled()
    True
    """
    with torch.inference_mode(False), torch.enable_grad(), preserved(model, *tensors):
        yield
