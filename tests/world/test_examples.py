from __future__ import annotations

import dataclasses
import hashlib
import http.server
import io
import threading
from functools import partial

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision import models

from course_lib.world.checkpoints import weights_file
from course_lib.world.examples import example_scene, get_example_data
from course_lib.world.images import read_image
from course_lib.world.networks import CONVOLUTIONAL, NETWORKS

ARCH = "squeezenet1_1"
DEFAULT = models.SqueezeNet1_1_Weights.DEFAULT


def assert_is_an_example(data, size, classes):
    network, x, category_1, category_2 = data
    assert not network.training
    assert not any(weight.requires_grad for weight in network.parameters())
    assert x.shape == (1, 3, *size)
    assert x.dtype == torch.float32
    assert not x.requires_grad
    assert isinstance(category_1, int)
    assert isinstance(category_2, int)
    assert category_1 != category_2
    assert network(x).shape == (1, classes)
    assert max(category_1, category_2) < classes


@pytest.mark.parametrize("name", NETWORKS)
def test_both_objects_of_the_example_are_clearly_seen(name):
    data = get_example_data(name)
    assert_is_an_example(data, (96, 96), 8)
    network, x, *categories = data
    assert categories == example_scene().objects
    scores = torch.sigmoid(network(x)[0])
    # A transformer that learned from as few scenes is less sure.
    low, high = (0.05, 0.95) if name in CONVOLUTIONAL else (0.4, 0.8)
    assert scores[categories].min() > high
    scores[categories] = 0
    assert scores.max() < low


def test_the_objects_of_the_example_are_alike_in_size_and_apart():
    scene = example_scene()
    first, second = (scene.masks[index] for index in scene.objects)
    assert 0.6 < first.sum() / second.sum() < 1.7
    centres = [
        np.array([(grid * mask).sum() / mask.sum() for grid in np.mgrid[:96, :96]])
        for mask in (first, second)
    ]
    assert np.hypot(*(centres[0] - centres[1])) > 35


def test_the_example_is_drawn_anew_every_time():
    _, x, *_ = get_example_data()
    x.zero_()
    assert get_example_data()[1].any()


@pytest.mark.parametrize(("shape", "size"), [(128, (128, 128)), ((96, 128), (96, 128))])
def test_the_example_in_another_shape(shape, size):
    data = get_example_data("tiny_vgg", shape)
    assert_is_an_example(data, size, 8)
    assert list(data[2:]) == example_scene().objects


@pytest.fixture
def picture(tmp_path):
    path = tmp_path / "picture.png"
    pixels = (example_scene(192).image.transpose(1, 2, 0) * 255).round().astype(np.uint8)
    Image.fromarray(pixels).save(path)
    return path


def test_an_image_of_ones_own(picture):
    network, x, *categories = get_example_data("tiny_vgg", image=picture)
    assert x.shape == (1, 3, 96, 96)
    assert sorted(categories) == example_scene().objects
    assert network(x)[0, categories[0]] >= network(x)[0, categories[1]]
    _, as_text, *_ = get_example_data("tiny_vgg", image=str(picture))
    assert torch.equal(x, as_text)


def test_an_image_as_a_tensor():
    image = example_scene().x
    _, x, *categories = get_example_data("tiny_vgg", image=image[0])
    assert torch.equal(x, image)
    assert sorted(categories) == example_scene().objects
    x.zero_()
    assert image.any()


def test_one_number_is_the_shorter_side(tmp_path):
    Image.new("RGB", (90, 60), "teal").save(tmp_path / "oblong.png")
    _, x, *_ = get_example_data("tiny_vgg", 48, tmp_path / "oblong.png")
    assert x.shape == (1, 3, 48, 72)
    _, x, *_ = get_example_data("tiny_vgg", (40, 50), tmp_path / "oblong.png")
    assert x.shape == (1, 3, 40, 50)
    teal = torch.tensor([0, 128 / 255, 128 / 255]).view(1, 3, 1, 1).expand_as(x)
    torch.testing.assert_close(x, teal, rtol=0, atol=1e-5)


def _nan():
    image = torch.rand(3, 40, 40)
    image[1, 2, 3] = float("nan")
    return image


