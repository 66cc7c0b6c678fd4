"""The playground in a browser, from a local server: what it answers, and how it is used."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from PIL import Image

from course_lib.attribution.grad_cam import grad_cam
from course_lib.attribution.rise import _enlargement, rise
from course_lib.world.networks import load_network
from course_lib.world.scenes import CLASSES, draw_scene

pytestmark = [pytest.mark.slow, pytest.mark.browser]

SITE_NEEDS = ("furo", "latex2mathml", "myst_nb", "sphinx")
PUZZLE = """async () => {
  const { loadNetwork } = await import("./_static/playground/network.js");
  const { loadWorld } = await import("./_static/playground/scene.js");
  const maps = await import("./_static/playground/maps.js");
  const world = await loadWorld();
  const pictures = Float32Array.from(world.puzzles.flatMap(({ pixels }) => Array.from(pixels)));
  const answer = await loadNetwork();
  const { scores, activations } = await answer(pictures);
  const map = maps.gradCam(activations, world.weights, CATEGORY);
  return {
    seeds: world.puzzles.map(({ seed }) => seed),
    scores: Array.from(scores),
    alone: Array.from((await answer(world.puzzles[0].pixels)).scores),
    map: Array.from(map),
    large: Array.from(maps.enlarge(map)),
  };
}"""


MASKS = """async ({ grids, shifts }) => {
  const { randomMask } = await import("./_static/playground/rise.js");
  return grids.map((grid, k) => {
    const numbers = [...grid.map((kept) => 1 - kept), ...shifts[k].map((by) => by / 14 + 0.01)];
    return Array.from(randomMask(() => numbers.shift()));
  });
}"""
RISE = """async ({ count, batches, category }) => {
  const { loadNetwork, probability } = await import("./_static/playground/network.js");
  const { loadWorld } = await import("./_static/playground/scene.js");
  const { Rise } = await import("./_static/playground/rise.js");
  const [world, answer] = await Promise.all([loadWorld(), loadNetwork()]);
  const rise = new Rise(world.puzzles[0].pixels, 8);
  const all = [];
  for (let i = 0; i < batches; i++) {
    const { masks, pictures } = rise.next(count);
    rise.add(masks, Array.from((await answer(pictures)).scores, probability));
    all.push(...masks.map((mask) => Array.from(mask)));
  }
  return { seed: world.puzzles[0].seed, masks: all, map: Array.from(rise.map(category)) };
}"""


class Quiet(SimpleHTTPRequestHandler):
    """Serves files without a word."""

    def log_message(self, *_: Any) -> None:
        """Nothing."""


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """The address of a folder, from a server on this machine."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def skip(message: str) -> None:
    """Skip the test; where CI=true, everything that it needs must be there."""
    if os.environ.get("CI") == "true":
        pytest.fail(message)
    pytest.skip(message)


@pytest.fixture(scope="module")
def pages(tmp_path_factory) -> Path:
    """The playground's page, built without the rest of the site."""
    missing = [name for name in SITE_NEEDS if find_spec(name) is None]
    if missing:
        skip(f"{missing[0]} is not installed; pip install 'course-lib[site]'")
    from website.__main__ import ROOT, render
    from website.engine import install_engine
    from website.playground import STATIC, write_playground

    folder = tmp_path_factory.mktemp("playground")
    source = folder / "source"
    source.mkdir()
    without = install_engine(ROOT / "build" / "engine", source / STATIC / "engine")
    if without:
        skip(without)
    write_playground(source, without)
    (source / "index.md").write_text("# Site\n\n```{toctree}\nplayground\n```\n")
    assert render(source, folder / "html") == 0
    return folder / "html"


@pytest.fixture(scope="module")
def address(pages) -> Iterator[str]:
    """The page's address."""
    with served(pages) as host:
        yield f"{host}/playground.html"


@pytest.fixture
def play(page, address) -> Any:
    """The page, ready to play."""
    page.goto(address)
    drawn(page)
    return page


def drawn(page: Any) -> None:
    """Wait until the page shows what was chosen last."""
    page.locator(".pg-app[aria-busy=false]").wait_for()


