"""Where the caller's tensors are, all happens; nothing is moved, nothing made elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import nullcontext
from typing import Any

import pytest
import torch
from torch import nn

from course_lib.attribution.excitation_backprop import (
    excitation_backprop,
    relevance_lost,
)
from course_lib.attribution.extremal_perturbation import contrastive_reward, extremal_perturbation
from course_lib.attribution.gradient import gradient
from course_lib.attribution.methods import methods
from course_lib.attribution.rise import rise_class
from course_lib.world.networks import load_network
from tests.attribution.far import FAR, Far, far, far_device, put_far
from tests.attribution.quick import FEW, quick

# The networks here are small, and have no max pooling.
pytestmark = pytest.mark.filterwarnings("ignore:DeConvNet's map of this network", FEW)

DEVICES = [
    "far",
    *(["cuda"] if torch.cuda.is_available() else []),
    *(["mps"] if torch.backends.mps.is_available() else []),
]
SHORT = {"areas": [0.1, 0.4], "max_iter": 6, "step": 8, "sigma": 10}

# Targets and masks may come from the CPU.
HERE = torch.tensor([1, 2])
MASKS = torch.rand(5, 32, 40, generator=torch.manual_seed(0))


def by_the_table(name: str) -> Callable[..., Any]:
    """A method as its entry in the table says, at a layer where it takes one."""
    entry = methods()[name]

    def call(model: nn.Module, x: torch.Tensor, layer: str) -> torch.Tensor:
        places = {"no": {}, "optional": {}, "needed": {"saliency_layer": layer}}[entry.layer]
        if name == "contrastive_excitation_backprop":
            places = {"saliency_layer": "", "contrast_layer": layer}
        return entry.function(model, x, 1, **places, **quick(name, x))

    return call


METHODS: dict[str, Callable[..., Any]] = {
    **{name: by_the_table(name) for name in methods() if name != "extremal_perturbation"},
    "several targets": lambda m, x, layer: gradient(m, x, [[1, 2], [0, 3]], smooth=0.02),
    "targets from the CPU": lambda m, x, layer: gradient(m, x, HERE, resize=True),
    "excitation_backprop, signed": lambda m, x, layer: excitation_backprop(
        m, x, 1, residual="signed"
    ),
    "excitation_backprop, branch": lambda m, x, layer: excitation_backprop(
        m, x, 1, residual="branch"
    ),
    "relevance_lost": lambda m, x, layer: sum(relevance_lost(m, x, 1).values(), x.new_zeros(2)),
    "masks from the CPU": lambda m, x, layer: rise_class(
        m, x, HERE, filter_masks=MASKS, resize=(20, 20)
    ),
}
SEARCHES: dict[str, Callable[..., Any]] = {
    "several targets": lambda m, x, layer: extremal_perturbation(m, x, [1, 2], **SHORT),
    "dual, fade, contrastive": lambda m, x, layer: extremal_perturbation(
        m, x, 1, variant="dual", perturbation="fade", reward_func=contrastive_reward, **SHORT
    ),
    "TorchRay's": lambda m, x, layer: extremal_perturbation(
        m, x, 1, area_on="padded", border="zeros", **SHORT
    ),
}
MANY_GRADIENTS = ("integrated_gradients", "smooth_grad")
LAYERS = {"tiny_vgg": "features.21", "tiny_resnet": "layer3", "tiny_vit": "blocks.3"}


def usual_network(name: str) -> str:
    """A network that what is tested is defined for."""
    return "tiny_vit" if name == "attention_rollout" else "tiny_vgg"


@pytest.fixture(params=DEVICES)
def elsewhere(request: pytest.FixtureRequest) -> Iterator[str]:
    with far_device() if request.param == "far" else nullcontext():
        yield request.param


def put(device: str, model: nn.Module, x: torch.Tensor) -> tuple[nn.Module, torch.Tensor]:
    return (put_far(model), far(x)) if device == "far" else (model.to(device), x.to(device))


def back(x: torch.Tensor) -> torch.Tensor:
    return x.near if isinstance(x, Far) else x.cpu()


@pytest.mark.filterwarnings("ignore:Excitation backprop lost")
@pytest.mark.parametrize("name", METHODS)
def test_maps_are_made_where_the_image_is(name: str, elsewhere: str) -> None:
    x = torch.rand(2, 3, 32, 40, generator=torch.manual_seed(0))
    # Its residual sums matter to excitation backprop alone.
    network = "tiny_resnet" if "excitation" in name else usual_network(name)
    layer = LAYERS[network]
    expected = METHODS[name](load_network(network), x, layer)
    model, there = put(elsewhere, load_network(network), x)
    found = METHODS[name](model, there, layer)
    assert found.device == there.device
    # Of many gradients, one may lie where rounding decides which way a maximum goes.
    atol = 0.03 * float(expected.abs().max()) if name in MANY_GRADIENTS else 1e-5
    torch.testing.assert_close(back(found), expected, rtol=1e-3, atol=atol)


@pytest.mark.parametrize("name", SEARCHES)
def test_masks_are_made_where_the_image_is(name: str, elsewhere: str) -> None:
    x = torch.rand(2, 3, 32, 40, generator=torch.manual_seed(0))
    layer = LAYERS["tiny_vgg"]
    expected = SEARCHES[name](load_network("tiny_vgg"), x, layer)
    model, there = put(elsewhere, load_network("tiny_vgg"), x)
    found = SEARCHES[name](model, there, layer)
    for part in ("masks", "reward", "area", "covered"):
        assert getattr(found, part).device == there.device
        if elsewhere == "far":
            # Elsewhere, rounding may decide between two parameters that tie.
            torch.testing.assert_close(
                back(getattr(found, part)), getattr(expected, part), rtol=1e-3, atol=1e-3
            )


@pytest.mark.filterwarnings("ignore:Excitation backprop lost")
@pytest.mark.parametrize("name", METHODS | SEARCHES)
def test_the_default_device_is_not_asked(name: str) -> None:
    """Nothing can be computed on the meta device, so anything made there would be noticed."""
    x = torch.rand(2, 3, 32, 40, generator=torch.manual_seed(0))
    network = usual_network(name)
    model, layer = load_network(network), LAYERS[network]
    call = (METHODS | SEARCHES)[name]
    expected = call(model, x, layer)
    with torch.device("meta"):
        found = call(model, x, layer)
    if name in SEARCHES:
        found, expected = found.masks, expected.masks
    assert torch.equal(found, expected)


def test_the_far_device_refuses_what_a_gpu_refuses() -> None:
    here = torch.ones(3)
    with far_device():
        there = far(here)
        for forbidden in (
            lambda: there + here,
            lambda: there @ here,
            lambda: there.where(here > 0, there),
            lambda: torch.cat((there, here)),
            lambda: there.numpy(),
            lambda: there.double(),
        ):
            with pytest.raises((RuntimeError, TypeError), match=r"one device|CPU first|float64"):
                forbidden()
        for allowed in (
            there + torch.tensor(2.0),
            there[torch.tensor([0, 1])],
            here.to(there),
            torch.arange(3, device=there.device),
            torch.tensor([1], device=there.device),
            there.new_zeros(2),
            torch.zeros_like(there),
        ):
            assert isinstance(allowed, Far)
            assert allowed.device == FAR
        assert type(there.cpu()) is torch.Tensor
        assert there.tolist() == [1, 1, 1]
        assert float(there.sum()) == 3
