"""The page of explorers: what it shows, what may be chosen, and what its address says."""

from __future__ import annotations

import base64
import io
import re
from datetime import datetime

import pytest
import torch
from PIL import Image

from course_lib.explorer import page as page_module
from course_lib.explorer.address import PageState, read_query
from course_lib.explorer.page import OPACITY, UPLOAD_AGAIN, Page
from course_lib.explorer.pictures import KEPT_SIDE, LAST_SCENE, read_upload
from course_lib.explorer.runners import InProcess
from course_lib.world.examples import EXAMPLE_SEED, to_image
from course_lib.world.photographs import photos
from course_lib.world.scenes import CLASSES, draw_scene

LITE = "efficientnet_lite0"


def png(size: tuple[int, int] = (40, 30), colour: str = "red") -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", size, colour).save(buffer, format="PNG")
    return buffer.getvalue()


def upload(page: Page, content: bytes, name: str) -> None:
    page.pictures.file.value = [
        {
            "name": name,
            "type": "image/png",
            "size": len(content),
            "content": memoryview(content),
            "last_modified": datetime(2026, 11, 28),
        }
    ]


def query_of(page: Page) -> str:
    return re.search('data-query="([^"]*)"', page.address.value).group(1).replace("&amp;", "&")


def explorers(page: Page) -> tuple:
    return page.layer_explorer, page.rise_explorer, page.area_explorer


def test_it_shows_all_explorers_on_the_example_and_computes_nothing_unasked():
    page = Page()
    scene = draw_scene(EXAMPLE_SEED)
    for part, explorer in zip((page.layers, page.rise, page.areas), explorers(page), strict=True):
        assert part.children == (explorer.view,)
        assert torch.equal(explorer._x, scene.x)
        assert explorer.target.value == scene.objects[0]
    assert page.pictures.scene.value == EXAMPLE_SEED
    assert not page.area_explorer._background.running
    assert not page.rise_explorer._background.running


def test_a_class_asked_for_in_one_place_is_asked_for_everywhere():
    page = Page()
    page.layer_explorer.bars._buttons[-1].click()
    (target,) = {explorer.target.value for explorer in explorers(page)}
    page.area_explorer.target.value = (target + 1) % len(CLASSES)
    assert page.layer_explorer.target.value == (target + 1) % len(CLASSES)
    page.rise_explorer.opacity.value = 20
    assert page.layer_explorer.opacity.value == 20


def test_another_scene_takes_the_place_of_the_first_and_stops_what_runs(monkeypatch):
    page = Page()
    stopped = []
    for explorer in (page.rise_explorer, page.area_explorer):
        monkeypatch.setattr(explorer, "stop", lambda explorer=explorer: stopped.append(explorer))
    first = page.layer_explorer
    page.pictures.scene.value = 3
    assert len(stopped) == 2
    assert page.layer_explorer is not first
    assert torch.equal(page.layer_explorer._x, draw_scene(3).x)
    assert page.state().picture == "scene-3"
    monkeypatch.setattr(page_module.random, "randint", lambda low, high: high)
    page.pictures.another.click()
    assert page.pictures.scene.value == LAST_SCENE


def test_a_thumbnail_and_another_network_may_be_chosen():
    page = Page()
    page.pictures.thumbnails["photo-coffee"].click()
    assert page.state().picture == "photo-coffee"
    assert photos()["coffee"].credit in page.news.value
    assert f"tiny_vgg knows the eight shapes only; {LITE} knows photographs." in page.news.value
    page.network.value = LITE
    assert page.layer_explorer._names[page.layer_explorer.target.value] == "espresso"
    assert "eight shapes" not in page.news.value
    shown = torch.from_numpy(page.layer_explorer._image)[None]
    torch.testing.assert_close(shown, to_image(LITE, page.layer_explorer._x))
    chosen = [n for n, b in page.pictures.thumbnails.items() if "course-asked" in b._dom_classes]
    assert chosen == ["photo-coffee"]
    page.pictures.thumbnails["scene-5"].click()
    assert "not the names of these shapes" in page.news.value
    assert page.layer_explorer._masks is None


def test_a_photo_of_ones_own_is_shown_and_an_address_says_to_upload_it_again():
    page = Page()
    upload(page, png(), "mine.png")
    assert page.state().picture == "own"
    assert page.pictures.file.value == ()
    assert page.layer_explorer._x.shape == (1, 3, 96, 128)
    assert float(page.layer_explorer._x[0, 0].min()) == 1
    chosen = [n for n, b in page.pictures.thumbnails.items() if "course-asked" in b._dom_classes]
    assert chosen == ["own"]
    again = Page(query=query_of(page))
    assert UPLOAD_AGAIN.replace("'", "&#x27;") in again.news.value
    assert again.state().picture == f"scene-{EXAMPLE_SEED}"


