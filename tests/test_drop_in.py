"""Code written for TorchRay runs after `torchray` is replaced by `course_lib` in its imports.

Each test has the shape of one of TorchRay's documented calls: the function itself, or the
"manual" form with a context, a probe and `backward()`. Both give the same map.
"""

from __future__ import annotations

import os

os.environ.setdefault("MPLBACKEND", "Agg")

import pytest
import torch

from course_lib.attribution.common import Probe, get_module
from course_lib.benchmark import get_example_data, plot_example

MIDDLE = "features.9"
LAST = "features.29"


@pytest.fixture(scope="module")
def example():
    return get_example_data()


def shown(x, saliency, method, category_id, folder):
    import matplotlib.pyplot as plt

    path = folder / "example.png"
    plot_example(x, saliency, method, category_id, save_path=str(path))
    plt.close("all")
    assert path.stat().st_size > 0
    assert torch.isfinite(saliency).all()
    assert saliency.max() > saliency.min()


def test_gradient(example, tmp_path):
    from course_lib.attribution.gradient import gradient

    model, x, category_id, _ = example
    saliency = gradient(model, x, category_id)
    shown(x, saliency, "gradient", category_id, tmp_path)

    from course_lib.attribution.common import gradient_to_saliency

    x = x.clone().requires_grad_(True)
    y = model(x)
    z = y[0, category_id]
    z.backward()
    torch.testing.assert_close(gradient_to_saliency(x), saliency)


def test_deconvnet(example, tmp_path):
    from course_lib.attribution.common import gradient_to_saliency
    from course_lib.attribution.deconvnet import DeConvNetContext, deconvnet

    model, x, category_id, _ = example
    saliency = deconvnet(model, x, category_id)
    shown(x, saliency, "deconvnet", category_id, tmp_path)

    x = x.clone().requires_grad_(True)
    with DeConvNetContext():
        y = model(x)
        z = y[0, category_id]
        z.backward()
    torch.testing.assert_close(gradient_to_saliency(x), saliency)


def test_guided_backprop(example, tmp_path):
    from course_lib.attribution.common import gradient_to_saliency
    from course_lib.attribution.guided_backprop import GuidedBackpropContext, guided_backprop

    model, x, category_id, _ = example
    saliency = guided_backprop(model, x, category_id)
    shown(x, saliency, "guided backprop", category_id, tmp_path)

    x = x.clone().requires_grad_(True)
    with GuidedBackpropContext():
        y = model(x)
        z = y[0, category_id]
        z.backward()
    torch.testing.assert_close(gradient_to_saliency(x), saliency)


def test_grad_cam(example, tmp_path):
    from course_lib.attribution.grad_cam import grad_cam, gradient_to_grad_cam_saliency

    model, x, category_id, _ = example
    saliency = grad_cam(model, x, category_id, saliency_layer=LAST)
    shown(x, saliency, "grad-cam backprop", category_id, tmp_path)

    probe = Probe(get_module(model, LAST), target="output")
    y = model(x)
    z = y[0, category_id]
    z.backward()
    torch.testing.assert_close(gradient_to_grad_cam_saliency(probe.data[0]), saliency)
    probe.remove()


def test_linear_approx(example, tmp_path):
    from course_lib.attribution.linear_approx import (
        gradient_to_linear_approx_saliency,
        linear_approx,
    )

    model, x, category_id, _ = example
    saliency = linear_approx(model, x, category_id, saliency_layer=MIDDLE)
    shown(x, saliency, "linear approx", category_id, tmp_path)

    probe = Probe(get_module(model, MIDDLE), target="output")
    y = model(x)
    z = y[0, category_id]
    z.backward()
    torch.testing.assert_close(gradient_to_linear_approx_saliency(probe.data[0]), saliency)
    probe.remove()


def test_excitation_backprop(example, tmp_path):
    from course_lib.attribution.excitation_backprop import (
        ExcitationBackpropContext,
        excitation_backprop,
        gradient_to_excitation_backprop_saliency,
        update_resnet,
    )

    model, x, category_id, _ = example
    model = update_resnet(model)
    saliency = excitation_backprop(model, x, category_id, saliency_layer=MIDDLE)
    shown(x, saliency, "excitation backprop", category_id, tmp_path)

    probe = Probe(get_module(model, MIDDLE), target="output")
    with ExcitationBackpropContext():
        y = model(x)
        z = y[0, category_id]
        z.backward()
    found = gradient_to_excitation_backprop_saliency(probe.data[0])
    torch.testing.assert_close(found, saliency)
    probe.remove()


