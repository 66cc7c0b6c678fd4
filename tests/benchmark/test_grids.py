"""Grids of photos and of scenes, and the network that sees each cell alone."""

from __future__ import annotations

import shutil
import warnings
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from course_lib.attribution.deconvnet import deconvnet
from course_lib.attribution.excitation_backprop import (
    contrastive_excitation_backprop,
    excitation_backprop,
)
from course_lib.attribution.grad_cam import grad_cam
from course_lib.attribution.gradient import gradient
from course_lib.attribution.guided_backprop import guided_backprop
from course_lib.attribution.linear_approx import linear_approx
from course_lib.benchmark.disconnected_grid import DisconnectedGrid
from course_lib.benchmark.scene_grids import scene_grids
from course_lib.world.efficientnet_lite import load_lite
from course_lib.world.examples import to_image
from course_lib.world.grids import Grid, cells_of, joined, photo_grids
from course_lib.world.layers import default_layers
from course_lib.world.networks import CONVOLUTIONAL, build_network, load_network
from course_lib.world.photographs import photos
from course_lib.world.scenes import draw_scene

LITE0 = "efficientnet_lite0"


def test_cells_are_counted_row_by_row() -> None:
    image = torch.arange(24.0).view(1, 4, 6)
    upper_left, upper_right, lower_left, _ = cells_of(image)
    assert upper_left[0, 0].tolist() == [0, 1, 2]
    assert upper_right[0, 0].tolist() == [3, 4, 5]
    assert lower_left[0, 0].tolist() == [12, 13, 14]
    assert torch.equal(joined(cells_of(image)), image)


def test_a_grid_is_a_function_of_its_seed() -> None:
    first, second = photo_grids(2, seed=3)
    (again,) = photo_grids(1, seed=4)
    assert (first.seed, second.seed) == (3, 4)
    assert torch.equal(second.image, again.image)
    assert (second.classes, second.asked) == (again.classes, again.asked)
    assert not torch.equal(first.image, second.image)


def test_the_network_recognises_each_cell_and_the_truth_is_the_cell_asked_for() -> None:
    network = load_lite(LITE0)
    for grid in photo_grids(2):
        assert grid.image.shape == (3, 448, 448)
        assert 0 <= grid.image.min() < grid.image.max() <= 1
        assert torch.allclose(to_image(LITE0, grid.x)[0], grid.image, atol=1e-6)
        assert len(set(grid.classes)) == 4
        with torch.inference_mode():
            found = network(torch.cat(cells_of(grid.x))).argmax(1).tolist()
        assert tuple(found) == grid.classes
        assert grid.target == grid.classes[grid.asked]
        assert [bool(cell.all()) for cell in cells_of(grid.truth)] == [
            cell == grid.asked for cell in range(4)
        ]
        assert int(grid.truth.sum()) == grid.truth.numel() // 4
        assert set(grid.pictures) <= set(photos())


def test_photos_of_ones_own(tmp_path: Path) -> None:
    for name in ("cat", "coffee", "photographer", "motorcycle"):
        file = photos()[name].path
        (tmp_path / name).mkdir()
        shutil.copy(file, tmp_path / name / f"mine{file.suffix}")
    (grid,) = photo_grids(1, folder=tmp_path, side=192)
    assert grid.image.shape == (3, 384, 384)
    assert {picture.split("/")[0] for picture in grid.pictures} == {
        p.name for p in tmp_path.iterdir()
    }
    shutil.rmtree(tmp_path / "cat")
    with pytest.raises(
        ValueError, match=r"needs photos of 4 classes, and .* sees 3 in the 3 photos"
    ):
        next(photo_grids(1, folder=tmp_path))


def test_a_folder_without_photos_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no photos in"):
        next(photo_grids(1, folder=tmp_path))
    with pytest.raises(FileNotFoundError, match=r"nowhere is not there\."):
        next(photo_grids(1, folder=tmp_path / "nowhere"))


def test_cells_too_small_to_recognise_are_refused() -> None:
    with pytest.raises(ValueError, match="give a larger side"):
        next(photo_grids(1, side=8))


def test_grids_of_scenes_hold_one_object_a_cell() -> None:
    grids = list(scene_grids(5, seed=40))
    assert [grid.asked for grid in grids] == [0, 1, 2, 3, 0]
    seeds = [seed for grid in grids for seed in grid.pictures]
    assert len(set(seeds)) == len(seeds)
    for grid in grids:
        for cell, seed, category in zip(
            cells_of(grid.image), grid.pictures, grid.classes, strict=True
        ):
            scene = draw_scene(int(seed))
            assert scene.objects == [category]
            assert torch.equal(cell, torch.from_numpy(scene.image))


@pytest.fixture(scope="module")
def scene_grid() -> Grid:
    return next(scene_grids(1, seed=100))


@pytest.mark.parametrize("name", CONVOLUTIONAL)
def test_a_disconnected_grid_is_the_network_on_each_cell(name: str, scene_grid: Grid) -> None:
    network = load_network(name)
    x = torch.cat([scene_grid.x, scene_grid.x.flip(3)])
    expected = torch.cat([network(cell) for cell in cells_of(x)], 1)
    torch.testing.assert_close(DisconnectedGrid(network)(x), expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", CONVOLUTIONAL)
def test_no_gradient_leaves_the_cell(name: str, scene_grid: Grid) -> None:
    grid = DisconnectedGrid(load_network(name))
    target = 8 * scene_grid.asked + scene_grid.target
    methods: dict[Any, dict[str, Any]] = {
        gradient: {},
        deconvnet: {},
        guided_backprop: {},
        linear_approx: default_layers(name, "linear_approx"),
        excitation_backprop: default_layers(name, "excitation_backprop"),
        contrastive_excitation_backprop: default_layers(name, "contrastive_excitation_backprop"),
    }
    for method, layers in methods.items():
        options = {key: f"model.{layer}" for key, layer in layers.items()}
        with warnings.catch_warnings():
            # Excitation backprop says what a mobilenet's depthwise convolutions lose.
            warnings.filterwarnings("ignore", "Excitation backprop lost")
            maps = method(grid, scene_grid.x, target, **options)
        amounts = [float(cell.abs().sum()) for cell in cells_of(maps)]
        assert amounts.pop(scene_grid.asked) > 0, method.__name__
        assert amounts == [0, 0, 0], method.__name__


def test_grad_cam_may_leave_the_cell(scene_grid: Grid) -> None:
    """It weighs whole channels: what another cell has there shows, as in Rao et al."""
    grid = DisconnectedGrid(load_network("tiny_vgg16"))
    outside = 0.0
    for asked, category in enumerate(scene_grid.classes):
        maps = grad_cam(
            grid, scene_grid.x, 8 * asked + category, saliency_layer="model.features.30"
        )
        outside += float(maps.sum() - cells_of(maps)[asked].sum())
    assert outside > 0


def test_a_transformer_is_refused(scene_grid: Grid) -> None:
    with pytest.raises(ValueError, match="TinyViT does not end in a global average of its cells"):
        DisconnectedGrid(build_network("tiny_vit"))(scene_grid.x)


def test_a_network_that_joins_the_cells_otherwise_is_refused(scene_grid: Grid) -> None:
    class Flat(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x.mean((2, 3))

    with pytest.raises(ValueError, match="Flat does not end in a global average"):
        DisconnectedGrid(Flat())(scene_grid.x)
