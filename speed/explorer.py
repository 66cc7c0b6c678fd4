"""How long a step of the layer slider takes in the browser, from the key press to the picture.

python -m speed.explorer ADDRESS [--steps 15]

ADDRESS is that of a running `course explore`, without a query. It prints the median and the 95th
percentile for layers that were not seen yet and for others, while nothing else runs and while
masks are optimised on the page. It needs Chromium.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
from typing import Any

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
PATIENCE = 300_000
"""Milliseconds for the page to come."""

WATCH = """() => {
  const view = document.querySelector(".course-explorer");
  window.steps = [];
  let pressed, source = view.querySelector("img").src;
  addEventListener("keydown", () => { pressed = performance.now(); }, true);
  new MutationObserver(async () => {
    const picture = view.querySelector("img");
    if (!picture || picture.src === source) return;
    source = picture.src;
    const from = pressed;
    await picture.decode();
    requestAnimationFrame(() => window.steps.push(performance.now() - from));
  }).observe(view, { subtree: true, childList: true, attributes: true });
}"""


def steps(page: Any, key: str, count: int) -> list[float]:
    """Milliseconds of so many key presses on the layer slider, each after the one before."""
    page.evaluate("window.steps.length = 0")
    for number in range(count):
        page.keyboard.press(key)
        page.wait_for_function(f"window.steps.length > {number}")
    return list(page.evaluate("window.steps"))


def row(name: str, found: list[float]) -> str:
    """A line of the table: what was measured, how often, the median and the 95th percentile."""
    high = statistics.quantiles(found, n=20, method="inclusive")[-1]
    return f"| {name} | {len(found)} | {statistics.median(found):.0f} | {high:.0f} |"


def main(arguments: list[str] | None = None) -> None:
    """Measure, and print the table as it grows."""
    from playwright.sync_api import sync_playwright

    parser = argparse.ArgumentParser(prog="python -m speed.explorer", description=__doc__)
    parser.add_argument("address")
    parser.add_argument("--steps", type=int, default=15)
    options = parser.parse_args(arguments)
    path = next((found for name in BROWSERS if (found := shutil.which(name))), None)
    print("| step of the layer slider | n | median, ms | p95, ms |\n|---|---|---|---|")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        page = browser.new_page()
        page.set_default_timeout(PATIENCE)
        page.goto(options.address)
        view = page.locator(".course-explorer").first
        page.locator(".course-explorer").last.get_by_role("img").wait_for()
        page.evaluate(WATCH)
        view.get_by_role("slider", name="Layer").focus()
        for state in ("", ", while masks are optimised"):
            if state:
                view.locator(".course-bar").nth(1).click()
                page.get_by_role("button", name="Optimise").click()
                bar = page.locator(".course-explorer").last.locator(".progress-bar")
                page.wait_for_function(
                    "bar => parseFloat(bar.style.width) > 0", arg=bar.element_handle()
                )
                view.get_by_role("slider", name="Layer").focus()
            print(row(f"new{state}", steps(page, "ArrowLeft", options.steps)), flush=True)
            print(row(f"seen before{state}", steps(page, "ArrowRight", options.steps)), flush=True)
        if page.get_by_role("button", name="Optimise").is_enabled():
            print("The masks were there before the end: give fewer --steps.")
        browser.close()


if __name__ == "__main__":
    main()
