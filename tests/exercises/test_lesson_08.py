"""What lesson 08 has learners build gives the numbers of the library's own protocols."""

from __future__ import annotations

import pytest
import torch

from course_lib.attribution.gradient import gradient
from course_lib.benchmark import insertion_deletion, pointing_game, randomisation
from course_lib.benchmark.likeness import rank_likeness
from course_lib.exercises.lesson_08.accuracies import accuracies
from course_lib.exercises.lesson_08.deletion_curve import deletion_curve
from course_lib.exercises.lesson_08.likeness_curve import likeness_curve
from course_lib.exercises.lesson_08.pointing_hits import pointing_hits
from course_lib.world.networks import load_network
from course_lib.world.scenes import draw_scene


@pytest.fixture(scope="module")
def network():
    return load_network("tiny_vgg")


def test_hits_are_those_of_the_library() -> None:
    torch.manual_seed(0)
    s = torch.randint(0, 3, (20, 1, 5, 6)).float()
    masks = torch.rand(20, 5, 6) > 0.5
    found = pointing_hits(s, masks).double()
    assert torch.allclose(found, pointing_game.pointing_hits(s, masks), atol=1e-6)


def test_accuracies_are_those_of_the_pointing_game() -> None:
    torch.manual_seed(0)
    hits, targets = torch.rand(40).round(), torch.randint(0, 4, (40,))
    game = pointing_game.PointingGame(5)
    for hit, target in zip(hits, targets, strict=True):
        game.count(hit, int(target))
    found = accuracies(hits, targets, 5)[:, 0].double()
    assert torch.allclose(found, game.class_accuracies, equal_nan=True)


@pytest.mark.parametrize(("hit", "n"), [(0, 10), (7, 10), (10, 10)])
def test_the_interval_is_wilsons(hit, n) -> None:
    stats = pytest.importorskip("scipy.stats")
    hits = (torch.arange(n) < hit).double()
    low, high = accuracies(hits, torch.zeros(n, dtype=torch.long), 1)[0, 1:].tolist()
    known = stats.binomtest(hit, n).proportion_ci(method="wilson")
    assert (low, high) == pytest.approx((known.low, known.high), abs=1e-4)


def test_the_deletion_curve_is_that_of_the_library(network) -> None:
    scene = draw_scene(3)
    s = torch.rand(1, 1, 96, 96, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    curve, area = deletion_curve(network, scene.x, scene.objects[0], s, 8)
    known = insertion_deletion.deletion_curve(network, scene.x, scene.objects[0], s, steps=8)
    assert torch.allclose(curve, known[0], atol=1e-4)
    assert torch.allclose(area, insertion_deletion.area_under(known)[0], atol=1e-4)


def test_the_likeness_curve_is_that_of_the_library(network, monkeypatch) -> None:
    scene = draw_scene(3)
    layers = randomisation.layers_with_weights(network)[:2]

    def drawn_alike(layer) -> None:
        torch.manual_seed(7)
        type(layer).reset_parameters(layer)

    monkeypatch.setattr(randomisation, "_draw_anew", drawn_alike)
    known = randomisation.randomisation_curve(network, scene.x, scene.objects[0], gradient)

    def seeded(model, x, target):
        torch.manual_seed(7)
        return gradient(model, x, target)

    torch.manual_seed(7)
    found = likeness_curve(network, scene.x, scene.objects[0], seeded, rank_likeness, layers)
    assert torch.allclose(found, known[:, :2], atol=1e-6)
