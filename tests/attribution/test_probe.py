from __future__ import annotations

import gc
from typing import NamedTuple

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from course_lib.attribution.common import Probe, attach_debug_probes, get_module


class Pair(NamedTuple):
    first: torch.Tensor
    second: int


class Returns(nn.Module):
    def __init__(self, build) -> None:
        super().__init__()
        self.build = build

    def forward(self, x):
        return self.build(x)


@pytest.mark.parametrize("inplace", [False, True])
@pytest.mark.parametrize("target", ["input", "output"])
def test_data_and_gradient_around_a_relu(inplace, target):
    first, second = nn.Linear(3, 4), nn.Linear(4, 1)
    net = nn.Sequential(first, nn.ReLU(inplace=inplace), second)
    x = torch.randn(2, 3)
    layer = net[1] if target == "input" else net[0]
    with Probe(layer, target=target) as probe:
        net(x).sum().backward()
    before = first(x)
    torch.testing.assert_close(probe.data[0], before)
    expected = second.weight.expand(2, 4) * (before > 0)
    torch.testing.assert_close(probe.data[0].grad, expected)
    assert probe.gradient[0] is probe.data[0].grad


def test_followed_by_a_functional_in_place_relu():
    net = nn.Sequential(nn.Linear(3, 4), Returns(lambda x: F.relu_(x)), nn.Linear(4, 1))
    with Probe(net[0], "output") as probe:
        net(torch.randn(2, 3)).sum().backward()
    assert (probe.data[0] < 0).any()
    assert probe.data[0].grad is not None


def test_manual_form_with_frozen_parameters_and_a_plain_image():
    net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(16, 2))
    net.requires_grad_(False)
    x = torch.randn(1, 3, 4, 4)
    for target in ("input", "output"):
        probe = Probe(net[0], target=target)
        net(x)[0, 1].backward()
        assert probe.data[0].grad.abs().sum() > 0
        probe.remove()
    assert not x.requires_grad
    assert x.grad is None


@pytest.mark.parametrize(
    ("build", "unpack"),
    [
        (lambda x: (x, 3), lambda y: y[0]),
        (lambda x: (3, x), lambda y: y[1]),
        (lambda x: [x], lambda y: y[0]),
        (lambda x: Pair(x, 3), lambda y: y.first),
        (lambda x: {"ids": torch.zeros(1, dtype=torch.long), "out": x}, lambda y: y["out"]),
    ],
)
def test_structures_keep_their_type(build, unpack):
    layer = Returns(build)
    x = torch.ones(2, requires_grad=True)
    with Probe(layer, "output") as probe:
        y = layer(x * 1)
    assert type(y) is type(build(x))
    (3 * unpack(y)).sum().backward()
    assert probe.data[0].grad.tolist() == [3.0, 3.0]


def test_keyword_inputs_are_seen():
    class Layer(nn.Module):
        def forward(self, *, x):
            return x * 2

    layer = Layer()
    with Probe(layer, "input") as probe:
        layer(x=torch.ones(2)).sum().backward()
    assert probe.data[0].grad.tolist() == [2.0, 2.0]


def test_the_latest_run_is_recorded_until_removed():
    layer = nn.ReLU()
    probe = Probe(layer)
    layer(layer(torch.ones(1)) + 1)
    assert ([x.tolist() for x in probe.data], probe.calls) == ([[2.0]], 2)
    with torch.no_grad():
        for value in (3.0, 4.0):
            layer(torch.tensor([value]))
            assert probe.data[0].tolist() == [value]
    probe.remove()
    probe.remove()
    layer(torch.ones(1))
    assert (probe.data[0].tolist(), probe.calls) == ([4.0], 4)
    assert not layer._forward_pre_hooks


@pytest.mark.parametrize("target", ["input", "output"])
def test_a_probe_that_nobody_holds_is_detached(target):
    layer = nn.ReLU()

    def activations() -> torch.Tensor:
        probe = Probe(layer, target)
        layer(torch.ones(1))
        return probe.data[0]

    assert activations().tolist() == [1.0]
    gc.collect()
    assert not layer._forward_hooks
    assert not layer._forward_pre_hooks


def test_all_tensors_of_a_run_are_recorded_and_each_may_have_a_contrast():
    layer = Returns(lambda x: (x * 2, torch.arange(2), x * 3))
    probe = Probe(layer, "output")
    contrasts = [None, torch.tensor([5.0])], [torch.tensor([1.0])], []
    for contrast, expected in zip(contrasts, [(2.0, -12.0), (0.0, 3.0), (2.0, 3.0)], strict=True):
        probe.contrast = contrast
        x = torch.ones(1, requires_grad=True)
        y = layer(x)
        (y[0] + y[2]).sum().backward()
        assert [t.tolist() for t in probe.data] == [[2.0], [3.0]]
        assert [g.tolist() for g in probe.gradient] == [
            [1.0 - float(contrast[0]) if contrast and contrast[0] is not None else 1.0],
            [1.0 - float(contrast[1]) if len(contrast) > 1 else 1.0],
        ]
        assert x.grad.tolist() == [sum(expected)]


def test_inputs_by_keyword_and_by_place_are_recorded():
    class Sum(nn.Module):
        def forward(self, x, *, y):
            return x + y

    layer = Sum()
    probe = Probe(layer)
    layer(torch.ones(1), y=torch.zeros(1)).backward()
    assert [x.tolist() for x in probe.data] == [[1.0], [0.0]]


def test_no_gradient_is_asked_for_when_gradients_are_off():
    layer = nn.Linear(2, 2)
    with Probe(layer, "output") as probe, torch.no_grad():
        layer(torch.ones(1, 2))
    assert not probe.data[0].requires_grad


def test_bad_arguments():
    with pytest.raises(ValueError, match="'input' or 'output', not 'both'"):
        Probe(nn.ReLU(), "both")
    with pytest.raises(TypeError, match=r"torch\.nn\.Module, not str"):
        Probe("relu")


def test_debug_probes_see_every_layer(reference_network, backprop_reference):
    probes = attach_debug_probes(reference_network, debug=True)
    x = backprop_reference["x"].clone().requires_grad_()
    reference_network(x)[0, 0].backward()
    assert list(probes) == [name for name, _ in reference_network.named_modules()]
    assert all(probe.data[0].grad is not None for probe in probes.values())
    for probe in probes.values():
        probe.remove()
    assert not attach_debug_probes(reference_network)
    assert all(not m._forward_hooks for m in reference_network.modules())


def test_get_module_by_name_or_itself(reference_network):
    conv = reference_network.conv1
    assert get_module(reference_network, "conv1") is conv
    assert get_module(reference_network, conv) is conv
    assert get_module(reference_network, "") is reference_network


@pytest.mark.parametrize(
    ("name", "message"),
    [("conv3", "did you mean 'conv[12]' or 'conv[12]'"), ("zzz", "it has 'conv1', ")],
)
def test_unknown_layers_are_named_with_close_matches(reference_network, name, message):
    with pytest.raises(ValueError, match=message):
        get_module(reference_network, name)


def test_foreign_layers_are_refused(reference_network):
    with pytest.raises(ValueError, match="not a layer of the model"):
        get_module(reference_network, nn.ReLU())
    with pytest.raises(TypeError, match="by its name or itself"):
        get_module(reference_network, 3)
