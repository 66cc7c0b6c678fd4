"""The open task of lesson 00: with one grey square, make the network see what is not there."""

from __future__ import annotations

from typing import Any

import torch

from course_lib.world.networks import load_network
from course_lib.world.scenes import SIZE, draw_scene

from ..engine.open_task import CannotScore, OpenTask
from . import LESSON

SQUARE, STEP = 14, 6
"""The lesson's square, and the distance of the places that its occlusion covers."""

SCENE_OF_THE_LESSON = 45


def false_alarm(answer: Any) -> float:
    """The highest score of a class that is not in the scene, with the square at a place of it.

    Raises:
        CannotScore: the answer is no `(seed, row, column)`, or the square would not lie inside.
    """
    try:
        seed, row, column = map(int, answer)
    except (TypeError, ValueError):
        raise CannotScore(
            "The answer is three whole numbers, `(seed, row, column)`: a scene and the upper left "
            "corner of the square."
        ) from None
    last = SIZE - SQUARE
    if seed < 0 or not (0 <= row <= last and 0 <= column <= last):
        raise CannotScore(
            f"The seed is 0 or more, row and column are from 0 to {last}, so that the square lies "
            "in the picture."
        )
    return float(_absent_scores(seed, [(row, column)]).max())


def _worst_of_the_lesson() -> float:
    """The highest such score among the places that the lesson's occlusion covers in its scene."""
    places = range(0, SIZE - SQUARE + 1, STEP)
    corners = [(row, column) for row in places for column in places]
    return float(_absent_scores(SCENE_OF_THE_LESSON, corners).max())


@torch.no_grad()
def _absent_scores(seed: int, corners: list[tuple[int, int]]) -> torch.Tensor:
    """The scores of the classes that are not there, a row for each place of the square."""
    scene = draw_scene(seed)
    covered = scene.x.repeat(len(corners), 1, 1, 1)
    for x, (row, column) in zip(covered, corners, strict=True):
        x[:, row : row + SQUARE, column : column + SQUARE] = 0.5
    model = load_network("tiny_vgg")
    scores = torch.cat([model(part) for part in covered.split(16)])
    return scores[:, torch.from_numpy(scene.labels) == 0]


TASK = OpenTask(
    name="false_alarm",
    lesson=LESSON.id,
    title="make the network see what is not there",
    score=false_alarm,
    to_beat=_worst_of_the_lesson,
    whose=f"the most that the square does in scene {SCENE_OF_THE_LESSON}",
    measured="is the highest score of a class that is not there",
    example=(8, 24, 48),
    shown="{:.1f}",
)
