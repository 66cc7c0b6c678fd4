"""Rules given to the graph of a plain forward pass do what the contexts do."""

from __future__ import annotations

import warnings

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from course_lib.attribution import graph_rules
from course_lib.attribution.deconvnet import DeConvNetContext, DeConvNetReLU, deconvnet
from course_lib.attribution.gradient import gradient
from course_lib.attribution.guided_backprop import GuidedBackpropContext, guided_backprop
from course_lib.attribution.rules.graph import nodes_behind
from course_lib.attribution.rules.relu_rules import RuleContext
from course_lib.attribution.saliency import saliency
from course_lib.world.networks import load_network

METHODS = [(deconvnet, DeConvNetContext), (guided_backprop, GuidedBackpropContext)]
both = pytest.mark.parametrize(("method", "context"), METHODS)


class Net(nn.Module):
    """Two convolutions with an activation after each; counts its runs."""

    def __init__(self, first=F.relu, second=F.relu, between=lambda x: x) -> None:
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(3, 6, 3), nn.Conv2d(6, 6, 3)
        self.first, self.second, self.between = first, second, between
        self.runs = 0
        weights = torch.Generator().manual_seed(0)
        for parameter in self.parameters():
            nn.init.normal_(parameter, std=0.3, generator=weights)
        self.double()

    def forward(self, x):
        self.runs += 1
        x = self.between(self.first(self.conv1(x)))
        return self.second(self.conv2(x)).mean((2, 3))


class Own(DeConvNetReLU):
    """A ReLU as a network may bring it along."""


class Mul(Own):
    """One whose name means no good."""


@pytest.fixture
def images():
    return torch.randn(2, 3, 9, 8, dtype=torch.float64, generator=torch.Generator().manual_seed(1))


@pytest.fixture
def contexts(monkeypatch):
    """The contexts entered."""
    entered = []
    enter = RuleContext.__enter__

    def noted(self):
        entered.append(self)
        return enter(self)

    monkeypatch.setattr(RuleContext, "__enter__", noted)
    return entered