def probability(page: Any, name: str) -> float:
    """The number beside a class's bar."""
    drawn(page)
    return float(page.locator(".pg-class", has_text=name).locator(".pg-number").inner_text())


def handle(page: Any, name: str) -> Any:
    """What moves an object or the square."""
    return page.get_by_role("button", name=f"{name}: move")


def choose(page: Any, tool: str) -> None:
    """Choose what to do."""
    page.get_by_role("radio", name=tool).check()
    drawn(page)


def place(page: Any, name: str) -> tuple[float, float]:
    """The middle of a handle, on the screen."""
    box = handle(page, name).bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def drag(page: Any, name: str, right: float, down: float) -> None:
    """Drag a handle by so many points, in three steps."""
    x, y = place(page, name)
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + right, y + down, steps=3)
    page.mouse.up()


def test_it_answers_as_pytorch_does(play):
    category = CLASSES.index("star")
    found = play.evaluate(PUZZLE.replace("CATEGORY", str(category)))
    network = load_network("tiny_vgg")
    pictures = torch.cat([draw_scene(seed).x for seed in found["seeds"]])
    pictures = (pictures * 255).round() / 255
    scores = network(pictures)
    torch.testing.assert_close(torch.tensor(found["scores"]).view(-1, 8), scores, atol=1e-4, rtol=0)
    torch.testing.assert_close(torch.tensor(found["alone"]), scores[0], atol=1e-4, rtol=0)
    for key, resize in (("map", False), ("large", True)):
        expected = grad_cam(network, pictures[:1], category, "features.21", resize=resize)
        assert expected.max() > 0
        torch.testing.assert_close(torch.tensor(found[key]), expected.flatten(), atol=1e-4, rtol=0)


def test_what_is_dragged_out_of_the_picture_is_not_seen(play, shoot):
    from playwright.sync_api import expect

    said = play.locator("#pg-said")
    expect(said).to_have_text("The network sees a star, a ring and a heart.")
    before = place(play, "star")
    drag(play, "star", 60, 30)
    assert place(play, "star") == pytest.approx((before[0] + 60, before[1] + 30), abs=4)
    drag(play, "star", 500, 500)
    expect(said).to_have_text("The network sees a ring and a heart.")
    shoot("dragged")


def test_objects_are_moved_turned_off_and_changed_by_keyboard(play):
    from playwright.sync_api import expect

    x, y = place(play, "heart")
    handle(play, "heart").focus()
    play.keyboard.press("ArrowDown")
    play.keyboard.press("Shift+ArrowRight")
    unit = play.locator("#pg-handles").bounding_box()["width"] / 96
    assert place(play, "heart") == pytest.approx((x + unit, y + 4 * unit), abs=0.5)
    first = play.get_by_role("group", name="Object 1")
    first.get_by_label("shape").select_option("cross")
    assert probability(play, "cross") > 0.9 > 0.1 > probability(play, "heart")
    colour = first.get_by_label("colour")
    colour.focus()
    play.keyboard.press("ArrowRight")
    assert colour.get_attribute("aria-valuetext") == "orange"
    assert probability(play, "cross") > 0.9
    first.get_by_label("shown").focus()
    play.keyboard.press("Space")
    assert probability(play, "cross") < 0.1
    expect(play.locator(".pg-handle:visible")).to_have_count(2)


def test_the_light_follows_the_class_that_is_asked_for(play):
    lit = """() => {
      const shade = document.getElementById("pg-shade").getContext("2d").getImageData(0, 0, 96, 96);
      let best = 0;
      for (let i = 0; i < 9216; i++) if (shade.data[4 * i + 3] < shade.data[4 * best + 3]) best = i;
      return [Math.floor(best / 96), best % 96];
    }"""
    row, column = play.evaluate(lit)
    assert row < 48 > column, "the heart is at the upper left"
    play.get_by_role("radio", name="heart").focus()
    for _ in range(3):
        play.keyboard.press("ArrowUp")
    drawn(play)
    row, column = play.evaluate(lit)
    assert row < 60, "the star is at the right"
    assert column > 48, "the star is at the right"
    play.get_by_label("Light the places").uncheck()
    drawn(play)
    assert play.evaluate(lit) == [0, 0]


