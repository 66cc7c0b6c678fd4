"""Networks run on channels-last images where that is faster, and no caller notices."""

from __future__ import annotations

import copy
import gc
import weakref

import pytest
import torch
from torch import nn

from course_lib.attribution.deconvnet import deconvnet
from course_lib.attribution.excitation_backprop import (
    contrastive_excitation_backprop,
    excitation_backprop,
    relevance_lost,
)
from course_lib.attribution.extremal_perturbation import extremal_perturbation
from course_lib.attribution.grad_cam import grad_cam
from course_lib.attribution.gradient import gradient
from course_lib.attribution.guided_backprop import guided_backprop
from course_lib.attribution.linear_approx import linear_approx
from course_lib.attribution.network.fast import prefers_channels_last, versions_at_once
from course_lib.attribution.rise import rise
from course_lib.attribution.saliency import saliency

# The networks here are small, and have no max pooling.
pytestmark = pytest.mark.filterwarnings("ignore:DeConvNet's map of this network")


class Head(nn.Module):
    """A classifier that flattens by `view`, or in a way that suits any layout."""

    def __init__(self, by_view: bool) -> None:
        super().__init__()
        self.by_view = by_view
        self.fc = nn.Linear(4 * 36, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.fc(x.view(len(x), -1) if self.by_view else x.flatten(1))


class Net(nn.Module):
    def __init__(self, by_view: bool) -> None:
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(3, 5, 3, padding=1), nn.Conv2d(5, 4, 3, padding=1)
        self.relu = nn.ReLU()
        self.head = Head(by_view)
        self.layouts: list[bool] = []

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.layouts.append(not x.is_contiguous())
        return self.head(self.relu(self.conv2(self.relu(self.conv1(x)))))


METHODS = {
    "gradient": gradient,
    "deconvnet": deconvnet,
    "guided_backprop": guided_backprop,
    "grad_cam": lambda *a: grad_cam(*a, saliency_layer="conv2"),
    "linear_approx": lambda *a: linear_approx(*a, saliency_layer="conv1"),
    "excitation_backprop": lambda *a: excitation_backprop(*a, saliency_layer="conv1"),
    "relevance_lost": lambda *a: torch.stack(
        list(relevance_lost(*a, saliency_layer="conv1").values())
    ),
    "contrastive, to the layer": lambda *a: contrastive_excitation_backprop(
        *a, saliency_layer="conv2", contrast_layer="conv2"
    ),
    "contrastive, classifier found": lambda *a: contrastive_excitation_backprop(
        *a, saliency_layer="conv1", contrast_layer="conv2"
    ),
    "contrastive, classifier named": lambda *a: contrastive_excitation_backprop(
        *a, saliency_layer="conv1", contrast_layer="conv2", classifier_layer="head"
    ),
    "rise": lambda *a: rise(*a, num_masks=8),
    # A single step: beyond, rounding decides between parameters that tie.
    "extremal_perturbation": lambda *a: extremal_perturbation(
        *a, areas=[0.3], max_iter=1, step=2, sigma=2
    )[0],
}


def pair() -> tuple[Net, Net]:
    """The same network, flattening in any layout and by `view`."""
    torch.manual_seed(0)
    any_layout, by_view = Net(False).eval(), Net(True).eval()
    with torch.no_grad():
        # A channel that is on by its bias alone, so that relevance is lost there.
        any_layout.conv2.weight[0].abs_().neg_()
        any_layout.conv2.bias[0] = 5
        any_layout.head.fc.weight[2].abs_()
    by_view.load_state_dict(any_layout.state_dict())
    return any_layout, by_view


@pytest.mark.filterwarnings("ignore:Excitation backprop lost", "ignore:RISE's activation flat")
@pytest.mark.parametrize("name", METHODS)
def test_networks_that_flatten_by_view_get_the_same_maps(name: str) -> None:
    images = torch.rand(1, 3, 6, 6)
    any_layout, by_view = pair()
    expected = METHODS[name](any_layout, images, 2)
    assert all(any_layout.layouts)
    found = METHODS[name](by_view, images, 2)
    assert torch.allclose(found, expected, rtol=1e-4, atol=1e-6)
    # Once bitten, twice shy.
    by_view.layouts.clear()
    again = METHODS[name](by_view, images, 2)
    assert torch.equal(again, found)
    assert not any(by_view.layouts)


@pytest.mark.filterwarnings("ignore:Excitation backprop lost", "ignore:RISE's activation flat")
@pytest.mark.parametrize("name", METHODS)
def test_maps_equal_those_of_double_precision(name: str) -> None:
    """In float64 the network runs on ordinary images."""
    images = torch.rand(1, 3, 6, 6)
    net, _ = pair()
    fast = METHODS[name](net, images, 2)
    net.layouts.clear()
    slow = METHODS[name](net.double(), images.double(), 2)
    assert not any(net.layouts)
    assert torch.allclose(fast.double(), slow, rtol=1e-3, atol=1e-5)


def test_a_classifier_met_before_the_pass_was_broken_off_counts_once() -> None:
    class Scores(Net):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            y = self.conv2(self.relu(self.conv1(x)))
            return y.view(len(y), -1) if self.head.by_view else y.flatten(1)

    maps = []
    for by_view in (True, False):
        torch.manual_seed(0)
        maps.append(
            contrastive_excitation_backprop(
                Scores(by_view),
                torch.rand(1, 3, 6, 6),
                15,
                saliency_layer="conv1",
                contrast_layer="relu",
                classifier_layer="conv2",
            )
        )
    assert torch.allclose(*maps, atol=1e-6)


def test_where_it_is_faster() -> None:
    image = torch.zeros(1, 3, 20, 20)
    few, many = nn.Conv2d(3, 100, 14), nn.Conv2d(3, 103, 14)
    # 58,800 and 60,564 weights for 400 pixels: 147 and 151 for each
    assert prefers_channels_last(few, image)
    assert not prefers_channels_last(many, image)
    assert prefers_channels_last(many, image.expand(2, -1, -1, -1))
    # A convolution in groups has as many times fewer.
    assert prefers_channels_last(nn.Conv2d(3, 300, 14, groups=3), image)
    assert not prefers_channels_last(nn.Conv2d(3, 300, 14), image)
    assert not prefers_channels_last(nn.Sequential(many, few), image)
    assert prefers_channels_last(nn.Sequential(nn.ConvTranspose2d(3, 4, 3), nn.ReLU()), image)
    assert not prefers_channels_last(nn.Sequential(nn.Flatten(), nn.Linear(1200, 2)), image)
    assert not prefers_channels_last(few, image.double())
    assert not prefers_channels_last(few, image.to("meta"))


def test_compiled_networks_keep_their_layout() -> None:
    net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Flatten())
    image = torch.rand(1, 3, 8, 8)
    assert prefers_channels_last(net, image)
    net[0].compile()
    assert not prefers_channels_last(net, image)

    class Compiled(nn.Conv2d):
        forward = torch.compile(nn.Conv2d.forward)

    own = nn.Conv2d(3, 4, 3)
    own.forward = torch.compile(own.forward)
    for layer in (Compiled(3, 4, 3), own):
        assert not prefers_channels_last(nn.Sequential(layer), image)