@pytest.mark.parametrize(
    ("image", "error", "message"),
    [
        (_nan(), ValueError, "not finite"),
        (torch.rand(2, 3, 40, 40), ValueError, r"shape \(3, H, W\)"),
        (
            torch.rand(3, 40, 40) * 255,
            ValueError,
            r"The tensor has values from .* in \[0, 1\]",
        ),
        (3, TypeError, "a path, a URL, a PIL image, an array or a tensor, not int"),
        ("not/there.png", FileNotFoundError, r"image not/there.png is not there"),
        ("http://127.0.0.1:9/a.png", OSError, r"image http://127.0.0.1:9/a.png can't be had"),
        ("http:///a.png", OSError, r"can't be had"),
    ],
)
def test_images_that_are_not_right(image, error, message):
    with pytest.raises(error, match=message) as caught:
        get_example_data("tiny_vgg", image=image)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_no_picture(tmp_path):
    (tmp_path / "text.png").write_text("hello")
    with pytest.raises(ValueError, match=r"text.png is not a picture"):
        get_example_data("tiny_vgg", image=tmp_path / "text.png")


@pytest.mark.parametrize("shape", [0, (3, 0), (1, 2, 3)])
def test_a_wrong_shape(picture, shape):
    with pytest.raises(ValueError, match=r"shape of an image is one number or \(height, width\)"):
        get_example_data("tiny_vgg", shape, picture)


@pytest.mark.parametrize(
    ("arch", "message"),
    [
        ("resnet81", "did you mean resnet18"),
        ("tinyvgg", "did you mean tiny_vgg"),
        ("qqq", "there are tiny_vgg, tiny_vgg16, .* and torchvision's"),
    ],
)
def test_an_unknown_architecture(arch, message):
    with pytest.raises(ValueError, match=f"no architecture '{arch}'; {message}"):
        get_example_data(arch)


def test_an_architecture_of_the_wrong_kind():
    with pytest.raises(TypeError, match="given by its name"):
        get_example_data(3)


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *arguments):
        pass


@pytest.fixture
def server(tmp_path):
    folder = tmp_path / "served"
    folder.mkdir()
    with http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), partial(_Quiet, directory=folder)
    ) as running:
        thread = threading.Thread(target=running.serve_forever, daemon=True)
        thread.start()
        yield folder, f"http://127.0.0.1:{running.server_port}"
        running.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def made_up():
    """A checkpoint as torchvision would download it, with random weights."""
    torch.manual_seed(5)
    network = models.get_model(ARCH, weights=None)
    stream = io.BytesIO()
    torch.save(network.state_dict(), stream)
    return network.eval(), stream.getvalue()


@pytest.fixture
def home(tmp_path, monkeypatch):
    folder = tmp_path / "home" / "hub" / "checkpoints"
    folder.mkdir(parents=True)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "home"))
    return folder


@pytest.fixture
def cached(home, made_up):
    network, content = made_up
    (home / DEFAULT.url.rsplit("/", 1)[1]).write_bytes(content)
    return network


def test_an_image_by_its_address(server, picture):
    folder, address = server
    (folder / "picture.png").write_bytes(picture.read_bytes())
    _, x, *_ = get_example_data("tiny_vgg", image=f"{address}/picture.png")
    assert torch.equal(x, get_example_data("tiny_vgg", image=picture)[1])
    with pytest.raises(OSError, match=r"nothing.png can't be had \(HTTP Error 404"):
        get_example_data("tiny_vgg", image=f"{address}/nothing.png")


def test_torchvision_with_cached_weights(cached):
    data = get_example_data(ARCH, 96)
    assert_is_an_example(data, (96, 96), 1000)
    network, x, category_1, category_2 = data
    preset = DEFAULT.transforms()
    mean, std = (torch.tensor(values).view(3, 1, 1) for values in (preset.mean, preset.std))
    torch.testing.assert_close(x[0] * std + mean, example_scene(96).x[0], rtol=0, atol=1e-6)
    expected = cached(x)[0]
    torch.testing.assert_close(network(x)[0], expected)
    assert [category_1, category_2] == expected.topk(2).indices.tolist()


def test_torchvision_draws_at_the_size_its_weights_expect(cached):
    assert get_example_data(ARCH)[1].shape == (1, 3, 224, 224)


def test_torchvision_prepares_an_image_as_its_weights_say(cached, picture):
    _, x, *_ = get_example_data(ARCH, image=picture)
    expected = DEFAULT.transforms()(read_image(picture))
    torch.testing.assert_close(x, expected)
    _, x, *_ = get_example_data(ARCH, (64, 80), picture)
    assert x.shape == (1, 3, 64, 80)
    assert x.min() < -0.2


