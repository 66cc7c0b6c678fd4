"""The open task of lesson 06: find the object with few questions to the network."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from course_lib.attribution.rise import RiseMasks
from course_lib.benchmark.regions import best_region, share_on

from ..engine.hidden_scenes import over_hidden_scenes
from ..engine.open_task import CannotScore, OpenTask
from ..engine.probes import describe
from . import LESSON

QUESTIONS, SCENES = 100, 3
_AT_ONCE = 25

Ask = Callable[[Tensor], Tensor]
"""Images N x 3 x H x W to N probabilities of the class."""


class Questions:
    """A network that answers to a number of images, and says no more than one probability of each.

    Args:
        network: the network.
        target: the class asked for.
        left: how many images it still answers to.
    """

    def __init__(self, network: nn.Module, target: int, left: int = QUESTIONS) -> None:
        self._network, self._target, self.left = network, target, left

    def __call__(self, images: Any) -> Tensor:
        """The probability of the class in each of N images.

        Raises:
            CannotScore: these are no images, or more than are left.
        """
        if not isinstance(images, Tensor) or images.dim() != 4 or images.shape[1] != 3:
            raise CannotScore(
                f"`ask` takes images N x 3 x H x W, and your function gave it {describe(images)}."
            )
        self.left -= len(images)
        if self.left < 0:
            raise CannotScore(
                f"Your function asked about more than {QUESTIONS} images for one map."
            )
        with torch.no_grad():
            scores = [self._network(some)[:, self._target] for some in images.split(_AT_ONCE)]
        return torch.sigmoid(torch.cat(scores)) if scores else images.new_zeros(0)


def found(make_map: Callable[[Ask, Tensor], Any]) -> float:
    """How much of the object the map's highest pixels find, the mean over hidden scenes.

    As many pixels are taken as the object has, so that only their order counts: a map gains
    nothing by being sharpened.

    Args:
        make_map: gets `Questions` and the image 1 x 3 x H x W, returns a map H x W.

    Raises:
        CannotScore: what comes back is no map, or too many questions were asked.
    """

    def asking(network: nn.Module, x: Tensor, target: int) -> Any:
        return make_map(Questions(network, target), x)

    def on_object(s: Tensor, mask: Tensor) -> float:
        truth = mask > 0.5
        region = best_region(s[None, None], float(truth.float().mean()))
        return float(share_on(region, truth))

    return over_hidden_scenes(asking, on_object, scenes=SCENES)


def _rise(ask: Ask, x: Tensor, cells: int = 7) -> Tensor:
    """The lesson's map above its floor, with as many masks as there are questions."""
    masks = RiseMasks(x.shape[2:], num_masks=QUESTIONS, num_cells=cells)[:QUESTIONS]
    scores = ask(x * masks)
    return ((scores - scores.mean()).view(-1, 1, 1, 1) * masks).mean(0)


def _rise_and_colour(ask: Ask, x: Tensor) -> Tensor:
    """Larger cells, and a look at the image itself: what has the ground's colour is no object."""
    s = _rise(ask, x, cells=5)
    rim = torch.cat([x[0, :, 0], x[0, :, -1], x[0, :, :, 0], x[0, :, :, -1]], 1)
    ground = rim.median(1).values.view(3, 1, 1)
    unlike = (x[0] - ground).abs().sum(0, keepdim=True)
    return (s - s.min()) * F.avg_pool2d(unlike, 7, stride=1, padding=3)


TASK = OpenTask(
    name="few_questions",
    lesson=LESSON.id,
    title="find it with a hundred questions",
    score=found,
    to_beat=lambda: found(_rise),
    whose=f"RISE with {QUESTIONS} masks",
    measured="of the highest pixels lie on the object",
    example=_rise_and_colour,
)