def test_the_grey_square_says_what_it_costs(play, shoot):
    choose(play, "Cover")
    square = handle(play, "grey square")
    assert probability(play, "heart") < 0.5
    result = play.locator("#pg-drop").inner_text()
    assert "heart has the probability 1.00; with it, 0." in result
    assert "falls from" in result
    shoot("covered")
    square.focus()
    for _ in range(12):
        play.keyboard.press("ArrowDown")
    assert probability(play, "heart") > 0.9
    drag(play, "grey square", 20, 20)
    choose(play, "Move")
    assert square.is_hidden()


def test_masks_are_those_of_the_course(play):
    random = torch.Generator().manual_seed(0)
    grids = torch.randint(0, 2, (4, 7, 7), generator=random)
    shifts = torch.tensor([[0, 13], [13, 0], [6, 7], [1, 12]])
    given = {"grids": grids.flatten(1).tolist(), "shifts": shifts.tolist()}
    found = torch.tensor(play.evaluate(MASKS, given)).view(-1, 96, 96)
    enlarge = _enlargement(7, 96)
    rows, columns = enlarge[shifts[:, 0]], enlarge[shifts[:, 1]]
    torch.testing.assert_close(found, rows @ grids.float() @ columns.mT, atol=1e-5, rtol=0)


def test_rise_finds_the_object_and_is_that_of_the_course(play):
    category = CLASSES.index("star")
    found = play.evaluate(RISE, {"count": 16, "batches": 10, "category": category})
    scene = draw_scene(found["seed"])
    map_ = torch.tensor(found["map"]).view(96, 96)
    assert scene.masks[category].flatten()[map_.argmax()] > 0.5
    masks = torch.tensor(found["masks"]).view(-1, 1, 96, 96)
    picture = (scene.x * 255).round() / 255
    expected = rise(load_network("tiny_vgg"), picture, category, filter_masks=masks)
    torch.testing.assert_close(map_, expected[0, 0], atol=1e-4, rtol=0)


def test_rise_emerges_until_it_is_stopped(play, shoot):
    choose(play, "RISE")
    play.get_by_role("button", name="Start", exact=True).click()
    play.wait_for_function("parseInt(document.getElementById('pg-masks').textContent) >= 24")
    play.get_by_role("button", name="Stop").click()
    drawn(play)
    shoot("rise")
    dark = """() => document.getElementById("pg-shade").getContext("2d")
      .getImageData(0, 0, 96, 96).data.filter((value, i) => i % 4 === 3 && value > 0).length"""
    assert play.evaluate(dark) > 5000
    drag(play, "heart", 30, 0)
    drawn(play)
    assert play.locator("#pg-masks").inner_text() == "No masks yet."
    assert play.evaluate(dark) == 0


def test_the_game_counts_and_keeps_the_best(play, shoot):
    from playwright.sync_api import expect

    choose(play, "Game")
    text = play.locator("#pg-game")
    board = play.locator("#pg-board")
    expect(text).to_contain_text("crescent 1.00, 0 of 144 squares covered.")
    board.focus()
    for key in ("ArrowRight", "ArrowDown", "Space", "ArrowLeft", "Space", "Space"):
        play.keyboard.press(key)
    expect(text).to_contain_text("1 of 144 squares covered. Cover more")
    assert "row 2, column 1 of 12, not covered" in board.get_attribute("aria-label")
    play.get_by_role("button", name="Uncover all").click()
    box = board.bounding_box()
    for row in range(6, 11):
        play.mouse.move(
            box["x"] + box["width"] * 4.5 / 12, box["y"] + box["height"] * (row + 0.5) / 12
        )
        play.mouse.down()
        play.mouse.move(
            box["x"] + box["width"] * 8.5 / 12, box["y"] + box["height"] * (row + 0.5) / 12, steps=8
        )
        play.mouse.up()
    expect(text).to_contain_text("25 of 144 squares covered. It changed its mind! Your best: ")
    fewest = int(text.inner_text().rsplit(" ", 1)[1].rstrip("."))
    assert 1 < fewest <= 25
    shoot("game")
    play.reload()
    choose(play, "Game")
    expect(text).to_contain_text(
        f"0 of 144 squares covered. Cover more until crescent is below 0.50. Your best: {fewest}."
    )
    play.get_by_role("button", name="How many does the map need?").click()
    expect(play.locator("#pg-rival")).to_contain_text(f"takes {needed_by_the_map()}.")


