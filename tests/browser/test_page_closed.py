"""A page of `course explore` that is closed, left or loaded anew leaves no process behind."""

from __future__ import annotations

from typing import Any

import psutil
import pytest

from tests.conftest import wait_until

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def kernels(site: Any) -> int:
    """How many processes the server has started that are still there."""
    return len(psutil.Process(site.process.pid).children(recursive=True))


def visit(page: Any, site: Any) -> int:
    """Open the page, wait until its first explorer is drawn, and count the server's processes."""
    page.goto(site.address)
    page.locator(".course-explorer").first.get_by_role("img").wait_for()
    return kernels(site)


def test_three_visits_leave_no_process(site, page):
    alone = visit(page, site)
    assert alone > 0
    page.reload()
    page.locator(".course-explorer").first.get_by_role("img").wait_for()
    wait_until(lambda: kernels(site) <= alone, "the page that was loaded anew ends its kernel")
    page.goto("about:blank")
    wait_until(lambda: kernels(site) == 0, "the page that was left ends its kernel")
    before = visit(page, site)
    page.get_by_role("button", name="Optimise").click()
    wait_until(lambda: kernels(site) > before, "the masks are optimised in a process of their own")
    page.close(run_before_unload=True)
    wait_until(lambda: kernels(site) == 0, "the page that was closed ends its kernel")