def test_contrastive_excitation_backprop(example, tmp_path):
    from course_lib.attribution.excitation_backprop import (
        ExcitationBackpropContext,
        contrastive_excitation_backprop,
        gradient_to_contrastive_excitation_backprop_saliency,
    )

    model, x, category_id, _ = example
    saliency = contrastive_excitation_backprop(
        model,
        x,
        category_id,
        saliency_layer=MIDDLE,
        contrast_layer="features.30",
        classifier_layer="classifier.6",
    )
    shown(x, saliency, "contrastive excitation backprop", category_id, tmp_path)

    input_probe = Probe(get_module(model, MIDDLE), target="output")
    contrast_probe = Probe(get_module(model, "features.30"), target="output")
    classifier_layer = get_module(model, "classifier.6")
    with ExcitationBackpropContext():
        y = model(x)
        z = y[0, category_id]
        classifier_layer.weight.data.neg_()
        z.backward()

        classifier_layer.weight.data.neg_()
        contrast_probe.contrast = [contrast_probe.data[0].grad]

        y = model(x)
        z = y[0, category_id]
        z.backward()
    found = gradient_to_contrastive_excitation_backprop_saliency(input_probe.data[0])
    input_probe.remove()
    contrast_probe.remove()
    torch.testing.assert_close(found, saliency, rtol=1e-4, atol=1e-7)


def test_rise(example, tmp_path):
    from course_lib.attribution.rise import rise

    model, x, category_id, _ = example
    saliency = rise(model, x, num_masks=64, batch_size=32)
    saliency = saliency[:, category_id].unsqueeze(0)
    shown(x, saliency, "RISE", category_id, tmp_path)


def test_extremal_perturbation(example, tmp_path):
    from course_lib.attribution.extremal_perturbation import (
        contrastive_reward,
        extremal_perturbation,
    )

    model, x, category_id, _ = example
    masks, history = extremal_perturbation(
        model,
        x,
        category_id,
        areas=[0.12],
        max_iter=3,
        reward_func=contrastive_reward,
        debug=True,
    )
    shown(x, masks, "extremal perturbation", category_id, tmp_path)
    assert torch.as_tensor(history).numel() > 0


