"""Every protocol of the table has the shape that runner and league table rely on."""

from __future__ import annotations

import re
from inspect import getdoc, signature
from pathlib import Path

import pytest
import torch

from course_lib.attribution.gradient import gradient
from course_lib.benchmark.protocols import Protocol, protocols
from course_lib.benchmark.results.command import benchmark
from course_lib.benchmark.results.own_command import leaderboard
from course_lib.world.networks import load_network
from course_lib.world.scenes import two_object_scenes


@pytest.mark.parametrize("protocol", protocols().values(), ids=lambda p: p.name)
def test_every_protocol_gives_one_number_an_image(protocol: Protocol) -> None:
    assert getdoc(protocol.function)
    assert len(signature(protocol.function).parameters) >= 5
    scenes = list(two_object_scenes(2, start=900))
    x = torch.cat([scene.x for scene in scenes])
    target = [scene.objects[0] for scene in scenes]
    model = load_network("tiny_vgg")
    truth = torch.stack([torch.from_numpy(s.masks[t]) for s, t in zip(scenes, target, strict=True)])
    explanation = gradient if protocol.explanation == "method" else gradient(model, x, target)
    before = [p.clone() for p in model.parameters()]
    found = protocol.function(
        model, x, target, explanation, truth if protocol.needs_truth else None
    )
    assert found.shape == (2,)
    assert bool(found.isfinite().all())
    assert not found.requires_grad
    assert all(torch.equal(a, b) for a, b in zip(model.parameters(), before, strict=True))
    assert not any(p.requires_grad for p in model.parameters())


def test_the_page_lists_every_protocol() -> None:
    page = (Path(__file__).parents[2] / "docs" / "benchmark.md").read_text(encoding="utf-8")
    (_, table) = page.split("## Protocols")
    listed = re.findall(r"^\| `(\w+)` \| (high|low) \|", table, flags=re.MULTILINE)
    assert listed == [(protocol.name, protocol.best) for protocol in protocols().values()]


def test_the_page_names_the_options_that_there_are() -> None:
    page = (Path(__file__).parents[2] / "docs" / "benchmark.md").read_text(encoding="utf-8")
    named = {name.replace("-", "_") for name in re.findall(r"--([a-z]+)", page)}
    of_benchmark, of_leaderboard = (
        set(signature(command).parameters) for command in (benchmark, leaderboard)
    )
    assert of_benchmark <= named <= of_benchmark | of_leaderboard
