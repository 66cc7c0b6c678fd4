"""A JupyterLab as `course start` opens it, and a real Chromium to look at it.

Fixtures for every browser test: `lab` starts a server on a free port, `page` is a browser page, and
`lab.open(page, name)`, `lab.run_all(page)` do what a learner does.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
SECONDS = 120


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
        """Open a notebook and wait until its kernel is ready."""
        page.goto(f"{self.url}/lab/tree/{notebook}?token={self.token}")
        page.wait_for_selector(".jp-Notebook .jp-Cell", timeout=SECONDS * 1000)
        wait_until(lambda: self.kernel_of(notebook), f"the kernel of {notebook} is idle")

    def run_all(self, page: Any, seconds: float = SECONDS) -> None:
        """Choose Run All Cells in the menu and wait until every code cell has run."""
        page.get_by_role("menuitem", name="Run", exact=True).click()
        page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
        prompts = ".jp-CodeCell .jp-InputArea-prompt"

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
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """A JupyterLab that `course start --no-browser` opened in a new working folder."""
    base = tmp_path_factory.mktemp("lab")
    log = base / "printed.txt"
    port, token = free_port(), "browser-test"
    environment = {
        **os.environ,
        "JUPYTER_TOKEN": token,
        "JUPYTER_CONFIG_DIR": str(base / "config"),
        "JUPYTERLAB_WORKSPACES_DIR": str(base / "workspaces"),
        "JUPYTERLAB_SETTINGS_DIR": str(base / "settings"),
        "COURSE_PROGRESS": str(base / "progress.json"),
        "PYTHONUNBUFFERED": "1",
    }
    command = [sys.executable, "-m", "course_lib.cli", "start", str(base / "work")]
    with log.open("w") as printed:
        process = subprocess.Popen(
            [*command, "--no-browser", "--port", str(port)],
            env=environment,
            stdout=printed,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    running = Lab(f"http://localhost:{port}", token, base / "work", log)

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
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(timeout=30)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    """A headless Chromium; without one the tests are skipped, in continuous integration they fail."""
    from playwright.sync_api import sync_playwright

    path = next((found for name in BROWSERS if (found := shutil.which(name))), None)
    if path is None:
        message = "No Chromium here; apt-get install chromium"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def page(chromium: Any) -> Iterator[Any]:
    """A page of its own, 1280 by 900 points."""
    context = chromium.new_context(viewport={"width": 1280, "height": 900})
    yield context.new_page()
    context.close()
