"""Standard deviation of score times mask over the masks, over the root of their number."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from ..engine.exercise import Exercise, Mistakes, Outcome
from ..engine.probes import call, rand
from . import LESSON


def standard_error(scores: Tensor, masks: Tensor) -> Tensor:
    """Standard deviation of score times mask over the masks, over the root of their number."""
    return (scores.view(-1, 1, 1, 1) * masks).std(0) / math.sqrt(len(masks))


def probe_standard_error(answer: Callable[..., Any], rng: torch.Generator) -> Outcome:
    """The error of a small sample, and that of the same sample taken four times."""
    # of both signs, so that one who forgets the sign is noticed
    scores = rand(rng, 6, dtype=torch.float32)
    masks = rand(rng, 6, 1, 3, 4, low=0, dtype=torch.float32)
    return {
        "standard error": call(answer, scores, masks),
        "standard error of a larger sample": call(
            answer, scores.repeat(4), masks.repeat(4, 1, 1, 1)
        ),
    }


HINTS = [
    "The map is a mean of K contributions, each of them a score times a mask. How "
    "uncertain is a mean?",
    "Its standard error is the standard deviation of the contributions, divided by the "
    "square root of their number.",
    "`(scores.view(-1, 1, 1, 1) * masks).std(0)` is the standard deviation at each pixel; "
    "`math.sqrt(len(masks))` is the rest.",
]

mistake = Mistakes()


mistake(
    "This is the spread of a single contribution. The mean of K of them is steadier by "
    "the square root of "
    "K: divide by it."
)(lambda scores, masks: (scores.view(-1, 1, 1, 1) * masks).std(0))

mistake(
    "You divide by K. The error of a mean falls with the square root of K: four times the "
    "masks, half the error."
)(lambda scores, masks: (scores.view(-1, 1, 1, 1) * masks).std(0) / len(masks))

mistake("This is the variance divided by K, the square of the standard error.")(
    lambda scores, masks: (scores.view(-1, 1, 1, 1) * masks).var(0) / len(masks)
)

mistake(
    "You divide by K within the standard deviation. From a sample it is K - 1: the spread "
    "around a mean that was taken from the same sample comes out too small. `.std(0)` does "
    "so by itself."
)(
    lambda scores, masks: (
        (scores.view(-1, 1, 1, 1) * masks).std(0, correction=0) / math.sqrt(len(masks))
    )
)

mistake(
    "You multiply by the root of K. More masks make the map surer, so the error must fall "
    "with K: divide."
)(lambda scores, masks: (scores.view(-1, 1, 1, 1) * masks).std(0) * math.sqrt(len(masks)))

mistake(
    "You take the spread of the scores alone and leave the masks as they are. A "
    "contribution is the product of the two, and the spread is that of the "
    "products."
)(lambda scores, masks: scores.std() * masks.mean(0) / math.sqrt(len(masks)))

mistake(
    "One number for the whole map: your spread goes over masks and pixels together. Each "
    "pixel has its own, over the masks: `.std(0)`."
)(lambda scores, masks: (scores.view(-1, 1, 1, 1) * masks).std() / math.sqrt(len(masks)))

mistake(
    "You divide by the root of K - 1. The K - 1 belongs into the standard deviation, where "
    "`.std(0)` has it already; a mean of K contributions is steadier by the root of K."
)(lambda scores, masks: (scores.view(-1, 1, 1, 1) * masks).std(0) / math.sqrt(len(masks) - 1))

mistake(
    "You divide by the root of all the masks' pixels together. At each pixel there are K "
    "contributions, one for each mask: `len(masks)`."
)(lambda scores, masks: (scores.view(-1, 1, 1, 1) * masks).std(0) / math.sqrt(masks.numel()))

mistake(
    "You take the spread of the scores times the spread of the masks. The spread of a product is "
    "something else: multiply first, then take `.std(0)`."
)(lambda scores, masks: scores.std() * masks.std(0) / math.sqrt(len(masks)))

mistake(
    "You keep a dimension that is gone after the standard deviation over the masks: the result "
    "is (1, H, W)."
)(
    lambda scores, masks: (
        (scores.view(-1, 1, 1, 1) * masks).std(0, keepdim=True) / math.sqrt(len(masks))
    )
)

mistake("You measure how the masks spread, not the contributions: multiply by the scores first.")(
    lambda scores, masks: masks.std(0) / math.sqrt(len(masks))
)

mistake(
    "The spread over the pixels of the map says how uneven the map is. The spread over "
    "the *masks*, dimension 0, says how sure it is."
)(lambda scores, masks: (scores.view(-1, 1, 1, 1) * masks).mean(0).std() / math.sqrt(len(masks)))


mistake(
    "This is the variance, divided by the root of K. The root belongs under both: take the "
    "standard deviation, `.std(0)`."
)(lambda scores, masks: (scores.view(-1, 1, 1, 1) * masks).var(0) / math.sqrt(len(masks)))

mistake(
    "One number for the whole map: you average the errors over the pixels. Each pixel has its own."
)(lambda scores, masks: standard_error(scores, masks).mean())


EXERCISE = Exercise(
    name="standard_error",
    lesson=LESSON.id,
    after="masked_scores",
    points=2,
    answer="standard_error",
    reference=standard_error,
    probe=probe_standard_error,
    mistakes=mistake,
    hints=HINTS,
)
