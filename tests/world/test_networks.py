from __future__ import annotations

import json
import shutil
import subprocess
import sys

import pytest
import torch
from safetensors.torch import save_file
from torch import nn
from torchvision import models

from course_lib.world import checkpoints, networks
from course_lib.world.networks import (
    ARCHITECTURES,
    CONVOLUTIONAL,
    NETWORKS,
    TinyVGG,
    TinyVGG16,
    build_network,
    fold_batch_norm,
)
from course_lib.world.networks import load_network as load
from course_lib.world.scenes import draw_scene
from course_lib.world.training import HELD_OUT_SEEDS


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize(("height", "width"), [(96, 96), (64, 128), (45, 33)])
def test_every_network_takes_images_of_any_size(name, height, width):
    network = build_network(name).eval()
    assert network(torch.rand(2, 3, height, width)).shape == (2, 8)


def test_all_networks_are_shipped():
    assert all(checkpoints.weights_file(name).exists() for name in ARCHITECTURES)
    assert set(NETWORKS) <= set(ARCHITECTURES)


@pytest.mark.parametrize("name", NETWORKS)
def test_shipped_networks_are_good_and_say_so(name):
    manifest = checkpoints.read_manifest(name)
    # A transformer learns less from as few scenes.
    assert manifest["label_accuracy"] >= (0.99 if name in CONVOLUTIONAL else 0.97)
    assert manifest["held_out_scenes"] == 2000
    assert manifest["held_out_first_seed"] == HELD_OUT_SEEDS
    assert set(manifest) >= {"settings", "torch", "date", "parameters", "exact_matches"}
    count = sum(weight.numel() for weight in load(name).parameters())
    assert count == manifest["parameters"]


@pytest.mark.parametrize("name", NETWORKS)
def test_accuracy_is_the_stored_one_on_a_part(name):
    """Three hundred of the held-out scenes: within four standard errors of the stored figure."""
    count = 300
    network = load(name)
    right = []
    with torch.inference_mode():
        for first in range(HELD_OUT_SEEDS, HELD_OUT_SEEDS + count, 100):
            drawn = [draw_scene(seed) for seed in range(first, first + 100)]
            logits = network(torch.cat([scene.x for scene in drawn]))
            labels = torch.stack([torch.from_numpy(scene.labels) for scene in drawn])
            right.append((logits > 0) == (labels > 0))
    measured = torch.cat(right).float().mean(1)
    error = float(measured.std() / count**0.5)
    assert abs(float(measured.mean()) - checkpoints.read_manifest(name)["label_accuracy"]) < max(
        4 * error, 0.004
    )


def test_masks_fit_as_well_as_the_manifest_says():
    """Forty of the held-out scenes: few for a class, so within a tenth of the stored figure."""
    drawn = [draw_scene(seed) for seed in range(HELD_OUT_SEEDS, HELD_OUT_SEEDS + 40)]
    truth = torch.stack([torch.from_numpy(scene.masks) >= 0.5 for scene in drawn])
    with torch.inference_mode():
        found = load("tiny_segmenter")(torch.cat([scene.x for scene in drawn])) > 0
    each = [
        (f & t).sum().item() / (f | t).sum().item()
        for f, t in zip(found.unbind(1), truth.unbind(1), strict=True)
    ]
    manifest = checkpoints.read_manifest("tiny_segmenter")
    assert abs(sum(each) / len(each) - manifest["mean_iou"]) < 0.1
    assert manifest["mean_iou"] > 0.7
    assert manifest["held_out_scenes"] == 2000


def test_the_segmenter_answers_for_each_pixel_of_images_of_any_size():
    network = build_network("tiny_segmenter")
    for height, width in ((96, 96), (64, 128), (45, 33)):
        assert network(torch.rand(2, 3, height, width)).shape == (2, 8, height, width)


def test_the_segmenter_begins_as_tiny_vgg_does():
    known, own = load("tiny_vgg").state_dict(), load("tiny_segmenter").state_dict()
    shared = [key for key in own if key.startswith("features.")]
    assert len(shared) == 12
    assert all(torch.equal(own[key], known[key]) for key in shared)
    assert checkpoints.weights_file("tiny_segmenter").stat().st_size <= 800_000


def test_shipped_weights_take_less_than_ten_megabytes():
    assert sum(path.stat().st_size for path in checkpoints.FOLDER.iterdir()) < 10_000_000


