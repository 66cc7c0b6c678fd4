"""The arguments that methods share: each stands here once, with its default and its sentence."""

from __future__ import annotations

import inspect
import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, TypedDict, TypeVar, get_type_hints

import torch

from ..rules.relu import NullContext
from .targets import get_backward_gradient

Function = TypeVar("Function", bound=Callable[..., Any])


@dataclass(frozen=True)
class Option:
    """What a shared argument is by default, and what docstrings say of it."""

    default: Any
    text: str


class MapOptions(TypedDict, total=False):
    """How a finished map is to look."""

    resize: Annotated[
        bool | tuple[int, int],
        Option(False, "True for maps as large as the input, (width, height) for another size."),
    ]
    resize_mode: Annotated[
        str, Option("bilinear", "nearest, nearest-exact, bilinear, bicubic or area.")
    ]
    smooth: Annotated[
        float,
        Option(
            0,
            "blur the map, after resizing, by a Gaussian whose standard deviation is this share of "
            "its longer side.",
        ),
    ]


class SaliencyOptions(MapOptions, total=False):
    """What the methods of one forward and one backward pass take besides."""

    get_backward_gradient: Annotated[
        Callable[[torch.Tensor, Any], torch.Tensor],
        Option(get_backward_gradient, "from (scores, target) to the gradient to start from."),
    ]
    debug: Annotated[
        bool,
        Option(
            False,
            "also return the probes of `attach_debug_probes`, with gradients (of the first target "
            "if there are several).",
        ),
    ]


class ContextOptions(SaliencyOptions, total=False):
    """The same for methods that leave the backward rules to the caller."""

    context_builder: Annotated[
        Callable[[], Any],
        Option(NullContext, "makes the context of the forward and backward pass."),
    ]


def shows_options(function: Function) -> Function:
    """Have the signature and docstring show what `**options: Unpack[...]` stands for.

    The docstring's line `{options}` gives way to a line for each option; arguments that the
    function names itself are left out.

    >>> from typing import Unpack
    >>> @shows_options
    ... def shown(x, **options: Unpack[MapOptions]): ...
    >>> list(inspect.signature(shown).parameters)
    ['x', 'resize', 'resize_mode', 'smooth']
    """
    signature = inspect.signature(function)
    *own, rest = signature.parameters.values()
    if rest.kind is not inspect.Parameter.VAR_KEYWORD:
        return function
    (kind,) = get_type_hints(function)[rest.name].__args__
    shown, lines = list(own), []
    for name, hint in get_type_hints(kind, include_extras=True).items():
        if name in signature.parameters:
            continue
        (option,) = hint.__metadata__
        shown.append(
            inspect.Parameter(
                name,
                inspect.Parameter.KEYWORD_ONLY,
                default=option.default,
                annotation=hint.__origin__,
            )
        )
        lines.append(
            textwrap.fill(
                f"{name}: {option.text}", 100, initial_indent=" " * 8, subsequent_indent=" " * 12
            )
        )
    function.__signature__ = signature.replace(parameters=shown)  # type: ignore[attr-defined]
    if function.__doc__:
        function.__doc__ = function.__doc__.replace("        {options}", "\n".join(lines))
    return function
