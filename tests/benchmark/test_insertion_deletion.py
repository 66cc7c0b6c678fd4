"""Insertion and deletion, against a version that changes pixel after pixel."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from course_lib.attribution.gradient import gradient
from course_lib.attribution.maps.imaging import imsmooth
from course_lib.benchmark.insertion_deletion import (
    area_under,
    deletion,
    deletion_curve,
    insertion,
    insertion_curve,
    ranks,
)
from course_lib.world.networks import load_network
from course_lib.world.scenes import two_object_scenes


def scores(values: Tensor) -> Tensor:
    return values


def brightness(x: Tensor) -> Tensor:
    """A network of one class, whose score is the sum of the pixels."""
    return x.flatten(1).sum(1, keepdim=True)


def slow_curve(
    model: Any, start: Tensor, end: Tensor, target: int, saliency: Tensor, steps: int
) -> list[float]:
    """Change the pixels one by one in the order of relevance, and ask at each part."""
    image = start.clone()
    height, width = image.shape[1:]
    places = sorted(
        ((r, c) for r in range(height) for c in range(width)), key=lambda p: -float(saliency[p])
    )
    found = [float(model(image[None]).sigmoid()[0, target])]
    changed = 0
    for step in range(1, steps + 1):
        until = round(step * len(places) / steps)
        for row, column in places[changed:until]:
            image[:, row, column] = end[:, row, column]
        changed = until
        found.append(float(model(image[None]).sigmoid()[0, target]))
    return found


def test_both_curves_are_those_of_pixel_after_pixel() -> None:
    model = load_network("tiny_vgg")
    (scene,) = two_object_scenes(1, start=77)
    x, target = scene.x, scene.objects[0]
    saliency = torch.rand(1, 1, 96, 96)
    blurred = imsmooth(x, 0.05 * 96, padding_mode="replicate")
    grey = x.mean((2, 3), keepdim=True).expand_as(x)
    taken = deletion_curve(model, x, target, saliency, steps=4)
    put_in = insertion_curve(model, x, target, saliency, steps=4)
    expected = slow_curve(model, x[0], grey[0], target, saliency[0, 0], 4)
    assert taken[0].tolist() == pytest.approx(expected, abs=1e-5)
    expected = slow_curve(model, blurred[0], x[0], target, saliency[0, 0], 4)
    assert put_in[0].tolist() == pytest.approx(expected, abs=1e-5)


def test_a_worked_example() -> None:
    """Four pixels worth 4, 3, 2 and 1: taken in order, 10, 6, 3, 1 and 0 are left."""
    x = torch.tensor([[[[2.0, 4.0], [1.0, 3.0]]]])
    options: dict[str, Any] = {"steps": 4, "activation": scores, "rest": 0.0}
    best = deletion_curve(brightness, x, 0, x, **options)
    worst = deletion_curve(brightness, x, 0, -x, **options)
    assert best.tolist() == [[10, 6, 3, 1, 0]]
    assert worst.tolist() == [[10, 9, 7, 4, 0]]
    assert area_under(best).item() == (10 / 2 + 6 + 3 + 1 + 0 / 2) / 4
    assert deletion(brightness, x, 0, x, **options).item() == 3.75
    assert deletion(brightness, x, 0, -x, **options).item() == 6.25
    assert insertion(brightness, x, 0, x, **options).item() == 6.25
    assert insertion(brightness, x, 0, -x, **options).item() == 3.75


def test_the_ends_are_the_whole_image_and_the_rest() -> None:
    model = load_network("tiny_vgg")
    scenes = list(two_object_scenes(2, start=300))
    x = torch.cat([scene.x for scene in scenes])
    target = [scene.objects[1] for scene in scenes]
    whole = model(x).sigmoid()[[0, 1], target]
    maps = gradient(model, x, target)
    taken = deletion_curve(model, x, target, maps, steps=3)
    put_in = insertion_curve(model, x, target, maps, steps=3)
    torch.testing.assert_close(taken[:, 0], whole, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(put_in[:, -1], whole, rtol=1e-4, atol=1e-5)
    assert not taken.is_inference()


def test_a_network_in_training_is_run_as_it_is_used_and_stays_as_it_was() -> None:
    network = nn.Sequential(nn.BatchNorm2d(3), nn.Dropout(), nn.Flatten(), nn.Linear(48, 2))
    x, maps = torch.rand(2, 3, 4, 4), torch.rand(2, 1, 4, 4)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    found = deletion(network, x, 1, maps, steps=4)
    assert network.training
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    assert torch.equal(found, deletion(network.eval(), x, 1, maps, steps=4))


def test_the_object_itself_deletes_sooner_than_the_rest() -> None:
    model = load_network("tiny_vgg")
    for scene in two_object_scenes(3, start=300):
        truth = torch.from_numpy(scene.masks[scene.objects[0]])[None, None]
        options: dict[str, Any] = {"steps": 16}
        args = model, scene.x, scene.objects[0]
        assert deletion(*args, truth, **options) < deletion(*args, -truth, **options)
        assert insertion(*args, truth, **options) > insertion(*args, -truth, **options)


def test_ties_go_in_a_random_order_that_stays_the_same() -> None:
    flat = torch.zeros(2, 1, 10, 10)
    state = torch.get_rng_state()
    found = ranks(flat)
    assert torch.equal(state, torch.get_rng_state())
    assert torch.equal(found[0], found[1])
    assert sorted(found[0].tolist()) == list(range(100))
    first_half = (found[0] < 50).view(10, 10)
    assert 10 < int(first_half[:5].sum()) < 40
    ordered = torch.rand(1, 1, 10, 10)
    by_place = ordered.flatten()[ranks(ordered)[0].argsort()]
    assert torch.equal(by_place, by_place.sort(descending=True).values)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda x: deletion_curve(brightness, x, 0, x[:1, :1]), "2 images and 1 maps"),
        (lambda x: deletion_curve(brightness, x, 0, x), "N x 1 x H x W"),
        (lambda x: deletion_curve(brightness, x, 3, x[:, :1]), "out of range"),
        (lambda x: deletion_curve(brightness, x, 0, x[:, :1], steps=0), "steps must"),
        (lambda x: insertion_curve(brightness, x[0], 0, x[:, :1]), "N x C x H x W"),
    ],
)
def test_what_does_not_fit_is_refused(call: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call(torch.rand(2, 3, 4, 4))
