"""What the benchmark explains: pairs of an image and a class in it, with the truth of each."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from course_lib.world.efficientnet_lite import LITE
from course_lib.world.grids import Grid, photo_grids
from course_lib.world.networks import CONVOLUTIONAL, NETWORKS, load_network
from course_lib.world.scenes import two_object_scenes

from ..disconnected_grid import DisconnectedGrid
from ..scene_grids import scene_grids

FIRST_SEED = 3_000_000
"""Scenes count up from this seed: no network was trained on them, and no lesson shows them."""

CLASSES_OF_SCENES = 8


@dataclass(frozen=True, eq=False)
class Case:
    """One question.

    Attributes:
        image: the image's name in its world.
        x: as the network takes it, 1 x 3 x H x W.
        target: the class.
        truth: where it is, H x W booleans; for photographs in the original's size.
        difficult: whether the pair is one of the difficult ones, as far as the world knows.
    """

    image: str
    x: Tensor
    target: int
    truth: Tensor
    difficult: bool = False


@dataclass(frozen=True)
class World:
    """Images to explain, and what may be asked there.

    Attributes:
        network: (its name, a file of weights or None) to the network.
        cases: (how many images, the network's name) to cases.
        layers: what layers' names begin with.
        protocols: what is asked for unless the caller says.
    """

    network: Callable[[str, Any], nn.Module]
    cases: Callable[[int | None, str], Iterator[Case]]
    protocols: tuple[str, ...]
    layers: str = ""


def find_world(data: str) -> World:
    """The world of a name: scenes, scene_grids, photo_grids, voc:FOLDER or coco:FOLDER.

    Raises:
        ValueError: there is none of that name.
    """
    kind, _, folder = data.partition(":")
    if kind in ("voc", "coco") and folder:
        return _data_set(kind, folder)
    if data not in WORLDS:
        raise ValueError(
            f"There is no world {data!r}; there are {', '.join(WORLDS)}, voc:FOLDER, coco:FOLDER."
        )
    return WORLDS[data]


def _small(arch: str, weights: Any) -> nn.Module:
    return load_network(arch, weights)


def _disconnected(arch: str, weights: Any) -> nn.Module:
    return DisconnectedGrid(load_network(arch, weights))


def _pretrained(arch: str, weights: Any) -> nn.Module:
    if arch in LITE:
        from course_lib.world.efficientnet_lite import load_lite

        return load_lite(arch, weights)
    from course_lib.world.torchvision_networks import load_torchvision

    return load_torchvision(arch, weights)


def _scenes(count: int | None, arch: str) -> Iterator[Case]:
    for scene in two_object_scenes(_some(count), start=FIRST_SEED):
        for target in scene.objects:
            truth = torch.from_numpy(scene.masks[target] >= 0.5)
            yield Case(str(scene.seed), scene.x, target, truth)


def _scene_grids(count: int | None, arch: str) -> Iterator[Case]:
    for grid in scene_grids(_some(count), seed=FIRST_SEED):
        yield _in_grid(grid, CLASSES_OF_SCENES * grid.asked + grid.target)


def _photo_grids(count: int | None, arch: str) -> Iterator[Case]:
    for grid in photo_grids(_some(count), arch=arch):
        yield _in_grid(grid, grid.target)


def _in_grid(grid: Grid, target: int) -> Case:
    return Case(str(grid.seed), grid.x, target, grid.truth)


def _some(count: int | None) -> int:
    if count is None:
        raise ValueError("There is no end of pictures that are drawn: say how many, as --n 100.")
    return count


def _data_set(kind: str, folder: str) -> World:
    from ..datasets import get_dataset
    from ..models import get_model, get_transform
    from ..pointing_game import PointingGameBenchmark

    name, subset = {"voc": ("voc_2007", "test"), "coco": ("coco", "val2014")}[kind]

    def cases(count: int | None, arch: str) -> Iterator[Case]:
        data = get_dataset(
            name,
            subset,
            folder,
            annotation_dir=f"{folder}/annotations",
            transform=get_transform(name),
            limiter=count,
        )
        game = PointingGameBenchmark(data)
        for image, label in data:
            for target in data.as_class_ids(label):
                yield Case(
                    data.as_image_name(label),
                    image[None],
                    target,
                    data.as_mask(label, target),
                    game.is_difficult(label, target),
                )

    return World(
        network=lambda arch, weights: get_model(arch, name, weights=weights),
        cases=cases,
        protocols=("pointing_game_15",),
    )


WORLDS = {
    "scenes": World(_small, _scenes, ("pointing_game", "relevance_mass")),
    "scene_grids": World(_disconnected, _scene_grids, ("grid_pointing_game",), "model."),
    "photo_grids": World(_pretrained, _photo_grids, ("grid_pointing_game",)),
}
"""The worlds that need no data set, by their names."""

NETWORKS_OF = {"scenes": NETWORKS, "scene_grids": CONVOLUTIONAL, "photo_grids": tuple(LITE)}
"""The networks that come with the course, for each of those worlds."""
