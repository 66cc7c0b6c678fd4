"""What probes are made of: random inputs, and calls that notice what learners get wrong.

A probe looks like this:

    def probe(answer, rng):
        x = rand(rng, 2, 3, 5, 5)
        p = rand(rng, 2, 3, 5, 5)
        y = call(answer, x, p)
        return {"gradient": y, "nothing is lost": bool((y.sum() - p.sum()).abs() < 1e-9)}
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from types import BuiltinFunctionType, FunctionType, MethodType
from typing import Any

import torch

from .isolation import in_thread
from .tolerances import tolerance

__all__ = [
    "ProbeFinding",
    "call",
    "close",
    "describe",
    "in_thread",
    "model_state",
    "pull",
    "raised",
    "rand",
    "randint",
    "randn",
    "same_state",
    "small_network",
    "within",
]


class ProbeFinding(Exception):
    """A probe has seen what is wrong with the answer; the message is what the learner reads."""


@dataclass(frozen=True)
class Call:
    """One call: what kind of thing it returned, the thing if it is a tensor, and its arguments."""

    result: str
    tensor: torch.Tensor | None
    arguments: Mapping[str, Any]


@dataclass
class Calls:
    """The calls that a running probe has made of an answer."""

    answer: Any
    name: str
    made: list[Call] = field(default_factory=list)

    def inputs_of(self, outcome: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
        """The arguments of the call that gave a quantity, for quantities that a call gave."""
        return {
            name: made.arguments
            for name, value in outcome.items()
            for made in self.made
            if made.tensor is not None and made.tensor is value
        }


RUNNING: ContextVar[Calls | None] = ContextVar("the probe that is running", default=None)


def rand(
    rng: torch.Generator,
    *shape: int,
    low: float = -1.0,
    high: float = 1.0,
    dtype: torch.dtype = torch.float64,
) -> torch.Tensor:
    """Uniform random numbers in [low, high), of the given shape, float64 unless told otherwise."""
    return torch.rand(shape, generator=rng, dtype=dtype) * (high - low) + low


def randn(rng: torch.Generator, *shape: int, dtype: torch.dtype = torch.float64) -> torch.Tensor:
    """Normally distributed random numbers of the given shape, float64 unless told otherwise."""
    return torch.randn(shape, generator=rng, dtype=dtype)


def randint(rng: torch.Generator, low: int, high: int) -> int:
    """A random whole number with low <= number < high."""
    return int(torch.randint(low, high, (), generator=rng))


def small_network(
    rng: torch.Generator, classes: int = 4, channels: int = 3, *, inplace: bool = False
) -> torch.nn.Sequential:
    """A small convolutional network with random float64 weights, in eval mode.

    Layers `0` conv (channels to 5), `1` ReLU, `2` max pooling, `3` conv (5 to 6), `4` ReLU,
    `5` average pooling, `6` flatten, `7` linear (6 to classes). Input (N, channels, H, W) with H
    and W at least 2, output (N, classes).
    """
    network = torch.nn.Sequential(
        torch.nn.Conv2d(channels, 5, 3, padding=1, dtype=torch.float64),
        torch.nn.ReLU(inplace=inplace),
        torch.nn.MaxPool2d(2),
        torch.nn.Conv2d(5, 6, 3, padding=1, dtype=torch.float64),
        torch.nn.ReLU(inplace=inplace),
        torch.nn.AdaptiveAvgPool2d(1),
        torch.nn.Flatten(),
        torch.nn.Linear(6, classes, dtype=torch.float64),
    )
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.copy_(rand(rng, *parameter.shape, low=-0.5, high=0.5))
    return network.eval()


def call(answer: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Call the answer (or a method of it) and hand back its result.

    Raises:
        ProbeFinding: the answer does not take these arguments, or it changed one of them in place
            (a tensor, a list or dictionary of tensors, the weights of a module).
    """
    names = _argument_names(answer, args, kwargs)
    before = [_snapshot(value) for value in (*args, *kwargs.values())]
    result = answer(*args, **kwargs)
    for name, old, value in zip(names, before, (*args, *kwargs.values()), strict=True):
        if not _same(old, _snapshot(value)):
            raise ProbeFinding(
                f"{_subject(answer)} changes its input `{name}` in place. Leave `{name}` as it is "
                "and build something new."
            )
    running = RUNNING.get()
    if running is not None:
        own = isinstance(running.answer, type) and type(result) is running.answer
        running.made.append(
            Call(
                "an object" if own else describe(result),
                result if type(result) is torch.Tensor else None,
                dict(zip(names, before, strict=True)),
            )
        )
    return result


