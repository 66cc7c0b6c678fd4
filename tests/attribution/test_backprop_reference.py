"""The numbers that TorchRay computed, and slow derivations of each rule."""

from __future__ import annotations

from importlib import import_module
from itertools import product

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from course_lib.attribution.deconvnet import deconvnet
from course_lib.attribution.grad_cam import grad_cam
from course_lib.attribution.gradient import gradient
from course_lib.attribution.guided_backprop import guided_backprop
from course_lib.attribution.linear_approx import linear_approx

# The networks here are small, and have no max pooling.
pytestmark = pytest.mark.filterwarnings("ignore:DeConvNet's map of this network")

METHODS = ("gradient", "deconvnet", "guided_backprop", "grad_cam", "linear_approx")


@pytest.mark.parametrize("method", METHODS)
def test_equals_the_reference_numbers(method, backprop_reference, reference_network):
    function = getattr(import_module(f"course_lib.attribution.{method}"), method)
    cases = [c for c in backprop_reference["cases"] if c["method"] == method]
    assert cases
    for case in cases:
        found = function(
            reference_network, backprop_reference["x"], case["target"], **case["kwargs"]
        )
        expected = case["output"]
        assert found.shape == expected.shape
        assert found.dtype == torch.float64
        assert (found - expected).abs().max() <= 1e-10 * expected.abs().max()


class TwoLayers(nn.Module):
    """Linear, ReLU, linear: small enough for its Jacobians to be written down."""

    def __init__(self, bounded: bool = False) -> None:
        super().__init__()
        self.bounded = bounded
        self.first = nn.Linear(12, 9).double()
        self.second = nn.Linear(9, 9).double()
        self.third = nn.Linear(9, 4).double()
        with torch.no_grad():
            for layer in (self.first, self.second, self.third):
                layer.weight.mul_(8)

    def activate(self, x: torch.Tensor) -> torch.Tensor:
        return F.relu6(x) if self.bounded else F.relu(x)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.activate(self.first(x.flatten(1)))
        return self.third(self.activate(self.second(x)))


def by_hand(net: TwoLayers, x: torch.Tensor, target: int, rule: str) -> torch.Tensor:
    """Go backward one number at a time."""
    high = 6.0 if net.bounded else float("inf")
    before_first = net.first(x.flatten(1))[0]
    before_second = net.second(before_first.clamp(0, high))
    p = net.third.weight[target]
    for before, layer in ((before_second, net.second), (before_first, net.first)):
        gated = torch.zeros_like(p)
        for j in range(len(p)):
            open_gate = bool(0 < before[j] < high)
            positive = bool(p[j] > 0)
            passes = {
                "gradient": open_gate,
                "deconvnet": positive,
                "guided_backprop": open_gate and positive,
            }[rule]
            gated[j] = p[j] if passes else 0
        p = torch.stack(
            [
                sum(gated[j] * layer.weight[j, i] for j in range(len(gated)))
                for i in range(layer.in_features)
            ]
        )
    return p.reshape(x.shape).abs().amax(1, keepdim=True)


@pytest.mark.parametrize(
    ("function", "bounded"), list(product((gradient, deconvnet, guided_backprop), (False, True)))
)
def test_rules_number_by_number(function, bounded):
    net = TwoLayers(bounded)
    x = 3 * torch.randn(1, 3, 2, 2, dtype=torch.float64)
    if bounded:
        assert (net.first(x.flatten(1)) > 6).any()
    for target in range(4):
        expected = by_hand(net, x, target, function.__name__)
        torch.testing.assert_close(function(net, x, target), expected, rtol=1e-12, atol=1e-12)


def test_gradient_is_the_jacobian_by_finite_differences(reference_network, backprop_reference):
    x = backprop_reference["x"]
    step = 1e-6
    slope = torch.zeros_like(x)
    with torch.no_grad():
        for c, i, j in product(range(3), range(0, 16, 5), range(0, 16, 5)):
            e = torch.zeros_like(x)
            e[0, c, i, j] = step
            change = reference_network(x + e) - reference_network(x - e)
            slope[0, c, i, j] = change[0, 2] / (2 * step)
    found = gradient(reference_network, x, 2)[..., ::5, ::5]
    expected = slope[..., ::5, ::5].abs().amax(1, keepdim=True)
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-9)


def layer_jacobian(network, x, layer):
    """Activations at the layer and the Jacobian of all scores there, one row per class."""
    names = [name for name, _ in network.named_children()]
    tail = network[names.index(layer) + 1 :]
    with torch.no_grad():
        activations = network[: names.index(layer) + 1](x)
    jacobian = torch.autograd.functional.jacobian(tail, activations)
    return activations, jacobian[0, :, 0]


@pytest.mark.parametrize("layer", ["pool1", "conv2", "relu2"])
def test_layer_methods_from_the_jacobian(layer, reference_network, backprop_reference):
    x = backprop_reference["x"]
    a, jacobian = layer_jacobian(reference_network, x, layer)
    channels, height, width = a.shape[1:]
    for target in range(5):
        cam = torch.zeros(height, width, dtype=torch.float64)
        linear = torch.zeros(height, width, dtype=torch.float64)
        for c in range(channels):
            weight = sum(jacobian[target, c, u, v] for u in range(height) for v in range(width)) / (
                height * width
            )
            cam += weight * a[0, c]
            linear += jacobian[target, c] * a[0, c]
        cam = torch.where(cam > 0, cam, 0)
        found = grad_cam(reference_network, x, target, saliency_layer=layer)
        torch.testing.assert_close(found[0, 0], cam, rtol=1e-10, atol=1e-12)
        found = linear_approx(reference_network, x, target, saliency_layer=layer)
        torch.testing.assert_close(found[0, 0], linear, rtol=1e-10, atol=1e-12)
