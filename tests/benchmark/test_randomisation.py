"""The sanity check: likeness of maps, and a network that forgets layer by layer."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from scipy import stats
from torch import Tensor, nn

from course_lib.attribution.gradient import gradient
from course_lib.benchmark.likeness import rank_likeness, structural_likeness
from course_lib.benchmark.randomisation import (
    cascade,
    layers_with_weights,
    randomisation_curve,
    randomisation_ranks,
    randomisation_structure,
)
from course_lib.world.networks import NETWORKS, load_network
from course_lib.world.scenes import two_object_scenes


def test_ranks_are_spearmans() -> None:
    one, other = torch.randn(3, 1, 7, 9), torch.randint(0, 4, (3, 1, 7, 9)).float()
    expected = [
        stats.spearmanr(a.flatten(), b.flatten()).statistic
        for a, b in zip(one.numpy(), other.numpy(), strict=True)
    ]
    assert rank_likeness(one, other).tolist() == pytest.approx(expected)
    assert rank_likeness(one, torch.exp(2 * one)).tolist() == pytest.approx([1, 1, 1])
    assert rank_likeness(one, torch.ones_like(one)).tolist() == [0, 0, 0]


def slow_structure(one: Tensor, other: Tensor) -> float:
    """Structural similarity from its definition, window after window."""
    height, width = one.shape
    reach = math.ceil(4 * 1.5)
    total = 0.0
    for row in range(height):
        for column in range(width):
            weights, first, second = [], [], []
            for down in range(-reach, reach + 1):
                for right in range(-reach, reach + 1):
                    r = min(max(row + down, 0), height - 1)
                    c = min(max(column + right, 0), width - 1)
                    weights.append(math.exp(-(down**2 + right**2) / (2 * 1.5**2)))
                    first.append(float(one[r, c]))
                    second.append(float(other[r, c]))
            w = torch.tensor(weights, dtype=torch.float64)
            w = w / w.sum()
            a = torch.tensor(first, dtype=torch.float64)
            b = torch.tensor(second, dtype=torch.float64)
            m, n = (w * a).sum(), (w * b).sum()
            s, t = (w * (a - m) ** 2).sum(), (w * (b - n) ** 2).sum()
            both = (w * (a - m) * (b - n)).sum()
            total += float(
                (2 * m * n + 1e-4) * (2 * both + 9e-4) / ((m * m + n * n + 1e-4) * (s + t + 9e-4))
            )
    return total / (height * width)


def test_structure_is_that_of_its_definition() -> None:
    one, other = torch.rand(1, 1, 6, 8), torch.rand(1, 1, 6, 8)
    scaled = [(m - m.min()) / (m.max() - m.min()) for m in (one[0, 0], other[0, 0])]
    expected = slow_structure(*scaled)
    assert structural_likeness(one, other).item() == pytest.approx(expected, abs=1e-6)
    assert structural_likeness(one, 7 * one - 2).item() == pytest.approx(1)
    assert structural_likeness(one, other).item() < 0.6


def test_maps_of_two_sizes_are_refused() -> None:
    for likeness in (rank_likeness, structural_likeness):
        with pytest.raises(ValueError, match="have one shape"):
            likeness(torch.rand(1, 1, 4, 4), torch.rand(1, 1, 4, 5))


@pytest.mark.parametrize("name", NETWORKS)
def test_layers_are_drawn_from_the_scores_down(name: str) -> None:
    network = load_network(name)
    names = layers_with_weights(network)
    weights = {n: m.weight.clone() for n, m in network.named_modules() if n in names}
    assert isinstance(network.get_submodule(names[0]), nn.Linear)
    assert network.get_submodule(names[-1]).in_channels == 3
    state = torch.get_rng_state()
    seen = []
    for layer, damaged in cascade(network):
        seen.append(layer)
        for other in names:
            same = torch.equal(damaged.get_submodule(other).weight, weights[other])
            assert same == (other not in seen)
    assert seen == names
    assert torch.equal(torch.get_rng_state(), state)
    assert all(torch.equal(network.get_submodule(n).weight, weights[n]) for n in names)
    norms = [m for m in damaged.modules() if isinstance(m, nn.BatchNorm2d)]
    assert all(bool((m.running_mean == 0).all()) for m in norms)
    assert not damaged.training
    assert not any(p.requires_grad for p in damaged.parameters())


def test_a_seed_gives_the_same_weights() -> None:
    network = load_network("tiny_vgg")

    def drawn(seed: int) -> Tensor:
        return next(cascade(network, seed))[1].classifier.weight.clone()

    assert torch.equal(drawn(3), drawn(3))
    assert not torch.equal(drawn(3), drawn(4))


def ignoring(model: Any, x: Tensor, target: Any) -> Tensor:
    """A method that looks at the image alone."""
    return x.mean(1, keepdim=True)


def test_a_method_that_ignores_the_network_stays_as_it_was() -> None:
    network = load_network("tiny_vgg")
    (scene,) = two_object_scenes(1)
    layers = len(layers_with_weights(network))
    found = randomisation_curve(network, scene.x, 0, ignoring)
    assert found.shape == (1, layers)
    assert found[0].tolist() == pytest.approx([1] * layers)
    for protocol in (randomisation_ranks, randomisation_structure):
        assert protocol(network, scene.x, 0, ignoring).item() == pytest.approx(1)


def test_a_map_that_turns_into_its_negative_still_shows_the_same_places() -> None:
    network = nn.Sequential(nn.Flatten(), nn.Linear(64, 2))
    kept = network[1].weight.clone()

    def turning(model: Any, x: Tensor, target: Any) -> Tensor:
        return x if torch.equal(model[1].weight, kept) else -x

    x = torch.rand(1, 1, 8, 8)
    assert randomisation_curve(network, x, 0, turning).item() == pytest.approx(-1)
    assert randomisation_ranks(network, x, 0, turning).item() == pytest.approx(1)


def test_a_worked_example() -> None:
    """Of a linear network, the gradient is the weights: it is lost with the first stage."""
    network = nn.Sequential(nn.Flatten(), nn.Linear(64, 2))
    x = torch.rand(1, 1, 8, 8)
    (curve,) = randomisation_curve(network, x, 1, gradient)
    (_, damaged), *rest = cascade(network)
    assert not rest
    expected = stats.spearmanr(
        network[1].weight[1].detach().abs().numpy(), damaged[1].weight[1].detach().abs().numpy()
    ).statistic
    assert curve.tolist() == pytest.approx([expected])
    assert abs(expected) < 0.5


def test_the_gradient_of_a_trained_network_changes() -> None:
    network = load_network("tiny_vgg")
    scenes = list(two_object_scenes(2, start=60))
    x = torch.cat([scene.x for scene in scenes])
    target = [scene.objects[0] for scene in scenes]
    curve = randomisation_curve(network, x, target, gradient)
    assert curve.shape == (2, len(layers_with_weights(network)))
    assert bool((curve[:, -1] < 0.5).all())


def test_a_network_without_layers_to_draw_is_refused() -> None:
    with pytest.raises(ValueError, match="no linear or convolutional layers"):
        next(cascade(nn.Sequential(nn.ReLU())))
