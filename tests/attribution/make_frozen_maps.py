"""Writes tests/reference/frozen_maps.pt: what the methods gave on 2026-11-28.

.venv/bin/python tests/attribution/make_frozen_maps.py
"""

from __future__ import annotations

from pathlib import Path
from typing import Any
from unittest import mock

import torch
import torch.nn.functional as F

FILE = Path(__file__).parents[1] / "reference" / "frozen_maps.pt"
TARGET = 3
LAYERS = {
    "tiny_vgg": ("features.9", "features.21", "classifier"),
    "tiny_resnet": ("layer2", "layer4", "fc"),
    "tiny_densenet": ("features.denseblock2", "features.norm5", "classifier"),
    "tiny_mobilenet": ("features.4", "features.9", "classifier"),
}
"""Network -> (a layer in the middle, the contrast layer, the classifier)."""


def image() -> torch.Tensor:
    """The scene that is explained, 1 x 3 x 96 x 96 in float64."""
    from course_lib.world.examples import example_scene

    return example_scene().x.double()


def masks() -> torch.Tensor:
    """64 smooth random masks for RISE, 64 x 1 x 96 x 96."""
    grids = torch.rand(64, 1, 7, 7, generator=torch.Generator().manual_seed(0))
    return F.interpolate((grids > 0.5).double(), 96, mode="bilinear", align_corners=False)


def thinned(x: torch.Tensor) -> torch.Tensor:
    """Every third pixel, in single precision."""
    return x[..., ::3, ::3].float().clone()


def backprop_maps(name: str) -> dict[str, torch.Tensor]:
    """Method (and layer) -> its map, for all methods but the extremal one."""
    from course_lib.attribution.deconvnet import deconvnet
    from course_lib.attribution.excitation_backprop import (
        contrastive_excitation_backprop,
        excitation_backprop,
    )
    from course_lib.attribution.grad_cam import grad_cam
    from course_lib.attribution.gradient import gradient
    from course_lib.attribution.guided_backprop import guided_backprop
    from course_lib.attribution.linear_approx import linear_approx
    from course_lib.attribution.rise import rise
    from course_lib.world.networks import load_network

    model, x = load_network(name).double(), image()
    middle, contrast, classifier = LAYERS[name]
    found: dict[str, Any] = {}
    for method in (gradient, deconvnet, guided_backprop):
        found[f"{method.__name__} input"] = method(model, x, TARGET)
        found[f"{method.__name__} {middle}"] = method(model, x, TARGET, saliency_layer=middle)
    for method in (linear_approx, grad_cam):
        for layer in (middle, contrast):
            found[f"{method.__name__} {layer}"] = method(model, x, TARGET, saliency_layer=layer)
    found[f"excitation_backprop {middle}"] = excitation_backprop(
        model, x, TARGET, saliency_layer=middle
    )
    found["excitation_backprop input"] = excitation_backprop(model, x, TARGET)
    found[f"contrastive_excitation_backprop {middle}"] = contrastive_excitation_backprop(
        model, x, TARGET, middle, contrast, classifier
    )
    found["rise"] = rise(model, x, TARGET, filter_masks=masks())
    return {key: thinned(value) for key, value in found.items()}


def extremal_steps(name: str) -> dict[str, torch.Tensor]:
    """Five steps of the paper's 800, areas 0.1 and 0.3 of the padded mask, as in TorchRay."""
    from course_lib.attribution.extremal_perturbation import extremal_perturbation
    from course_lib.attribution.masks import ascent
    from course_lib.world.networks import load_network

    model = load_network(name).double()
    # As though the paper took five: at its own pace, and then it ends.
    with mock.patch.object(ascent, "PAPER_STEPS", 5):
        found = extremal_perturbation(
            model,
            image(),
            TARGET,
            areas=[0.1, 0.3],
            max_iter=5,
            step=7,
            sigma=21,
            area_on="padded",
            border="zeros",
        )
    return {"masks": thinned(found.masks), "history": found.history.float()}


if __name__ == "__main__":
    torch.set_num_threads(1)
    torch.save(
        {name: {"maps": backprop_maps(name), "extremal": extremal_steps(name)} for name in LAYERS},
        FILE,
    )
    print(f"{FILE}: {FILE.stat().st_size / 1000:.0f} kB")
