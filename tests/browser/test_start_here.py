"""Lesson 00 in a real browser, as a learner opens it."""

from __future__ import annotations

import pytest

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def test_lesson_00_runs_to_its_end(lab, page, tmp_path):
    elsewhere = []
    page.on("request", lambda request: elsewhere.append(request.url))
    lab.open(page, "00_start_here.ipynb")
    lab.run_all(page)
    elsewhere = [
        u for u in elsewhere if not u.startswith((lab.url, "data:", "blob:", "ws://localhost"))
    ]
    assert elsewhere == []

    assert (
        page.locator(".jp-RenderedText[data-mime-type='application/vnd.jupyter.error']").count()
        == 0
    )
    assert page.locator(".jp-OutputArea-output", has_text="not attempted").count() == 1
    pictures = page.locator(".jp-OutputArea-output figure img")
    assert pictures.count() > 0
    for picture in pictures.all():
        assert picture.get_attribute("alt")
        assert picture.evaluate("image => image.complete && image.naturalWidth > 100")
    last = page.locator(".jp-CodeCell").last
    assert last.locator(".jp-OutputArea-output").count() > 0


def test_nobody_is_asked_about_news(lab, page):
    page.goto(f"{lab.url}/lab?token={lab.token}")
    page.wait_for_selector("#jp-main-dock-panel")
    page.wait_for_timeout(1000)
    assert page.get_by_text("Jupyter news").count() == 0


def test_the_address_is_printed(lab):
    printed = lab.log.read_text()
    assert (
        f"Open this address in a browser: {lab.url}/lab/tree/00_start_here.ipynb?token=" in printed
    )
    assert "WARNING" not in printed.replace("[NbGrader | WARNING]", "")
    assert "DeprecationWarning" not in printed
