"""The table of methods: each is entered in its own file, and seen everywhere because it exists."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module
from pkgutil import iter_modules
from typing import Any, Literal

from .inputs.options import Function, shows_options


@dataclass(frozen=True)
class Method:
    """What explorers, tests, speed tables and error sentences need to know of a method.

    Attributes:
        function: (model, input, target, ...) to maps.
        title: its name as people read it, "Grad-CAM".
        signed: whether its maps have two signs.
        layer: whether it takes `saliency_layer`: "no", "optional" (the input without one) or
            "needed".
        passes: what it costs in the network's own passes, in words.
        needs: a word on the networks that it is defined for: "" for any, or what they consist of.
        by_class: whether its maps are of the target; if not, every class has the same.
    """

    function: Callable[..., Any]
    title: str
    signed: bool
    layer: Literal["no", "optional", "needed"]
    passes: str
    needs: str = ""
    by_class: bool = True

    @property
    def name(self) -> str:
        """Its name in code, "grad_cam"."""
        return self.function.__name__


_ENTERED: list[Method] = []


def method(
    title: str,
    *,
    signed: bool = False,
    layer: Literal["no", "optional", "needed"] = "optional",
    passes: str = "one forward, one backward",
    needs: str = "",
    by_class: bool = True,
) -> Callable[[Function], Function]:
    """Enter the function below in the table of methods; see `Method` for the arguments.

    Options that it takes as `**options: Unpack[...]` show one by one (`shows_options`).
    """

    def enter(function: Function) -> Function:
        _ENTERED.append(Method(function, title, signed, layer, passes, needs, by_class))
        return shows_options(function)

    return enter


@lru_cache(maxsize=1)
def methods() -> dict[str, Method]:
    """All methods of this package by their names in code, in alphabetical order.

    >>> methods()["grad_cam"].title
    'Grad-CAM'
    """
    package = __name__.rpartition(".")[0]
    for module in iter_modules(import_module(package).__path__, f"{package}."):
        import_module(module.name)
    return {m.name: m for m in sorted(_ENTERED, key=lambda m: m.name)}
