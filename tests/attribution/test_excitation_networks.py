"""Relevance is conserved and not negative on every family of networks, or what was lost is said."""

from __future__ import annotations

import warnings

import pytest
import torch
import torchvision
from torch import nn

from course_lib.attribution.excitation_backprop import (
    contrastive_excitation_backprop,
    excitation_backprop,
    relevance_lost,
)
from course_lib.world.networks import NETWORKS, load_network
from course_lib.world.scenes import draw_scene

LAYERS = {
    "resnet18": ("", "layer1", "layer3"),
    "densenet121": ("", "features.pool0", "features.transition2"),
    "googlenet": ("", "maxpool2", "inception4a"),
    "mobilenet_v2": ("", "features.3", "features.10"),
    "vgg11_bn": ("", "features.7"),
    "squeezenet1_1": ("", "features.5"),
    "shufflenet_v2_x0_5": ("", "stage2"),
}


def random_network(name: str, shifted: bool) -> nn.Module:
    """A torchvision network; `shifted`: with BatchNorms that are not the identity."""
    torch.manual_seed(1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        options = {"aux_logits": False, "init_weights": False} if name == "googlenet" else {}
        network = getattr(torchvision.models, name)(num_classes=7, **options)
    for module in network.modules():
        if shifted and isinstance(module, nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.3)
            module.running_var.uniform_(0.5, 2)
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.normal_(module.bias, 0, 0.3)
    return network.double()


def check(network, x, layer, tolerance=1e-9):
    """Conserved with what was lost, never negative; returns the share lost per image."""
    shares = excitation_backprop(
        network, x, [1, 3], layer, gradient_to_saliency=lambda activations: activations.grad
    )
    lost = sum(relevance_lost(network, x, [1, 3], layer).values(), torch.zeros(2).double())
    assert shares.min() >= 0
    assert ((shares.sum((1, 2, 3)) + lost - 1).abs() <= tolerance).all()
    return lost


@pytest.mark.parametrize("shifted", [False, True])
@pytest.mark.parametrize("name", ["resnet18", "densenet121", "googlenet"])
def test_relevance_is_conserved(name, shifted):
    network = random_network(name, shifted)
    x = torch.randn(2, 3, 64, 64, dtype=torch.float64)
    for layer in LAYERS[name]:
        assert check(network, x, layer).max() <= 1e-9


@pytest.mark.slow
@pytest.mark.parametrize("name", ["vgg11_bn", "squeezenet1_1", "shufflenet_v2_x0_5"])
def test_what_is_lost_is_accounted_for(name):
    network = random_network(name, shifted=False)
    x = torch.randn(2, 3, 64, 64, dtype=torch.float64)
    for layer in LAYERS[name]:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Excitation backprop lost")
            check(network, x, layer)


def test_mobilenets_lost_share_is_returned_and_named():
    network = random_network("mobilenet_v2", shifted=True)
    x = torch.randn(2, 3, 64, 64, dtype=torch.float64)
    for layer in LAYERS["mobilenet_v2"]:
        with pytest.warns(UserWarning, match=r"lost \d+% of the relevance, most of it at features"):
            lost = check(network, x, layer)
        assert (lost > 0.01).all()


def test_the_warning_names_the_share_that_is_lost_in_all():
    """Of the image that loses most, and over all layers together."""
    network = load_network("tiny_mobilenet")
    x = torch.stack([torch.as_tensor(draw_scene(seed).image) for seed in (70_001, 70_003)])
    shares = relevance_lost(network, x, 0)
    assert len(shares) > 1
    most = float(sum(shares.values()).max())
    assert round(most, 2) != round(max(float(share.max()) for share in shares.values()), 2)
    with pytest.warns(UserWarning, match=f"lost {most:.0%} of the relevance"):
        excitation_backprop(network, x, 0)


@pytest.mark.parametrize("name", NETWORKS)
def test_the_courses_networks(name):
    network = load_network(name).double()
    scenes = [draw_scene(seed) for seed in (70_001, 70_002)]
    x = torch.stack([torch.as_tensor(scene.image) for scene in scenes]).double()
    if name == "tiny_mobilenet":
        with pytest.warns(UserWarning, match=r"lost \d+% of the relevance, most of it at features"):
            assert check(network, x, "").max() < 1
    else:
        assert check(network, x, "").max() <= 1e-9


def test_a_vision_transformer_is_refused_and_told_what_to_use_instead():
    network = torchvision.models.vit_b_16(image_size=32, num_classes=5)
    network.train()
    x = torch.randn(1, 3, 32, 32)
    for call in (
        lambda: excitation_backprop(network, x, 0),
        lambda: contrastive_excitation_backprop(network, x, 0, "conv_proj", "encoder"),
    ):
        with pytest.raises(ValueError, match=r"not defined for layer_norm.*rise and extremal"):
            call()
    assert all(module.training for module in network.modules())
    assert not network._forward_hooks
