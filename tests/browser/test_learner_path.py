"""A learner's way through an exercise, as a learner goes it: in the browser, wrong first."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from course_lib.exercises.engine.registry import exercises

pytestmark = [pytest.mark.browser, pytest.mark.slow]

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


@dataclass(frozen=True)
class Counted:
    """What `course progress` says.

    Args:
        lesson: points earned and points there are in lesson 03.
        total: the same of all lessons.
        exercises: the rest of each exercise's line, by its name.
    """

    lesson: tuple[int, int]
    total: tuple[int, int]
    exercises: dict[str, str]

    @property
    def solved(self) -> set[str]:
        """The exercises that are said to be solved."""
        return {name for name, state in self.exercises.items() if "solved" in state}


def counted(lab: Any) -> Counted:
    """What `course progress` says now."""
    printed = subprocess.run(
        [sys.executable, "-m", "course_lib", "progress", "--all"],
        env={**os.environ, "COURSE_PROGRESS": str(lab.log.parent / "progress.json")},
        capture_output=True,
        text=True,
        check=True,
    ).stdout

    def points(pattern: str) -> tuple[int, int]:
        earned, there = re.search(pattern, printed, re.MULTILINE).groups()
        return int(earned), int(there)

    rows = re.findall(r"^\W*([a-z]\w+) +│ (.*)$", printed, re.MULTILINE)
    assert "deconvnet_relu" in dict(rows), printed
    return Counted(
        lesson=points(r"^03 .* (\d+) / (\d+) *$"),
        total=points(r" (\d+) of (\d+) points\.$"),
        exercises=dict(rows),
    )


def test_wrong_then_a_hint_then_right(lab, page, tmp_path):
    from playwright.sync_api import expect

    exercise = next(e for e in exercises("03_relu_rules") if e.name == "deconvnet_relu")
    (own,) = (hint for hint in exercise.mistakes if "that is the ordinary ReLU" in hint)
    folder = Path(os.environ.get("COURSE_SCREENSHOTS") or tmp_path)
    folder.mkdir(parents=True, exist_ok=True)
    lab.open(page, "03_relu_rules.ipynb")
    imports = cell_with(page, "import warnings")
    answer = cell_with(page, "class DeConvNetReLU(")
    check = cell_with(page, 'DeConvNetReLU = check("deconvnet_relu"')
    card = check.locator(".jp-OutputArea-output")
    hints = answer.locator(".jp-OutputArea-output")
    before = counted(lab)
    assert "not attempted" in before.exercises["deconvnet_relu"]

    run(page, imports)
    write(page, answer, WRONG)
    run(page, answer)
    run(page, check)
    expect(card).to_contain_text("not yet")
    expect(card).to_contain_text("backward: the gradient at x: values differ")
    expect(card).to_contain_text(own)
    for other in set(exercise.mistakes) - {own}:
        expect(card).not_to_contain_text(other)
    page.screenshot(path=folder / "lesson_03_wrong.png")
    wrong = counted(lab)
    assert "1 try" in wrong.exercises["deconvnet_relu"]
    assert (wrong.lesson, wrong.total, wrong.solved) == (
        before.lesson,
        before.total,
        before.solved,
    )

    write(page, answer, WRONG + '\n\nhint("deconvnet_relu")')
    run(page, answer)
    expect(hints).to_contain_text(f"hint 1 of {len(exercise.hints)}")
    expect(hints).to_contain_text(exercise.hints[0])
    expect(hints).not_to_contain_text(exercise.hints[1])
    page.screenshot(path=folder / "lesson_03_hint.png")

    write(page, answer, RIGHT)
    run(page, answer)
    run(page, check)
    expect(card).to_contain_text("right")
    expect(card).to_contain_text(f"{exercise.points} points")
    for gone in ("not yet", "values differ", own):
        expect(card).not_to_contain_text(gone)
    page.screenshot(path=folder / "lesson_03_right.png")
    after = counted(lab)
    assert after.solved - before.solved == {"deconvnet_relu"}
    assert before.solved < after.solved
    assert after.lesson == (before.lesson[0] + exercise.points, before.lesson[1])
    assert after.total == (before.total[0] + exercise.points, before.total[1])
    assert f"1 / {len(exercise.hints)}" in after.exercises["deconvnet_relu"]


def test_a_guess_by_keyboard_stands_beside_the_answer(lab, page, tmp_path):
    from playwright.sync_api import expect

    folder = Path(os.environ.get("COURSE_SCREENSHOTS") or tmp_path)
    folder.mkdir(parents=True, exist_ok=True)
    # other tests run the lesson too, and a guess that comes after the answer does not count
    (lab.log.parent / "progress.json").unlink(missing_ok=True)
    shutil.copyfile(lab.folder / "00_start_here.ipynb", lab.folder / "guess.ipynb")
    lab.open(page, "guess.ipynb")
    question = cell_with(page, 'predict("star_covers"')
    answer = cell_with(page, "scene = draw_scene(45)")
    run(page, cell_with(page, "import torch"))
    run(page, question)
    first, second = (
        question.get_by_role("button", name=shown, exact=True) for shown in ("4 %", "10 %")
    )
    first.focus()
    page.keyboard.press("Tab")
    expect(second).to_be_focused()
    page.keyboard.press("Enter")
    expect(question.get_by_role("button", name="✓ 10 %")).to_be_visible()
    expect(question.get_by_role("status")).to_contain_text("You say 10 %.")
    page.screenshot(path=folder / "lesson_00_guess.png")

    run(page, answer)
    card = answer.locator(".jp-OutputArea-output").last
    expect(card).to_contain_text("You said 10 %; it is 3.97 %. Of the choices, 4 % is nearest.")
    card.scroll_into_view_if_needed()
    page.screenshot(path=folder / "lesson_00_answer.png")

    # the next day: the guess is still to be seen, before anything has run again
    page.keyboard.press("ControlOrMeta+s")
    expect(page.locator(".jp-mod-dirty")).to_have_count(0)
    page.goto("about:blank")
    lab.stop_kernels()
    lab.open(page, "guess.ipynb")
    question = cell_with(page, 'predict("star_covers"')
    question.scroll_into_view_if_needed()
    expect(question.get_by_role("button", name="✓ 10 %")).to_be_visible()
