"""The page of explorers: what it holds, where it is served, and what a reader gets wrong."""

from __future__ import annotations

import asyncio
import gc
import logging
import re
from pathlib import Path

import pytest
import torch
from torchvision import models
from tornado.iostream import StreamClosedError
from tornado.websocket import WebSocketClosedError

from course_lib.classroom import lab
from course_lib.explorer import voila_page
from course_lib.explorer.page import Page
from course_lib.explorer.serve import page_notebook, serve, write_page
from course_lib.explorer.voila_page import TEMPLATE, PageHandler, unless_page_closed
from course_lib.world import examples
from course_lib.world.examples import to_image
from course_lib.world.scenes import draw_scene


class Server:
    def start(self):
        pass


@pytest.fixture
def served(monkeypatch):
    """What would have been served: the notebook's text, the port, and whether with a browser."""
    calls = []

    def stand_in(path, *, port, browser):
        calls.append((path.read_text(), port, browser))
        return Server()

    monkeypatch.setattr(voila_page, "voila_server", stand_in)
    return calls


def test_a_network_that_takes_normalised_images_shows_them_as_they_were():
    preset = models.get_model_weights("resnet18").DEFAULT.transforms()
    image = torch.rand(1, 3, 8, 8)
    mean, std = (torch.tensor(v).view(1, 3, 1, 1) for v in (preset.mean, preset.std))
    torch.testing.assert_close(to_image("resnet18", (image - mean) / std), image)


def test_the_notebook_has_headings_and_is_the_same_every_time(tmp_path):
    write_page(tmp_path / "a.ipynb", "tiny_vgg", None)
    write_page(tmp_path / "b.ipynb", "tiny_vgg", None)
    assert (tmp_path / "a.ipynb").read_bytes() == (tmp_path / "b.ipynb").read_bytes()
    cells = page_notebook("tiny_vgg", None).cells
    headings = [cell.source.split("\n")[0] for cell in cells if cell.cell_type == "markdown"]
    assert [re.match("#+", heading).group() for heading in headings] == ["#", "##", "##", "##"]


def test_the_notebook_s_code_makes_the_page(tmp_path):
    names: dict = {}
    for cell in page_notebook("tiny_vgg", None).cells:
        if cell.cell_type == "code":
            *lines, last = cell.source.split("\n")
            exec("\n".join(lines), names)
            names["shown"] = eval(last, names)
    assert isinstance(names["page"], Page)
    assert names["shown"] is names["page"].areas


def test_the_page_s_address_reaches_the_page(monkeypatch):
    monkeypatch.setenv("QUERY_STRING", "picture=scene-3&theme=dark")
    names: dict = {}
    exec(page_notebook("tiny_vgg", None).cells[1].source, names)
    assert names["page"].state().picture == "scene-3"


def test_no_page_or_template_names_another_server():
    for path in TEMPLATE.iterdir():
        assert "//" not in path.read_text(encoding="utf-8")


def test_the_address_is_said(served, monkeypatch):
    said = []
    monkeypatch.setattr(lab, "has_browser", lambda: True)
    serve(port=None, browser=False, say=said.append)
    _, port, browser = served.pop()
    assert not browser
    assert f"Open this address in a browser: http://localhost:{port}/" in said
    serve(say=said.append)
    assert served.pop()[2]
    monkeypatch.setattr(lab, "has_browser", lambda: False)
    serve(say=said.append)
    assert not served.pop()[2]


def test_a_path_is_found_from_the_folder_of_the_page(served, tmp_path, monkeypatch):
    from torchvision.utils import save_image

    save_image(draw_scene(7).x, tmp_path / "mine.png")
    monkeypatch.chdir(tmp_path)
    serve(image="mine.png", say=lambda line: None)
    assert str(Path.cwd() / "mine.png") in served.pop()[0]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"arch": "tiny_vg"}, "did you mean tiny_vgg"),
        ({"image": "nowhere.png"}, "nowhere.png is not there"),
        ({"port": 70000}, "from 1 to 65535, not 70000"),
        ({"port": 0}, "from 1 to 65535, not 0"),
    ],
)
def test_wrong_input_is_one_sentence_and_nothing_is_served(served, arguments, sentence):
    with pytest.raises(ValueError, match=sentence) as refused:
        serve(**arguments, say=lambda line: None)
    assert "\n" not in str(refused.value)
    assert served == []


def test_weights_that_can_t_be_had_are_one_sentence(served, monkeypatch):
    def offline(*args, **named):
        raise OSError("The ImageNet weights can't be had (offline).")

    monkeypatch.setattr(examples, "get_example_data", offline)
    with pytest.raises(ValueError, match="can't be had"):
        serve("resnet50", say=lambda line: None)
    assert served == []


def test_a_kernel_whose_page_is_gone_does_not_stay(tmp_path, monkeypatch):
    monkeypatch.setenv("JUPYTER_PREFER_ENV_PATH", "1")
    monkeypatch.setattr(logging.getLogger("tornado.general"), "level", logging.WARNING)
    path = tmp_path / "explore.ipynb"
    write_page(path, "tiny_vgg", None)
    try:
        server = voila_page.voila_server(path, port=1, browser=False)
        server.init_settings()
        assert server.kernel_manager.cull_idle_timeout == voila_page.SECONDS_WITHOUT_A_PAGE
        assert not server.kernel_manager.cull_connected
        (page,) = [h for h in server.init_handlers() if h[0] == "/(.*)"]
        assert page[1] is PageHandler
    finally:
        logging.getLogger("asyncio").removeFilter(unless_page_closed)
        server.clear_instance()


@pytest.mark.parametrize(
    ("error", "told"),
    [(WebSocketClosedError, False), (StreamClosedError, False), (OSError, True)],
)
def test_a_page_that_was_closed_leaves_no_traceback(error, told, caplog, monkeypatch):
    async def send():
        raise error

    async def forget():
        sending = asyncio.ensure_future(send())
        while not sending.done():
            await asyncio.sleep(0)

    monkeypatch.setattr(voila_page.Server, "initialize", lambda server, arguments: None)
    monkeypatch.setenv("JUPYTER_PREFER_ENV_PATH", "1")
    monkeypatch.setattr(logging.getLogger("tornado.general"), "level", logging.WARNING)
    try:
        voila_page.voila_server(Path("explore.ipynb"), port=1, browser=False)
        asyncio.run(forget())
        gc.collect()
    finally:
        logging.getLogger("asyncio").removeFilter(unless_page_closed)
    assert ("never retrieved" in caplog.text) == told


def test_a_photo_is_named_by_what_is_on_it(served):
    serve("efficientnet_lite0", "coffee", browser=False, say=lambda line: None)
    text, _, _ = served.pop()
    assert "image='coffee'" in text
