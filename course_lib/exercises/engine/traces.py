"""It leaves no trace: what an answer has changed of a network, of its inputs, of PyTorch.

    outcome = {}
    with no_trace(outcome, "after a call", model, x):
        outcome["the map"] = call(answer, model, x)

puts `"after a call: what it changed": "nothing"` into the outcome, or the first thing that it did
change, in words.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, MutableMapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

from .comparing import NOTHING
from .probes import ProbeFinding

_NAMESPACES: tuple[tuple[str, Any], ...] = (
    ("torch", torch),
    ("torch.nn.functional", F),
    ("torch.Tensor", torch.Tensor),
    ("torch.nn.Module", nn.Module),
)
_ABSENT = object()
_TORCHS_FILES = str(Path(torch.__file__).parent)
_HOOKS = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")


@contextmanager
def no_trace(
    outcome: MutableMapping[str, Any], when: str, *things: nn.Module | torch.Tensor
) -> Iterator[None]:
    """Note in the outcome the first trace that is left on PyTorch and on these things.

    Args:
        outcome: gets the quantity `"{when}: what it changed"`, also when an error passes through.
        when: the case, such as `"after an error"`.
        things: the networks and tensors that should be as before.
    """
    before = state(*things)
    try:
        yield
    finally:
        outcome[f"{when}: what it changed"] = first_trace(before, state(*things))


def state(*things: nn.Module | torch.Tensor) -> dict[str, Any]:
    """All that an answer should leave as it was, by what it is called in words."""
    found: dict[str, Any] = {
        "the gradient mode": torch.is_grad_enabled(),
        "the inference mode": torch.is_inference_mode_enabled(),
        "the function modes that are active": torch._C._len_torch_function_stack(),
        "the default dtype": torch.get_default_dtype(),
    }
    for name, space in _NAMESPACES:
        for member, value in vars(space).items():
            if not isinstance(value, ModuleType):
                found[f"`{name}.{member}`"] = _unwrapped(value)
    for number, thing in enumerate(things):
        if isinstance(thing, nn.Module):
            found.update(_module_state(thing))
        else:
            which = (
                "the input"
                if sum(isinstance(t, torch.Tensor) for t in things) == 1
                else (f"input {number}")
            )
            found.update(_tensor_state(which, thing))
    return found


def _unwrapped(value: Any) -> Any:
    """What PyTorch itself wraps when it loads a part of it late, as `torch.func.grad` does."""
    while (inner := getattr(value, "__wrapped__", None)) is not None:
        code = getattr(value, "__code__", None)
        if code is None or not code.co_filename.startswith(_TORCHS_FILES):
            break
        value = inner
    return value


def first_trace(before: Mapping[str, Any], after: Mapping[str, Any]) -> str:
    """The first thing that differs between two states, in words; `"nothing"` when none does."""
    for name in (*before, *(name for name in after if name not in before)):
        old, new = before.get(name, _ABSENT), after.get(name, _ABSENT)
        if not _same(old, new):
            return _words(name, old, new)
    return NOTHING


def _module_state(model: nn.Module) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, module in model.named_modules():
        shown = f"`{name}`" if name else "the network"
        found[f"the training mode of {shown}"] = module.training
        for hooks in _HOOKS:
            found[f"the hooks on {shown} ({hooks.strip('_').replace('_', ' ')})"] = list(
                getattr(module, hooks).values()
            )
        for member in ("forward", "__call__"):
            found[f"`{member}` of {shown}"] = vars(module).get(member, _ABSENT)
    for name, parameter in model.named_parameters():
        found.update(_tensor_state(f"`{name}`", parameter))
    for name, buffer in model.named_buffers():
        found[f"the values of `{name}`"] = buffer.detach().clone()
    return found


def _tensor_state(which: str, tensor: torch.Tensor) -> dict[str, Any]:
    grad = tensor.grad if tensor.is_leaf else None
    hooks = tensor._backward_hooks or {}
    return {
        f"the values of {which}": tensor.detach().clone(),
        f"the shape of {which}": tuple(tensor.shape),
        f"whether {which} asks for a gradient": tensor.requires_grad,
        f"the gradient in {which}": None if grad is None else grad.detach().clone(),
        f"the hooks on {which}": list(hooks.values()),
    }


def _same(old: Any, new: Any) -> bool:
    if isinstance(old, torch.Tensor) and isinstance(new, torch.Tensor):
        return old.shape == new.shape and torch.equal(old.nan_to_num(), new.nan_to_num())
    if isinstance(old, list) and isinstance(new, list):
        return len(old) == len(new) and all(a is b for a, b in zip(old, new, strict=True))
    if isinstance(old, bool | int | tuple | torch.dtype):
        return bool(old == new)
    return old is new


def _words(name: str, old: Any, new: Any) -> str:
    if name.startswith("`torch") and old is _ABSENT:
        return f"{name} is left behind, where it used to be inherited"
    if name.startswith("`torch"):
        return f"{name} is not the object that it was"
    if isinstance(old, bool) and isinstance(new, bool):
        return f"{name}: it was {old}, it is {new}"
    return name


ERRORS: tuple[type[BaseException], ...] = (ValueError, KeyboardInterrupt)
"""What may pass through a context: not all of them are an `Exception`."""


def leaves_by(error: type[BaseException], enter: Callable[[], AbstractContextManager[Any]]) -> str:
    """The name of the error that comes out when this one is raised inside the context.

    A context that swallows errors gives `"no error"`.
    """
    try:
        with enter():
            raise error("raised inside")
    except ProbeFinding:
        raise
    except BaseException as raised:
        return type(raised).__name__
    return "no error"


def replacements(
    enter: Callable[[], AbstractContextManager[Any]], owner: Any, name: str
) -> dict[str, Any]:
    """What a context that replaces `owner.name` leaves there, in all the cases that people forget.

    Args:
        enter: makes the context; called anew for each case.
        owner: the module, class or object.
        name: the attribute.

    Returns:
        By case, `"as before"`, or in words what is there; and the name of the error that came out.
    """
    before = vars(owner).get(name, _ABSENT)

    def left() -> str:
        now = vars(owner).get(name, _ABSENT)
        if now is before:
            return "as before"
        _put(owner, name, before)
        inherited = before is _ABSENT
        return "left behind, where it used to be inherited" if inherited else "another object"

    found: dict[str, Any] = {}
    with enter():
        pass
    found["after the context"] = left()
    for error in ERRORS:
        found[f"what comes out of {error.__name__}"] = leaves_by(error, enter)
        found[f"after {error.__name__}"] = left()
    with enter():
        outer = vars(owner).get(name, _ABSENT)
        with enter():
            pass
        found["inside the outer of two contexts"] = (
            "the outer's own" if vars(owner).get(name, _ABSENT) is outer else "another object"
        )
    found["after two contexts, one in the other"] = left()
    found["over somebody else's replacement"] = _over_another(enter, owner, name)
    left()
    return found


def _over_another(enter: Callable[[], AbstractContextManager[Any]], owner: Any, name: str) -> str:
    """Whether a replacement that was there before the context is there after it."""
    before = vars(owner).get(name, _ABSENT)

    def elses(*args: Any, **kwargs: Any) -> Any:
        return args[0]

    setattr(owner, name, elses)
    try:
        with enter():
            pass
        return "theirs again" if vars(owner).get(name) is elses else "another object"
    finally:
        _put(owner, name, before)


def _put(owner: Any, name: str, value: Any) -> None:
    if value is not _ABSENT:
        setattr(owner, name, value)
    elif name in vars(owner):
        delattr(owner, name)
