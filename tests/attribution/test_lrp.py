"""LRP: each rule from its formula, composites by hand, conservation, networks as written."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from course_lib.attribution.excitation_backprop import excitation_backprop
from course_lib.attribution.linear_approx import linear_approx
from course_lib.attribution.lrp import (
    COMPOSITES,
    Composite,
    alpha_beta_rule,
    box_rule,
    epsilon_rule,
    gamma_rule,
    lrp,
    relevance_absorbed,
)
from course_lib.attribution.rules.sharing import STABILISER

DOUBLE = torch.float64
LOW, HIGH, ALPHA, BETA, GAMMA = -2.0, 3.0, 2.0, 1.0, 0.4
EPSILON, PLUS = COMPOSITES["epsilon"].dense, COMPOSITES["epsilon_plus"].convolution


@pytest.fixture(autouse=True)
def _seed():
    torch.manual_seed(5)


def over(c: float, z: float, epsilon: float = STABILISER) -> float:
    return c / (z - epsilon if z < 0 else z + epsilon)


def positive(c: float) -> float:
    return max(c, 0.0)


def negative(c: float) -> float:
    return min(c, 0.0)


def by_epsilon(w, b, x):
    z = sum(v * u for v, u in zip(w, x, strict=True)) + b
    return [over(v * u, z, 0.3) for v, u in zip(w, x, strict=True)]


def in_proportion(w, b, x):
    c = [v * u for v, u in zip(w, x, strict=True)]
    return [over(v, sum(c)) for v in c]


def by_alpha_beta(w, b, x):
    c = [v * u for v, u in zip(w, x, strict=True)]
    above, below = sum(map(positive, (*c, b))), sum(map(negative, (*c, b)))
    return [ALPHA * over(positive(v), above) - BETA * over(negative(v), below) for v in c]


def by_plus(w, b, x):
    c = [positive(v * u) for v, u in zip(w, x, strict=True)]
    return [over(v, sum(c) + positive(b)) for v in c]


def by_gamma(w, b, x):
    c = [v * u for v, u in zip(w, x, strict=True)]
    favoured = positive if sum(c) + b >= 0 else negative
    c, b = [v + GAMMA * favoured(v) for v in c], b + GAMMA * favoured(b)
    return [over(v, sum(c) + b) for v in c]


def by_box(w, b, x):
    c = [v * u - positive(v) * LOW - negative(v) * HIGH for v, u in zip(w, x, strict=True)]
    return [over(v, sum(c)) for v in c]


def by_flat(w, b, x):
    return [over(1.0, len(x)) for _ in x]


RULES = {
    "epsilon": (epsilon_rule(0.3), by_epsilon),
    "alpha_beta": (alpha_beta_rule(ALPHA, BETA), by_alpha_beta),
    "plus": (PLUS, by_plus),
    "gamma": (gamma_rule(GAMMA), by_gamma),
    "box": (box_rule(LOW, HIGH), by_box),
    "flat": (COMPOSITES["epsilon_plus_flat"].first(0, 1), by_flat),
}


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("kind", ["linear", "convolution"])
@pytest.mark.parametrize("rule", RULES)
def test_a_rule_is_its_formula(rule, kind, bias):
    """Every output a double loop's, for inputs of both signs; a 1 x 1 convolution is the same."""
    given, by_hand = RULES[rule]
    layer = nn.Linear(4, 3) if kind == "linear" else nn.Conv2d(4, 3, 1)
    layer = layer.double().requires_grad_(False)
    if not bias:
        layer.bias.zero_()
    net = nn.Sequential(*([nn.Flatten()] if kind == "linear" else []), layer, nn.Flatten())
    x = torch.randn(2, 4, 1, 1, dtype=DOUBLE)
    start = torch.randn(2, 3, dtype=DOUBLE)
    p = (net(x) * start).tolist()
    expected = torch.zeros(2, 4, dtype=DOUBLE)
    for n in range(2):
        for i in range(3):
            w = layer.weight.flatten(1)[i].tolist()
            shares = by_hand(w, float(layer.bias[i]), x[n].flatten().tolist())
            expected[n] += p[n][i] * torch.tensor(shares, dtype=DOUBLE)
    composite = Composite(given, given)
    found = lrp(net, x, start, composite=composite)
    torch.testing.assert_close(found.flatten(), expected.sum(1))
    absorbed = relevance_absorbed(net, x, start, composite=composite)
    kept = found.flatten() + sum(absorbed.values()) * (net(x) * start).abs().sum(1)
    torch.testing.assert_close(kept, (net(x) * start).sum(1))


