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
    saliency = grad_cam(model, x, category_id, saliency_layer="features.20")
    shown(x, saliency, "grad-cam backprop", category_id, tmp_path)

    probe = Probe(get_module(model, "features.20"), target="output")
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
        contrast_layer="features.21",
        classifier_layer="classifier",
    )
    shown(x, saliency, "contrastive excitation backprop", category_id, tmp_path)

    input_probe = Probe(get_module(model, MIDDLE), target="output")
    contrast_probe = Probe(get_module(model, "features.21"), target="output")
    classifier_layer = get_module(model, "classifier")
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
        debug=False,
    )
    shown(x, masks, "extremal perturbation", category_id, tmp_path)
    assert torch.as_tensor(history).numel() > 0


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
