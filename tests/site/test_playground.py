"""What the playground is made of: its parts, its page, and the engine that npm installs."""

from __future__ import annotations

import base64
import json
import re

import numpy as np
import pytest

from course_lib.world.scenes import CLASSES, Placed, cover_and_shade
from website import engine, playground

LOCK = (engine.PINNED / "package-lock.json").read_text(encoding="utf-8")


def decoded(text: str, *shape: int) -> np.ndarray:
    """Bytes of the page's data as numbers in [0, 1]."""
    return np.frombuffer(base64.b64decode(text), np.uint8).reshape(shape) / 255


@pytest.fixture(scope="module")
def world() -> dict:
    """The page's data, as the page reads it."""
    return json.loads(json.dumps(playground.world()))


def test_shapes_are_those_of_scenes_and_have_room(world):
    side = playground.PART
    shapes = decoded(world["shapes"], len(CLASSES), 2, side, side)
    lines = (np.arange(96) + 0.5) / 96
    for category, (cover, shade) in enumerate(shapes):
        placed = Placed(category, (20 + side / 2) / 96, (30 + side / 2) / 96, playground.RADIUS, 0)
        exact, exact_shade = cover_and_shade(placed, lines, lines, 96)
        here = np.s_[20 : 20 + side, 30 : 30 + side]
        np.testing.assert_allclose(cover, exact[here], atol=0.5 / 255 + 1e-9)
        np.testing.assert_allclose(shade, exact_shade[here], atol=0.5 / 255 + 1e-9)
        assert exact.sum() == pytest.approx(exact[here].sum()), CLASSES[category]


def test_every_choice_of_the_page_has_its_picture(world):
    side = playground.PART
    assert decoded(world["patterns"], len(world["patternNames"]), side, side).max() > 0.9
    for ground in world["grounds"]:
        light = decoded(ground["pixels"], 3, 96, 96).mean()
        assert bool(light < 0.5) is ground["dark"], ground["name"]
    for colours in world["colours"].values():
        assert np.shape(colours) == (len(world["colourNames"]), 2, 3)
    assert all(puzzle["shape"] in CLASSES for puzzle in world["puzzles"])


@pytest.mark.parametrize(("without", "word"), [("", "yes"), ("npm is not installed.", "no")])
def test_the_page_knows_whether_the_engine_is_there(tmp_path, without, word):
    playground.write_playground(tmp_path, without)
    page = (tmp_path / "playground.md").read_text(encoding="utf-8")
    assert f'<div id="pg-root" data-engine="{word}">' in page
    static = tmp_path / "static" / "playground"
    assert (static / "still.png").stat().st_size > 10_000
    assert (static / "world.json").is_file()


def test_without_npm_the_site_is_made_without_the_engine(tmp_path, monkeypatch):
    monkeypatch.setattr(engine.shutil, "which", lambda name: None)
    monkeypatch.delenv("CI", raising=False)
    said = engine.install_engine(tmp_path / "cache", tmp_path / "engine")
    assert said == "npm is not installed (it comes with Node.js)."
    assert not (tmp_path / "engine").exists()
    monkeypatch.setenv("CI", "true")
    with pytest.raises(RuntimeError, match="npm is not installed"):
        engine.install_engine(tmp_path / "cache", tmp_path / "engine")


def test_what_npm_says_is_passed_on(tmp_path, monkeypatch):
    npm = tmp_path / "npm"
    npm.write_text("#!/bin/sh\necho 'npm error no network' >&2\nexit 1\n")
    npm.chmod(0o755)
    monkeypatch.setattr(engine.shutil, "which", lambda name: str(npm))
    monkeypatch.delenv("CI", raising=False)
    said = engine.install_engine(tmp_path / "cache", tmp_path / "engine")
    assert said == "npm could not install it: npm error no network"
    assert list((tmp_path / "cache").iterdir()) == []


def test_packages_are_pinned_by_hashes_and_name_no_host():
    assert "resolved" not in LOCK
    hosts = set(re.findall(r"https?://([^/\"]+)", LOCK))
    assert not any("npm" in host or "registry" in host for host in hosts), hosts
    packages = {name: found for name, found in json.loads(LOCK)["packages"].items() if name}
    assert all(found["integrity"].startswith("sha512-") for found in packages.values())
    wanted = json.loads((engine.PINNED / "package.json").read_text(encoding="utf-8"))
    for name, version in wanted["dependencies"].items():
        assert packages[f"node_modules/{name}"]["version"] == version