def convolutional(*, bias: bool = False) -> nn.Sequential:
    net = nn.Sequential(
        nn.Conv2d(3, 6, 3, padding=1, bias=bias),
        nn.ReLU(inplace=True),
        nn.Conv2d(6, 8, 3, stride=2, bias=bias),
        nn.ReLU(inplace=True),
        nn.MaxPool2d(2),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(8, 5, bias=bias),
    )
    return net.double().eval()


def image(count: int = 1) -> torch.Tensor:
    return torch.rand(count, 3, 12, 9, dtype=DOUBLE)


def shared(rule, layer, x, p):
    """What each input of a layer gets, output by output, from the matrix of the layer."""
    matrix = torch.autograd.functional.jacobian(lambda u: layer(u) - layer(u * 0), x)
    matrix = matrix.reshape(p.numel(), x.numel())
    biases = layer(x * 0).flatten().tolist()
    total = torch.zeros(x.numel(), dtype=DOUBLE)
    for w, b, r in zip(matrix, biases, p.flatten().tolist(), strict=True):
        inside = w.nonzero()[:, 0]
        if r and len(inside):
            shares = rule(w[inside].tolist(), b, x.flatten()[inside].tolist())
            total[inside] += r * torch.tensor(shares, dtype=DOUBLE)
    return total.reshape(x.shape)


def test_a_composite_gives_each_layer_its_rule():
    """The first convolution by the box rule, the second by gamma, the linear layer by epsilon."""
    net = convolutional(bias=True)
    x = image()
    composite = Composite(epsilon_rule(0.3), gamma_rule(GAMMA), box_rule)
    steps = [x]
    for layer in net:
        steps.append(layer(steps[-1].clone()).detach())
    p = torch.zeros(1, 5, dtype=DOUBLE)
    p[0, 3] = steps[-1][0, 3]
    p = shared(by_epsilon, net[7], steps[7], p).reshape(steps[6].shape)
    p = shared(in_proportion, net[5], steps[5], p)
    pooled = steps[4].clone().requires_grad_()
    (p,) = torch.autograd.grad(net[4](pooled), pooled, p)
    p = shared(by_gamma, net[2], steps[2], p)
    p = shared(by_box, net[0], x, p)
    found = lrp(net, x, 3, composite=composite, low=LOW, high=HIGH)
    torch.testing.assert_close(found, p.sum(1, keepdim=True))


# So bright that what stabilises a quotient is nothing beside it.
BRIGHT = 1e5


@pytest.mark.parametrize("composite", COMPOSITES)
def test_nothing_is_lost_without_biases(composite):
    net, x = convolutional(), BRIGHT * image(2)
    scores = net(x)[[0, 1], [1, 4]]
    found = lrp(net, x, [1, 4], composite=composite, high=BRIGHT)
    torch.testing.assert_close(found.sum((1, 2, 3)), scores, rtol=1e-5, atol=0)
    for share in relevance_absorbed(net, x, [1, 4], composite=composite, high=BRIGHT).values():
        assert float(share.abs().max()) < 1e-5


@pytest.mark.parametrize("composite", COMPOSITES)
def test_what_is_lost_is_what_biases_take(composite):
    net, x = convolutional(bias=True), image(2)
    scores = net(x)[[0, 1], [1, 4]]
    lost = relevance_absorbed(net, x, [1, 4], composite=composite)
    assert {"0", "2", "7"} <= lost.keys()
    found = lrp(net, x, [1, 4], composite=composite).sum((1, 2, 3)) / scores.abs()
    torch.testing.assert_close(found + sum(lost.values()), scores.sign(), rtol=0, atol=1e-6)


def test_plus_is_excitation_backprop():
    """Where no layer has a bias, and the first relevance is the same."""
    net, x = convolutional(), BRIGHT * image(2)
    start = net(x).detach().reciprocal() * F.one_hot(torch.tensor([0, 3]), 5)
    found = lrp(net, x, start, "1", composite=Composite(PLUS, PLUS))
    expected = excitation_backprop(net, x, [0, 3], "1")
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-8)


def test_epsilon_is_input_times_gradient():
    """In a network of ReLUs and max pooling without biases."""
    net, x = convolutional(), BRIGHT * image(2)
    found, expected = lrp(net, x, [0, 3], composite="epsilon"), linear_approx(net, x, [0, 3], "")
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-5 * float(expected.abs().max()))


