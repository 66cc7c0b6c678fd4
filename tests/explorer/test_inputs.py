"""Both explorers take the inputs that the methods take."""

from __future__ import annotations

import io

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from course_lib.attribution.extremal_perturbation import extremal_perturbation
from course_lib.attribution.grad_cam import grad_cam
from course_lib.explorer import AreaExplorer, LayerExplorer
from course_lib.explorer.canvas import TITLE
from course_lib.explorer.layer import render
from course_lib.explorer.view import in_colours

FADE = {"perturbation": "fade", "max_iter": 2, "areas": (0.2, 0.4)}


def network(channels: int) -> nn.Module:
    torch.manual_seed(3)
    return nn.Sequential(
        nn.Conv2d(channels, 4, 3, padding=1), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten()
    )


def image(channels: int) -> torch.Tensor:
    return torch.rand(1, channels, 32, 32, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("kind", ["requires grad", "bfloat16", "1", "2", "4"])
def test_an_input_of_every_kind(kind):
    channels = int(kind) if kind.isdigit() else 3
    model, x = network(channels), image(channels)
    if kind == "bfloat16":
        model, x = model.bfloat16(), x.bfloat16()
    x.requires_grad_(kind == "requires grad")

    layers = LayerExplorer(model, x, 2)
    assert 'role="alert"' not in layers.news.value
    found = layers.state("Grad-CAM", 2, "1").map
    expected = grad_cam(model, x, 2, saliency_layer="1")[0, 0].float().numpy()
    np.testing.assert_array_equal(found, expected)
    assert layers.contact_sheet().alt

    areas = AreaExplorer(model, x, 2, **FADE).wait()
    assert 'role="alert"' not in areas.news.value
    masks, _ = extremal_perturbation(model, x, 2, areas=[0.2, 0.4], perturbation="fade", max_iter=2)
    np.testing.assert_array_equal(areas.state(0).found.masks, masks[:, 0].float().numpy())
    assert areas.contact_sheet().alt
    assert x.requires_grad == (kind == "requires grad")
    assert x.grad is None


@pytest.mark.parametrize("channels", [1, 2, 4])
def test_channels_that_are_no_colours_are_drawn_as_their_mean(channels):
    x = image(channels)
    drawn = in_colours(x)
    assert drawn.shape == (1, 3, 32, 32)
    expected = x.mean(1, keepdim=True).expand(1, 3, 32, 32)
    np.testing.assert_allclose(drawn, expected.numpy(), rtol=1e-6)
    state = LayerExplorer(network(channels), x, 2).state("Grad-CAM", 2, "1")
    picture = np.asarray(Image.open(io.BytesIO(render(state))))
    middle_of_the_first_pixel = picture[TITLE + 7, 7]
    assert len(set(middle_of_the_first_pixel)) == 1
    assert middle_of_the_first_pixel[0] == pytest.approx(255 * expected[0, 0, 0, 0], abs=1)


def test_three_channels_stay_colours():
    np.testing.assert_array_equal(in_colours(image(3)), image(3).numpy())


def test_a_picture_to_draw_instead_may_be_a_tensor_of_any_kind():
    shown = torch.rand(3, 32, 32, dtype=torch.bfloat16, requires_grad=True)
    explorer = LayerExplorer(network(1), image(1), 2, image=shown)
    drawn = explorer.state("Grad-CAM", 2, "1").image
    np.testing.assert_array_equal(drawn, shown.detach().float().numpy())
