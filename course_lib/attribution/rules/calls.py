"""Read a call of a torch function: which operation it is, in place or not, with which arguments."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from typing import Any

import torch

_SPELLINGS = {
    "relu6": "hardtanh",
    "clip": "clamp",
    "iadd": "add",
    "radd": "add",
    "isub": "sub",
    "imul": "mul",
    "rmul": "mul",
    "itruediv": "div",
    "truediv": "div",
    "concat": "cat",
    "concatenate": "cat",
    "log_sigmoid": "logsigmoid",
    "swish": "silu",
}

_SIGNATURES: dict[str, tuple[tuple[str, Any], ...]] = {
    "relu": (("input", None), ("inplace", False)),
    "relu6": (("input", None), ("inplace", False)),
    "hardtanh": (("input", None), ("min_val", -1.0), ("max_val", 1.0), ("inplace", False)),
    "threshold": (("input", None), ("threshold", None), ("value", None), ("inplace", False)),
    "clamp": (("input", None), ("min", None), ("max", None)),
    "clip": (("input", None), ("min", None), ("max", None)),
    "clamp_min": (("input", None), ("min", None)),
    "linear": (("input", None), ("weight", None), ("bias", None)),
    **{
        f"conv{n}d": (
            ("input", None),
            ("weight", None),
            ("bias", None),
            ("stride", 1),
            ("padding", 0),
            ("dilation", 1),
            ("groups", 1),
        )
        for n in (1, 2, 3)
    },
    "avg_pool2d": (
        ("input", None),
        ("kernel_size", None),
        ("stride", None),
        ("padding", 0),
        ("ceil_mode", False),
        ("count_include_pad", True),
        ("divisor_override", None),
    ),
    "batch_norm": (
        ("input", None),
        ("running_mean", None),
        ("running_var", None),
        ("weight", None),
        ("bias", None),
        ("training", False),
        ("momentum", 0.1),
        ("eps", 1e-5),
    ),
    "adaptive_avg_pool2d": (("input", None), ("output_size", None)),
}


@lru_cache(maxsize=4096)
def _plain_name(func: Callable[..., Any]) -> str:
    name = getattr(func, "__name__", type(func).__name__).split(".")[0]
    return name.strip("_")


@lru_cache(maxsize=4096)
def operation_name(func: Callable[..., Any]) -> str:
    """The one name shared by every spelling of a torch operation.

    >>> import torch.nn.functional as F
    >>> {operation_name(f) for f in (F.relu, torch.relu, torch.relu_, torch.Tensor.relu)}
    {'relu'}
    >>> operation_name(torch.Tensor.__iadd__), operation_name(F.relu6)
    ('add', 'hardtanh')
    """
    name = _plain_name(func)
    return _SPELLINGS.get(name, name)


def is_in_place(func: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    """Whether the call overwrites its first argument (`relu_`, `+=`, `inplace=True`)."""
    name = getattr(func, "__name__", "").split(".")[0]
    if name.startswith("__") and name.endswith("__"):
        return name.startswith("__i") and name.strip("_") in _SPELLINGS
    if name.endswith("_"):
        return True
    if "inplace" in kwargs:
        return bool(kwargs["inplace"])
    signature = [key for key, _ in _SIGNATURES.get(_plain_name(func), ())]
    if "inplace" in signature and len(args) > signature.index("inplace"):
        return bool(args[signature.index("inplace")])
    return False


def tensors_in(values: Iterable[Any]) -> Iterator[torch.Tensor]:
    """The tensors among an operation's arguments or results, also those in lists."""
    for value in values:
        if isinstance(value, torch.Tensor):
            yield value
        elif isinstance(value, (tuple, list)):
            yield from tensors_in(value)


def bind(
    func: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> dict[str, Any] | None:
    """The arguments of a call by name, defaults filled in; None for an operation not listed here.

    torch's built-in functions have no Python signature, and a model may give any argument by
    position or by keyword, so a rule that needs "the weight" asks here.

    >>> import torch.nn.functional as F
    >>> bind(F.relu6, (torch.zeros(1),), {"inplace": True})["inplace"]
    True
    """
    signature = _SIGNATURES.get(_plain_name(func))
    if signature is None or len(args) > len(signature):
        return None
    bound = dict(signature)
    bound.update(zip((key for key, _ in signature), args, strict=False))
    for key, value in kwargs.items():
        bound["input" if key == "self" else key] = value
    return bound


def as_activation(
    func: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[str, torch.Tensor, tuple[float, ...]] | None:
    """Recognise ReLU and its bounded relatives in every form they are written in.

    Returns ("relu", x, ()) or ("hardtanh", x, (low, high)); None for anything else, also for a
    `clamp` that is not one of the two ReLUs (a model may clip for other reasons).
    """
    name = _plain_name(func)
    if name == "relu" and args:
        # As nn.ReLU writes it, and nearly every call: no need to bind the arguments.
        return "relu", args[0], ()
    bound = bind(func, args, kwargs)
    if bound is None or not isinstance(bound["input"], torch.Tensor) or "out" in bound:
        return None
    x = bound["input"]
    if name == "relu":
        return "relu", x, ()
    if name == "relu6":
        return "hardtanh", x, (0.0, 6.0)
    if name == "hardtanh":
        return "hardtanh", x, (float(bound["min_val"]), float(bound["max_val"]))
    if name in ("threshold", "clamp", "clip", "clamp_min"):
        low = bound["threshold"] if name == "threshold" else bound["min"]
        high = bound.get("max")
        if not (isinstance(low, (int, float)) and low == 0):
            return None
        if name == "threshold" and bound["value"] != 0:
            return None
        if high is None:
            return "relu", x, ()
        if isinstance(high, (int, float)) and high == 6:
            return "hardtanh", x, (0.0, 6.0)
    return None