@pytest.fixture
def downloadable(server, home, made_up, monkeypatch):
    """torchvision's address of the weights, pointing to the local server."""
    folder, address = server
    _, content = made_up
    digest = hashlib.sha256(content).hexdigest()[:8]
    (folder / f"made-up-{digest}.pth").write_bytes(content)

    def point_to(name):
        changed = dataclasses.replace(DEFAULT.value, url=f"{address}/{name}")
        monkeypatch.setattr(DEFAULT, "_value_", changed)

    point_to(f"made-up-{digest}.pth")
    return folder, point_to


def test_torchvision_downloads_weights(downloadable, made_up, capsys):
    network, x, *_ = get_example_data(ARCH, 96)
    torch.testing.assert_close(network(x), made_up[0](x))


WAYS_OUT = (
    r"use arch='tiny_vgg' or 'efficientnet_lite0', which need no download, or give a local file: "
    r"weights=PATH\.$"
)


def test_weights_that_are_not_there(downloadable):
    _, point_to = downloadable
    point_to("other-12345678.pth")
    with pytest.raises(OSError, match=WAYS_OUT) as caught:
        get_example_data(ARCH)
    assert f"weights of {ARCH} can't be had (HTTP Error 404" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_weights_without_a_network(home, monkeypatch):
    changed = dataclasses.replace(DEFAULT.value, url="http://127.0.0.1:9/made-up-12345678.pth")
    monkeypatch.setattr(DEFAULT, "_value_", changed)
    with pytest.raises(OSError, match=WAYS_OUT) as caught:
        get_example_data(ARCH)
    assert "refused" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_weights_damaged_on_the_way(downloadable, capsys):
    folder, point_to = downloadable
    (folder / "made-up-12345678.pth").write_bytes(b"something else")
    point_to("made-up-12345678.pth")
    with pytest.raises(OSError, match="invalid hash value.*" + WAYS_OUT):
        get_example_data(ARCH)


def test_weights_damaged_in_the_cache(home):
    (home / DEFAULT.url.rsplit("/", 1)[1]).write_bytes(b"nonsense")
    with pytest.raises(OSError, match=WAYS_OUT) as caught:
        get_example_data(ARCH)
    assert "\n" not in str(caught.value)


def test_a_local_file_of_weights(tmp_path, made_up, home):
    expected, content = made_up
    (tmp_path / "mine.pth").write_bytes(content)
    network, x, *_ = get_example_data(ARCH, 96, weights=tmp_path / "mine.pth")
    torch.testing.assert_close(network(x), expected(x))
    assert not list(home.iterdir())


def test_a_local_file_that_does_not_fit(tmp_path):
    torch.save({"a": torch.ones(2)}, tmp_path / "other.pth")
    with pytest.raises(ValueError, match=rf"other.pth does not hold weights of {ARCH}"):
        get_example_data(ARCH, weights=tmp_path / "other.pth")
    (tmp_path / "text.pth").write_text("hello")
    with pytest.raises(ValueError, match=r"text.pth is not a file of weights"):
        get_example_data(ARCH, weights=tmp_path / "text.pth")
    with pytest.raises(FileNotFoundError, match=r"nothing.pth are not there"):
        get_example_data(ARCH, weights=tmp_path / "nothing.pth")


def test_weights_of_ones_own_for_a_small_network():
    path = weights_file("tiny_vgg")
    network, x, *_ = get_example_data("tiny_vgg", weights=path)
    assert torch.equal(network(x), get_example_data("tiny_vgg")[0](x))


@pytest.mark.parametrize("arch", ["googlenet", "inception_v3"])
def test_a_local_file_gives_what_the_weights_api_gives(arch, home, tmp_path):
    """These two are built with other settings when their weights come along."""
    torch.manual_seed(0)
    state = models.get_model(arch, weights=None, init_weights=False).state_dict()
    default = models.get_model_weights(arch).DEFAULT
    torch.save(state, home / default.url.rsplit("/", 1)[1])
    torch.save(state, tmp_path / "mine.pth")
    shipped, x, *_ = get_example_data(arch, 96)
    own, same_x, *_ = get_example_data(arch, 96, weights=tmp_path / "mine.pth")
    assert torch.equal(x, same_x)
    torch.testing.assert_close(shipped(x), own(x))
    # Random weights hide that the input is rescaled, since they let nearly nothing through.
    assert shipped.transform_input
    assert own.transform_input
