"""The benchmark's networks: weights from a file, and what their images look like."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from torch import nn
from torchvision import models

from course_lib.benchmark import logging
from course_lib.benchmark.models import (
    FullyConvolutional,
    get_model,
    get_transform,
    replace_module,
)


@pytest.fixture(scope="module")
def resnet_file(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, nn.Module]:
    torch.manual_seed(1)
    network = models.resnet18(num_classes=20).eval()
    path = tmp_path_factory.mktemp("weights") / "resnet18.pth"
    torch.save({"state_dict": network.state_dict()}, path)
    return path, network


def test_weights_come_from_a_file(resnet_file: tuple[Path, nn.Module]) -> None:
    path, network = resnet_file
    found = get_model("resnet18", "voc_2007", weights=path)
    assert not found.training
    assert not any(p.requires_grad for p in found.parameters())
    x = torch.rand(1, 3, 64, 64)
    assert torch.equal(found(x), network(x))
    same = get_model("resnet18", "voc", convert_to_fully_convolutional=True, weights=path)
    assert torch.equal(same(x), network(x))


def test_weights_of_convolutions_fit_linear_layers(
    resnet_file: tuple[Path, nn.Module], tmp_path: Path
) -> None:
    _, network = resnet_file
    state: dict[str, Any] = dict(network.state_dict())
    state["fc.weight"] = state["fc.weight"][:, :, None, None]
    torch.save(state, tmp_path / "convolutions.pth")
    x = torch.rand(1, 3, 64, 64)
    found = get_model("resnet18", "voc", weights=tmp_path / "convolutions.pth")
    assert torch.equal(found(x), network(x))


def test_without_weights_one_sentence(resnet_file: tuple[Path, nn.Module], tmp_path: Path) -> None:
    path, _ = resnet_file
    with pytest.raises(OSError, match=r"no weights of vgg16 for voc: give weights=PATH") as caught:
        get_model("vgg16", "voc_2007")
    assert "\n" not in str(caught.value)
    with pytest.raises(FileNotFoundError, match=r"nowhere.pth is not there"):
        get_model("resnet18", "voc", weights=tmp_path / "nowhere.pth")
    with pytest.raises(ValueError, match="does not hold weights of resnet18") as refused:
        get_model("resnet18", "coco", weights=path)
    assert "\n" not in str(refused.value)
    (tmp_path / "text.pth").write_text("weights")
    with pytest.raises(ValueError, match="does not hold weights of resnet18"):
        get_model("resnet18", "voc", weights=tmp_path / "text.pth")
    with pytest.raises(ValueError, match="did you mean resnet18"):
        get_model("resnet81", "voc", weights=path)
    with pytest.raises(ValueError, match="for imagenet, voc and coco, not for 'pets'"):
        get_model("resnet18", "pets", weights=path)


class SmallVGG(models.VGG):
    """torchvision's VGG with few weights."""

    def __init__(self) -> None:
        nn.Module.__init__(self)
        self.features = nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.ReLU(), nn.MaxPool2d(4))
        self.avgpool = nn.AdaptiveAvgPool2d((7, 7))
        self.classifier = nn.Sequential(nn.Linear(4 * 49, 6), nn.ReLU(), nn.Linear(6, 5))


def test_a_fully_convolutional_vgg_takes_the_mean_of_its_scores() -> None:
    network = SmallVGG().eval()
    small, large = torch.rand(2, 3, 28, 28), torch.rand(1, 3, 28, 36)
    expected = network(small)
    crops = torch.cat([large[..., left : left + 28] for left in (0, 4, 8)])
    # Padding sees zeros at a crop's edge, so that only its features are compared.
    features = network.features(large)
    at_each = torch.stack(
        [
            network.classifier(features[..., left : left + 7].flatten(1))
            for left in range(len(crops))
        ]
    )
    found = FullyConvolutional(network)
    assert isinstance(found.classifier[0], nn.Conv2d)
    torch.testing.assert_close(found(small), expected)
    torch.testing.assert_close(found(large), at_each.mean(0))


def test_images_are_as_caffe_had_them() -> None:
    picture = Image.new("RGB", (50, 30), (255, 10, 20))
    x = get_transform("voc_2007", size=15)(picture)
    assert x.shape == (3, 15, 25)
    assert x[:, 0, 0].tolist() == pytest.approx(
        [20 - 103.939, 10 - 116.779, 255 - 123.68], abs=1e-3
    )
    assert torch.equal(x, get_transform("coco", size=(15, 25))(picture))
    x = get_transform("imagenet", size=15)(picture)
    assert float(x[0, 0, 0]) == pytest.approx((1 - 0.485) / 0.229, abs=1e-5)
    with pytest.raises(ValueError, match="not for 'pets'"):
        get_transform("pets")


def test_a_layer_is_replaced_by_its_name() -> None:
    network = SmallVGG()
    replace_module(network, "classifier.1", nn.Identity())
    assert isinstance(network.classifier[1], nn.Identity)
    with pytest.raises(ValueError, match=r"classifier\.9"):
        replace_module(network, "classifier.9", nn.Identity())


@pytest.mark.parametrize("name", logging.__all__)
def test_the_log_names_the_store(name: str) -> None:
    with pytest.raises(NotImplementedError, match="`course benchmark` keeps them in SQLite"):
        getattr(logging, name)("database")
