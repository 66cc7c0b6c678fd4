"""Replace a function by its dotted name, and put it back."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from types import TracebackType
from typing import Any


class Patch:
    """Replace what a dotted name stands for, until `remove()`.

    Everything that looks the function up by this name, in every thread, gets the new one.

    Args:
        target: the dotted name, such as "torch.relu" or "torch.Tensor.relu".
        new_callable: what it shall stand for; in force from now on.

    Raises:
        ValueError: the name can't be resolved; `remove()` finds that somebody else has replaced
            the function since (undo that first: the last patch comes off first).
        TypeError: the target is not a string or new_callable can't be called.

    >>> import math
    >>> with Patch("math.sqrt", lambda x: "patched"):
    ...     math.sqrt(4)
    'patched'
    >>> math.sqrt(4)
    2.0
    """

    def __init__(self, target: str, new_callable: Callable[..., Any]) -> None:
        if not callable(new_callable):
            raise TypeError(f"The replacement for {target!r} can't be called: {new_callable!r}.")
        self.name = target
        self.new_callable = new_callable
        self.target, self.attribute = self.resolve(target)
        # A class may inherit the function; then it is put back by deleting ours again.
        self._own = self.attribute in vars(self.target)
        self.original = (
            vars(self.target)[self.attribute] if self._own else getattr(self.target, self.attribute)
        )
        try:
            setattr(self.target, self.attribute, new_callable)
        except (AttributeError, TypeError) as error:
            raise ValueError(f"{target!r} can't be replaced: {error}.") from None
        self.active = True

    @staticmethod
    def resolve(target: str) -> tuple[Any, str]:
        """Split a dotted name into the object that holds the last part, and that part's name.

        >>> import torch
        >>> Patch.resolve("torch.nn.functional.relu") == (torch.nn.functional, "relu")
        True
        >>> Patch.resolve("torch.nn.nothing")
        Traceback (most recent call last):
        ...
        ValueError: 'torch.nn.nothing' can't be resolved: torch.nn has no 'nothing'.
        """
        if not isinstance(target, str):
            raise TypeError(f"The target must be a dotted name, not {target!r}.")
        first, *rest = target.split(".")
        if not rest or not all([first, *rest]):
            raise ValueError(
                f"{target!r} can't be resolved: it must be a dotted name such as 'torch.relu'."
            )
        try:
            holder: Any = import_module(first)
        except ImportError:
            raise ValueError(
                f"{target!r} can't be resolved: there is no module {first!r}."
            ) from None
        path = first
        for i, part in enumerate(rest):
            is_last = i == len(rest) - 1
            if not hasattr(holder, part):
                try:
                    import_module(f"{path}.{part}")
                except ImportError:
                    raise ValueError(
                        f"{target!r} can't be resolved: {path} has no {part!r}."
                    ) from None
            if not is_last:
                holder = getattr(holder, part)
                path = f"{path}.{part}"
        return holder, rest[-1]

    def remove(self) -> None:
        """Put the original back; any further time does nothing."""
        if not self.active:
            return
        if vars(self.target).get(self.attribute) is not self.new_callable:
            raise ValueError(
                f"{self.name!r} has been replaced again since: remove the later patch first."
            )
        if self._own:
            setattr(self.target, self.attribute, self.original)
        else:
            delattr(self.target, self.attribute)
        self.active = False

    def __enter__(self) -> Patch:
        if not self.active:
            raise ValueError(f"This patch of {self.name!r} has been removed: make a new one.")
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.remove()
