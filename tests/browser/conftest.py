"""A real Chromium to look at JupyterLab with.

`page` is a browser page, `lab` a JupyterLab as `course start` opens it: `lab.open(page, name)` and
`lab.run_all(page)` do what a learner does. `site` is the page of `course explore`, `shoot(name)`
takes a screenshot; COURSE_SCREENSHOTS=FOLDER keeps those.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
SECONDS = 300
"""As long as a busy machine may take."""


@pytest.fixture(scope="session")
def lab(start_lab: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A JupyterLab that `course start` opened in a new working folder."""
    folder = tmp_path_factory.mktemp("learner") / "work"
    with start_lab([sys.executable, "-m", "course_lib.cli", "start", str(folder)]) as running:
        yield running


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    """A headless Chromium; without one the tests are skipped, but with CI=true they fail."""
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
    """A page of its own, 1280 by 900 points, that waits for as long as a busy machine may take."""
    from playwright.sync_api import expect

    expect.set_options(timeout=SECONDS * 1000)
    context = chromium.new_context(viewport={"width": 1280, "height": 900})
    context.set_default_timeout(SECONDS * 1000)
    yield context.new_page()
    context.close()


@pytest.fixture
def shoot(page: Any, tmp_path: Path) -> Callable[[str], None]:
    """A function that takes a screenshot under a name."""
    folder = Path(os.environ.get("COURSE_SCREENSHOTS") or tmp_path)
    folder.mkdir(parents=True, exist_ok=True)
    return lambda name: page.screenshot(path=folder / f"{name}.png", full_page=True)


@dataclass(frozen=True)
class Site:
    """A running `course explore`: its address, its process, and what it printed."""

    address: str
    process: subprocess.Popen[bytes]
    log: Path


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The page that `course explore` serves."""
    log = tmp_path_factory.mktemp("explore") / "printed.txt"
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "course_lib", "explore", "--no-browser", "--port"]
    with log.open("w") as printed:
        process = subprocess.Popen(
            [*command, str(port)],
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
            stdout=printed,
            stderr=subprocess.STDOUT,
        )
    address = f"http://localhost:{port}/"
    try:
        end = time.monotonic() + SECONDS
        while True:
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < end, log.read_text()
            with suppress(OSError), socket.create_connection(("localhost", port), timeout=1):
                break
            time.sleep(0.2)
        assert f"Open this address in a browser: {address}\n" in log.read_text()
        yield Site(address, process, log)
        assert "Traceback" not in log.read_text()
    finally:
        process.terminate()
        try:
            process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            process.kill()