@pytest.mark.parametrize("name", NETWORKS)
def test_loaded_networks_are_frozen_and_in_eval_mode(name):
    network = load(name)
    assert not any(module.training for module in network.modules())
    assert not any(weight.requires_grad for weight in network.parameters())
    assert load(name) is not network


def test_layers_of_tiny_vgg():
    kinds = [type(layer).__name__ for layer in load("tiny_vgg").features]
    block = ["Conv2d", "ReLU", "Conv2d", "ReLU", "MaxPool2d"]
    assert kinds == [*block * 4, "Conv2d", "ReLU"]
    names = [name for name, _ in load("tiny_vgg").named_children()]
    assert names == ["features", "avgpool", "classifier"]


def test_tiny_resnet_is_named_and_behaves_like_torchvisions():
    network = build_network("tiny_resnet")
    names = [name for name, _ in network.named_children()]
    assert names == [
        *("conv1", "bn1", "relu", "layer1", "layer2", "layer3", "layer4", "avgpool", "fc")
    ]
    inner = [name for name, _ in network.layer2[0].named_children()]
    assert inner == ["conv1", "bn1", "relu", "conv2", "bn2", "downsample"]
    relus = [module for module in network.modules() if isinstance(module, nn.ReLU)]
    assert relus
    assert all(relu.inplace for relu in relus)


class _Calls(torch.overrides.TorchFunctionMode):
    def __init__(self):
        super().__init__()
        self.names = []

    def __torch_function__(self, func, types, args=(), kwargs=None):
        self.names.append(func.__name__)
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize(
    ("name", "present", "absent"),
    [
        ("tiny_vgg", {"conv2d", "relu", "max_pool2d"}, {"batch_norm", "cat", "add", "add_"}),
        ("tiny_vgg16", {"conv2d", "relu", "max_pool2d"}, {"batch_norm", "cat", "add", "add_"}),
        ("tiny_resnet", {"add_", "batch_norm", "relu"}, {"add", "cat"}),
        ("tiny_densenet", {"cat", "relu", "avg_pool2d"}, {"add_", "add"}),
        ("tiny_mobilenet", {"hardtanh", "add", "batch_norm"}, {"relu", "add_"}),
    ],
)
def test_each_network_has_what_its_family_is_for(name, present, absent):
    network = build_network(name).eval()
    with _Calls() as calls:
        network(torch.rand(1, 3, 64, 64))
    assert present <= set(calls.names)
    assert not absent & set(calls.names)
    if name == "tiny_mobilenet":
        assert any(
            isinstance(module, nn.Conv2d) and module.groups == module.in_channels > 3
            for module in network.modules()
        )
    if name == "tiny_densenet":
        assert not any(isinstance(module, nn.ReLU) for module in network.modules())


def test_tiny_vgg16_is_torchvision_s_vgg16_but_for_its_widths():
    theirs = models.vgg16(weights=None)
    ours = load("tiny_vgg16")
    kinds = [(name, type(layer)) for name, layer in theirs.named_modules() if name]
    assert [(name, type(layer)) for name, layer in ours.named_modules() if name] == kinds
    assert ours.state_dict().keys() == theirs.state_dict().keys()
    relus = [layer for layer in ours.modules() if isinstance(layer, nn.ReLU)]
    assert all(relu.inplace for relu in relus)
    assert checkpoints.weights_file("tiny_vgg16").stat().st_size <= 1_000_000


