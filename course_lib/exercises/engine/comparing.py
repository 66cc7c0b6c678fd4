"""Compares what an answer does with what the reference does; says the first difference in words."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from .probes import describe
from .tolerances import tolerance

Outputs = dict[str, Any]

NOTHING = "nothing"
"""What a probe says where nothing was to be found."""

_LONG = 80


@dataclass(frozen=True)
class Foreign:
    """Stands for a value that can't be compared; only its description is kept."""

    description: str


def plain(value: Any) -> Any:
    """A copy of a probe's output in plain things: detached tensors, numbers, text, None, lists.

    No method of the value itself is called, so that subclasses with their own `__eq__`, `__repr__`
    or `__torch_function__` change nothing.
    """
    kind = type(value)
    if value is None or kind in (bool, int, float, str):
        return value
    if issubclass(kind, torch.Tensor):
        with torch._C.DisableTorchFunctionSubclass():
            # as_subclass is for subclasses alone: it fails for a sparse tensor
            tensor = value if kind is torch.Tensor else value.as_subclass(torch.Tensor)
            return torch.Tensor.clone(torch.Tensor.detach(tensor))
    for number in (int, float):
        if issubclass(kind, number):
            return number.__pos__(value)
    if issubclass(kind, str):
        return str.__str__(value)
    if kind.__module__ == "numpy" and hasattr(kind, "item") and kind.__name__ != "ndarray":
        return plain(value.item())
    if issubclass(kind, torch.Size):
        return [int(size) for size in tuple.__iter__(value)]
    if kind in (list, tuple):
        return [plain(item) for item in value]
    return Foreign(describe(value))


def plain_outputs(outputs: Mapping[str, Any]) -> Outputs:
    """`plain` of each of a probe's quantities."""
    return {str(name): plain(value) for name, value in outputs.items()}


def first_difference(
    expected: Outputs, got: Outputs, *, exact_dtype: bool = False
) -> tuple[str, str] | None:
    """The first quantity that differs and how, or None; both as `plain_outputs` made them."""
    for name, value in expected.items():
        if name not in got:
            return name, "is missing"
        finding = difference(value, got[name], exact_dtype=exact_dtype)
        if finding is not None:
            return name, finding
    for name in got:
        if name not in expected:
            return name, "should not be there"
    return None


def difference(expected: Any, got: Any, *, exact_dtype: bool = False) -> str | None:
    """How a plain value differs from the expected one, in words, or None when it does not.

    Values count, with the tolerance of the coarser of the two types; the types only if told so.
    """
    if isinstance(expected, torch.Tensor):
        if not isinstance(got, torch.Tensor):
            return f"expected {_tensor(expected)}, got {_described(got)}"
        return _tensor_difference(expected, got, exact_dtype)
    if isinstance(got, torch.Tensor):
        return f"expected {_described(expected)}, got {_tensor(got)}"
    if isinstance(expected, list):
        return _list_difference(expected, got, exact_dtype)
    if _is_number(expected) and _is_number(got):
        if _close(expected, got):
            return None
        return "expected {}, got {}".format(*_numbers(expected, got))
    if type(expected) is type(got) and not isinstance(got, Foreign) and expected == got:
        return None
    if type(expected) is type(got) is str and (expected == NOTHING or " " in expected):
        return f"expected {expected}, got {got[:_LONG]}"  # a probe's own words, so no quotes
    return f"expected {_described(expected)}, got {_described(got)}"


def pattern(expected: Any, got: Any) -> str:
    """What all of a wrong tensor's values have in common, in a sentence, or nothing.

    A mean in place of a sum is the commonest: each value is the same fraction of the expected one.
    """
    if isinstance(expected, float) and isinstance(got, float):
        expected, got = torch.tensor(expected), torch.tensor(got)
    if not isinstance(expected, torch.Tensor) or not isinstance(got, torch.Tensor):
        return ""
    if wrong_places(expected, got) is None or not expected.is_floating_point() or got.is_complex():
        return ""
    right, given = expected.double().flatten(), got.double().flatten()
    there = right != 0
    if not there.any() or not torch.isfinite(given).all() or bool((given[~there] != 0).any()):
        return ""
    ratios = given[there] / right[there]
    ratio = float(ratios.median())
    if ratio == 0 or bool(((ratios - ratio).abs() > 1e-4 * abs(ratio)).any()):
        return ""
    each = "Each value is" if expected.numel() > 1 else "It is"
    whole = round(1 / ratio)
    if abs(whole * ratio - 1) < 1e-4 and 2 <= whole <= 10_000:
        return f"{each} 1/{whole} of the expected one, as `.mean()` makes it in place of `.sum()`."
    if abs(ratio + 1) < 1e-4:
        return f"{each} minus the expected one."
    if ratios.numel() > 1:
        return f"{each} {_number(ratio, 3)} times the expected one."
    return ""