def pull(
    answer: type[torch.autograd.Function],
    y: torch.Tensor,
    leaves: Mapping[str, torch.Tensor],
    p: torch.Tensor,
) -> dict[str, torch.Tensor]:
    """The gradients at `leaves` when `y`, which the answer's `apply` gave, gets the gradient `p`.

    Args:
        answer: the autograd function.
        y: what `answer.apply` returned.
        leaves: the inputs, by the names that learners know, such as `{"x": x}`.
        p: the gradient at y, of the same shape.

    Raises:
        ProbeFinding: `backward` returns another number of gradients than `forward` has arguments,
            or none for one of the leaves, or it changes p in place.
    """
    name = _name(answer)
    # the sum hands one and the same tensor p to the answer and to its neighbour
    neighbour = torch.zeros_like(y, requires_grad=True)
    ends = (*leaves.values(), neighbour)
    try:
        *pulled, beside = torch.autograd.grad(((y + neighbour) * p).sum(), ends, allow_unused=True)
    except RuntimeError as error:
        if "incorrect number of gradients" not in str(error):
            raise
        # a forgotten `return` and a single gradient read alike in PyTorch's message
        alone = " It returns one thing, or nothing: is a `return` missing?"
        raise ProbeFinding(
            f"The `backward` of your `{name}` should return one gradient for each argument of "
            "`forward`, and None for those that need none."
            f"{alone if str(error).endswith('got 1)') else ''}"
        ) from None
    for leaf, gradient in zip(leaves, pulled, strict=True):
        if gradient is None:
            raise ProbeFinding(
                f"The `backward` of your `{name}` gives no gradient for `{leaf}`. Is a `return` "
                "missing?"
            )
    if not _same(p.to(beside), beside.detach()):
        raise ProbeFinding(
            f"The `backward` of your `{name}` changes the gradient that it is given in place. "
            "Other layers get the same tensor: build something new."
        )
    return dict(zip(leaves, pulled, strict=True))


def within(what: str, value: Any, low: float, high: float) -> Any:
    """The value, when it is one that such a quantity can have.

    Raises:
        ProbeFinding: it lies outside: `"A correlation of 1.3 is impossible: ..."`.
    """
    numbers = torch.as_tensor(value).detach().double().flatten()
    for number in numbers[(numbers < low - 1e-4) | (numbers > high + 1e-4)].tolist():
        raise ProbeFinding(
            f"{what[0].upper()}{what[1:]} of {number:.3g} is impossible: it lies between {low:g} "
            f"and {high:g}."
        )
    return value


def close(one: torch.Tensor, other: torch.Tensor) -> bool:
    """Whether two tensors are equal, with the tolerance of the coarser of their types."""
    relative, floor = tolerance(one.dtype, other.dtype)
    one, other = one.detach().double(), other.detach().double()
    return bool(torch.allclose(one, other, rtol=relative, atol=relative * 1e-2 + floor))


def raised(function: Callable[..., Any], *args: Any, **kwargs: Any) -> str:
    """The name of the exception that the call raises (`"ValueError"`), or `"no error"`."""
    try:
        function(*args, **kwargs)
    except ProbeFinding:
        raise
    except Exception as error:
        return type(error).__name__
    return "no error"


def model_state(model: torch.nn.Module) -> dict[str, Any]:
    """All that a method should leave as it was: weights, gradients, training flags, hooks, ...

    Compare two of them with `same_state`:

        before = model_state(model)
        call(answer, model, x)
        return {..., "the model is as before": same_state(before, model_state(model))}
    """
    state: dict[str, Any] = {}
    for name, module in model.named_modules():
        state[f"{name} training"] = module.training
        for hooks in (
            "_forward_hooks",
            "_forward_pre_hooks",
            "_backward_hooks",
            "_backward_pre_hooks",
        ):
            state[f"{name} {hooks}"] = len(getattr(module, hooks))
    for name, parameter in model.named_parameters():
        state[f"{name} requires_grad"] = parameter.requires_grad
        state[f"{name} grad"] = _snapshot(parameter.grad)
    state["weights"] = _snapshot(model)
    return state


def same_state(before: dict[str, Any], after: dict[str, Any]) -> bool:
    """Whether two results of `model_state` are equal."""
    return _same(before, after)


def describe(value: Any) -> str:
    """What kind of thing this is, in words: `a tensor of shape (2, 3)`, `None`, `a list of 2`.

    No method of the value itself is called.
    """
    if value is None or value is Ellipsis:
        return "None" if value is None else "`...`"
    kind = type(value)
    if issubclass(kind, torch.Tensor):
        return f"a tensor of shape {_shape(value)}"
    for container in (list, tuple, dict):
        if issubclass(kind, container):
            return f"a {container.__name__} of {container.__len__(value)}"
    if issubclass(kind, type):
        return f"the class {type_name(value)}"
    if issubclass(kind, FunctionType | BuiltinFunctionType | MethodType):
        return "a lambda" if value.__name__ == "<lambda>" else f"the function {value.__name__}"
    name = type_name(kind)
    if name == "ndarray":
        return "a NumPy array"
    return f"{'an' if name[:1] in 'AEIOaeio' else 'a'} {name}"


