"""What a network does between its layers: constants, sums, moves, places, and what is refused."""

from __future__ import annotations

import warnings

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from course_lib.attribution.common import Probe
from course_lib.attribution.excitation_backprop import (
    EltwiseSumFunction,
    ExcitationBackpropContext,
    contrastive_excitation_backprop,
    excitation_backprop,
)

DOUBLE = torch.float64


@pytest.fixture(autouse=True)
def _seed():
    torch.manual_seed(0)


class Net(nn.Module):
    """A convolution, `between(self, its output)`, a mean and a classifier; no unit is inhibited."""

    def __init__(self, between, before=lambda self, x: x) -> None:
        super().__init__()
        self.between, self.before = between, before
        self.conv, self.other = (nn.Conv2d(c, 8, 3, padding=1) for c in (3, 8))
        self.drop = nn.Dropout2d(0.5)
        self.relu = nn.ReLU(inplace=True)
        self.head = nn.Linear(8, 4)
        self.register_buffer("mean", torch.rand(3))
        self.table = torch.rand(1, 8, 1, 1, dtype=DOUBLE)
        self.bias = nn.Parameter(torch.rand(8))
        with torch.no_grad():
            for layer in (self.conv, self.other, self.head):
                layer.weight.abs_()
                layer.bias.zero_()
        self.double()

    def forward(self, x):
        y = self.between(self, self.conv(self.before(self, x)))
        return self.head(y.mean((2, 3)) if y.dim() == 4 else y)


def images(count=2):
    return torch.rand(count, 3, 6, 6, dtype=DOUBLE)


def same(net, h):
    return h


def replaced(net, h):
    net.mean = net.mean + 0
    return h + net.mean.sum() * torch.ones_like(net.table)


CONSTANTS = {
    "normalising buffer": (same, lambda net, x: x - 0.1 * net.mean[None, :, None, None]),
    "batch of one": (same, lambda net, x: x + torch.ones(1, 3, 1, 1)),
    "learned bias": (lambda net, h: h + net.bias.view(1, -1, 1, 1), lambda net, x: x),
    "expanded bias": (lambda net, h: net.bias[None, :, None, None].expand_as(h) + h, None),
    "plain tensor": (lambda net, h: h + net.table, None),
    "full size": (lambda net, h: h + torch.ones_like(h), None),
    "replaced buffer": (replaced, None),
    "accumulated in zeros": (lambda net, h: torch.zeros_like(h).add_(h), None),
    "computed from a parameter": (lambda net, h: h + net.bias.exp().view(1, -1, 1, 1), None),
}


@pytest.mark.parametrize("layer", ["", "conv"])
@pytest.mark.parametrize("name", CONSTANTS)
def test_constants_take_no_relevance_whatever_the_batch(name, layer):
    between, before = CONSTANTS[name]
    net, x = Net(between, before or same), images()
    maps = excitation_backprop(net, x, 1, layer)
    torch.testing.assert_close(maps.sum((1, 2, 3)), torch.ones(2, dtype=DOUBLE))
    for i in range(2):
        torch.testing.assert_close(excitation_backprop(net, x[i : i + 1], 1, layer)[0], maps[i])
        manual = x[i : i + 1].clone().requires_grad_()
        with Probe(net.conv, target="output") as probe, ExcitationBackpropContext():
            net(manual)[0, 1].backward()
        found = (manual if layer == "" else probe.data[0]).grad
        torch.testing.assert_close(found.sum(1), maps[i])


@pytest.mark.parametrize("count", [1, 2])
@pytest.mark.parametrize("residual", ["magnitude", "signed", "branch"])
def test_what_comes_from_below_the_layer_has_its_share(count, residual):
    net = Net(lambda net, h: h.relu() + net.other(h.relu()).relu()).eval().requires_grad_(False)
    x = images(count)
    found = excitation_backprop(
        net, x, 1, "other", residual=residual, gradient_to_saliency=lambda y: y.grad
    )
    probe = Probe(net.other, target="output")
    with probe, ExcitationBackpropContext(residual=residual):
        net(x.clone().requires_grad_())[:, 1].sum().backward()
    torch.testing.assert_close(found, probe.data[0].grad)
    if residual == "branch":
        torch.testing.assert_close(found.sum((1, 2, 3)), torch.ones(count, dtype=DOUBLE))
        return
    assert (found.sum((1, 2, 3)) < 0.99).all()
    untracked = Probe(net.other, target="output")
    with untracked, ExcitationBackpropContext(residual=residual):
        net(x)[:, 1].sum().backward()
    torch.testing.assert_close(found, untracked.data[0].grad)


