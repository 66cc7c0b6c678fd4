"""How quick the playground is in headless Chromium: pictures while dragging, and masks of RISE.

python -m speed.playground [FOLDER] [--frames 60] [--batches 20]

FOLDER holds the pages, `build/site/html` if not given. It prints medians: milliseconds from picture
to picture while an object is moved, with the light that follows, and from mask to mask; and how
much of them the processor works, which a busy machine leaves as it is.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
PATIENCE = 300_000
"""Milliseconds for the page to come."""

# Each picture that is drawn moves the object on, as a hand that never rests.
DRAG = """(count) => new Promise((done) => {
  const root = document.getElementById("pg-root");
  const handle = root.querySelector(".pg-handle");
  const times = [performance.now()];
  const move = () => handle.dispatchEvent(new KeyboardEvent("keydown", {
    key: Math.floor(times.length / 8) % 2 ? "ArrowLeft" : "ArrowRight",
  }));
  root.addEventListener("drawn", function drawn() {
    times.push(performance.now());
    if (times.length <= count) return move();
    root.removeEventListener("drawn", drawn);
    done(times.slice(1).map((time, i) => time - times[i]));
  });
  move();
})"""
MASKS = """(count) => new Promise((done) => {
  const root = document.getElementById("pg-root");
  const times = [];
  let masks = 0;
  root.addEventListener("masks", function masked(event) {
    times.push(performance.now());
    if (times.length === 1) masks = event.detail;
    if (times.length <= count) return;
    root.removeEventListener("masks", masked);
    document.getElementById("pg-run").click();
    const each = (event.detail - masks) / count;
    done(times.slice(1).map((time, i) => (time - times[i]) / each));
  });
  document.getElementById("pg-run").click();
})"""


class Quiet(SimpleHTTPRequestHandler):
    """Serves files without a word."""

    def log_message(self, *_: Any) -> None:
        """Nothing."""


def measure(page: Any, script: str, count: int) -> tuple[list[float], float]:
    """Milliseconds of each step, and how long the page's thread worked in all."""
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable", {"timeDomain": "threadTicks"})

    def worked() -> float:
        metrics = session.send("Performance.getMetrics")["metrics"]
        return 1000 * next(one["value"] for one in metrics if one["name"] == "TaskDuration")

    before = worked()
    steps = page.evaluate(script, count)
    return steps, worked() - before


def main(arguments: list[str] | None = None) -> None:
    """Serve the pages, measure, and print the table."""
    from playwright.sync_api import sync_playwright

    parser = argparse.ArgumentParser(prog="python -m speed.playground", description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=Path("build/site/html"))
    parser.add_argument("--frames", type=int, default=60)
    parser.add_argument("--batches", type=int, default=20)
    options = parser.parse_args(arguments)
    if not (options.folder / "playground.html").is_file():
        parser.error(f"There is no playground.html in {options.folder}: run make site first.")
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(options.folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    path = next((found for name in BROWSERS if (found := shutil.which(name))), None)
    print("| what | n | median, ms | a second | processor, ms |\n|---|--:|--:|--:|--:|")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        page = browser.new_page()
        page.set_default_timeout(PATIENCE)
        page.goto(f"http://127.0.0.1:{server.server_port}/playground.html")
        page.locator(".pg-app[aria-busy=false]").wait_for()
        steps, worked = measure(page, DRAG, options.frames)
        print(row("picture while dragging", steps, worked / len(steps)), flush=True)
        page.get_by_role("radio", name="RISE").check()
        page.locator(".pg-app[aria-busy=false]").wait_for()
        steps, worked = measure(page, MASKS, options.batches)
        # The first batch only starts the clock.
        masks = int(page.locator("#pg-masks").inner_text().split()[0])
        print(row("mask of RISE", steps, worked / masks), flush=True)
        browser.close()
    server.shutdown()


def row(name: str, steps: list[float], worked: float) -> str:
    """A line of the table."""
    middle = statistics.median(steps)
    return f"| {name} | {len(steps)} | {middle:.1f} | {1000 / middle:.0f} | {worked:.1f} |"


if __name__ == "__main__":
    main()
