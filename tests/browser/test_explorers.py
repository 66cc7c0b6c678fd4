"""The explorers in a real browser: in the lessons that show them, and on their own page."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest

pytestmark = [pytest.mark.browser, pytest.mark.slow]

SECONDS = 300


def picture_after(view: Any, act: Callable[[], None]) -> str:
    """Do something, wait until the explorer shows another picture, and return its alt text."""
    from playwright.sync_api import expect

    picture = view.get_by_role("img")
    alt, source = picture.get_attribute("alt"), picture.get_attribute("src")
    act()
    expect(picture).not_to_have_attribute("alt", alt)
    expect(picture).not_to_have_attribute("src", source)
    return picture.get_attribute("alt")


def drag(page: Any, slider: Any, distance: int) -> None:
    """Take a slider's handle with the mouse and move it that many points to the right."""
    slider.scroll_into_view_if_needed()
    box = slider.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + distance, y)
    page.mouse.up()


def explore_layers(page: Any, view: Any) -> None:
    """Go through layers by keyboard and by mouse; every control has a name, every picture words."""
    view.get_by_role("img").wait_for()
    for name in ("Method", "Class"):
        assert view.get_by_role("combobox", name=name, exact=True).count() == 1
    slider = view.get_by_role("slider", name="Layer", exact=True)
    first = slider.get_attribute("aria-valuetext")
    assert f"layer {first}," in view.get_by_role("img").get_attribute("alt")
    slider.focus()
    pressed = picture_after(view, lambda: page.keyboard.press("ArrowLeft"))
    second = slider.get_attribute("aria-valuetext")
    assert second != first
    assert f"layer {second}," in pressed
    assert page.evaluate("document.activeElement.getAttribute('role')") == "slider"
    dragged = picture_after(view, lambda: drag(page, slider, -150))
    third = slider.get_attribute("aria-valuetext")
    assert third not in (first, second)
    assert f"layer {third}," in dragged


def explore_areas(page: Any, view: Any) -> None:
    """Wait for the masks, go through areas by keyboard and by mouse, and cancel another run."""
    from playwright.sync_api import expect

    picture = view.get_by_role("img")
    expect(picture).to_have_attribute("alt", re.compile("when only the mask is kept is"))
    for name in ("Variant", "Class"):
        assert view.get_by_role("combobox", name=name, exact=True).count() == 1
    slider = view.get_by_role("slider", name="Area", exact=True)

    def area(alt: str) -> str:
        words = r"^Preserve mask for \w+ with an area of (\S+ %) of the image; the network's score "
        return re.search(words + r"for \w+ when only the mask is kept is -?\d", alt).group(1)

    first = area(picture.get_attribute("alt"))
    assert slider.get_attribute("aria-valuetext") == first
    slider.focus()
    second = area(picture_after(view, lambda: page.keyboard.press("ArrowRight")))
    assert second != first
    third = area(picture_after(view, lambda: drag(page, slider, -150)))
    assert third not in (first, second)

    view.get_by_role("combobox", name="Variant").select_option("delete")
    view.get_by_role("button", name="Cancel").click()
    expect(view.get_by_role("status")).to_contain_text("Cancelled")
    expect(view.get_by_role("button", name="Optimise")).to_be_enabled()
    expect(picture).to_have_attribute(
        "alt", re.compile(f"^There is no delete mask for .* an area of {third} of the image yet; ")
    )
    expect(view.locator(".noUi-target[disabled]")).to_have_count(1)


def brightness(page: Any) -> int:
    """The brightest of the three components of the page's background, 0 to 255."""
    colour = page.locator("#rendered_cells").evaluate("e => getComputedStyle(e).backgroundColor")
    return max(int(value) for value in re.findall(r"\d+", colour)[:3])


def way_of_the_focus(page: Any) -> Iterator[tuple[str, str]]:
    """Press Tab from the top of the page to its end: each control's name and its outline."""
    for _ in range(50):
        page.keyboard.press("Tab")
        found = page.evaluate(
            "() => {"
            "const e = document.activeElement, style = getComputedStyle(e);"
            "if (e === document.body) return null;"
            "const label = e.labels && e.labels.length ? e.labels[0] : e;"
            "const name = e.getAttribute('aria-label') || label.textContent.trim();"
            "return [name, `${style.outlineStyle} ${style.outlineWidth}`]; }"
        )
        if found is None:
            return
        yield tuple(found)


def test_the_layers_of_lesson_04(lab, page, shoot):
    lab.open(page, "04_layers.ipynb")
    lab.run_all(page, SECONDS)
    view = page.locator(".course-explorer").last
    view.scroll_into_view_if_needed()
    explore_layers(page, view)
    shoot("lesson_04")


def test_the_areas_of_lesson_07(lab, page, shoot):
    lab.open(page, "07_extremal_perturbation.ipynb")
    lab.run_all(page, SECONDS)
    view = page.locator(".course-explorer").last
    view.scroll_into_view_if_needed()
    explore_areas(page, view)
    shoot("lesson_07")


def explorers(page: Any) -> Any:
    """The page's explorers, once all are drawn."""
    from playwright.sync_api import expect

    views = page.locator(".course-explorer")
    expect(views).to_have_count(3)
    views.last.get_by_role("img").wait_for()
    return views