@pytest.mark.parametrize("start", ["image", "layer"])
def test_functions_of_the_gradient_may_flatten_it_by_view(start: str) -> None:
    net, _ = pair()

    def largest(x: torch.Tensor) -> torch.Tensor:
        assert x.view(-1).shape == x.grad.view(-1).shape
        return x.grad.abs().amax(1, keepdim=True)

    images = torch.rand(2, 3, 6, 6)
    layer = {"image": "", "layer": "conv1"}[start]
    found = saliency(net, images, 0, saliency_layer=layer, gradient_to_saliency=largest)
    assert torch.equal(found, gradient(net, images, 0, saliency_layer=layer))
    assert all(net.layouts)


def test_a_layer_is_counted_once_after_a_broken_off_pass() -> None:
    _, net = pair()
    seen: list[int] = []
    net.conv1.register_forward_hook(lambda *a: seen.append(1))
    gradient(net, torch.rand(1, 3, 6, 6), 0, saliency_layer="conv1")
    assert len(seen) == 2
    net.conv3 = net.conv2
    gradient(net, torch.rand(1, 3, 6, 6), 0, saliency_layer="conv3")


def test_other_errors_come_through_and_say_nothing_of_the_layout() -> None:
    net, _ = pair()
    fc, net.head.fc = net.head.fc, nn.Linear(5, 3)
    with pytest.raises(RuntimeError, match="shapes cannot be multiplied"):
        gradient(net, torch.rand(1, 3, 6, 6), 0)
    net.head.fc = fc
    gradient(net, torch.rand(1, 3, 6, 6), 0)
    assert net.layouts == [True, False, True]


class Pairs(nn.Module):
    """Reads its activations' rows as complex numbers, for which they must lie in order."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        h = self.conv(x)
        return torch.view_as_complex(h.unflatten(-1, (-1, 2))).abs().mean((2, 3))


class Insists(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        h = self.conv(x)
        assert h.is_contiguous()
        return h.mean((2, 3))


@pytest.mark.parametrize("kind", [Pairs, Insists])
def test_a_network_may_need_the_ordinary_layout_for_any_reason(kind: type[nn.Module]) -> None:
    net, x = kind(), torch.rand(2, 3, 10, 10)
    double = copy.deepcopy(net).double()
    for method in (gradient, lambda *a: rise(*a, num_masks=20)):
        found = method(net, x, 1)
        torch.testing.assert_close(found.double(), method(double, x.double(), 1))


def test_a_network_found_out_can_go() -> None:
    net = Net(True)
    gradient(net, torch.rand(1, 3, 6, 6), 0)
    gone = weakref.ref(net)
    del net
    gc.collect()
    assert gone() is None


def test_the_callers_images_keep_their_layout() -> None:
    net, _ = pair()
    images = torch.rand(2, 3, 6, 6)
    stride = images.stride()
    result = gradient(net, images, 0)
    assert images.stride() == stride
    assert images.is_contiguous()
    assert result.is_contiguous()


@pytest.mark.parametrize(
    ("images", "device", "expected"),
    [(1, "cpu", 16), (3, "cpu", 5), (40, "cpu", 1), (1, "meta", 32), (3, "meta", 10)],
)
def test_images_are_shown_in_many_versions_at_once(images: int, device: str, expected: int) -> None:
    """On a GPU too, where one image at a time would leave most of it idle."""
    assert versions_at_once(torch.empty(images, 3, 96, 96, device=device)) == expected
