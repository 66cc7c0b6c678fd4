"""Leave a model, its inputs and the random state as they were found."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn

from .modules import modules_of


def _random_states(tensors: tuple[torch.Tensor, ...]) -> dict[torch.device, Any]:
    devices = {t.device for t in tensors}
    states: dict[torch.device, Any] = {torch.device("cpu"): torch.get_rng_state()}
    for device in devices:
        if device.type == "cuda":
            states[device] = torch.cuda.get_rng_state(device)
        elif device.type == "mps":
            states[device] = torch.mps.get_rng_state()
    return states


def _restore_random_states(states: dict[torch.device, Any]) -> None:
    for device, state in states.items():
        if device.type == "cuda":
            torch.cuda.set_rng_state(state, device)
        elif device.type == "mps":
            torch.mps.set_rng_state(state)
        else:
            torch.set_rng_state(state)


@contextmanager
def preserved(model: Any, *tensors: torch.Tensor) -> Iterator[None]:
    """Eval mode and frozen parameters inside; everything as before outside.

    Restored on leaving, also by an exception, also when it strikes half-way through the set-up:
    each module's training flag, `requires_grad` and `.grad` of each parameter and of the given
    tensors, and the random state of the CPU and of the devices that these live on.

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
    modules = modules_of(model) if isinstance(model, nn.Module) else []
    training = [module.training for module in modules]
    # Faster than model.parameters(), which goes through all modules once more, name by name.
    parameters = [p for module in modules for p in module._parameters.values() if p is not None]
    flags = [(t, t.requires_grad, t.grad) for t in (*parameters, *tensors) if t.is_leaf]
    random = _random_states((*parameters, *tensors))
    try:
        if any(training):
            model.eval()
        for parameter in parameters:
            if parameter.requires_grad:
                parameter.requires_grad_(False)
        yield
    finally:
        for module, before in zip(modules, training, strict=True):
            if module.training != before:
                module.training = before
        for tensor, requires_grad, grad in flags:
            if tensor.requires_grad != requires_grad:
                tensor.requires_grad_(requires_grad)
            if tensor.grad is not grad:
                tensor.grad = grad
        _restore_random_states(random)