def needed_by_the_map() -> int:
    """How many squares of the first puzzle are covered, by Grad-CAM's order, until it is lost."""
    network, category = load_network("tiny_vgg"), CLASSES.index("crescent")
    picture = (draw_scene(45).x * 255).round() / 255
    map_ = grad_cam(network, picture, category, "features.21", resize=True)
    squares = F.avg_pool2d(map_, 8).flatten().argsort(descending=True).tolist()
    covered = 0
    while network(picture)[0, category] > 0:
        row, column = divmod(squares[covered], 12)
        picture[..., 8 * row : 8 * row + 8, 8 * column : 8 * column + 8] = 0.5
        covered += 1
    return covered


def test_a_picture_of_ones_own_stays_here(play, tmp_path, shoot):
    from playwright.sync_api import expect

    asked: list[str] = []
    play.on("request", lambda request: asked.append(request.url))
    scene = draw_scene(7)
    pixels = (scene.image.transpose(1, 2, 0) * 255).round().astype("uint8")
    Image.fromarray(pixels).save(tmp_path / "mine.png")
    choose(play, "Photo")
    play.get_by_label("A picture of yours").set_input_files(tmp_path / "mine.png")
    expect(play.locator("#pg-said")).to_have_text("The network sees a triangle and a ring.")
    shoot("photo")
    choose(play, "Cover")
    assert probability(play, "ring") > 0.9, "the square covers neither"
    choose(play, "Photo")
    (tmp_path / "notes.txt").write_text("no picture")
    play.get_by_label("A picture of yours").set_input_files(tmp_path / "notes.txt")
    said = play.locator("#pg-photo-said")
    expect(said).to_have_text("notes.txt is not a picture that this browser can read.")
    play.get_by_role("button", name="Use the camera").click()
    expect(said).to_have_text("There is no camera that this page may use.")
    choose(play, "Move")
    expect(play.locator("#pg-said")).to_have_text("The network sees a star, a ring and a heart.")
    assert [url for url in asked if not url.startswith("blob:")] == []


@pytest.mark.parametrize(
    ("reason", "says"),
    [
        ("file", "from a web server"),
        ("wasm", "WebAssembly"),
        ("engine", "built without the engine"),
    ],
)
def test_where_it_cannot_run_it_says_so_and_shows_a_picture(pages, address, page, reason, says):
    from playwright.sync_api import expect

    if reason == "wasm":
        page.add_init_script("delete window.WebAssembly")
    if reason == "engine":
        html = (pages / "playground.html").read_text(encoding="utf-8")
        html = html.replace('data-engine="yes"', 'data-engine="no"')
        page.route("**/playground.html", lambda route: route.fulfill(body=html))
    page.goto((pages / "playground.html").as_uri() if reason == "file" else address)
    expect(page.locator("#pg-why")).to_contain_text(says)
    still = page.locator(".pg-still img")
    assert still.is_visible()
    assert still.evaluate("image => image.naturalWidth") > 300
    assert page.locator(".pg-app").is_hidden()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_a_phone(chromium, address, scheme):
    context = chromium.new_context(viewport={"width": 390, "height": 800}, color_scheme=scheme)
    page = context.new_page()
    page.goto(address)
    drawn(page)
    for tool in page.locator("[name=pg-tool]").all():
        tool.check()
        drawn(page)
        assert page.evaluate("document.documentElement.scrollWidth") == 390
    context.close()