def _shape(value: torch.Tensor) -> tuple[int, ...]:
    with torch._C.DisableTorchFunctionSubclass():
        return tuple(torch.Tensor.size(value))


def type_name(kind: type) -> str:
    """The name of a class, whatever its metaclass makes of `__name__`."""
    return str(type.__dict__["__name__"].__get__(kind))


def _subject(answer: Any) -> str:
    """`Your `gate``, or of what PyTorch calls by `apply`: `The `forward` of your `Rule``."""
    rule = rule_of(answer)
    return f"Your `{_name(answer)}`" if rule is None else f"The `forward` of your `{_name(rule)}`"


def rule_of(answer: Any) -> type[torch.autograd.Function] | None:
    """The autograd function of which this is the `apply`."""
    # A method of Python's in older versions of torch, a builtin one today.
    if type(answer) not in (BuiltinFunctionType, MethodType) or answer.__name__ != "apply":
        return None
    owner: Any = answer.__self__
    is_rule = isinstance(owner, type) and issubclass(owner, torch.autograd.Function)
    return owner if is_rule else None


def _name(answer: Any) -> str:
    running = RUNNING.get()
    if running is not None and answer is running.answer:
        return running.name
    return str(getattr(answer, "__name__", type_name(type(answer))))


def _argument_names(
    answer: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> list[str]:
    rule = rule_of(answer)
    if rule is not None:
        return _names_of_forward(rule, len(args)) + list(kwargs)
    try:
        signature = inspect.signature(answer)
    except (TypeError, ValueError):
        return [f"argument {i + 1}" for i in range(len(args))] + list(kwargs)
    try:
        signature.bind(*args, **kwargs)
    except TypeError as error:
        given = f"{len(args)} argument{'s' if len(args) != 1 else ''}"
        if kwargs:
            given += f" and {', '.join(f'`{name}=`' for name in kwargs)}"
        takes = ", ".join(signature.parameters) or "nothing"
        raise ProbeFinding(
            f"Your `{_name(answer)}` takes ({takes}); it is called with {given}: {error}."
        ) from None
    return list(_positional_names(signature, len(args))) + list(kwargs)


def _names_of_forward(rule: type[torch.autograd.Function], count: int) -> list[str]:
    """What `forward` calls its arguments; with a `setup_context` it gets no `ctx`."""
    names = list(inspect.signature(rule.forward).parameters)
    if rule.setup_context is torch.autograd.Function.setup_context:
        names = names[1:]
    return [names[i] if i < len(names) else f"argument {i + 1}" for i in range(count)]


def _positional_names(signature: inspect.Signature, count: int) -> Iterator[str]:
    parameters = iter(signature.parameters.values())
    parameter = None
    for i in range(count):
        if parameter is None or parameter.kind is not inspect.Parameter.VAR_POSITIONAL:
            parameter = next(parameters)
        if parameter.kind is inspect.Parameter.VAR_POSITIONAL:
            yield f"argument {i + 1}"
        else:
            yield parameter.name


def _snapshot(value: Any) -> Any:
    """A copy of all tensors in a value; other things stand for themselves."""
    if isinstance(value, torch.Tensor):
        return value.detach().clone()
    if isinstance(value, torch.nn.Module):
        return {name: _snapshot(tensor) for name, tensor in value.state_dict().items()}
    if isinstance(value, list | tuple):
        return [_snapshot(item) for item in value]
    if isinstance(value, dict):
        return {key: _snapshot(item) for key, item in value.items()}
    return value


def _same(old: Any, new: Any) -> bool:
    if isinstance(old, torch.Tensor):
        if not isinstance(new, torch.Tensor) or old.shape != new.shape or old.dtype != new.dtype:
            return False
        return bool(((old == new) | ((old != old) & (new != new))).all())
    if isinstance(old, list):
        return (
            isinstance(new, list)
            and len(old) == len(new)
            and all(_same(a, b) for a, b in zip(old, new, strict=True))
        )
    if isinstance(old, dict):
        return (
            isinstance(new, dict)
            and old.keys() == new.keys()
            and all(_same(old[key], new[key]) for key in old)
        )
    if old is None or isinstance(old, bool | int | float | str):
        return type(old) is type(new) and old == new
    return old is new
