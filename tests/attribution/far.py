"""A second device without hardware: tensors that are on the CPU, and say and act as if not.

`Far` tensors call themselves "meta" tensors. Whoever mixes them with tensors of the CPU, which a
GPU would refuse, is refused here as well; whoever asks for a new tensor on their device gets a far
one. So code that forgets `device=` fails on a machine without a GPU too.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any
from unittest.mock import patch

import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_flatten, tree_map

FAR = torch.device("meta")
# These may take indices, or data to copy, from the CPU: on a GPU as well.
_MAY_MIX = ("index", "index_put", "index_put_", "_unsafe_index", "copy_", "_to_copy")


class Far(torch.Tensor):
    """A tensor of the far device. Made by `far`."""

    near: torch.Tensor

    @staticmethod
    def __new__(cls, near: torch.Tensor) -> Far:
        made = torch.Tensor._make_wrapper_subclass(
            cls,
            near.size(),
            strides=near.stride(),
            storage_offset=near.storage_offset(),
            dtype=near.dtype,
            device=FAR,
        )
        made.near = near
        return made

    def new_tensor(self, data: Any, dtype: torch.dtype | None = None) -> torch.Tensor:
        # torch's own makes the new tensor unseen by the mode.
        return Far(_torchs_tensor(data, dtype=dtype or self.dtype))

    def __getitem__(self, index: Any) -> torch.Tensor:
        return super().__getitem__(_without_lists(index))

    def __setitem__(self, index: Any, value: Any) -> None:
        super().__setitem__(_without_lists(index), value)

    def tolist(self) -> Any:
        return self.near.tolist()

    def numpy(self, *, force: bool = False) -> Any:
        raise TypeError("A far tensor must be copied to the CPU first, as one of a GPU must.")

    __torch_function__ = torch._C._disabled_torch_function_impl

    @classmethod
    def __torch_dispatch__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return _run(func, args, kwargs or {})


def _without_lists(index: Any) -> Any:
    """torch makes tensors of lists unseen by the mode."""
    if isinstance(index, tuple):
        return tuple(map(_without_lists, index))
    return _torchs_tensor(index, dtype=torch.long) if isinstance(index, list) else index


class _Mode(TorchDispatchMode):
    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return _run(func, args, kwargs or {})


def _run(func: Any, args: Any, kwargs: dict[str, Any]) -> Any:
    name = func._schema.name.split("::")[1]
    tensors = [x for x in tree_flatten((args, kwargs))[0] if isinstance(x, torch.Tensor)]
    to_far = any(isinstance(x, Far) for x in tensors)
    if to_far and name not in _MAY_MIX and any(type(x) is not Far and x.dim() for x in tensors):
        raise RuntimeError(f"{name}: all tensors are expected to be on one device, but are on two.")
    if any(type(x) is torch.Tensor and x.device == FAR for x in tensors):
        raise AssertionError(f"{name}: a tensor of the far device was made unseen by this module.")
    asked = kwargs.get("device")
    if asked is not None:
        to_far = torch.device(asked) == FAR
        kwargs = kwargs | {"device": torch.device("cpu")}
    here = tree_map(lambda x: x.near if isinstance(x, Far) else x, (args, kwargs))
    result = func(*here[0], **here[1])
    if func._schema.is_mutable and tensors and name.endswith("_"):
        return args[0]
    if not to_far:
        return result
    if any(
        isinstance(x, torch.Tensor) and x.dtype == torch.float64 for x in tree_flatten(result)[0]
    ):
        raise TypeError(f"{name}: the far device has no float64, as MPS has none.")
    return tree_map(lambda x: Far(x) if type(x) is torch.Tensor else x, result)


def far(x: torch.Tensor) -> torch.Tensor:
    """The same tensor on the far device."""
    return Far(x.detach().clone())


def put_far(model: nn.Module) -> nn.Module:
    """Put the model on the far device."""
    for module in model.modules():
        for name, parameter in list(module._parameters.items()):
            if parameter is not None:
                module._parameters[name] = nn.Parameter(far(parameter), parameter.requires_grad)
        for name, buffer in list(module._buffers.items()):
            if buffer is not None:
                module._buffers[name] = far(buffer)
    return model


def _autocast(device_type: str, *args: Any, **kwargs: Any) -> AbstractContextManager[Any]:
    if device_type == FAR.type:
        return nullcontext()
    return _torchs_autocast(device_type, *args, **kwargs)


def _is_autocast_enabled(device_type: str) -> bool:
    return device_type != FAR.type and _torchs_is_autocast_enabled(device_type)


def _tensor(data: Any, dtype: torch.dtype | None = None, device: Any = None) -> torch.Tensor:
    # torch's own makes the new tensor unseen by the mode.
    made = _torchs_tensor(data, dtype=dtype)
    return made if device is None else made.to(device)


def _as_tensor(data: Any, dtype: torch.dtype | None = None, device: Any = None) -> torch.Tensor:
    made = data if isinstance(data, torch.Tensor) else _torchs_tensor(data, dtype=dtype)
    return made.to(device=made.device if device is None else device, dtype=dtype or made.dtype)


_torchs_tensor = torch.tensor
_torchs_autocast, _torchs_is_autocast_enabled = torch.autocast, torch.is_autocast_enabled


@contextmanager
def far_device() -> Iterator[None]:
    """Within, new tensors can be asked for on the far device, which has no autocast."""
    with (
        patch.object(torch, "tensor", _tensor),
        patch.object(torch, "as_tensor", _as_tensor),
        patch.object(torch, "autocast", _autocast),
        patch.object(torch, "is_autocast_enabled", _is_autocast_enabled),
        _Mode(),
    ):
        yield
