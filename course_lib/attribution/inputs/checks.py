"""Checks that turn bad input into one plain sentence, before anything is changed."""

from __future__ import annotations

import math
import numbers
import operator
import sys
from collections.abc import Iterable, Sequence
from typing import Any

import torch
from torch import nn

from ..network.layers import modules_of


def check_finite(x: torch.Tensor, name: str) -> torch.Tensor:
    """Return x; ValueError when it holds NaN or infinity.

    >>> check_finite(torch.tensor([[1.0, float("nan")]]), "The image")
    Traceback (most recent call last):
    ...
    ValueError: The image must be finite, but holds NaN at [0, 1].
    """
    # A sum is finite only if every term is, and costs a fraction of an element-wise test; only
    # when it is not (it may also have overflowed) is the slow test needed.
    if not x.is_floating_point() or math.isfinite(x.detach().sum(dtype=exact_dtype(x)).item()):
        return x
    bad = ~torch.isfinite(x.detach())
    if bool(bad.any()):
        where = bad.nonzero()[0].tolist()
        what = "NaN" if bool(torch.isnan(x.detach()[tuple(where)])) else "infinity"
        raise ValueError(f"{name} must be finite, but holds {what} at {where}.")
    return x


def exact_dtype(x: torch.Tensor) -> torch.dtype:
    """What to hold sums of the values of x in: float64 for float64, else float32."""
    return torch.float64 if x.dtype == torch.float64 else torch.float32


def check_image(x: Any, name: str = "The input") -> torch.Tensor:
    """Return x, a non-empty, finite N x C x H x W floating tensor; ValueError otherwise.

    >>> check_image(torch.zeros(3, 8, 8))
    Traceback (most recent call last):
    ...
    ValueError: The input must have shape N x C x H x W, but has 3 dimensions (3 x 8 x 8).
    """
    if not isinstance(x, torch.Tensor):
        raise TypeError(f"{name} must be a torch.Tensor, not {type(x).__name__}.")
    shape = shape_text(x)
    if x.dim() != 4:
        raise ValueError(
            f"{name} must have shape N x C x H x W, but has {x.dim()} dimensions ({shape})."
        )
    if x.numel() == 0:
        raise ValueError(f"{name} must hold at least one image, but has shape {shape}.")
    if not x.is_floating_point():
        raise ValueError(f"{name} must be of a floating dtype, not {x.dtype}.")
    return check_finite(x, name)


def check_like(x: Any, input: torch.Tensor, name: str) -> torch.Tensor:
    """Return x, finite and of the shape, dtype and device of the images; ValueError otherwise.

    Args:
        x: N x C x H x W; 1 x C x H x W stands for every image.
        input: the images.
        name: what to call x.

    >>> check_like(torch.zeros(1, 3, 8, 8), torch.zeros(2, 3, 8, 8), "The baseline").shape
    torch.Size([2, 3, 8, 8])
    """
    check_image(x, name)
    if x.shape[1:] != input.shape[1:] or len(x) not in (1, len(input)):
        raise ValueError(
            f"{name} must have the shape of the images, {shape_text(input)}, but has "
            f"{shape_text(x)}."
        )
    if x.dtype != input.dtype or x.device != input.device:
        raise ValueError(
            f"{name} must be of the images' dtype and on their device, {input.dtype} on "
            f"{input.device}, but is {x.dtype} on {x.device}."
        )
    return x.expand_as(input)


def as_number(value: Any) -> float | None:
    """A real number, also one in a tensor or array of no dimensions, as a float; None for others.

    >>> as_number(torch.tensor(0.5)), as_number("0.5")
    (0.5, None)
    """
    if getattr(value, "ndim", None) == 0:
        value = value.item()
    return float(value) if isinstance(value, numbers.Real) else None


def is_whole(value: Any, least: int) -> bool:
    """Whether the value is a whole number, of any type but bool, of at least `least`."""
    number = as_number(value)
    if number is None or isinstance(value, bool):
        return False
    return number >= least and number.is_integer()


def whole_number(name: str, value: Any, least: int = 1) -> int:
    """The value as an int; ValueError unless it is a whole number of at least `least`.

    >>> whole_number("num_masks", 8.0)
    8
    >>> whole_number("num_masks", 2.5)
    Traceback (most recent call last):
    ...
    ValueError: num_masks must be a whole number, at least 1, not 2.5.
    """
    if not is_whole(value, least):
        raise ValueError(f"{name} must be a whole number, at least {least}, not {value!r}.")
    return int(value)


def height_and_width(shape: Sequence[Any]) -> tuple[int, int]:
    """The sides of a mask as ints; ValueError unless they are two whole numbers, at least 1."""
    if len(shape) != 2 or not all(is_whole(side, least=1) for side in shape):
        raise ValueError(
            f"A mask's shape must be (height, width), whole numbers of at least 1, not "
            f"{tuple(shape)}."
        )
    return int(shape[0]), int(shape[1])


