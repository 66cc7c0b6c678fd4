"""SmoothGrad: the definition, reproducible, of any method, bad input."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from course_lib.attribution.gradient import gradient
from course_lib.attribution.guided_backprop import guided_backprop
from course_lib.attribution.linear_approx import linear_approx
from course_lib.attribution.smooth_grad import smooth_grad


@pytest.fixture
def net() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 6, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(6, 8, 3, stride=2),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(8, 5),
    ).double()


@pytest.mark.parametrize("method", [gradient, guided_backprop, linear_approx])
@pytest.mark.parametrize("layer", ["", "1"])
def test_it_is_the_mean_over_noisy_images(net, method, layer):
    x = torch.rand(1, 3, 12, 9, dtype=torch.float64) * 4 - 1
    found = smooth_grad(net, x, 3, layer, method=method, samples=5, noise=0.2, seed=7)
    random = torch.Generator().manual_seed(7)
    maps = [
        method(net, x + 0.2 * (x.max() - x.min()) * n.double(), 3, layer)
        for n in [torch.randn(3, 12, 9, generator=random) for _ in range(5)]
    ]
    torch.testing.assert_close(found, sum(maps) / 5)


def test_without_noise_it_is_the_method(net):
    x = torch.rand(2, 3, 12, 9, dtype=torch.float64)
    found = smooth_grad(net, x, [1, 2], samples=2, noise=0, resize=(20, 30), smooth=0.05)
    expected = gradient(net, x, [1, 2], resize=(20, 30), smooth=0.05)
    torch.testing.assert_close(found, expected)


def test_the_seed_decides(net):
    x = torch.rand(1, 3, 12, 9, dtype=torch.float64)
    first, again, other = (smooth_grad(net, x, 1, samples=3, seed=s) for s in (1, 1, 2))
    torch.testing.assert_close(first, again)
    assert not torch.allclose(first, other)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"samples": 0}, "samples must be a whole number"),
        ({"noise": -0.1}, "noise must be a share of the image's range, 0 or more, not -0.1"),
        ({"noise": float("nan")}, "noise must be a share"),
        ({"seed": 2**70}, "seed must be from"),
        ({"seed": 0.5}, "seed must be a whole number"),
        ({"method": "gradient"}, "method must be a function, not 'gradient'"),
    ],
)
def test_bad_numbers_are_refused(net, options, message):
    with pytest.raises((ValueError, TypeError), match=message):
        smooth_grad(net, torch.rand(1, 3, 12, 9, dtype=torch.float64), 1, **options)
