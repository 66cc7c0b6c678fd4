"""A box's score when its surroundings are another image's, and when its content is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from course_lib.world.boxes import Box

from ..engine.exercise import Exercise, Mistakes, Outcome
from ..engine.models import in_use, nested_network
from ..engine.probes import call, rand
from ..engine.traces import no_trace
from . import LESSON


def swapped_scores(model: nn.Module, x: Tensor, box: Box, others: Tensor, target: int) -> Tensor:
    """For each other image: the score with its surroundings, and with its content: (K, 2)."""
    top, left, bottom, right = box
    rows, columns = slice(top, bottom), slice(left, right)
    surroundings, content = others.clone(), x.repeat(len(others), 1, 1, 1)
    surroundings[:, :, rows, columns] = x[:, :, rows, columns]
    content[:, :, rows, columns] = others[:, :, rows, columns]
    with torch.no_grad():
        return torch.stack([model(surroundings)[:, target], model(content)[:, target]], 1)


def probe_swapped_scores(answer: Callable[..., Any], rng: torch.Generator) -> Outcome:
    """Boxes inside and at two edges, one other image or several, a network in use."""
    outcome: Outcome = {}
    model = in_use(nested_network(rng), rng)
    x, others = rand(rng, 1, 3, 8, 10), rand(rng, 3, 3, 8, 10)
    with no_trace(outcome, "after a call", model, x, others):
        outcome["the scores of both swaps"] = call(answer, model, x, (1, 3, 5, 9), others, 2)
    outcome["the scores of a box at the lower right edge"] = call(
        answer, model, x, (4, 6, 8, 10), others[:1], 5
    )
    outcome["the scores of a box of one pixel at the upper left"] = call(
        answer, model, x, (0, 0, 1, 1), others, 0
    )
    return outcome


HINTS = [
    "Two sets of K images. In the first, everything is from the other images, but the box is from "
    "x. In the second it is the other way round.",
    "A box of an image is `x[:, :, top:bottom, left:right]`: rows first.",
    "Work on copies: `others.clone()`, and `x.repeat(len(others), 1, 1, 1)`, which is x K times. "
    "Then write into the box of each.",
    "`model(images)[:, target]` are K scores. `torch.stack([first, second], 1)` makes two columns "
    "of them.",
]

mistake = Mistakes()


def _images(x, box, others):
    top, left, bottom, right = box
    surroundings, content = others.clone(), x.repeat(len(others), 1, 1, 1)
    surroundings[:, :, top:bottom, left:right] = x[:, :, top:bottom, left:right]
    content[:, :, top:bottom, left:right] = others[:, :, top:bottom, left:right]
    return surroundings, content


def _scores(model, target, *sets):
    with torch.no_grad():
        return torch.stack([model(images)[:, target] for images in sets], 1)


@mistake(
    "Your columns have changed places: first the box of x in other surroundings, then another "
    "content in the surroundings of x."
)
def _exchanged(model, x, box, others, target):
    return swapped_scores(model, x, box, others, target).flip(1)


@mistake("The box is (top, left, bottom, right), and rows come first: `[top:bottom, left:right]`.")
def _columns_first(model, x, box, others, target):
    top, left, bottom, right = box
    return swapped_scores(model, x, (left, top, right, bottom), others, target)


@mistake("Your box ends one row and one column too late: `bottom` and `right` are not part of it.")
def _too_far(model, x, box, others, target):
    top, left, bottom, right = box
    return swapped_scores(model, x, (top, left, bottom + 1, right + 1), others, target)


@mistake(
    "Your surroundings are black, not those of the other images. Black is what the network has "
    "never seen around an object."
)
def _black(model, x, box, others, target):
    surroundings, content = _images(x, box, 0 * others)[0], _images(x, box, others)[1]
    return _scores(model, target, surroundings, content)


@mistake(
    "What you take away becomes black in both columns. It should be what the other images show "
    "there."
)
def _black_twice(model, x, box, others, target):
    return swapped_scores(model, x, box, 0 * others, target)


@mistake(
    "What you take away becomes the mean colour of x. It should be what the other images show "
    "there."
)
def _mean_colour(model, x, box, others, target):
    mean = x.mean((2, 3), keepdim=True).expand_as(others)
    return swapped_scores(model, x, box, mean, target)


@mistake("You average over the other images. Return a row for each of them, (K, 2).")
def _averaged(model, x, box, others, target):
    return swapped_scores(model, x, box, others, target).mean(0)


@mistake("These are the losses against the score of x. Return the scores themselves.")
def _losses(model, x, box, others, target):
    with torch.no_grad():
        return model(x)[:, target, None] - swapped_scores(model, x, box, others, target)


@mistake("These are changes against the score of x. Return the scores themselves.")
def _changes(model, x, box, others, target):
    with torch.no_grad():
        return swapped_scores(model, x, box, others, target) - model(x)[:, target, None]


@mistake("You return probabilities. Scores were asked for: leave out the sigmoid.")
def _probabilities(model, x, box, others, target):
    return swapped_scores(model, x, box, others, target).sigmoid()


@mistake("Your table is (2, K). Return a row for each other image: `torch.stack([...], 1)`.")
def _transposed(model, x, box, others, target):
    return swapped_scores(model, x, box, others, target).T


@mistake("You return the scores of all classes. Choose the target's: `model(images)[:, target]`.")
def _all_classes(model, x, box, others, target):
    with torch.no_grad():
        return torch.stack([model(images) for images in _images(x, box, others)], 1)


EXERCISE = Exercise(
    name="swapped_scores",
    lesson=LESSON.id,
    after="three_shares",
    points=2,
    answer="swapped_scores",
    reference=swapped_scores,
    probe=probe_swapped_scores,
    mistakes=mistake,
    hints=HINTS,
)
