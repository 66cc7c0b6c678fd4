"""Runs a learner's code so that it can't hang, flood the page, or leave anything changed behind it."""

from __future__ import annotations

import contextlib
import ctypes
import io
import random
import signal
import threading
from collections.abc import Iterator
from types import FrameType
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

TIME_LIMIT = 10.0
"""Seconds after which an answer is stopped."""
_REPEAT = 0.25
_LOCK = threading.RLock()


class TimeUp(BaseException):
    """Raised inside an answer that has run for longer than it may."""


class Captured(io.TextIOBase):
    """Takes what is printed, keeps the beginning and counts the rest."""

    def __init__(self, limit: int = 2000) -> None:
        """Keep at most `limit` characters."""
        self.limit = limit
        self.text = ""
        self.cut = 0

    def writable(self) -> bool:
        """Always."""
        return True

    def write(self, text: str) -> int:
        """Keep what there is room for."""
        room = self.limit - len(self.text)
        self.text += text[:room]
        self.cut += max(0, len(text) - room)
        return len(text)


@contextlib.contextmanager
def isolated(seed: int) -> Iterator[None]:
    """Seed all random generators alike inside; afterwards they and torch's settings are as before.

    Functions of torch that were replaced inside and not put back are put back.
    """
    python, numpy = random.getstate(), np.random.get_state()
    dtype, grad = torch.get_default_dtype(), torch.is_grad_enabled()
    deterministic = torch.are_deterministic_algorithms_enabled()
    anomaly = torch.is_anomaly_enabled()
    modes = torch._C._len_torch_function_stack()
    namespaces = [(space, dict(vars(space))) for space in (torch, F, torch.Tensor)]
    devices = list(range(torch.cuda.device_count())) if torch.cuda.is_initialized() else []
    with torch.random.fork_rng(devices=devices):
        try:
            random.seed(seed)
            np.random.seed(seed)
            torch.manual_seed(seed)
            with torch.enable_grad():
                yield
        finally:
            for space, before in namespaces:
                _put_back(space, before)
            while torch._C._len_torch_function_stack() > modes:
                torch._C._pop_torch_function_stack()
            torch.set_default_dtype(dtype)
            torch.set_grad_enabled(grad)
            if torch.are_deterministic_algorithms_enabled() != deterministic:
                torch.use_deterministic_algorithms(deterministic)
            torch.autograd.set_detect_anomaly(anomaly)
            random.setstate(python)
            np.random.set_state(numpy)


def _put_back(space: Any, before: dict[str, Any]) -> None:
    now = vars(space)
    for name in [name for name, value in before.items() if now.get(name, before) is not value]:
        setattr(space, name, before[name])


@contextlib.contextmanager
def captured(limit: int = 2000) -> Iterator[Captured]:
    """Take everything that is printed inside."""
    output = Captured(limit)
    with (
        _LOCK,
        contextlib.redirect_stdout(output),
        contextlib.redirect_stderr(output),
    ):
        yield output


@contextlib.contextmanager
def time_limit(seconds: float = TIME_LIMIT) -> Iterator[None]:
    """Raise TimeUp inside when it takes longer, by an alarm in the main thread, else by a watchdog."""
    main = threading.current_thread() is threading.main_thread()
    with _alarm(seconds) if main and hasattr(signal, "setitimer") else _watchdog(seconds):
        yield


@contextlib.contextmanager
def _alarm(seconds: float) -> Iterator[None]:
    armed = True

    def ring(_signal: int, _frame: FrameType | None) -> None:
        if armed:
            raise TimeUp

    handler = signal.signal(signal.SIGALRM, ring)
    timer = signal.setitimer(signal.ITIMER_REAL, seconds, _REPEAT)
    try:
        yield
    finally:
        armed = False
        signal.setitimer(signal.ITIMER_REAL, *timer)
        signal.signal(signal.SIGALRM, handler)


@contextlib.contextmanager
def _watchdog(seconds: float) -> Iterator[None]:
    thread = ctypes.c_ulong(threading.get_ident())
    raise_in = ctypes.pythonapi.PyThreadState_SetAsyncExc
    lock, done = threading.Lock(), threading.Event()

    def watch() -> None:
        pause = seconds
        while not done.wait(pause):
            pause = _REPEAT
            with lock:
                if not done.is_set():
                    raise_in(thread, ctypes.py_object(TimeUp))

    threading.Thread(target=watch, daemon=True, name="time limit of an exercise").start()
    try:
        yield
    finally:
        while True:
            try:
                with lock:
                    done.set()
                    raise_in(thread, None)
                break
            except TimeUp:
                continue


@contextlib.contextmanager
def interruptible() -> Iterator[threading.Event]:
    """Yield an event that is set when the learner really interrupts (Ctrl-C, the stop button)."""
    pressed = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield pressed
        return
    handler = signal.getsignal(signal.SIGINT)

    def note(number: int, frame: FrameType | None) -> None:
        pressed.set()
        if callable(handler):
            handler(number, frame)

    if handler is None:
        yield pressed
        return
    signal.signal(signal.SIGINT, note)
    try:
        yield pressed
    finally:
        signal.signal(signal.SIGINT, handler)