@pytest.mark.parametrize("build", [TinyVGG, TinyVGG16])
def test_folding_changes_nothing(build):
    torch.manual_seed(0)
    network = build(batch_norm=True)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d | nn.BatchNorm1d):
            nn.init.uniform_(module.weight, 0.5, 2)
            nn.init.normal_(module.bias)
            nn.init.normal_(module.running_mean)
            nn.init.uniform_(module.running_var, 0.5, 2)
    x = torch.rand(3, 3, 96, 96)
    expected = network.eval()(x)
    assert not torch.allclose(expected, build().eval()(x), atol=1e-2)
    torch.testing.assert_close(fold_batch_norm(network)(x), expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("build", [TinyVGG, TinyVGG16])
def test_folding_leaves_the_network_itself_alone(build):
    network = build(batch_norm=True)
    before = {key: value.clone() for key, value in network.state_dict().items()}
    fold_batch_norm(network.eval())
    after = network.state_dict()
    assert all(torch.equal(before[key], after[key]) for key in before)


@pytest.mark.parametrize("ask", [build_network, load])
def test_an_unknown_name_names_the_nearest(ask):
    with pytest.raises(ValueError, match=r"no small network 'tiny_vg'; did you mean tiny_vgg"):
        ask("tiny_vg")
    with pytest.raises(ValueError, match="there are tiny_vgg, tiny_vgg16, tiny_resnet"):
        ask("xyz")


@pytest.fixture
def own_folder(tmp_path, monkeypatch):
    for path in (checkpoints.weights_file("tiny_vgg"), checkpoints.manifest_file("tiny_vgg")):
        shutil.copy(path, tmp_path)
    monkeypatch.setattr(checkpoints, "FOLDER", tmp_path)
    return tmp_path


def test_a_damaged_checkpoint_is_named_with_both_sums(own_folder):
    path = checkpoints.weights_file("tiny_vgg")
    expected = checkpoints.sha256(path)
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    found = checkpoints.sha256(path)
    with pytest.raises(ValueError, match="are damaged") as caught:
        load("tiny_vgg")
    assert str(path) in str(caught.value)
    assert expected in str(caught.value)
    assert found in str(caught.value)


def test_a_missing_checkpoint(own_folder):
    checkpoints.weights_file("tiny_vgg").unlink()
    with pytest.raises(FileNotFoundError, match=r"tiny_vgg.safetensors are not there; reinstall"):
        load("tiny_vgg")


@pytest.mark.parametrize("text", ["", "{}", "[1]", "{", '{"name": "tiny_vgg"}'])
def test_a_damaged_manifest(own_folder, text):
    checkpoints.manifest_file("tiny_vgg").write_text(text)
    with pytest.raises(ValueError, match="is not a manifest of weights"):
        load("tiny_vgg")


def test_weights_of_ones_own(tmp_path):
    torch.manual_seed(1)
    network = build_network("tiny_resnet")
    save_file(network.state_dict(), tmp_path / "mine.safetensors")
    again = load("tiny_resnet", tmp_path / "mine.safetensors")
    assert torch.equal(again.fc.weight, network.fc.weight)
    with pytest.raises(ValueError, match=r"mine.safetensors does not hold weights of tiny_vgg"):
        load("tiny_vgg", tmp_path / "mine.safetensors")
    (tmp_path / "text.safetensors").write_text("hello")
    with pytest.raises(ValueError, match=r"text.safetensors is not a safetensors file"):
        load("tiny_vgg", tmp_path / "text.safetensors")


def test_verify_tells_right_from_wrong(own_folder):
    results = {name: (well, message) for name, well, message in networks.verify()}
    assert set(results) == set(ARCHITECTURES)
    assert results["tiny_vgg"][0]
    assert "of labels right on 2000 held-out scenes" in results["tiny_vgg"][1]
    assert not results["tiny_resnet"][0]
    checkpoints.weights_file("tiny_vgg").write_bytes(b"no")
    well, message = {name: rest for name, *rest in networks.verify()}["tiny_vgg"]
    assert not well
    assert "are damaged: SHA-256" in message


def test_manifests_are_written_whole(tmp_path):
    path = checkpoints.save_weights("x", {"a": torch.ones(2)}, tmp_path, label_accuracy=1.0)
    manifest = json.loads(checkpoints.manifest_file("x", tmp_path).read_text())
    assert manifest == {"name": "x", "sha256": checkpoints.sha256(path), "label_accuracy": 1.0}
    assert sorted(file.name for file in tmp_path.iterdir()) == ["x.json", "x.safetensors"]


def test_importing_the_world_is_cheap():
    code = (
        "import sys, course_lib.world, course_lib.benchmark\n"
        "assert not {'torch', 'torchvision', 'matplotlib'} & set(sys.modules)\n"
        "course_lib.world.load_network, course_lib.world.get_example_data()\n"
        "assert not {'torchvision', 'matplotlib'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_names_of_the_world():
    import course_lib.world

    for name in course_lib.world.__all__:
        assert getattr(course_lib.world, name) is not None
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        _ = course_lib.world.nothing
    assert course_lib.world.build_network is networks.build_network
