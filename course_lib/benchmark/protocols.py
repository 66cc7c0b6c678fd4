"""The table of protocols: each is entered in its own file, and runner and league table read it.

A protocol asks how good an explanation is. It is a function

    protocol(model, x, target, explanation, truth) -> N numbers, one an image,

in which `explanation` is the finished maps, N x 1 x h x w, or, where the maps of other networks are
wanted too, the method that makes them, (model, x, target) -> maps. `truth` is where the object is,
N x H x W (see `maps`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module
from pkgutil import iter_modules
from typing import Any, Literal, TypeVar

Function = TypeVar("Function", bound=Callable[..., Any])


@dataclass(frozen=True)
class Protocol:
    """What runner and league table need to know of a protocol.

    Attributes:
        function: (model, x, target, explanation, truth) to a number an image.
        title: its name as people read it, "pointing game".
        best: whether a good explanation has a high or a low number.
        explanation: whether it takes the maps or the method that makes them.
        needs_truth: whether it asks where the object is; others take None.
        passes: what it costs besides the maps, in the network's passes, in words.
    """

    function: Callable[..., Any]
    title: str
    best: Literal["high", "low"]
    explanation: Literal["maps", "method"]
    needs_truth: bool
    passes: str

    @property
    def name(self) -> str:
        """Its name in code, "pointing_game"."""
        return self.function.__name__


_ENTERED: list[Protocol] = []


def protocol(
    title: str,
    *,
    best: Literal["high", "low"] = "high",
    explanation: Literal["maps", "method"] = "maps",
    needs_truth: bool = True,
    passes: str = "none",
) -> Callable[[Function], Function]:
    """Enter the function below in the table of protocols; see `Protocol` for the arguments."""

    def enter(function: Function) -> Function:
        _ENTERED.append(Protocol(function, title, best, explanation, needs_truth, passes))
        return function

    return enter


@lru_cache(maxsize=1)
def protocols() -> dict[str, Protocol]:
    """All protocols of this package by their names in code, in alphabetical order.

    >>> protocols()["pointing_game"].title
    'pointing game'
    """
    package = __name__.rpartition(".")[0]
    for module in iter_modules(import_module(package).__path__, f"{package}."):
        import_module(module.name)
    return {p.name: p for p in sorted(_ENTERED, key=lambda p: p.name)}
