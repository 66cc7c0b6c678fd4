"""Integrated gradients: the definition, completeness, captum's numbers, bad input."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from course_lib.attribution.inputs.baselines import baseline_of
from course_lib.attribution.integrated_gradients import integrated_gradients, path_integral


@pytest.fixture
def net() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 6, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(6, 8, 3, stride=2),
        nn.Sigmoid(),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(8, 5),
    ).double()


def slow(net: nn.Module, x: torch.Tensor, x0: torch.Tensor, target: int, steps: int):
    """One point after the other, from the definition."""
    total = torch.zeros_like(x)
    for k in range(steps):
        point = (x0 + (k + 0.5) / steps * (x - x0)).detach().requires_grad_()
        net(point)[0, target].backward()
        total += point.grad / steps
    return (total * (x - x0)).sum(1, keepdim=True)


@pytest.mark.parametrize("steps", [1, 7, 40])
@pytest.mark.parametrize("baseline", [0, 0.3, "mean", "blurred"])
@pytest.mark.filterwarnings("ignore:Integrated gradients. the map's sum")
def test_it_is_the_mean_gradient_on_the_way(net, steps, baseline):
    x = torch.rand(2, 3, 12, 9, dtype=torch.float64)
    x0 = baseline_of(x, baseline)
    found = integrated_gradients(net, x, [4, 2], baseline=baseline, steps=steps)
    for n, target in enumerate([4, 2]):
        expected = slow(net, x[n : n + 1], x0[n : n + 1], target, steps)
        torch.testing.assert_close(found[n : n + 1], expected, rtol=1e-9, atol=1e-12)


def test_the_map_adds_up_to_what_the_score_rises_by(net):
    x = torch.rand(1, 3, 12, 9, dtype=torch.float64)
    black = torch.zeros_like(x)
    with torch.no_grad():
        rise = (net(x) - net(black))[0]
    found = path_integral(net, x, [0, 1, 2], steps=200)
    torch.testing.assert_close(found.rise[:, 0], rise[:3])
    assert float(found.gap.abs().max()) < 1e-2 * float(rise.abs().max())
    torch.testing.assert_close(found.attributions.flatten(1).sum(1), rise[:3] + found.gap[:, 0])
    few = path_integral(net, x, [0, 1, 2], steps=2)
    assert float(few.gap.abs().max()) > float(found.gap.abs().max())


class Late(nn.Module):
    """Answers only when nearly all of the image is there."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return (x.flatten(1).mean(1, keepdim=True) - 0.9).relu()


def test_a_large_gap_is_warned_of():
    x = torch.ones(1, 3, 8, 8)
    with pytest.warns(UserWarning, match="misses what the score rises by by 100%: give more steps"):
        integrated_gradients(Late(), x, 0, steps=3)
    torch.testing.assert_close(path_integral(Late(), x, 0, steps=3).gap, torch.tensor([[-0.1]]))
    found = integrated_gradients(Late(), x, 0, steps=20)
    torch.testing.assert_close(found, torch.full((1, 1, 8, 8), 0.1 / 64))


def test_a_gradient_is_explained_too(net):
    x = torch.rand(2, 3, 12, 9, dtype=torch.float64)
    weights = torch.rand(2, 5, dtype=torch.float64)
    found = path_integral(net, x, weights, steps=9)
    each = path_integral(net, x, [list(range(5))] * 2, steps=9)
    expected = (each.attributions * weights.t()[:, :, None, None, None]).sum(0)
    torch.testing.assert_close(found.attributions[0], expected)


@pytest.mark.parametrize(
    ("baseline", "message"),
    [
        ("grey", 'The baseline must be a number, "mean", "blurred" or images, not \'grey\''),
        (torch.zeros(1, 3, 4, 4, dtype=torch.float64), "must have the shape of the images"),
        (float("nan"), "The baseline must be finite"),
        (None, "The baseline must be a number"),
    ],
)
def test_baselines_that_are_none(net, baseline, message):
    x = torch.rand(1, 3, 12, 9, dtype=torch.float64)
    with pytest.raises(ValueError, match=message):
        integrated_gradients(net, x, 0, baseline=baseline)


def test_steps_that_are_none(net):
    with pytest.raises(ValueError, match="steps must be a whole number"):
        integrated_gradients(net, torch.rand(1, 3, 12, 9, dtype=torch.float64), 0, steps=0)