def test_the_page_of_explorers(site, page, shoot):
    from playwright.sync_api import expect

    elsewhere, complaints = [], []
    page.on("request", lambda request: elsewhere.append(request.url))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.emulate_media(color_scheme="dark")
    page.goto(f"{site.address}?theme=light")
    views = explorers(page)
    assert brightness(page) > 200
    title = page.get_by_role("heading", name="Where does a neural network look?", level=1)
    expect(title).to_have_count(1)
    page.keyboard.press("End")
    page.wait_for_function("scrollY > innerHeight / 2")
    page.keyboard.press("Home")
    page.wait_for_function("scrollY === 0")

    explore_layers(page, views.first)
    views.last.get_by_role("button", name="Optimise").click()
    explore_areas(page, views.last)
    shoot("explore")
    scene = page.get_by_role("spinbutton", name="Scene")
    picture_after(views.first, lambda: (scene.fill("3"), scene.press("Enter")))
    expect(views).to_have_count(3)
    assert complaints == []
    local = (site.address, site.address.replace("http", "ws", 1), "data:", "blob:")
    assert [url for url in elsewhere if not url.startswith(local)] == []


def test_an_own_photo_overlaid_asked_for_another_class_and_loaded_anew(site, page, shoot):
    """Upload, network, a class's bar, opacity; then the same address again."""
    from playwright.sync_api import expect

    from course_lib.world.photographs import photos

    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(site.address)
    views = explorers(page)
    layers = views.first
    page.get_by_role("combobox", name="Network").select_option("efficientnet_lite0 (photos)")
    page.wait_for_url("**network=efficientnet_lite0**")
    with page.expect_file_chooser() as chosen:
        page.get_by_role("button", name="Your own photo").click()
    chosen.value.set_files(photos()["coffee"].path)
    page.wait_for_url("**picture=own**")
    picture = layers.get_by_role("img")
    expect(picture).to_have_attribute("alt", re.compile("for espresso at layer"))
    shoot("explore_upload")

    bar = layers.locator(".course-bar").nth(1)
    name = re.sub(r"\s+-?[\d.]+$", "", bar.inner_text())
    said = picture_after(layers, bar.click)
    assert f"for {name} at layer" in said
    assert page.evaluate("document.activeElement.classList.contains('course-asked')")
    for view in views.all():
        expect(view.get_by_role("combobox", name="Class")).to_have_value(name)
    page.wait_for_url("**target=**")

    opacity = layers.get_by_role("slider", name="Opacity, %")
    source = picture.get_attribute("src")
    opacity.focus()
    page.keyboard.press("Home")
    expect(picture).not_to_have_attribute("src", source)
    page.wait_for_url("**opacity=0**")

    page.get_by_role("button", name="coffee", exact=True).click()
    page.wait_for_url("**picture=photo-coffee**")
    layers.get_by_role("combobox", name="Method").select_option("Linear approximation")
    page.wait_for_url("**method=Linear**")
    shown, address = picture.get_attribute("alt"), page.url
    page.reload()
    expect(explorers(page).first.get_by_role("img")).to_have_attribute("alt", shown)
    page.wait_for_timeout(1000)
    assert page.url == address

    page.goto(re.sub("picture=[^&]*", "picture=own", address))
    expect(page.get_by_role("status").first).to_contain_text("upload it again")
    assert complaints == []


def test_a_picture_may_be_pasted(site, page):
    page.goto(site.address)
    explorers(page)
    page.evaluate(
        "async () => {"
        "const canvas = Object.assign(document.createElement('canvas'), {width: 50, height: 40});"
        "canvas.getContext('2d').fillRect(0, 0, 50, 40);"
        "const blob = await new Promise(done => canvas.toBlob(done));"
        "const clipboardData = new DataTransfer();"
        "clipboardData.items.add(new File([blob], 'a.png', {type: 'image/png'}));"
        "document.body.dispatchEvent("
        "new ClipboardEvent('paste', {clipboardData, bubbles: true, cancelable: true})); }"
    )
    page.wait_for_url("**picture=own**")


def test_the_page_in_the_dark_at_twice_the_size(site, page, shoot):
    page.set_viewport_size({"width": 640, "height": 900})
    page.emulate_media(color_scheme="dark")
    page.goto(site.address)
    views = explorers(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= 640
    assert brightness(page) < 60
    shoot("explore_dark")

    controls = list(way_of_the_focus(page))
    names = [name for name, _ in controls]
    pictures = page.locator(".course-thumbnail").all_inner_texts()
    bars = page.locator(".course-bar").all_inner_texts()
    help_texts = page.locator("summary").all_inner_texts()
    assert names == [
        *("in light", "in dark colours", "Network"),
        *(*pictures, "Scene", "Another scene", "Your own photo (0)"),
        *("Method", "Class", *bars, help_texts[0], "Layer", "Opacity, %", help_texts[1]),
        *("Class", "Run", "Masks", "Opacity, %", help_texts[2]),
        *("Variant", "Class", "Optimise", "Area", help_texts[3]),
    ]
    for name, outline in controls[2:]:
        assert outline == "solid 3px", name

    page.set_viewport_size({"width": 390, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    tiles = views.last.locator(".course-tile")
    assert tiles.count() == 3
    boxes = [tile.bounding_box() for tile in tiles.all()]
    assert all(box["width"] >= 200 for box in boxes)
    assert [box["y"] for box in boxes] == sorted({box["y"] for box in boxes})
    shown = tiles.first.evaluate("tile => getComputedStyle(tile).backgroundImage")
    assert shown == f'url("{views.last.get_by_role("img").get_attribute("src")}")'
    shoot("explore_narrow")