def torchvision_network(name):
    torchvision = pytest.importorskip("torchvision")
    torch.manual_seed(0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return torchvision.models.get_model(name, weights=None).eval()


@both
@pytest.mark.parametrize(
    ("name", "layers"),
    [
        ("tiny_vgg", ["", "features.1", "features.4", "features.15"]),
        ("tiny_resnet", [""]),
        ("tiny_densenet", [""]),
        ("tiny_mobilenet", [""]),
        ("resnet18", ["", "relu", "layer3"]),
        ("densenet121", [""]),
        ("googlenet", ["", "inception4a"]),
        ("mobilenet_v2", ["", "features.3"]),
    ],
)
def test_it_is_the_context_s_map_without_the_context(method, context, name, layers, contexts):
    net = load_network(name) if name.startswith("tiny") else torchvision_network(name)
    x = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    net.double()
    for layer in layers:
        found = method(net, x, 3, saliency_layer=layer)
        assert not contexts
        expected = saliency(net, x, 3, saliency_layer=layer, context_builder=context)
        contexts.clear()
        scale = expected.abs().max()
        assert scale > 0
        torch.testing.assert_close(found, expected, rtol=0, atol=1e-10 * scale.item())


@both
def test_several_classes_share_one_pass_of_the_graph(method, context, images, contexts):
    net = Net()
    found = method(net, images, [[0, 3, 5], [1, 1, 2]])
    assert (net.runs, len(contexts)) == (1, 0)
    for k, classes in enumerate([[0, 1], [3, 1], [5, 2]]):
        one = saliency(net, images, classes, context_builder=context)
        torch.testing.assert_close(found[:, k : k + 1], one, rtol=0, atol=1e-12)


@both
def test_several_classes_one_by_one_where_a_backward_pass_can_t_be_batched(
    method, context, images, monkeypatch
):
    asked = []

    def refuse(*args):
        asked.append(args)
        raise RuntimeError("not batched")

    expected = method(Net(), images[:1], [0, 3, 5])
    monkeypatch.setattr("course_lib.attribution.saliency._batched_gradients", refuse)
    torch.testing.assert_close(method(Net(), images[:1], [0, 3, 5]), expected)
    assert len(asked) == 1


def in_place_on_a_view(x):
    F.relu_(x.flatten(1))
    return x


@both
@pytest.mark.parametrize(
    "activation",
    [
        in_place_on_a_view,
        lambda x: x.clamp(min=0),
        lambda x: F.threshold(x, 0, 0),
        lambda x: F.hardtanh(x, 0, 1),
        lambda x: F.softsign(x),
        lambda x: F.leaky_relu(x, 0.5),
        lambda x: F.hardtanh(x),
        Own.apply,
        Mul.apply,
    ],
)
def test_other_networks_are_for_the_context(method, context, activation, images, contexts):
    def maps(function, **options):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return function(net, images, 1, **options)

    net = Net(activation)
    expected = maps(saliency, context_builder=context)
    contexts.clear()
    net.runs = 0
    torch.testing.assert_close(maps(method), expected, rtol=0, atol=0)
    assert (net.runs, len(contexts)) == (2, 1)
    # Once known, the network runs once.
    torch.testing.assert_close(maps(method), expected, rtol=0, atol=0)
    assert (net.runs, len(contexts)) == (3, 2)


@both
def test_the_second_run_gets_the_random_numbers_of_the_first(method, context, images):
    def noisy(x):
        return F.gelu(x) * torch.rand_like(x)

    def found(net):
        torch.manual_seed(0)
        with pytest.warns(UserWarning, match="no rule for gelu"):
            return method(net, images, 1)

    net = Net(noisy)
    assert torch.equal(found(net), found(net))


@both
def test_a_network_is_run_once_under_debug(method, context, images):
    net = Net(F.softplus)
    with pytest.warns(UserWarning, match="no rule for softplus"):
        _, probes = method(net, images, 1, debug=True)
    assert net.runs == 1
    assert probes["conv1"].data[0].grad is not None


@both
def test_a_layer_behind_all_relus_is_no_reason_to_warn(method, context, images):
    net = nn.Sequential(Net(), nn.Linear(6, 4).double())
    found = method(net, images, 1, saliency_layer="0")
    torch.testing.assert_close(found, gradient(net, images, 1, saliency_layer="0"))


@both
def test_a_network_without_relu_still_warns(method, context, images):
    net = Net(lambda x: x, lambda x: x)
    for _ in range(2):
        with pytest.warns(UserWarning, match="met no operation"):
            method(net, images, 1)


@both
def test_autograd_functions_of_the_network_s_own_are_named(method, context, images):
    net = Net(Own.apply, Mul.apply, between=Own.apply)
    for _ in range(2):
        with pytest.warns(UserWarning, match=r"can't see into .* Mul, Own is as written"):
            method(net, images, 1)


@both
def test_a_scripted_function_is_refused(method, context, images):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        scripted = torch.jit.script(doubled)
    net = Net(scripted)
    # torch runs a scripted function as its single operations first, to learn about it.
    for _ in range(3):
        net(images.requires_grad_())
    with pytest.raises(ValueError, match="can't reach into a scripted function"):
        method(net, images.detach(), 1)


def rectified(x):
    return torch.relu(x)


def doubled(x):
    return torch.relu(x * 2)


@both
def test_a_relu_out_of_the_context_s_sight_gets_the_rule_from_the_graph(method, context, images):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        # Of a single operation, so that it leaves that operation's node.
        scripted = torch.jit.script(rectified)
    net = Net(scripted, F.gelu)
    with pytest.warns(UserWarning, match="no rule for gelu"):
        found = method(net, images, 1)
    with pytest.warns(UserWarning, match="no rule for gelu"):
        expected = method(Net(F.relu, F.gelu), images, 1)
    torch.testing.assert_close(found, expected)


@both
def test_an_older_graph_that_the_network_goes_on_from_is_left_alone(method, context, images):
    old = torch.randn(2, 6, 7, 6, dtype=torch.float64, requires_grad=True)
    kept = F.relu(old)
    net = Net(between=lambda x: x + kept)
    method(net, images, 1)
    kept.backward(torch.full_like(kept, -1))
    assert torch.equal(old.grad, -(old > 0).double())


@both
def test_nothing_of_the_rule_stays_with_the_model(method, context, images):
    net = Net()
    before = gradient(net, images, 1)
    method(net, images, 1)
    assert torch.equal(gradient(net, images, 1), before)


@both
def test_nested_contexts_still_hold(method, context, images):
    """A rule of the caller's own for another operation, around the call."""
    from course_lib.attribution.rules.backward_rules import BackwardRules

    class Straight(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return torch.sigmoid(x)

        @staticmethod
        def backward(ctx, p):
            return p

    net = Net(torch.sigmoid)
    maps = []
    for call in (lambda: method(net, images, 1), lambda: by_context(net, images, context)):
        with warnings.catch_warnings(), BackwardRules({torch.sigmoid: Straight}):
            warnings.simplefilter("ignore")
            maps.append(call())
    assert torch.equal(*maps)


def by_context(net, images, context):
    return saliency(net, images, 1, context_builder=context)


def test_the_names_of_ordinary_operations_are_those_of_torch(images):
    """So that a name that torch no longer uses is noticed: the context would take over, unseen."""
    x = images.requires_grad_()
    made = {
        "AdaptiveAvgPool2D": F.adaptive_avg_pool2d(x, 2),
        "Add": x + x,
        "AvgPool2D": F.avg_pool2d(x, 2),
        "Div": x / 2,
        "Mean": x.mean(1),
        "Mul": x * x,
        "NativeBatchNorm": F.batch_norm(x, torch.zeros(3).double(), torch.ones(3).double()),
        "NativeGroupNorm": F.group_norm(x, 3),
        "NativeLayerNorm": F.layer_norm(x, (8,)),
        "Sub": x - 1,
        "Sum": x.sum(1),
        "UpsampleBilinear2D": F.interpolate(x, scale_factor=2, mode="bilinear"),
        "UpsampleNearest2D": F.interpolate(x, scale_factor=2),
    }
    for kind, y in made.items():
        assert y.grad_fn.name().startswith(f"{kind}Backward")
        assert all(graph_rules._is_ordinary(node.name()) for node in nodes_behind(y))
    elsewhere = {"CudnnBatchNorm", "MiopenBatchNorm", "MkldnnAdaptiveAvgPool2D"}
    assert made.keys() | elsewhere == graph_rules._ORDINARY - graph_rules.MOVING
