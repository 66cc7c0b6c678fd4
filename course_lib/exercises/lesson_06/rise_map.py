"""Mean over the masks of score times mask: (1, H, W)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from ..engine.exercise import Exercise, Mistakes, Outcome
from ..engine.models import awkward
from ..engine.probes import call, rand
from . import LESSON


def rise_map(scores: Tensor, masks: Tensor) -> Tensor:
    """Mean over the masks of score times mask: (1, H, W)."""
    return (scores.view(-1, 1, 1, 1) * masks).mean(0)


def probe_rise_map(answer: Callable[..., Any], rng: torch.Generator) -> Outcome:
    """Maps of probabilities, of scores of any size and sign, of scores that are all alike."""
    scores = rand(rng, 5, low=0, dtype=torch.float32)
    masks = rand(rng, 5, 1, 3, 4, low=0, dtype=torch.float32)
    return {
        "map": call(answer, scores, masks),
        "map when all scores are 1": call(answer, torch.ones_like(scores), masks),
        "map of scores below 0 and above 1": call(answer, awkward(rng, 5).float(), masks),
    }


HINTS = [
    "Each mask counts as much as the score it got. The map is the mean of the masks, so weighted.",
    "To multiply K scores with K masks, give the scores the shape (K, 1, 1, 1): "
    "`scores.view(-1, 1, 1, 1)`.",
    "Then the mean over the masks: `.mean(0)`.",
]

mistake = Mistakes()


mistake(
    "You divide by the sum of the scores. Then a class that is not there at all gets a "
    "map as bright as one that is. Divide by the number of masks."
)(lambda scores, masks: (scores.view(-1, 1, 1, 1) * masks).sum(0) / scores.sum())

mistake("You add up and don't divide: with more masks the map becomes brighter.")(
    lambda scores, masks: (scores.view(-1, 1, 1, 1) * masks).sum(0)
)

mistake(
    "You divide by how often each pixel was kept. That is a good idea too (the mean score "
    "over the masks that keep the pixel), but not the formula "
    "above."
)(lambda scores, masks: (scores.view(-1, 1, 1, 1) * masks).sum(0) / masks.sum(0))

mistake(
    "The scores are averaged before they meet their masks. Each mask is weighted by its own score."
)(lambda scores, masks: scores.mean() * masks.mean(0))

mistake(
    "The K scores meet the last dimension of the masks, their columns. Each score belongs "
    "to one mask: give the scores the shape (K, 1, 1, 1)."
)(lambda scores, masks: (scores * masks).mean(0))

mistake(
    "The masks' last dimension, their columns, meets the K scores. Each score belongs to "
    "one mask: give the scores the shape (K, 1, 1, 1)."
)(lambda scores, masks: (masks * scores).mean(0))

mistake(
    "You take the scores' mean from them first. What stands above the floor is worth a look, and "
    "the lesson comes to it; here the scores count as they are."
)(lambda scores, masks: ((scores - scores.mean()).view(-1, 1, 1, 1) * masks).mean(0))

mistake(
    "You keep a dimension that is gone after the mean over the masks: the map is (1, H, W). "
    "Leave out `keepdim=True`."
)(lambda scores, masks: (scores.view(-1, 1, 1, 1) * masks).mean(0, keepdim=True))

mistake(
    "The map has lost the dimension of its one channel: it is (1, H, W). Leave out the `squeeze`."
)(lambda scores, masks: (scores.view(-1, 1, 1, 1) * masks).mean(0).squeeze())

mistake(
    "You weigh the masks by a softmax of the scores. In the formula the scores are used as they "
    "are, and the sum is divided by the number of masks."
)(lambda scores, masks: (scores.softmax(0).view(-1, 1, 1, 1) * masks).sum(0))

mistake(
    "You divide the map by its largest value. Then a class that is not there at all gets a map "
    "as bright as one that is: return the mean as it is."
)(
    lambda scores, masks: (
        (scores.view(-1, 1, 1, 1) * masks).mean(0)
        / (scores.view(-1, 1, 1, 1) * masks).mean(0).max()
    )
)

mistake("The mean goes over the pixels too; it belongs over the masks alone, dimension 0.")(
    lambda scores, masks: (scores.view(-1, 1, 1, 1) * masks).mean()
)

EXERCISE = Exercise(
    name="rise_map",
    lesson=LESSON.id,
    after="rise_masks",
    points=1,
    answer="rise_map",
    reference=rise_map,
    probe=probe_rise_map,
    mistakes=mistake,
    hints=HINTS,
)
