"""Runs a learner's code so that it can't hang, flood the page or leave anything changed behind."""

from __future__ import annotations

import contextlib
import ctypes
import io
import random
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

TIME_LIMIT = 10.0
"""Seconds after which an answer is stopped."""

ONE_AT_A_TIME = threading.RLock()
"""Held while an answer runs: what is printed and what is patched belongs to the whole process."""

_REPEAT = 0.25

# torch imports parts of itself at first use, for seconds on a slow machine, and a module that is
# stopped half-way stays broken until the kernel is restarted: an import gets more time.
_EXTENSIONS = 6


class TimeUp(BaseException):
    """Raised inside an answer that has run for longer than it may."""


class Captured(io.TextIOBase):
    """Takes what is printed, keeps the beginning and counts the rest."""

    def __init__(self, limit: int) -> None:
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

    def __str__(self) -> str:
        """What was kept, and how much was not."""
        rest = f"\n... and {self.cut:,} more characters" if self.cut else ""
        return self.text.rstrip() + rest


@contextlib.contextmanager
def captured(limit: int = 1000) -> Iterator[Captured]:
    """Take everything that is printed inside."""
    output = Captured(limit)
    with contextlib.redirect_stdout(output), contextlib.redirect_stderr(output):
        yield output


@contextlib.contextmanager
def isolated(seed: int) -> Iterator[None]:
    """Seed all random generators alike inside; afterwards they and torch's settings are as before.

    Inside, torch's settings are those of a fresh process, whatever the notebook has set: the check
    of an answer must not depend on `torch.set_default_dtype(torch.float64)` in an earlier cell.
    Functions of torch that were replaced inside and not put back are put back, function modes and
    default devices that were left behind are removed.
    """
    with contextlib.ExitStack() as stack:
        stack.enter_context(_random_states_kept())
        stack.enter_context(usual_settings())
        stack.enter_context(_functions_kept())
        random.seed(seed)
        np.random.seed(seed)  # noqa: NPY002 - an answer may use the global generator
        torch.default_generator.manual_seed(seed)
        if torch.cuda.is_initialized():
            torch.cuda.manual_seed_all(seed)
        yield


@contextlib.contextmanager
def _random_states_kept() -> Iterator[None]:
    python, numpy = random.getstate(), np.random.get_state()  # noqa: NPY002
    devices = list(range(torch.cuda.device_count())) if torch.cuda.is_initialized() else []
    with torch.random.fork_rng(devices=devices):
        try:
            yield
        finally:
            random.setstate(python)
            np.random.set_state(numpy)  # noqa: NPY002


@contextlib.contextmanager
def usual_settings() -> Iterator[None]:
    """PyTorch's settings inside are those of a fresh process; afterwards they are as before."""
    before = [get() for get, _, _ in _SETTINGS]
    modes = _take_away_settings()
    try:
        with torch.inference_mode(False), torch.enable_grad(), torch.autocast("cpu", enabled=False):
            yield
    finally:
        _take_away_settings()
        for mode in reversed(modes):
            torch._C._push_on_torch_function_stack(mode)
        for (get, put, _), value in zip(_SETTINGS, before, strict=True):
            if get() != value:
                put(value)


def _take_away_settings() -> list[Any]:
    """Put the settings of a fresh process, and return the function modes that were active.

    A default device goes before the other modes: in older versions of torch it is one of them.
    """
    for get, put, usual in _SETTINGS:
        # setting some of them, even to what they are, imports half of torch
        if usual is not _AS_IT_IS and get() != usual:
            put(usual)
    modes = []
    while torch._C._len_torch_function_stack():
        modes.append(torch._C._pop_torch_function_stack())
    return modes


def _default_device() -> torch.device | None:
    mode = getattr(torch._GLOBAL_DEVICE_CONTEXT, "device_context", None)
    return None if mode is None else mode.device


_AS_IT_IS = object()
_SETTINGS: tuple[tuple[Callable[[], Any], Callable[[Any], Any], Any], ...] = (
    (torch.get_default_dtype, torch.set_default_dtype, torch.float32),
    (torch.is_grad_enabled, torch.set_grad_enabled, True),
    (torch.are_deterministic_algorithms_enabled, torch.use_deterministic_algorithms, False),
    (torch.is_anomaly_enabled, torch.autograd.set_detect_anomaly, False),
    (torch.get_num_threads, torch.set_num_threads, _AS_IT_IS),
    (_default_device, torch.set_default_device, None),
)


