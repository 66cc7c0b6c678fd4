"""Where an explorer's jobs run: in a thread, or in a process of their own."""

from __future__ import annotations

import pickle
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from copy import deepcopy
from typing import Any, Protocol

from torch import nn

from .threads import one_core_free

Job = Callable[..., Any]
"""(model, tell, **arguments) to a result; see `jobs`."""


class Cancelled(Exception):
    """The job was stopped."""


class Runner(Protocol):
    """Something that runs jobs, one at a time, in the thread that asks for it."""

    def run(self, job: Job, tell: Callable[..., None], **arguments: Any) -> Any:
        """Run a job to its end, and return what it returns.

        Raises:
            Cancelled: `stop` was called meanwhile.
        """

    def stop(self) -> None:
        """Have the job that runs now end soon; may be called from any thread."""


class Background:
    """A job that runs beside an explorer: begun once, stopped, waited for, and how it ended told.

    Args:
        runner: where it runs.
        button: the name of the button that begins it again.
    """

    def __init__(self, runner: Runner, button: str) -> None:
        self._runner, self._button = runner, button
        self._thread: threading.Thread | None = None

    @property
    def running(self) -> bool:
        """Whether a job has begun and not ended."""
        return self._thread is not None and self._thread.is_alive()

    def start(
        self,
        job: Job,
        tell: Callable[..., None],
        keep: Callable[[Any], None],
        ended: Callable[[str | Exception], None],
        **arguments: Any,
    ) -> None:
        """Begin a job, unless one is running.

        Args:
            job, tell, arguments: see `Runner`.
            keep: called with what the job returns.
            ended: called at the end, with a sentence that says how, or with the error.
        """
        if self.running:
            return

        def work() -> None:
            news: str | Exception = "Done."
            try:
                keep(self._runner.run(job, tell, **arguments))
            except Cancelled:
                news = f"Cancelled. Press {self._button} to begin again."
            except Exception as error:  # an exception in a thread would vanish without a trace
                news = error
            ended(news)

        self._thread = threading.Thread(target=work, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Have the job end soon."""
        self._runner.stop()

    def join(self, seconds: float | None = None) -> None:
        """Wait until the job has ended, or for so long."""
        if self._thread is not None:
            self._thread.join(seconds)


class InThread:
    """Runs jobs here, with a copy of a network: other cells may use the network meanwhile."""

    def __init__(self, model: nn.Module) -> None:
        self._model = deepcopy(model)
        self._stopped = threading.Event()

    def run(self, job: Job, tell: Callable[..., None], **arguments: Any) -> Any:
        """See `Runner`."""
        self._stopped.clear()

        def unless_stopped(*news: Any) -> None:
            if self._stopped.is_set():
                raise Cancelled
            tell(*news)

        with one_core_free():
            return job(self._model, unless_stopped, **arguments)

    def stop(self) -> None:
        """See `Runner`."""
        self._stopped.set()


class InProcess:
    """Runs jobs in another process, which loads the network by its name.

    It begins with the first job and stays for the next ones. It ends when a job is stopped, when it
    is closed, or with this process, whose pipe it reads.

    Args:
        arch: the network's name, as `get_example_data` takes it.
    """

    def __init__(self, arch: str) -> None:
        self._arch = arch
        self._process: subprocess.Popen[bytes] | None = None
        self._busy = threading.Lock()
        self._stopped = threading.Event()

    def run(self, job: Job, tell: Callable[..., None], **arguments: Any) -> Any:
        """See `Runner`.

        Raises:
            RuntimeError: the process ended by itself.
        """
        with self._busy:
            self._stopped.clear()
            try:
                return self._asked(job, tell, arguments)
            except (EOFError, BrokenPipeError, pickle.UnpicklingError):
                self._end()
                if self._stopped.is_set():
                    raise Cancelled from None
                raise RuntimeError("The process that computes ended by itself.") from None

    def stop(self) -> None:
        """See `Runner`."""
        process = self._process
        if process is not None and self._busy.locked():
            self._stopped.set()
            process.kill()

    def close(self) -> None:
        """End the process."""
        self.stop()
        with self._busy:
            self._end()

    def _asked(self, job: Job, tell: Callable[..., None], arguments: dict[str, Any]) -> Any:
        if self._process is None:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "course_lib.explorer.worker"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                # An interrupt is for the kernel; the process ends when the pipes do.
                start_new_session=True,
            )
        asks, answers = self._process.stdin, self._process.stdout
        assert asks is not None
        assert answers is not None
        pickle.dump((self._arch, job, arguments), asks)
        asks.flush()
        while True:
            kind, value = pickle.load(answers)
            if kind == "told":
                try:
                    tell(*value)
                except BaseException:
                    self._end()  # what it goes on to tell would be taken for the next job's
                    raise
            elif kind == "raised":
                raise value
            else:
                return value

    def _end(self) -> None:
        if self._process is None:
            return
        self._process.kill()
        with suppress(BrokenPipeError):
            self._process.communicate()
        self._process = None