def finite_number(name: str, value: Any) -> float:
    """The value as a float; ValueError unless it is finite and at least 0.

    >>> finite_number("smooth", torch.tensor(0.5))
    0.5
    """
    number = as_number(value)
    if number is None or not 0 <= number < math.inf:
        raise ValueError(f"{name} must be a finite number, at least 0, not {value!r}.")
    return number


def check_choice(name: str, value: Any, choices: Iterable[str]) -> None:
    """ValueError unless the value is one of the choices.

    >>> check_choice("border", "reflect", ("edge", "zeros"))
    Traceback (most recent call last):
    ...
    ValueError: border must be one of edge, zeros, not 'reflect'.
    """
    known = tuple(choices)
    if value not in known:
        raise ValueError(f"{name} must be one of {', '.join(known)}, not {value!r}.")


def check_callable(name: str, function: Any) -> None:
    """TypeError unless `function` can be called."""
    if not callable(function):
        raise TypeError(f"{name} must be a function, not {function!r}.")


def check_pixels(name: str, value: Any) -> None:
    """ValueError unless the value is a finite, positive number."""
    if not 0 < (as_number(value) or 0) < math.inf:
        raise ValueError(f"{name} must be a finite, positive number of pixels, but got {value!r}.")


def generator(seed: int) -> torch.Generator:
    """Random numbers on the CPU from any seed that torch takes, an int of any type."""
    try:
        number = operator.index(seed)
    except TypeError:
        raise TypeError(f"seed must be a whole number, not {seed!r}.") from None
    if not -(2**63) <= number < 2**64:
        raise ValueError(f"seed must be from -2^63 to 2^64 - 1, not {seed!r}.")
    return torch.Generator(device="cpu").manual_seed(number)


def what_it_is(x: Any) -> str:
    """A tensor's shape, or the type of anything else, for messages: '(2, 3)', 'a list'."""
    return str(tuple(x.shape)) if isinstance(x, torch.Tensor) else f"a {type(x).__name__}"


def shape_text(x: torch.Tensor) -> str:
    """The shape as in messages: '1 x 3 x 8 x 8'."""
    return " x ".join(map(str, x.shape))


def check_model(model: Any) -> nn.Module:
    """Return the model; TypeError when it is not a `torch.nn.Module`."""
    if not isinstance(model, nn.Module):
        raise TypeError(f"The model must be a torch.nn.Module, not {type(model).__name__}.")
    return model


def check_scores(y: Any, images: int) -> torch.Tensor:
    """Return the network's output y, finite N x C or N x C x H x W scores; ValueError otherwise."""
    if not isinstance(y, torch.Tensor):
        raise ValueError(
            f"The network must return one tensor of scores, but returned a {type(y).__name__}."
        )
    if y.dim() not in (2, 4) or y.shape[0] != images:
        raise ValueError(
            f"The network must return scores of shape N x C or N x C x H x W with N = {images}, "
            f"but returned {shape_text(y) or 'a single number'}."
        )
    return check_finite(y, "The network's output")


def is_compiled(model: nn.Module) -> bool:
    """Whether the model, or a part of it, is compiled by `torch.compile` or scripted."""
    dynamo = sys.modules.get("torch._dynamo.eval_frame")
    opaque = (torch.jit.ScriptModule, *filter(None, [getattr(dynamo, "OptimizedModule", None)]))
    modules = modules_of(model)
    kinds: set[type[nn.Module]] = {type(m) for m in modules}
    if any(issubclass(kind, opaque) or is_compiled_call(kind.forward) for kind in kinds):
        return True
    return any(
        own.get("_compiled_call_impl") is not None or is_compiled_call(own.get("forward"))
        for own in map(vars, modules)
    )


def is_compiled_call(forward: Any) -> bool:
    """Whether a function or method is what `torch.compile` gave."""
    # torch.compiler.disable leaves the same mark, and another one beside it.
    compiled = hasattr(forward, "_torchdynamo_orig_callable")
    return compiled and not getattr(forward, "_torchdynamo_disable", False)


def refuse_compiled(model: nn.Module, method: str) -> None:
    """ValueError for a compiled or scripted model, into which no backward rule can reach."""
    if is_compiled(model):
        raise ValueError(
            f"{method} changes backward rules, which can't reach into a compiled or scripted "
            f"model: give it the original model."
        )


def refuse_scripted(layer: nn.Module, where: str) -> None:
    """ValueError for a layer of a scripted or traced model, whose output no hook can see."""
    if isinstance(layer, torch.jit.ScriptModule):
        raise ValueError(
            f"The output of {where} can't be read in a scripted or traced model: give the "
            f"original model."
        )
