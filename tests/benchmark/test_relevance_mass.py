"""Relevance mass inside the object, and inside a cell of a grid."""

from __future__ import annotations

import pytest
import torch

from course_lib.benchmark.grid_pointing_game import grid_pointing_game
from course_lib.benchmark.relevance_mass import mass_inside, relevance_mass
from course_lib.benchmark.scene_grids import scene_grids
from course_lib.world.scenes import two_object_scenes


def slow_mass(saliency: torch.Tensor, mask: torch.Tensor) -> float:
    """The share, summed up pixel after pixel."""
    inside = everything = 0.0
    for value, within in zip(saliency.flatten().tolist(), mask.flatten().tolist(), strict=True):
        relevance = max(0.0, value)
        everything += relevance
        inside += relevance if within else 0.0
    return inside / everything


def test_the_share_is_that_of_the_positive_relevance() -> None:
    maps = torch.randn(4, 1, 9, 13)
    masks = torch.rand(4, 9, 13) > 0.7
    expected = [slow_mass(one, mask) for one, mask in zip(maps, masks, strict=True)]
    assert mass_inside(maps, masks).tolist() == pytest.approx(expected)
    assert mass_inside(1e-30 * maps, masks).tolist() == pytest.approx(expected)
    assert mass_inside(maps.half(), masks).tolist() == pytest.approx(expected, abs=1e-3)


def test_oracle_negative_and_constant() -> None:
    for scene in two_object_scenes(3, start=500):
        truth = torch.from_numpy(scene.masks[scene.objects])
        oracle = (truth >= 0.5)[:, None].float()
        share = oracle.flatten(1).double().mean(1)
        assert relevance_mass(None, None, None, oracle, truth).tolist() == [1, 1]
        for negative in (-oracle, 1 - oracle):
            assert relevance_mass(None, None, None, negative, truth).tolist() == [0, 0]
        for constant in (3.0, 0.0, -2.0):
            flat = torch.full_like(oracle, constant)
            torch.testing.assert_close(relevance_mass(None, None, None, flat, truth), share)


def test_oracle_negative_and_constant_on_grids() -> None:
    for grid in scene_grids(4, seed=300):
        oracle = grid.truth[None, None].float()
        for maps, expected in (
            (oracle, 1),
            (-oracle, 0),
            (1 - oracle, 0),
            (torch.ones_like(oracle), 0.25),
            (torch.zeros_like(oracle), 0.25),
        ):
            assert grid_pointing_game(None, None, None, maps, grid.truth).item() == expected


def test_small_maps_of_grids_stay_in_their_cells() -> None:
    (grid,) = scene_grids(1, seed=300)
    small = torch.nn.functional.max_pool2d(grid.truth[None, None].float(), 16)
    assert small.shape == (1, 1, 12, 12)
    assert grid_pointing_game(None, None, None, small, grid.truth).item() == 1
    assert mass_inside(small, grid.truth).item() < 1


def test_a_map_of_infinite_relevance_is_refused() -> None:
    with pytest.raises(ValueError, match="must be finite"):
        mass_inside(torch.full((1, 1, 2, 2), torch.inf), torch.ones(2, 2))


def test_one_mask_for_each_map() -> None:
    with pytest.raises(ValueError, match="2 maps and 3 masks"):
        mass_inside(torch.ones(2, 1, 4, 4), torch.ones(3, 4, 4))
