"""Let Ctrl-C break a method off only where nothing is half set up or half restored."""

from __future__ import annotations

import signal
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any, ParamSpec, TypeVar

import torch

_Arguments = ParamSpec("_Arguments")
_Result = TypeVar("_Result")


class _Shield:
    """Holds an interrupt back while `open` is False."""

    def __init__(self, previous: Callable[[int, FrameType | None], Any]) -> None:
        self.open = False
        self._previous = previous
        self._waiting: tuple[int, FrameType | None] | None = None
        self._raised: BaseException | None = None
        self._grad = torch.is_grad_enabled()
        self._modes = torch._C._len_torch_function_stack()

    def on_signal(self, number: int, frame: FrameType | None) -> None:
        self._waiting = (number, frame)
        if self.open:
            self.deliver()

    def deliver(self) -> None:
        """Do what the interrupt does without a shield, if there was one."""
        if self._raised is not None:
            # Something on the way took it for an error of its own, and went on.
            raise self._raised
        if self._waiting is None:
            return
        self.open = False
        try:
            self._previous(*self._waiting)
        except BaseException as error:
            self._raised = error
            raise
        # It only took note.
        self._waiting = None
        self.open = True

    def restore(self) -> None:
        """Bring back what the contexts of a pass leave when they are broken off midway."""
        if self._raised is not None:
            # A context broken off as it was entered is left only when its frame goes, too late.
            for frame, _ in traceback.walk_tb(self._raised.__traceback__):
                if frame.f_globals.get("__name__") == "contextlib":
                    with suppress(RuntimeError):  # it still runs
                        frame.clear()
        if torch.is_grad_enabled() != self._grad:
            torch.set_grad_enabled(self._grad)
        while torch._C._len_torch_function_stack() > self._modes:
            torch._C._pop_torch_function_stack()

    def finish(self, error: BaseException | None) -> None:
        """Do it in the end, unless it is on its way already."""
        if self._raised is None or not isinstance(error, type(self._raised)):
            self.deliver()


# That of the main thread, the only one in which signals are handled.
_current: _Shield | None = None


@contextmanager
def shielded() -> Iterator[None]:
    """Inside, Ctrl-C waits for the next `freely`, or for the end.

    A method sets things up, on the network and in torch, and restores them in the end; an
    interrupt in the middle of that would leave them as they are. Whether gradients are on and
    which function modes are active is brought back here, as code that runs within a pass may be
    broken off anywhere. In other threads than the main one, and where Ctrl-C is ignored, nothing
    is done.
    """
    global _current
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    if _current is not None:
        # A network or a reward may explain another network.
        was_open, _current.open = _current.open, False
        try:
            yield
        finally:
            _current.open = was_open
        return
    previous: Any = signal.getsignal(signal.SIGINT)
    if not callable(previous):
        yield
        return
    shield = _Shield(previous)
    failed: BaseException | None = None
    try:
        _current = shield
        signal.signal(signal.SIGINT, shield.on_signal)
        yield
    except BaseException as error:
        failed = error
        raise
    finally:
        shield.open = False
        shield.restore()
        _current = None
        if signal.getsignal(signal.SIGINT) == shield.on_signal:
            signal.signal(signal.SIGINT, previous)
        shield.finish(failed)


def freely(
    function: Callable[_Arguments, _Result],
    *args: _Arguments.args,
    **kwargs: _Arguments.kwargs,
) -> _Result:
    """function(*args, **kwargs), which Ctrl-C may break off: a pass, or what a caller gave.

    >>> freely(max, 1, 2)
    2
    """
    shield = _current
    if shield is None or threading.current_thread() is not threading.main_thread():
        return function(*args, **kwargs)
    was_open = shield.open
    try:
        shield.open = True
        shield.deliver()
        return function(*args, **kwargs)
    finally:
        shield.open = was_open