def test_ones_own_photo_has_a_thumbnail_that_shows_it_again():
    page = Page()
    before = list(page.pictures.thumbnails)
    upload(page, png(), "mine.png")
    mine = page.pictures.thumbnails["own"]
    assert list(page.pictures.thumbnails) == [*before, "own"]
    assert page.pictures._strip.children[-1] is mine
    red = page.pictures._drawn["own"]
    assert red in page.pictures._rules.value
    page.pictures.thumbnails["scene-5"].click()
    mine.click()
    assert page.state().picture == "own"
    upload(page, png(colour="blue"), "mine.png")
    assert page.pictures.thumbnails["own"] is mine
    assert page.pictures._drawn["own"] != red
    assert red not in page.pictures._rules.value


def test_rise_and_masks_are_computed_outside_each_stopped_by_itself():
    page = Page()
    rise, areas = (e._background._runner for e in (page.rise_explorer, page.area_explorer))
    assert isinstance(rise, InProcess)
    assert isinstance(areas, InProcess)
    assert rise is not areas
    page.pictures.thumbnails["scene-5"].click()
    assert page.rise_explorer._background._runner is rise
    page.network.value = "tiny_resnet"
    assert page.rise_explorer._background._runner is not rise


def test_a_pasted_picture_is_shown():
    page = Page()
    page.pictures.pasted.value = "data:image/png;base64," + base64.b64encode(png()).decode()
    assert page.state().picture == "own"
    assert page.pictures.pasted.value == ""
    page.pictures.pasted.value = "data:image/png;base64,AAAA"
    assert "The image pasted is not a picture that can be read" in page.news.value


@pytest.mark.parametrize(
    ("content", "sentence"),
    [(b"no picture", "mine.png is not a picture that can be read"), (png()[:60], "is broken")],
)
def test_a_file_that_is_no_picture_changes_nothing_and_is_said(content, sentence):
    page = Page()
    before = page.layer_explorer
    upload(page, content, "mine.png")
    assert sentence in page.news.value
    assert "/tmp" not in page.news.value
    assert page.layer_explorer is before


def test_a_large_photo_is_kept_smaller():
    assert read_upload(png((900, 1200)), "../../large.png").shape == (
        1,
        3,
        KEPT_SIDE * 4 // 3,
        KEPT_SIDE,
    )


def test_a_given_image_comes_first_among_the_pictures(tmp_path):
    path = tmp_path / "mine.png"
    path.write_bytes(png())
    page = Page(image=str(path))
    assert next(iter(page.pictures.thumbnails)) == "given"
    assert page.state().picture == "given"
    assert float(page.layer_explorer._x[0, 0].min()) == 1


def test_an_address_shows_the_same_again():
    page = Page()
    page.network.value = "tiny_resnet"
    page.pictures.scene.value = 12
    page.layer_explorer.target.value = 4
    page.layer_explorer.method.value = "Gradient"
    page.layer_explorer.layer.value = page.layer_explorer.layer.options[2]
    page.layer_explorer.opacity.value = 35
    page.area_explorer.variant.value = "delete"
    page.area_explorer.area.value = 1
    page.rise_explorer.count.value = 50
    again = Page(query=f"{query_of(page)}&theme=dark")
    assert again.state() == page.state()
    assert again.network.value == "tiny_resnet"
    assert query_of(again) == query_of(page)


@pytest.mark.parametrize(
    "query",
    [
        "network=nothing&picture=scene-99999&target=77&layer=none&area=99&masks=3",
        "picture=photo-nobody&opacity=4000&variant=other",
        "picture=given&target=-1&method=LIME",
        "%%%&=&network",
    ],
)
def test_an_address_that_makes_no_sense_shows_the_example(query):
    state = Page(query=query).state()
    assert (state.network, state.picture) == ("tiny_vgg", f"scene-{EXAMPLE_SEED}")
    assert state.opacity in (OPACITY, 100)


def test_a_network_of_photographs_begins_with_one():
    page = Page(LITE)
    assert page.state().picture == "photo-cat"
    assert page.rise_explorer.count.options[-1] == 400


def test_a_state_and_its_address_say_the_same():
    state = PageState("tiny_vgg", "scene-7", target=0, method="a b&c", opacity=0, masks=25)
    assert read_query(state.to_query(), PageState("x", "y")) == state
    assert state.seed == 7
    assert PageState("x", "photo-cat").photo == "cat"
    assert PageState("x", "scene-x").seed is None
