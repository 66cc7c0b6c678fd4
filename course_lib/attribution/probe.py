"""See the data that passes a layer, and its gradient."""

from __future__ import annotations

from collections import OrderedDict
from types import TracebackType
from typing import Any

import torch
from torch import nn


class Probe:
    """Record the tensor that enters or leaves a layer each time the layer runs.

    The recorded tensors require gradients and keep them, also when the parameters are frozen and
    the image needs none: after `y.backward(gradient)`, `probe.data[0].grad` is dy/dx there. The
    network goes on with a copy, so that a following in-place operation does not spoil the data.

    Args:
        module: the layer.
        target: "input" or "output". Of several tensors (a tuple), the first floating one counts.

    Attributes:
        data: one tensor for each time the layer has run in this forward pass. (A run after the
            backward pass, when the data have gradients, starts the list anew.)
        contrast: tensors to subtract from the gradients at `data`, before they go on down; set
            before the forward pass by the manual form of contrastive excitation backprop.
        calls: how many times it has run.

    Raises:
        ValueError: target is neither "input" nor "output".
        TypeError: module is not an `nn.Module`.

    >>> net = nn.Sequential(nn.Linear(2, 2), nn.ReLU(inplace=True))
    >>> with Probe(net[0]) as probe, Probe(net[0], target="output") as output:
    ...     net(torch.ones(1, 2)).sum().backward()
    >>> probe.data[0].tolist(), probe.data[0].grad.shape, output.gradient[0].shape
    ([[1.0, 1.0]], torch.Size([1, 2]), torch.Size([1, 2]))
    """

    def __init__(self, module: nn.Module, target: str = "input") -> None:
        if not isinstance(module, nn.Module):
            raise TypeError(f"Probe needs a torch.nn.Module, not {type(module).__name__}.")
        if target not in ("input", "output"):
            raise ValueError(f"A probe's target is 'input' or 'output', not {target!r}.")
        self.module = module
        self.target = target
        self.data: list[torch.Tensor] = []
        self.contrast: list[torch.Tensor] | None = None
        self.calls = 0
        if target == "input":
            self._hook = module.register_forward_pre_hook(self._on_input, with_kwargs=True)
        else:
            self._hook = module.register_forward_hook(self._on_output)

    @property
    def gradient(self) -> list[torch.Tensor | None]:
        """The gradient of each recorded tensor, None before the backward pass."""
        return [x.grad for x in self.data]

    def _record(self, x: torch.Tensor) -> torch.Tensor:
        if torch.is_grad_enabled():
            if not x.requires_grad:
                # The caller's tensor must not change its flags: record an alias instead.
                x = x.detach().requires_grad_()
            x.retain_grad()
        if self.data and self.data[0].grad is not None:
            self.data = []
        self.data.append(x)
        following = x.clone()
        if self.contrast is not None and following.requires_grad:
            contrast = self.contrast[len(self.data) - 1]
            following.register_hook(lambda p: p - contrast)
        return following

    def _record_first(self, values: Any) -> Any:
        """Record the first floating tensor; return the same structure with its copy in place."""
        self.calls += 1
        if isinstance(values, torch.Tensor):
            return self._record(values) if values.is_floating_point() else values
        if isinstance(values, (tuple, list)):
            for i, value in enumerate(values):
                if isinstance(value, torch.Tensor) and value.is_floating_point():
                    replaced = [*values[:i], self._record(value), *values[i + 1 :]]
                    if hasattr(values, "_fields"):
                        return type(values)(*replaced)
                    return type(values)(replaced)
        elif isinstance(values, dict):
            for key, value in values.items():
                if isinstance(value, torch.Tensor) and value.is_floating_point():
                    copy = values.copy()
                    copy[key] = self._record(value)
                    return copy
        return values

    def _on_input(
        self, module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> tuple[tuple[Any, ...], dict[str, Any]]:
        if any(isinstance(value, torch.Tensor) for value in args):
            return self._record_first(args), kwargs
        return args, self._record_first(kwargs)

    def _on_output(self, module: nn.Module, args: Any, output: Any) -> Any:
        return self._record_first(output)

    def clear(self) -> None:
        """Forget what was recorded, and begin to count anew."""
        self.data = []
        self.calls = 0

    def remove(self) -> None:
        """Detach the probe from the layer; the data stay. Any further time does nothing."""
        self._hook.remove()

    def __enter__(self) -> Probe:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.remove()


def attach_debug_probes(model: nn.Module, debug: bool = False) -> OrderedDict[str, Probe]:
    """Probe the model's input and the output of every layer.

    Args:
        model: the network.
        debug: False attaches nothing.

    Returns:
        Layer name -> `Probe`; the name "" is the model's input.

    >>> probes = attach_debug_probes(nn.Sequential(nn.ReLU()), debug=True)
    >>> [(name, probe.target) for name, probe in probes.items()]
    [('', 'input'), ('0', 'output')]
    """
    probes: OrderedDict[str, Probe] = OrderedDict()
    if debug:
        for name, module in model.named_modules():
            probes[name] = Probe(module, target="output" if name else "input")
    return probes