def test_by_hand_in_a_context_of_ones_own(example, tmp_path):
    from course_lib.attribution.common import ReLUContext, gradient_to_saliency
    from course_lib.attribution.deconvnet import deconvnet

    class OwnReLU(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x.clamp(min=0)

        @staticmethod
        def backward(ctx, grad_output):
            return grad_output.clamp(min=0)

    class OwnContext(ReLUContext):
        def __init__(self):
            super().__init__(OwnReLU)

    model, x, category_id, _ = example
    x = x.clone()
    x.requires_grad_(True)
    with OwnContext():
        model(x)[0, category_id].backward()
    saliency = gradient_to_saliency(x)
    shown(x, saliency, "by hand", category_id, tmp_path)
    torch.testing.assert_close(saliency, deconvnet(model, x, category_id))


def test_a_patch_is_there_until_it_is_removed(example):
    from course_lib.attribution.common import Patch

    original = torch.relu
    patch = Patch("torch.relu", lambda x: x + 1)
    assert torch.relu(torch.zeros(1)).item() == 1
    patch.remove()
    assert torch.relu is original


def test_a_probe_holds_data_and_gradient(example):
    model, x, category_id, _ = example
    probe = Probe(get_module(model, MIDDLE), target="output")
    model(x)[0, category_id].backward()
    assert probe.data[0].shape == probe.data[0].grad.shape == (1, 16, 24, 24)
    assert probe.data[0].grad.any()
    probe.remove()


@pytest.mark.parametrize("name", ["gradient", "deconvnet", "guided_backprop"])
def test_every_layer_but_the_relus(name, example, tmp_path):
    from torch import nn

    from course_lib.attribution import deconvnet, gradient, guided_backprop

    method = {
        "gradient": gradient.gradient,
        "deconvnet": deconvnet.deconvnet,
        "guided_backprop": guided_backprop.guided_backprop,
    }[name]
    model, x, category_id, _ = example
    sizes = []
    for number, layer in enumerate(model.features):
        if isinstance(layer, nn.ReLU):
            continue
        saliency = method(model, x, category_id, saliency_layer=f"features.{number}")
        sizes.append(saliency.shape[-1])
        assert saliency.max() > 0
        if number == 28:
            shown(x, saliency, name, category_id, tmp_path)
    assert number == 30
    assert sizes == [96, 96, 48, 48, 48, *[24] * 4, *[12] * 4, *[6] * 4, 3]


def test_saliency_with_a_context_builder(example):
    from course_lib.attribution.common import saliency
    from course_lib.attribution.guided_backprop import GuidedBackpropContext, guided_backprop

    model, x, category_id, _ = example
    found = saliency(model, x, category_id, context_builder=GuidedBackpropContext)
    torch.testing.assert_close(found, guided_backprop(model, x, category_id))


def test_linear_approximation_at_the_last_relu(example, tmp_path):
    from course_lib.attribution.linear_approx import linear_approx

    model, x, category_id, _ = example
    saliency = linear_approx(model, x, category_id, saliency_layer=LAST)
    assert saliency.shape == (1, 1, 6, 6)
    shown(x, saliency, "linear approx", category_id, tmp_path)


def test_rise_class(example, tmp_path):
    from course_lib.attribution.rise import rise, rise_class

    model, x, category_id, _ = example
    options = {"num_masks": 32, "batch_size": 16, "seed": 1}
    every = rise(model, x, **options)
    for target in (category_id, [category_id]):
        found = rise_class(model, x, target=target, **options)
        torch.testing.assert_close(found, every[:, category_id][:, None])
        shown(x, found, "RISE", category_id, tmp_path)


def test_one_draw_for_four_methods(example, tmp_path):
    from course_lib.attribution.deconvnet import deconvnet
    from course_lib.attribution.excitation_backprop import excitation_backprop
    from course_lib.attribution.gradient import gradient
    from course_lib.attribution.linear_approx import linear_approx

    model, x, _, category_id = example

    def draw(model, x, category_id, method, **kwargs):
        shown(x, method(model, x, category_id, **kwargs), method.__name__, category_id, tmp_path)

    for method in (gradient, linear_approx, deconvnet, excitation_backprop):
        draw(model, x, category_id, method, saliency_layer=MIDDLE)


def test_on_the_device_that_there_is(example, tmp_path, monkeypatch):
    import matplotlib.pyplot as plt

    from course_lib.attribution.gradient import gradient
    from course_lib.utils import get_device

    model, x, category_id, _ = example
    device = get_device()
    model, x = model.to(device), x.to(device)
    opened = []
    monkeypatch.setattr(plt, "show", lambda: opened.append(True))
    plot_example(x, gradient(model, x, category_id), "gradient", category_id, show_plot=True)
    assert opened == [True]
    assert "ring" in plt.gcf().axes[1].get_title()
    plt.close("all")


def test_torchvision_s_vgg16_offline(monkeypatch, tmp_path):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    with pytest.raises(OSError, match="weights of vgg16 can't be had") as caught:
        get_example_data(arch="vgg16", shape=224)
    assert "\n" not in str(caught.value)


def test_utils(example):
    from course_lib.utils import get_device, imarraysc, imsc, imsmooth, tensor_to_im, xmkdir

    _, x, _, _ = example
    assert get_device(None) == torch.device("cpu")
    plain, _ = imsc(x[0], quiet=True)
    scaled, _ = imsc(5 * x[0] + 1, quiet=True)
    torch.testing.assert_close(plain, scaled)
    assert (float(scaled.min()), float(scaled.max())) == (0.0, 1.0)
    assert imsmooth(x, 1.0).shape == x.shape
    assert callable(imarraysc)
    assert callable(tensor_to_im)
    assert callable(xmkdir)


def test_the_pointing_game(example):
    from course_lib.attribution.gradient import gradient
    from course_lib.benchmark.pointing_game import PointingGame
    from course_lib.world.examples import example_scene

    model, x, category_1, category_2 = example
    game = PointingGame(num_classes=8, tolerance=15)
    masks = torch.from_numpy(example_scene().masks)
    for category_id in (category_1, category_2):
        saliency = gradient(model, x, category_id)
        _, point = saliency.flatten().max(0)
        point = (point % x.shape[3], point // x.shape[3])
        hit = game.evaluate(masks[category_id], point)
        assert hit in (-1, 1)
        game.accumulate(hit, category_id)
        game.aggregate(hit, category_id)
    assert game.hits.sum() + game.misses.sum() == 4
    assert 0 <= game.accuracy <= 1
    assert "pointing game" in str(game)


def test_a_benchmark_over_voc(tmp_path):
    from torchvision import models

    from course_lib.attribution.gradient import gradient
    from course_lib.benchmark.datasets import get_dataset, voc_as_class_ids
    from course_lib.benchmark.models import get_model, get_transform
    from course_lib.benchmark.pointing_game import PointingGameBenchmark
    from tests.benchmark.drawn import draw_voc

    draw_voc(tmp_path)
    weights = tmp_path / "resnet18.pth"
    torch.save(models.resnet18(num_classes=20).state_dict(), weights)
    model = get_model("resnet18", "voc_2007", weights=weights)
    transform = get_transform("voc_2007", size=32)
    dataset = get_dataset("voc_2007", "test", dataset_dir=tmp_path, transform=transform)
    benchmark = PointingGameBenchmark(dataset, tolerance=15, difficult=True)
    loader = torch.utils.data.DataLoader(dataset, batch_size=1, collate_fn=dataset.collate)
    for x, (label,) in loader:
        assert dataset.as_class_ids(label) == voc_as_class_ids(label)
        for class_id in voc_as_class_ids(label):
            width, height = dataset.as_image_size(label)
            saliency = gradient(model, x, class_id, resize=(width, height))
            assert saliency.shape == (1, 1, height, width)
            row, column = divmod(int(saliency.argmax()), width)
            hit = benchmark.evaluate(label, class_id, (column, row))
            benchmark.accumulate(hit, class_id)
    assert benchmark.hits.sum() + benchmark.misses.sum() == 3


def test_the_benchmark_s_vgg16_offline():
    from course_lib.benchmark.models import get_model

    with pytest.raises(OSError, match="give weights=PATH") as caught:
        get_model("vgg16", "voc_2007", convert_to_fully_convolutional=True)
    assert "\n" not in str(caught.value)