def test_below_the_layer_anything_may_run():
    below = Net(same, lambda net, x: F.gelu(Swish.apply(x)).sin())
    maps = excitation_backprop(below, images(), 1, "conv")
    torch.testing.assert_close(maps.sum((1, 2, 3)), torch.ones(2, dtype=DOUBLE))
    beside = Net(lambda net, h: net.other(h) + F.gelu(h))
    assert 0 < excitation_backprop(beside, images(1), 1, "other").sum() < 0.99
    with pytest.raises(ValueError, match="not defined for gelu"):
        excitation_backprop(beside, images(1), 1, "conv")


def test_a_layer_that_runs_without_gradients_is_said_in_one_sentence():
    def between(net, h):
        with torch.no_grad():
            branch = net.other(h)
        return h + branch

    with pytest.raises(ValueError, match="no gradient with respect to layer 'other'"):
        excitation_backprop(Net(between), images(), 1, "other")


class Swish(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * torch.sigmoid(x)

    @staticmethod
    def backward(ctx, p):
        (x,) = ctx.saved_tensors
        s = torch.sigmoid(x)
        return p * s * (1 + x * (1 - s))


def scripted():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return torch.jit.script(_swish)


def _swish(x: torch.Tensor) -> torch.Tensor:
    return x * torch.sigmoid(x)


EYE = torch.eye(6, dtype=DOUBLE)
UNDEFINED = {
    "linalg.matmul": lambda h: torch.linalg.matmul(h, h.transpose(2, 3)),
    "inner": lambda h: torch.inner(h, EYE),
    "mv": lambda h: torch.mv(h.flatten(1), torch.ones(288, dtype=DOUBLE))[:, None].expand(-1, 8),
    "vecdot": lambda h: torch.linalg.vecdot(h, h)[..., None],
    "addcmul": lambda h: torch.addcmul(h, h, h),
    "nansum": lambda h: h.nansum((2, 3)),
    "cumsum": lambda h: h.cumsum(2),
    "trapezoid": lambda h: torch.trapezoid(h, dim=2)[..., None],
    **{
        name: getattr(torch, name)
        for name in ("sin", "cos", "sinc", "erf", "atan", "log1p", "exp2", "square")
    },
    "float_power": lambda h: torch.float_power(h, 2),
    "special.erf": torch.special.erf,
    "fold": lambda h: F.fold(F.unfold(h, 3, padding=1), (6, 6), 3, padding=1),
    "fft2": lambda h: torch.fft.fft2(h).real,
    "scatter_add": lambda h: torch.zeros_like(h).scatter_add(
        1, torch.zeros(h.shape, dtype=torch.long), h
    ),
    "sin_ of a slice": lambda h: torch.cat([h.clone()[:, :4].sin_(), h[:, 4:]], 1),
    "layer_norm": lambda h: F.layer_norm(h, h.shape[1:]),
    "gru": lambda h: nn.GRU(6, 6, dtype=DOUBLE, batch_first=True)(h.flatten(1, 2))[0][
        :, :8, :, None
    ],
}


@pytest.mark.parametrize("name", UNDEFINED)
def test_operations_without_a_rule_are_refused(name):
    operation = UNDEFINED[name]
    net = Net(lambda net, h: operation(h))
    with pytest.raises(ValueError, match=r"not defined for \w+, which this network uses.* and "):
        excitation_backprop(net, images(), 1)
    with ExcitationBackpropContext():
        y = net(images().requires_grad_())
    with pytest.raises(ValueError, match="not defined for"):
        y.sum().backward()


@pytest.mark.parametrize("layer", ["", "conv"])
def test_functions_that_torch_does_not_show_are_refused(layer):
    for function, named in (
        (Swish.apply, "Swish"),
        (scripted(), r"\w+ in a scripted function"),
        (lambda h: torch.ops.aten.round(h), "round"),
    ):
        net = Net(lambda net, h, f=function: f(h))
        with pytest.raises(ValueError, match=f"not defined for {named}, which"):
            excitation_backprop(net, images(), 1, layer)


def test_operations_that_move_units_are_not_refused():
    index = torch.tensor([1, 0, 3, 2, 5, 4, 7, 6])

    def between(net, h):
        h = F.pad(h, (1, 1, 1, 1), mode="reflect").roll(1, 2).flip(3)
        h = F.pixel_unshuffle(F.pixel_shuffle(h, 2), 2)
        h = torch.stack(h.chunk(2, 1)).transpose(0, 1).flatten(1, 2)[:, index]
        h = torch.maximum(h, 0.5 * h).index_select(1, index).masked_fill(h < 0, 0)
        h = torch.cat(h.permute(0, 2, 3, 1).contiguous().movedim(-1, 1).unbind(1)).view(h.shape)
        z = torch.zeros_like(h)
        z[:, :4] = h[:, :4]
        z[:, 4:].copy_(h[:, 4:])
        z[:, :1].squeeze_(1).unsqueeze_(1).masked_fill_(h[:, :1] < 0, 0)
        return F.max_pool2d(torch.where(z > 0, z, z.clone()), 2, 1).to(torch.float64)

    maps = excitation_backprop(Net(between), images(1), 1)
    assert float(maps.sum()) == pytest.approx(1)


def test_channel_shuffle_moves_units():
    y = F.channel_shuffle(torch.ones(1, 4, 1, 1, requires_grad=True), 2)
    if y.grad_fn.name().endswith("NotImplemented"):
        pytest.skip("this torch has no gradient of channel_shuffle")
    maps = excitation_backprop(Net(lambda net, h: F.channel_shuffle(h, 2)), images(1), 1)
    assert float(maps.sum()) == pytest.approx(1)


@pytest.mark.parametrize("in_place", [False, True])
def test_the_branch_rule_at_a_sum_on_a_slice(in_place):
    def between(net, h):
        y, z = net.other(h), h.clone()
        if in_place:
            z[:, :4] += y[:, :4]
            return z
        return torch.cat([z[:, :4] + y[:, :4], z[:, 4:]], 1)

    net, x = Net(between), images()
    maps = excitation_backprop(net, x, 1, residual="branch")
    torch.testing.assert_close(maps.sum((1, 2, 3)), torch.ones(2, dtype=DOUBLE))


def added(net, h):
    y = net.drop(net.other(h))
    y += h
    return y


IN_PLACE = {
    "relu": lambda net, h: net.relu(net.drop(h)),
    "+=": added,
    "*=": lambda net, h: net.drop(h).mul_(2),
    "clamp_": lambda net, h: net.drop(h).clamp_(min=0),
    "alpha_dropout": lambda net, h: net.relu(F.alpha_dropout(h, 0.1, False)),
    "in place itself": lambda net, h: net.relu(F.dropout(h, 0.1, False, True)),
}


@pytest.mark.parametrize("name", IN_PLACE)
def test_dropout_before_an_operation_in_place(name):
    net, x = Net(IN_PLACE[name]), images()
    maps = excitation_backprop(net, x, 1)
    torch.testing.assert_close(maps.sum((1, 2, 3)), torch.ones(2, dtype=DOUBLE))
    assert contrastive_excitation_backprop(net, x, 1, "", "conv").shape == (2, 1, 6, 6)


def test_dropout_that_is_training_still_passes_relevance_on():
    drop, x = nn.Dropout(0.5), torch.rand(50, 4, dtype=DOUBLE, requires_grad=True)
    with ExcitationBackpropContext():
        drop(x).backward(torch.ones_like(x))
    assert torch.equal(x.grad, torch.ones_like(x))


def gated(net, h):
    gate = torch.full_like(h, 2.0)
    gate *= h
    return gate


def gated_slice(net, h):
    gate = torch.full_like(h, 2.0)
    gate[:, :4] *= h[:, :4]
    return gate


PLAIN = {
    gated: lambda net, h: h * 2,
    gated_slice: lambda net, h: torch.cat([h[:, :4] * 2, torch.full_like(h[:, 4:], 2)], 1),
}


@pytest.mark.parametrize("between", PLAIN)
def test_a_constant_that_is_overwritten_by_an_activation(between):
    net, x = Net(PLAIN[between]), images()
    expected = excitation_backprop(net, x, 1)
    net.between = between
    torch.testing.assert_close(excitation_backprop(net, x, 1), expected)


@pytest.mark.parametrize("total", [torch.sum, torch.mean])
def test_a_total_over_all_images_is_called_so(total):
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = nn.Conv2d(3, 4, 3)

        def forward(self, x):
            h = self.conv(x).relu()
            return (h + total(h)[None, None, None, None]).mean((2, 3))

    name = f"{total.__name__} over everything, images included, which this network uses"
    with pytest.raises(ValueError, match=name):
        excitation_backprop(Net(), torch.rand(1, 3, 6, 6), 1)


def test_torchrays_function_for_sums_shares_like_the_signed_rule():
    x = images()
    net = Net(lambda net, h: EltwiseSumFunction.apply(h, net.other(h)))
    found = excitation_backprop(net, x, 1)
    net.between = lambda net, h: h + net.other(h)
    torch.testing.assert_close(found, excitation_backprop(net, x, 1, residual="signed"))
