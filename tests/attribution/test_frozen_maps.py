"""The maps are those of 2026-11-28, from before the house was rebuilt."""

from __future__ import annotations

import pytest
import torch

from tests.attribution.make_frozen_maps import FILE, LAYERS, backprop_maps, extremal_steps

FROZEN = torch.load(FILE, weights_only=True)


def assert_equal(found: dict[str, torch.Tensor], frozen: dict[str, torch.Tensor]) -> None:
    assert found.keys() == frozen.keys()
    for name, was in frozen.items():
        worst = float((found[name] - was).abs().max())
        assert worst <= 1e-6 * float(was.abs().max()), name


@pytest.mark.filterwarnings("ignore:Excitation backprop lost", "ignore:DeConvNet's map of this")
@pytest.mark.parametrize("name", LAYERS)
def test_maps_are_as_they_were(name: str) -> None:
    assert_equal(backprop_maps(name), FROZEN[name]["maps"])


@pytest.mark.parametrize("name", LAYERS)
def test_the_first_steps_to_extremal_masks_are_as_they_were(name: str) -> None:
    assert_equal(extremal_steps(name), FROZEN[name]["extremal"])
