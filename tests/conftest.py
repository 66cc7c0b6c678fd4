"""What all tests share: no network for any of them, and a few fixtures."""

from __future__ import annotations

import json
import os
import runpy
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest
import torch

NO_NETWORK = Path(__file__).parent / "no_network.py"
SECONDS = 120


def pytest_configure() -> None:
    """Block the network for the whole run: no test needs it."""
    runpy.run_path(str(NO_NETWORK))["block"]()


@pytest.fixture(autouse=True)
def _seeded() -> None:
    """Make what a test draws at random the same on every run."""
    torch.set_num_threads(1)
    torch.manual_seed(0)


@pytest.fixture(scope="session")
def fill_in() -> Callable[[Any, Any], Any]:
    """A function (student notebook, solution notebook) -> the student's with the right answers."""

    def fill(student: Any, solution: Any) -> Any:
        answers = {c.id: c.source for c in solution.cells if c.id.startswith("answer-")}
        filled = deepcopy(student)
        for cell in filled.cells:
            cell.source = answers.get(cell.id, cell.source)
        return filled

    return fill


def wait_until(condition: Callable[[], Any], what: str, seconds: float = SECONDS) -> Any:
    """Return the first true value of a condition; fail after so many seconds."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.2)
    raise AssertionError(f"{what}: not within {seconds:.0f} s")


@dataclass
class Lab:
    """A running JupyterLab: its address, token and working folder, and what the server printed."""

    url: str
    token: str
    folder: Path
    log: Path

    def api(self, path: str) -> Any:
        """Return what the server's REST interface says."""
        request = Request(
            f"{self.url}/api/{path}", headers={"Authorization": f"token {self.token}"}
        )
        with urlopen(request, timeout=10) as answer:
            return json.load(answer)

    def stop_kernels(self) -> None:
        """Shut down every kernel, as somebody does who stops the server for today."""
        for session in self.api("sessions"):
            request = Request(
                f"{self.url}/api/sessions/{session['id']}",
                headers={"Authorization": f"token {self.token}"},
                method="DELETE",
            )
            urlopen(request, timeout=10).close()

    def kernel_of(self, notebook: str) -> dict[str, Any] | None:
        """Return the kernel of a notebook once it is idle and a browser is connected to it.

        A Run All that is sent earlier is dropped by JupyterLab without a word.
        """
        for session in self.api("sessions"):
            kernel = session["kernel"]
            ready = kernel["execution_state"] == "idle" and kernel["connections"] > 0
            if session["path"] == notebook and ready:
                return kernel
        return None

    def open(self, page: Any, notebook: str) -> None:
        """Open a notebook, and no tabs of earlier tests, and wait until its kernel is ready."""
        page.goto(f"{self.url}/lab/tree/{notebook}?token={self.token}&reset")
        page.wait_for_selector(".jp-Notebook .jp-Cell", state="attached", timeout=SECONDS * 1000)
        self.all_cells(page)
        wait_until(lambda: self.kernel_of(notebook), f"the kernel of {notebook} is idle")

    def all_cells(self, page: Any) -> None:
        """Wait until JupyterLab, which adds a notebook's cells by and by, has added the last."""
        counts = [-1]

        def settled() -> bool:
            counts.append(page.locator(".jp-Notebook .jp-Cell").count())
            page.wait_for_timeout(1000)
            return counts[-1] > 0 and counts[-1] == counts[-2]

        wait_until(settled, "all cells are there")

    def run_all(self, page: Any, seconds: float = 3 * SECONDS) -> None:
        """Choose Run All Cells in the menu and wait until every code cell has run."""
        page.get_by_role("menuitem", name="Run", exact=True).click()
        page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
        prompts = ".jp-NotebookPanel:not(.lm-mod-hidden) .jp-CodeCell .jp-InputArea-prompt"

        def done() -> bool:
            texts = page.locator(prompts).all_inner_texts()
            return bool(texts) and all(text.strip("[]: ").isdigit() for text in texts)

        wait_until(done, "every code cell has run", seconds)


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(scope="session")
def start_lab(tmp_path_factory: pytest.TempPathFactory) -> Callable[[list[str]], Any]:
    """A context manager (command that ends in a folder) -> Lab: runs it without a browser."""

    @contextmanager
    def started(command: list[str]) -> Iterator[Lab]:
        base = tmp_path_factory.mktemp("lab")
        log = base / "printed.txt"
        port, token = free_port(), "a-token-for-tests"
        environment = {
            **os.environ,
            "JUPYTER_TOKEN": token,
            "JUPYTER_CONFIG_DIR": str(base / "config"),
            "JUPYTERLAB_SETTINGS_DIR": str(base / "settings"),
            "COURSE_PROGRESS": str(base / "progress.json"),
            "PYTHONUNBUFFERED": "1",
        }
        with log.open("w") as printed:
            process = subprocess.Popen(
                [*command, "--no-browser", "--port", str(port)],
                env=environment,
                stdout=printed,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        running = Lab(f"http://localhost:{port}", token, Path(command[-1]), log)

        def answers() -> bool:
            assert process.poll() is None, log.read_text()
            try:
                return bool(running.api("status"))
            except OSError:
                return False

        try:
            wait_until(answers, "JupyterLab answers")
            yield running
        finally:
            process.terminate()
            try:
                process.wait(timeout=30)
            finally:
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)

    return started