class Residual(nn.Module):
    """Blocks as they are written: modules or functions, in place or not."""

    def __init__(self, *, functional: bool) -> None:
        super().__init__()
        self.functional = functional
        self.stem, self.stem_bn = nn.Conv2d(3, 6, 3, padding=1), nn.BatchNorm2d(6)
        self.conv, self.bn = nn.Conv2d(6, 6, 3, padding=1, bias=False), nn.BatchNorm2d(6)
        self.relu, self.head = nn.ReLU(inplace=True), nn.Linear(6, 5)

    def forward(self, x):
        if self.functional:
            x = F.relu(self.stem_bn(self.stem(x)))
            x = torch.relu(self.bn(self.conv(x)) + x)
            return self.head(x.mean((2, 3)))
        x = self.relu(self.stem_bn(self.stem(x)))
        y = self.bn(self.conv(x))
        y += x
        return self.head(torch.flatten(F.adaptive_avg_pool2d(self.relu(y), 1), 1))


class Merged(Residual):
    """The same, each BatchNorm in its convolution."""

    def merge(self) -> Merged:
        from torch.nn.utils.fusion import fuse_conv_bn_eval

        self.stem = fuse_conv_bn_eval(self.stem, self.stem_bn)
        self.conv = fuse_conv_bn_eval(self.conv, self.bn)
        self.stem_bn = self.bn = nn.Identity()
        return self


def randomised(net: nn.Module) -> nn.Module:
    for bn in (net.stem_bn, net.bn):
        for t in (bn.running_mean, bn.bias.data, bn.weight.data):
            t.normal_()
        bn.running_var.uniform_(0.5, 2)
    return net.double().eval()


@pytest.mark.parametrize("composite", COMPOSITES)
def test_a_batch_norm_is_folded_however_it_is_written(composite):
    """Scales of both signs."""
    net, x = randomised(Residual(functional=False)), image(2)
    found = lrp(net, x, [0, 3], composite=composite)
    for other in (Residual(functional=True), Merged(functional=True), Merged(functional=False)):
        other.double().load_state_dict(net.state_dict())
        other.eval()
        if isinstance(other, Merged):
            other.merge()
        torch.testing.assert_close(lrp(other, x, [0, 3], composite=composite), found)


def test_a_batch_norm_elsewhere_passes_relevance_on():
    net = nn.Sequential(nn.BatchNorm2d(3), nn.Flatten(), nn.Linear(12, 2)).double().eval()
    net[0].running_mean.fill_(0.4)
    x = torch.rand(1, 3, 2, 2, dtype=DOUBLE)
    expected = lrp(net[1:], net[0](x), 1)
    torch.testing.assert_close(lrp(net, x, 1), expected)


def test_bounds_may_differ_by_channel():
    net, x = convolutional(bias=True), image()
    low = torch.tensor([-1.0, 0, -2], dtype=DOUBLE).view(1, 3, 1, 1)
    wide = lrp(net, x, 1, composite="epsilon_gamma_box", low=low, high=1.0)
    same = lrp(net, x, 1, composite="epsilon_gamma_box", low=low.expand(1, 3, 12, 9))
    torch.testing.assert_close(wide, same)
    assert not torch.allclose(wide, lrp(net, x, 1, composite="epsilon_gamma_box"))


def test_half_precision_is_near():
    net, x = convolutional(bias=True), image()
    expected = lrp(net, x, 1)
    found = lrp(net.to(torch.bfloat16), x.to(torch.bfloat16), 1)
    assert found.dtype == torch.bfloat16
    both = torch.stack([found.double().flatten(), expected.flatten()])
    assert float(torch.corrcoef(both)[0, 1]) > 0.95


def test_an_unknown_composite_is_refused_with_those_there_are():
    with pytest.raises(ValueError, match=r"composite must be one of epsilon, epsilon_plus, .*box"):
        lrp(convolutional(), image(), 1, composite="EpsilonPlus")


@pytest.mark.parametrize("operation", [F.gelu, lambda h: h * torch.sigmoid(h), lambda h: h @ h.mT])
def test_operations_without_a_rule_are_refused(operation):
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(3, 4, 3)

        def forward(self, x):
            return operation(self.conv(x)).mean((2, 3))

    with pytest.raises(ValueError, match=r"^LRP is not defined for \w+, which .* and \w+\.$"):
        lrp(Net().double(), image(), 1)