def _tensor_difference(expected: torch.Tensor, got: torch.Tensor, exact_dtype: bool) -> str | None:
    if got.shape != expected.shape:
        return f"the shape differs: expected {tuple(expected.shape)}, got {tuple(got.shape)}"
    if exact_dtype and got.dtype != expected.dtype:
        return f"the dtype differs: expected {_dtype(expected)}, got {_dtype(got)}"
    if got.device != expected.device:
        return f"the device differs: expected {expected.device}, got {got.device}"
    if got.layout != expected.layout:
        return f"the layout differs: expected {expected.layout}, got {got.layout}"
    if expected.is_meta:
        return "it has no values: it is on the device meta"
    stray, excess = _badness(expected, got)
    if stray.any():
        return _at("values are not finite", stray.to(torch.float64), expected, got)
    if not excess.any():
        return None
    return _at("values differ", excess, expected, got)


def wrong_places(expected: Any, got: Any) -> torch.Tensor | None:
    """Where two tensors differ by more than they may; None when they are not of one shape."""
    if not isinstance(expected, torch.Tensor) or not isinstance(got, torch.Tensor):
        return None
    plainly = all(not t.is_meta and t.layout == torch.strided for t in (expected, got))
    if expected.shape != got.shape or not plainly:
        return None
    stray, excess = _badness(expected, got)
    return stray | (excess > 0)


def _badness(expected: torch.Tensor, got: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Where `got` alone is not finite, and by how much the rest differs where it differs."""
    wide = torch.complex128 if expected.is_complex() or got.is_complex() else torch.float64
    right, given = expected.cpu().to(wide), got.cpu().to(wide)
    finite, no_number = torch.isfinite(right), torch.isnan(right)
    stray = ~torch.isfinite(given) & (finite | torch.isnan(given)) & ~(no_number & given.isnan())
    alike = (right == given) | (no_number & given.isnan())
    error = torch.where(alike, torch.zeros((), dtype=wide), right - given).abs()
    error = error.nan_to_num(nan=math.inf)
    scale = float(right[finite].abs().max()) if finite.any() else 0.0
    relative, floor = tolerance(expected.dtype, got.dtype)
    allowed = relative * right.abs().nan_to_num(posinf=0.0) + relative * 1e-2 * scale + floor
    return stray, torch.where(error > allowed, error, torch.zeros_like(error))


def _at(what: str, badness: torch.Tensor, expected: torch.Tensor, got: torch.Tensor) -> str:
    index = tuple(int(i) for i in np.unravel_index(int(badness.argmax()), tuple(badness.shape)))
    right, given = expected[index].item(), got[index].item()
    where = f" at [{', '.join(map(str, index))}]" if index else ""
    return f"{what}{where}: expected {{}}, got {{}}".format(*_numbers(right, given))


def _list_difference(expected: list[Any], got: Any, exact_dtype: bool) -> str | None:
    if not isinstance(got, list):
        return f"expected {len(expected)} values, got {_described(got)}"
    if len(got) != len(expected):
        return f"expected {_described(expected)}, got {_described(got)}"
    for i, (right, given) in enumerate(zip(expected, got, strict=True)):
        finding = difference(right, given, exact_dtype=exact_dtype)
        if finding is not None:
            return f"item {i}: {finding}"
    return None


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _close(expected: float, got: float) -> bool:
    """A Python number may come from a float32 tensor; whole numbers are exact."""
    if isinstance(expected, int) and isinstance(got, int):
        return expected == got
    relative, floor = tolerance(torch.float32)
    both = math.isnan(expected) and math.isnan(got)
    return both or expected == got or abs(expected - got) <= relative * abs(expected) + floor


def _numbers(expected: Any, got: Any) -> tuple[str, str]:
    """Two numbers as text, with as many digits as it takes to tell them apart, at least five."""
    for digits in range(5, 18):
        texts = _number(expected, digits), _number(got, digits)
        if texts[0] != texts[1]:
            return texts
    return str(expected), str(got)


def _number(value: Any, digits: int) -> str:
    if isinstance(value, float):
        return repr(float(f"{value:.{digits}g}") + 0.0)
    if isinstance(value, complex):
        return f"{value:.{digits}g}"
    return repr(value)


def _dtype(tensor: torch.Tensor) -> str:
    return str(tensor.dtype).removeprefix("torch.")


def _tensor(tensor: torch.Tensor) -> str:
    return f"a tensor of shape {tuple(tensor.shape)}"


def _described(value: Any) -> str:
    if isinstance(value, Foreign):
        return value.description
    if isinstance(value, torch.Tensor):
        return _tensor(value)
    if isinstance(value, list):
        shown = ", ".join(_described(item) for item in value[:6])
        return f"[{shown}{', ...' if len(value) > 6 else ''}]"
    if isinstance(value, float):
        return _number(value, 5)
    text = repr(value)
    return text if len(text) <= _LONG else f"{text[: _LONG - 3]}..."
