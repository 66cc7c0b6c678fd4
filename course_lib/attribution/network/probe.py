"""See the data that passes a layer, and its gradient."""

from __future__ import annotations

import threading
import weakref
from collections import OrderedDict
from collections.abc import Sequence
from types import TracebackType
from typing import Any

import torch
from torch import nn

from .layers import named_layers
from .preserved import is_other_thread


class Probe:
    """Record the tensors that enter or leave a layer when the layer runs.

    The recorded tensors require gradients and keep them, also when the parameters are frozen and
    the image needs none: after `y.backward(gradient)`, `probe.data[0].grad` is dy/dx there. The
    network goes on with a copy, so that a following in-place operation does not spoil the data
    (unless the layer returns its own input, and the network goes on with that). A probe that
    nothing refers to any longer is detached.

    Args:
        module: the layer.
        target: "input" or "output".

    Attributes:
        data: the floating tensors of the layer's latest run, in order: one where the layer takes
            or gives one tensor, several for a tuple, list or dict.
        contrast: tensors to subtract from the gradients at `data`, one for each or fewer, None for
            none, before they go on down; set before the forward pass by the manual form of
            contrastive excitation backprop.
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
        self.contrast: Sequence[torch.Tensor | None] | None = None
        self.calls = 0
        # The layer must not keep the probe, which is to go with its last user.
        this = weakref.ref(self)

        def on_input(
            module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]
        ) -> tuple[tuple[Any, ...], dict[str, Any]] | None:
            probe = this()
            return None if probe is None else probe._on_input(args, kwargs)

        def on_output(module: nn.Module, args: Any, output: Any) -> Any:
            probe = this()
            return None if probe is None else probe._on_output(output)

        if target == "input":
            hook = module.register_forward_pre_hook(on_input, with_kwargs=True)
        else:
            hook = module.register_forward_hook(on_output)
        self._detach = weakref.finalize(self, hook.remove)
        self._detach.atexit = False

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
        contrasts = self.contrast or ()
        contrast = contrasts[len(self.data)] if len(self.data) < len(contrasts) else None
        self.data.append(x)
        following = x.clone()
        if contrast is not None and following.requires_grad:
            following.register_hook(lambda p: p - contrast)
        return following

    def _record_all(self, values: Any) -> Any:
        """Record the floating tensors; return the same structure with their copies in place."""
        if isinstance(values, torch.Tensor):
            return self._record(values) if values.is_floating_point() else values
        if isinstance(values, (tuple, list)):
            kind = type(values)
            copies = [self._record_all(v) if isinstance(v, torch.Tensor) else v for v in values]
            return kind(*copies) if hasattr(values, "_fields") else kind(copies)
        if isinstance(values, dict):
            copy = values.copy()
            for key, value in values.items():
                if isinstance(value, torch.Tensor):
                    copy[key] = self._record_all(value)
            return copy
        return values

    def _on_input(
        self, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> tuple[tuple[Any, ...], dict[str, Any]]:
        self._begin()
        return self._record_all(args), self._record_all(kwargs)

    def _on_output(self, output: Any) -> Any:
        self._begin()
        return self._record_all(output)

    def _begin(self) -> None:
        self.calls += 1
        self.data = []

    def clear(self) -> None:
        """Forget what was recorded, and begin to count anew."""
        self.data = []
        self.calls = 0

    def remove(self) -> None:
        """Detach the probe from the layer; the data stay. Any further time does nothing."""
        self._detach()

    def __enter__(self) -> Probe:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.remove()


class OwnProbe(Probe):
    """A probe of the runs of its own thread: another may explain the same network meanwhile."""

    def __init__(self, module: nn.Module, target: str = "output") -> None:
        self._thread = threading.get_ident()
        super().__init__(module, target)

    def _on_output(self, output: Any) -> Any:
        return output if is_other_thread(self._thread) else super()._on_output(output)


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
        probed: set[nn.Module] = set()
        for name, module in named_layers(model):
            if module not in probed:
                probed.add(module)
                probes[name] = Probe(module, target="output" if name else "input")
    return probes
