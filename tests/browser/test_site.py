"""The site as it is built: its links, and its pages in a browser, opened as files."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import unquote, urldefrag

import pytest

from course_lib.attribution.methods import methods

ROOT = Path(__file__).parents[2]
SITE_NEEDS = ("furo", "latex2mathml", "myst_nb", "sphinx")
OUTSIDE = re.compile(r"^(?:[a-z]+:|//)")

pytestmark = pytest.mark.slow


class Page(HTMLParser):
    """What a page links to, what it loads, and the places on it that can be linked to."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.links: list[str] = []
        self.loaded: list[str] = []
        self.anchors: set[str] = set()
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note a tag's addresses and its id."""
        found = {key: value for key, value in attrs if value is not None}
        if "id" in found:
            self.anchors.add(found["id"])
        if tag == "a" and "href" in found:
            self.links.append(found["href"])
        elif tag == "link" and found.get("rel") in {"stylesheet", "icon"}:
            self.loaded.append(found["href"])
        elif "src" in found:
            self.loaded.append(found["src"])


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    """The pages, built as `make site` builds them; no warning is let through."""
    missing = [name for name in SITE_NEEDS if find_spec(name) is None]
    if missing:
        message = f"{missing[0]} is not installed; pip install 'course-lib[site]'"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)
    folder = tmp_path_factory.mktemp("site")
    environment = {k: v for k, v in os.environ.items() if k != "GITHUB_REPOSITORY"}
    command = [sys.executable, "-m", "website", "--out", str(folder)]
    run = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert run.returncode == 0, run.stdout + run.stderr
    return folder / "html"


@pytest.fixture(scope="module")
def pages(site) -> dict[Path, Page]:
    """Each page, read."""
    return {path: Page(path) for path in sorted(site.rglob("*.html"))}


def test_every_lesson_and_document_is_a_page(site, pages):
    names = {path.relative_to(site).as_posix() for path in pages}
    lessons = {f"lessons/{path.stem}.html" for path in (ROOT / "notebooks").glob("*.ipynb")}
    assert len(lessons) > 5
    assert lessons < names
    assert {
        "index.html",
        "instructors.html",
        "torchray.html",
        "speed.html",
        "extremal.html",
        "playground.html",
    } < names


def test_every_link_on_the_site_leads_somewhere(pages):
    broken = []
    for path, page in pages.items():
        for link in [*page.links, *page.loaded]:
            if OUTSIDE.match(link):
                continue
            target, anchor = urldefrag(link)
            aim = (path.parent / unquote(target.split("?")[0])).resolve() if target else path
            there = aim.is_file() and (not anchor or anchor in pages[aim].anchors)
            if not there:
                broken.append((path.name, link))
    assert broken == []


def test_nothing_is_loaded_from_elsewhere(site, pages):
    assert [url for page in pages.values() for url in page.loaded if OUTSIDE.match(url)] == []
    sheets = [path.read_text(encoding="utf-8") for path in site.rglob("*.css")]
    assert [found for sheet in sheets for found in re.findall(r"url\(\W?https?:", sheet)] == []


def test_the_pages_name_no_folder_of_the_machine_that_built_them(pages):
    assert [path.name for path in pages if str(ROOT) in path.read_text(encoding="utf-8")] == []


def test_the_reference_has_every_method(site):
    anchors = Page(site / "reference" / "methods.html").anchors
    names = {f"{method.function.__module__}.{name}" for name, method in methods().items()}
    assert names - anchors == set()


@pytest.mark.browser
def test_a_solution_opens_by_keyboard_only_when_it_is_asked_for(site, page):
    page.goto((site / "lessons" / "03_relu_rules.html").as_uri())
    assert "BEGIN SOLUTION" not in page.content()
    fold = page.locator("details").first
    code = fold.locator(".cell_input")
    assert not code.is_visible()
    fold.locator("summary").focus()
    page.keyboard.press("Enter")
    assert code.is_visible()
    assert "return x.clamp(min=0)" in code.inner_text()


@pytest.mark.browser
def test_the_search_works_on_pages_opened_as_files(site, page):
    page.goto((site / "index.html").as_uri())
    search = page.get_by_placeholder("Search")
    search.fill("completeness")
    search.press("Enter")
    page.locator("ul.search a").first.wait_for()
    assert "Methods" in page.locator("ul.search a").all_inner_texts()


@pytest.mark.browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_page_fits_a_phone_in_light_and_dark(site, pages, chromium, scheme):
    context = chromium.new_context(viewport={"width": 390, "height": 800}, color_scheme=scheme)
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda line: errors.append(line.text) if line.type == "error" else None)
    wide = []
    for path in pages:
        page.goto(path.as_uri())
        if page.evaluate("document.documentElement.scrollWidth") > 390:
            wide.append(path.name)
        ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
        lightness = sum(int(part) for part in re.findall(r"\d+", ground)[:3]) / 3
        assert (lightness < 128) is (scheme == "dark"), (path.name, ground)
    context.close()
    assert (wide, errors) == ([], [])


@pytest.mark.browser
def test_formulas_are_drawn_by_the_browser_itself(site, page):
    page.goto((site / "lessons" / "03_relu_rules.html").as_uri())
    assert page.locator("math").count() > 3
    box = page.locator(".formula math").first.bounding_box()
    assert box is not None
    assert box["width"] > 20
    assert box["height"] > 5
