"""A learner's way through an exercise, as a learner goes it: in the browser, wrong first."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.browser, pytest.mark.slow]

SECONDS = 300

WRONG = """\
class DeConvNetReLU(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x.clamp(min=0)

    @staticmethod
    def backward(ctx, p):
        (x,) = ctx.saved_tensors
        return torch.where(x > 0, p, 0)
"""

RIGHT = """\
class DeConvNetReLU(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x.clamp(min=0)

    @staticmethod
    def backward(ctx, p):
        return p.clamp(min=0)
"""


@pytest.fixture
def page(page: Any) -> Any:
    """A page that waits for as long as a busy machine may take."""
    from playwright.sync_api import expect

    page.set_default_timeout(SECONDS * 1000)
    expect.set_options(timeout=SECONDS * 1000)
    return page


def cell_with(page: Any, code: str) -> Any:
    """The code cell in which a line begins with `code`, whatever it says later."""
    lines = page.locator(".jp-CodeCell .cm-line").filter(has_text=re.compile("^" + re.escape(code)))
    lines.first.wait_for()
    number = page.evaluate(
        "code => [...document.querySelectorAll('.jp-CodeCell')].findIndex("
        "cell => [...cell.querySelectorAll('.cm-line')].some("
        "line => line.textContent.startsWith(code)))",
        code,
    )
    return page.locator(".jp-CodeCell").nth(number)


def write(page: Any, cell: Any, code: str) -> None:
    """Replace what a cell says."""
    cell.locator(".cm-content").click()
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.insert_text(code)


def run(page: Any, cell: Any) -> None:
    """Run a cell, as Ctrl-Enter does."""
    cell.locator(".cm-content").click()
    page.keyboard.press("Control+Enter")


def counted(lab: Any) -> str:
    """What `course progress` says of lesson 03."""
    run = subprocess.run(
        [sys.executable, "-m", "course_lib.cli", "progress"],
        env={**os.environ, "COURSE_PROGRESS": str(lab.log.parent / "progress.json")},
        capture_output=True,
        text=True,
        check=True,
    )
    return next(line for line in run.stdout.splitlines() if "03" in line)


def test_wrong_then_a_hint_then_right(lab, page, tmp_path):
    from playwright.sync_api import expect

    lab.open(page, "03_relu_rules.ipynb")
    imports = cell_with(page, "import warnings")
    answer = cell_with(page, "class DeConvNetReLU(")
    check = cell_with(page, 'DeConvNetReLU = check("deconvnet_relu"')
    card = check.locator(".jp-OutputArea-output")
    before = counted(lab)

    run(page, imports)
    write(page, answer, WRONG)
    run(page, answer)
    run(page, check)
    expect(card).to_contain_text("not yet")
    expect(card).to_contain_text("hint")
    assert counted(lab) == before

    write(page, answer, WRONG + '\n\nhint("deconvnet_relu")')
    run(page, answer)
    expect(answer.locator(".jp-OutputArea-output")).to_contain_text("hint")

    write(page, answer, RIGHT)
    run(page, answer)
    run(page, check)
    expect(card).to_contain_text("right")
    folder = Path(os.environ.get("COURSE_SCREENSHOTS") or tmp_path)
    folder.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=folder / "lesson_03.png")
    after = counted(lab)
    assert after != before
