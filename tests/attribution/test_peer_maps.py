"""Our maps are captum's, on every network of the course: to 1e-5 of the largest value."""

from __future__ import annotations

import pytest
import torch

from course_lib.attribution.integrated_gradients import integrated_gradients
from course_lib.attribution.linear_approx import linear_approx
from course_lib.attribution.occlusion import occlusion
from course_lib.attribution.smooth_grad import smooth_grad
from tests.attribution import make_peer_maps as cases

STORED = torch.load(cases.FILE, weights_only=True)["maps"]
OURS = {
    "integrated_gradients": lambda *a: integrated_gradients(*a, steps=cases.STEPS),
    "occlusion": lambda *a: occlusion(*a, window=cases.WINDOW, stride=cases.STRIDE),
    "smooth_grad": lambda *a: smooth_grad(
        *a, method=linear_approx, samples=cases.SAMPLES, noise=cases.NOISE, seed=cases.SEED
    ),
}


@pytest.mark.parametrize("name", cases.NETWORKS)
@pytest.mark.parametrize("method", OURS)
# So few steps leave a gap.
@pytest.mark.filterwarnings("ignore:Integrated gradients")
def test_they_are_captums(name, method):
    expected = STORED[name][method]
    found = cases.thinned(OURS[method](*cases.example(name)))
    torch.testing.assert_close(
        found.to(expected), expected, rtol=0, atol=1e-5 * float(expected.abs().max())
    )
