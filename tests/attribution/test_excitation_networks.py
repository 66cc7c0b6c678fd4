"""Relevance is conserved and not negative on every family of networks, or what was lost is said."""

from __future__ import annotations

import pytest
import torch
import torchvision
from torch import nn

from course_lib.attribution.excitation_backprop import (
    contrastive_excitation_backprop,
    excitation_backprop,
    relevance_lost,
)
from course_lib.world.networks import CONVOLUTIONAL, load_network
from course_lib.world.scenes import draw_scene


class Residual(nn.Module):
    """A bottleneck that adds in place, with a shortcut of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(6, 4, 1, bias=False),
            nn.BatchNorm2d(4),
            nn.ReLU(inplace=True),
            nn.Conv2d(4, 8, 3, stride=2, padding=1, bias=False),
            nn.BatchNorm2d(8),
        )
        self.shortcut = nn.Sequential(nn.Conv2d(6, 8, 1, stride=2, bias=False), nn.BatchNorm2d(8))

    def forward(self, x):
        y = self.body(x)
        y += self.shortcut(x)
        return y.relu_()


class Dense(nn.Module):
    """BatchNorm first, as in DenseNet; what was there before is handed on beside."""

    def __init__(self) -> None:
        super().__init__()
        self.norm, self.conv = nn.BatchNorm2d(6), nn.Conv2d(6, 2, 3, padding=1, bias=False)

    def forward(self, x):
        x = torch.cat([x, self.conv(self.norm(x).relu())], 1)
        return nn.functional.avg_pool2d(x, 2)


class Inception(nn.Module):
    """Branches of several sizes, one of them behind a pooling layer."""

    def __init__(self) -> None:
        super().__init__()
        self.one, self.three = nn.Conv2d(6, 4, 1), nn.Conv2d(6, 2, 3, padding=1)
        self.pool = nn.Sequential(nn.MaxPool2d(3, 1, 1), nn.Conv2d(6, 2, 1))

    def forward(self, x):
        return torch.cat([self.one(x).relu(), self.three(x).relu(), self.pool(x).relu()], 1)


class Inverted(nn.Module):
    """A linear bottleneck: its BatchNorm shifts units above zero that no input excites."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(6, 8, 1, bias=False),
            nn.BatchNorm2d(8),
            nn.ReLU6(inplace=True),
            nn.Conv2d(8, 8, 3, padding=1, groups=8, bias=False),
            nn.BatchNorm2d(8),
        )

    def forward(self, x):
        return self.body(x)


def network(middle: type[nn.Module]) -> nn.Module:
    """Stem, middle, head in float64, with BatchNorms that are not the identity."""
    torch.manual_seed(1)
    net = nn.Sequential(
        nn.Conv2d(3, 6, 3, padding=1, bias=False),
        nn.BatchNorm2d(6),
        nn.ReLU(inplace=True),
        nn.MaxPool2d(2),
        middle(),
        nn.Conv2d(8, 6, 1, bias=False),
        nn.BatchNorm2d(6),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(6, 7),
    ).double()
    for module in net.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.3)
            module.running_var.uniform_(0.5, 2)
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.normal_(module.bias, 0, 0.3)
        elif isinstance(module, nn.Conv2d) and module.bias is not None:
            nn.init.zeros_(module.bias)
    # No score with inhibiting inputs only, and none without inputs.
    nn.init.uniform_(net[-1].weight, -0.2, 1)
    nn.init.ones_(net[6].bias)
    return net


def check(net: nn.Module, x: torch.Tensor, layer: str) -> torch.Tensor:
    """Conserved with what was lost, never negative; returns the share lost per image."""
    shares = excitation_backprop(
        net, x, [1, 3], layer, gradient_to_saliency=lambda activations: activations.grad
    )
    lost = sum(relevance_lost(net, x, [1, 3], layer).values(), torch.zeros(2).double())
    assert shares.min() >= 0
    assert ((shares.sum((1, 2, 3)) + lost - 1).abs() <= 1e-9).all()
    return lost


@pytest.mark.parametrize("layer", ["", "0", "3", "4"])
@pytest.mark.parametrize("middle", [Residual, Dense, Inception])
def test_relevance_is_conserved(middle, layer):
    assert check(network(middle), torch.randn(2, 3, 12, 10).double(), layer).max() <= 1e-9


@pytest.mark.parametrize("layer", ["", "3"])
def test_a_linear_bottlenecks_lost_share_is_returned_and_named(layer):
    net, x = network(Inverted), torch.randn(2, 3, 12, 10).double()
    with pytest.warns(UserWarning, match=r"lost \d+% of the relevance, most of it at 4\.body\.3"):
        lost = check(net, x, layer)
    assert (lost > 0.01).all()
    with pytest.warns(UserWarning, match=r"lost \d+% of the relevance, most of it at 4\.body\.3"):
        contrastive_excitation_backprop(net, x, [1, 3], layer, "4")


def scenes(*seeds: int) -> torch.Tensor:
    return torch.stack([torch.as_tensor(draw_scene(seed).image) for seed in seeds])


@pytest.mark.parametrize("name", CONVOLUTIONAL)
def test_the_courses_networks(name):
    net, x = load_network(name).double(), scenes(70_001, 70_002).double()
    if name == "tiny_mobilenet":
        with pytest.warns(UserWarning, match=r"lost \d+% of the relevance, most of it at features"):
            assert check(net, x, "").max() < 1
    else:
        assert check(net, x, "").max() <= 1e-9


def test_the_warning_names_the_share_that_is_lost_in_all():
    """Of the image that loses most, and over all layers together."""
    net, x = load_network("tiny_mobilenet"), scenes(70_001, 70_003)
    shares = relevance_lost(net, x, 0)
    assert len(shares) > 1
    most = float(sum(shares.values()).max())
    assert round(most, 2) != round(max(float(share.max()) for share in shares.values()), 2)
    with pytest.warns(UserWarning, match=f"lost {most:.0%} of the relevance"):
        excitation_backprop(net, x, 0)


def test_a_vision_transformer_is_refused_and_told_what_to_use_instead():
    net = torchvision.models.VisionTransformer(32, 16, 1, 2, 8, 16, num_classes=5)
    nn.init.normal_(net.heads.head.weight)
    net.train()
    x = torch.randn(1, 3, 32, 32)
    for call in (
        lambda: excitation_backprop(net, x, 0),
        lambda: contrastive_excitation_backprop(net, x, 0, "conv_proj", "encoder"),
    ):
        with pytest.raises(ValueError, match=r"not defined for layer_norm.*linear_approx, .* and "):
            call()
    assert all(module.training for module in net.modules())
    assert not net._forward_hooks
