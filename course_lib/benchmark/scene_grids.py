"""Grids of scenes, for the small networks: four scenes of one object each."""

from __future__ import annotations

from collections.abc import Iterator

import torch

from course_lib.world.grids import CELLS, Grid, joined
from course_lib.world.scenes import SIZE, Scene, draw_scene, number_of_objects


def scene_grids(count: int, seed: int = 0, size: int = SIZE) -> Iterator[Grid]:
    """Grids of four scenes of four different classes.

    Shown to a network as it is, a grid asks what `photo_grids` asks. Shown to `DisconnectedGrid`,
    where the class c asked for in cell k is number 8 k + c, attribution outside the cell is
    impossible.

    Args:
        count: how many grids.
        seed: the first scene that may be used; each is used once.
        size: pixels on a side of a scene; the grid has twice as many.

    >>> grid = next(scene_grids(1))
    >>> grid.x.shape, len(set(grid.classes))
    (torch.Size([1, 3, 192, 192]), 4)
    """
    for number in range(count):
        scenes: dict[int, Scene] = {}
        while len(scenes) < CELLS:
            if number_of_objects(seed) == 1:
                scene = draw_scene(seed, size)
                scenes.setdefault(scene.objects[0], scene)
            seed += 1
        drawn = list(scenes.values())
        image = joined([torch.from_numpy(scene.image) for scene in drawn])
        yield Grid(
            image=image,
            x=image[None],
            classes=tuple(scenes),
            asked=number % CELLS,
            pictures=tuple(str(scene.seed) for scene in drawn),
            seed=drawn[0].seed,
        )