@contextlib.contextmanager
def _functions_kept() -> Iterator[None]:
    namespaces: dict[Any, dict[str, Any]] = {
        space: dict(vars(space)) for space in (torch, F, torch.Tensor)
    }
    try:
        yield
    finally:
        for space, members in namespaces.items():
            now = vars(space)
            for name in [name for name in members if now.get(name) is not members[name]]:
                setattr(space, name, members[name])
        own = namespaces[torch.Tensor]
        for name in [name for name in vars(torch.Tensor) if name not in own]:
            if hasattr(torch._C.TensorBase, name):  # one that hides what torch itself implements
                delattr(torch.Tensor, name)


@contextlib.contextmanager
def time_limit(seconds: float | None = None) -> Iterator[None]:
    """Raise TimeUp inside after so many seconds, `TIME_LIMIT` by default.

    By an alarm in the main thread where there are alarms, else by a watchdog thread; either
    repeats, for answers that catch everything.
    """
    main = threading.current_thread() is threading.main_thread()
    limit = TIME_LIMIT if seconds is None else seconds
    with _alarm(limit) if main and hasattr(signal, "setitimer") else _watchdog(limit):
        yield


@contextlib.contextmanager
def _alarm(limit: float) -> Iterator[None]:
    armed, rung, extensions = True, False, _EXTENSIONS

    def ring(_signal: int, frame: FrameType | None) -> None:
        nonlocal rung, extensions
        if armed and extensions and _is_importing(frame):
            extensions -= 1
            signal.setitimer(signal.ITIMER_REAL, limit, _REPEAT)
        elif armed:
            rung = True
            raise TimeUp

    handler = signal.signal(signal.SIGALRM, ring)
    timer = signal.setitimer(signal.ITIMER_REAL, limit, _REPEAT)
    try:
        yield
    finally:
        armed = False
        signal.setitimer(signal.ITIMER_REAL, *timer)
        signal.signal(signal.SIGALRM, handler)
    if rung:  # and the answer went on all the same
        raise TimeUp


@contextlib.contextmanager
def _watchdog(limit: float) -> Iterator[None]:
    thread = threading.get_ident()
    lock, done, rung = threading.Lock(), threading.Event(), threading.Event()
    finished = False

    def watch() -> None:
        pause, extensions = limit, _EXTENSIONS
        while not done.wait(pause):
            if extensions and _is_importing(sys._current_frames().get(thread)):
                extensions -= 1
                continue
            pause = _REPEAT
            with lock:
                if not finished:
                    rung.set()
                    _raise_in(thread, TimeUp)

    threading.Thread(target=watch, daemon=True, name="time limit of an exercise").start()
    try:
        yield
    finally:
        while True:
            try:
                with lock:
                    finished = True
                # An error on its way comes here at the latest. To take it back instead would make
                # Python 3.11 look for it for ever: all code slower, and a debugger hangs.
                done.set()
                break
            except TimeUp:
                continue
    if rung.is_set():  # and the answer went on all the same
        raise TimeUp


def _is_importing(frame: FrameType | None) -> bool:
    while frame is not None:
        if frame.f_code.co_filename.startswith("<frozen importlib"):
            return True
        frame = frame.f_back
    return False


def _raise_in(thread: int, error: type[BaseException]) -> None:
    """Make another thread raise at its next bytecode."""
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), ctypes.py_object(error))


def in_thread(function: Callable[[], Any]) -> Any:
    """What the function returns when another thread runs it; what it raises is raised here."""
    results: list[Any] = []
    errors: list[BaseException] = []

    def work() -> None:
        try:
            results.append(function())
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    try:
        while thread.is_alive():
            thread.join(0.05)
    except BaseException:
        if thread.ident is not None:
            _raise_in(thread.ident, TimeUp)
        raise
    if errors:
        raise errors[0]
    return results[0]


@contextlib.contextmanager
def interruptible() -> Iterator[threading.Event]:
    """Yield an event that is set when the learner really interrupts (Ctrl-C, the stop button)."""
    pressed = threading.Event()
    main = threading.current_thread() is threading.main_thread()
    handler = signal.getsignal(signal.SIGINT) if main else None
    if not callable(handler):
        yield pressed
        return

    def note(number: int, frame: FrameType | None) -> None:
        pressed.set()
        handler(number, frame)

    signal.signal(signal.SIGINT, note)
    try:
        yield pressed
    finally:
        signal.signal(signal.SIGINT, handler)
