"""The score of the image under each mask, at most `batch_size` images at a time."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import torch
from torch import Tensor

from ..engine.exercise import Exercise, Mistakes, Outcome
from ..engine.models import in_use, nested_network
from ..engine.probes import call, rand
from ..engine.traces import no_trace
from . import LESSON
from .rise_map import rise_map

Scorer = Callable[[Tensor], Tensor]


def masked_scores(score: Scorer, x: Tensor, masks: Tensor, batch_size: int) -> Tensor:
    """The score of the image under each mask, at most `batch_size` images at a time."""
    with torch.no_grad():
        return torch.cat([score(x * some) for some in masks.split(batch_size)])


class _Scorer:
    """Scores images, and keeps in mind how it was asked; may be interrupted at its second call."""

    def __init__(self, weights: Tensor, *, interrupted: bool = False) -> None:
        self.weights = weights
        self.sizes: list[int] = []
        self.with_graph = False
        self.interrupted = interrupted

    def __call__(self, images: Tensor) -> Tensor:
        self.sizes.append(len(images))
        if self.interrupted and len(self.sizes) == 2:
            raise KeyboardInterrupt
        values = (images * self.weights).sum((1, 2, 3))
        self.with_graph |= values.requires_grad
        # not linear, so that the score of a mean image is no mean of scores
        return values.sin()


def _at_most(limit: int, sizes: list[int]) -> str:
    largest = max(sizes, default=0)
    return f"at most {limit}" if largest <= limit else f"up to {largest}"


def probe_masked_scores(answer: Callable[..., Any], rng: torch.Generator) -> Outcome:
    """Scores of eleven masks, from a scorer that counts; the gradient mode before and after."""
    x = rand(rng, 1, 3, 4, 5, low=0, dtype=torch.float32)
    masks = rand(rng, 11, 1, 4, 5, low=0, dtype=torch.float32)
    weights = rand(rng, 1, 3, 4, 5, dtype=torch.float32).requires_grad_()
    scorer = _Scorer(weights)
    outcome: Outcome = {"scores": None}
    with no_trace(outcome, "after the call"):
        outcome["scores"] = call(answer, scorer, x, masks, 3)
    outcome |= {
        "images at once, with a batch_size of 3": _at_most(3, scorer.sizes),
        "each masked image is scored once": sum(scorer.sizes) == 11,
        "no graph is built": not scorer.with_graph,
        "the scores ask for no gradient": not getattr(outcome["scores"], "requires_grad", False),
    }
    for size, which in ((5, "in the last batch is one image"), (20, "one batch holds them all")):
        outcome[f"scores when {which}"] = call(answer, _Scorer(weights), x, masks, size)
    with torch.no_grad(), no_trace(outcome, "where gradients are off already"):
        call(answer, _Scorer(weights), x, masks, 3)
    with no_trace(outcome, "after an interruption"), suppress(KeyboardInterrupt):
        call(answer, _Scorer(weights, interrupted=True), x, masks, 3)
    return outcome


def use_masked_scores(answer: Callable[..., Any], rng: torch.Generator) -> Outcome:
    """The probability of a class under masks, from a network that somebody else uses too."""
    model = in_use(nested_network(rng, dtype=torch.float32), rng)
    x = rand(rng, 1, 3, 8, 10, low=0, dtype=torch.float32)
    masks = rand(rng, 7, 1, 8, 10, low=0, dtype=torch.float32)
    outcome: Outcome = {}
    with no_trace(outcome, "after the call", model, x):
        scores = call(answer, lambda images: torch.sigmoid(model(images))[:, 2], x, masks, 3)
    floor = scores.mean() * masks.mean(0)
    outcome["the map above its floor"] = rise_map(scores, masks) - floor
    return outcome


HINTS = [
    "`masks.split(batch_size)` gives the masks in batches; the last one may be smaller.",
    "`x * some` for a batch of masks `some` (b, 1, H, W) and the image (1, 3, H, W) is b "
    "masked images.",
    "Collect `score(x * some)` for each batch in a list, inside `torch.no_grad()`, and "
    "join the list with `torch.cat`.",
]

mistake = Mistakes()


@mistake(
    "The values are right, but PyTorch has kept a graph for a backward pass that never "
    "comes, with all activations of all batches. Score inside `with "
    "torch.no_grad():`."
)
def _with_graph(score, x, masks, batch_size):
    return torch.cat([score(x * some) for some in masks.split(batch_size)])


@mistake(
    "The values are right, but you switch gradients off and leave them off: nothing that comes "
    "later could be differentiated. `with torch.no_grad():` switches them on again by itself."
)
def _gradients_stay_off(score, x, masks, batch_size):
    torch.set_grad_enabled(False)
    return torch.cat([score(x * some) for some in masks.split(batch_size)])


@mistake(
    "The values are right, but you switch gradients on at the end, also where they were off "
    "before, and not after an error. `with torch.no_grad():` puts back what was there, always."
)
def _gradients_on_at_the_end(score, x, masks, batch_size):
    torch.set_grad_enabled(False)
    scores = torch.cat([score(x * some) for some in masks.split(batch_size)])
    torch.set_grad_enabled(True)
    return scores


@mistake("You score the masks. The network should see the image under them: `x * some`.")
def _masks_alone(score, x, masks, batch_size):
    with torch.no_grad():
        return torch.cat([score(some) for some in masks.split(batch_size)])


@mistake("`score` gives what is asked for already: use its result as it is, without a sigmoid.")
def _sigmoid_again(score, x, masks, batch_size):
    with torch.no_grad():
        return torch.cat([score(x * some).sigmoid() for some in masks.split(batch_size)])


@mistake(
    "The last batch may have a single image, and `squeeze` leaves no dimension then, which "
    "`torch.cat` needs. `score` gives (b,) already: leave the `squeeze` out."
)
def _squeezed(score, x, masks, batch_size):
    with torch.no_grad():
        return torch.cat([score(x * some).squeeze() for some in masks.split(batch_size)])


@mistake(
    "All masked images go through the network at once. With 8000 masks that needs many "
    "gigabytes: take `batch_size` at a time."
)
def _all_at_once(score, x, masks, batch_size):
    with torch.no_grad():
        return score(x * masks)


@mistake("The last, smaller batch is missing.")
def _drops_the_rest(score, x, masks, batch_size):
    with torch.no_grad():
        parts = [
            score(x * masks[i * batch_size : (i + 1) * batch_size])
            for i in range(len(masks) // batch_size)
        ]
    return torch.cat(parts)


@mistake(
    "You show the network what the mask takes away, `1 - mask`. RISE shows it what the mask keeps."
)
def _scores_the_rest(score, x, masks, batch_size):
    with torch.no_grad():
        return torch.cat([score(x * (1 - some)) for some in masks.split(batch_size)])


@mistake("You keep one mean for each batch. Each masked image has a score of its own, K in all.")
def _means(score, x, masks, batch_size):
    with torch.no_grad():
        return torch.stack([score(x * some).mean() for some in masks.split(batch_size)])


@mistake(
    "`chunk(n)` makes n batches, however large; `split(n)` makes batches of n. It is their "
    "size that is limited."
)
def _number_of_batches(score, x, masks, batch_size):
    with torch.no_grad():
        return torch.cat([score(x * some) for some in masks.chunk(batch_size)])


@mistake(
    "`torch.stack` puts tensors of one size side by side, and the last batch may be "
    "smaller. `torch.cat` joins them end to end."
)
def _stacks(score, x, masks, batch_size):
    with torch.no_grad():
        return torch.stack([score(x * m) for m in masks.split(batch_size)])


@mistake(
    "These are the scores of the last batch: each batch has overwritten the one before. "
    "Collect them in a list."
)
def _last_batch_alone(score, x, masks, batch_size):
    with torch.no_grad():
        for some in masks.split(batch_size):
            scores = score(x * some)
    return scores


@mistake("This is a list with one tensor for each batch. Join them into one with `torch.cat`.")
def _list_of_batches(score, x, masks, batch_size):
    with torch.no_grad():
        return [score(x * some) for some in masks.split(batch_size)]


EXERCISE = Exercise(
    name="masked_scores",
    lesson=LESSON.id,
    after="rise_map",
    points=2,
    answer="masked_scores",
    reference=masked_scores,
    probe=probe_masked_scores,
    then=use_masked_scores,
    mistakes=mistake,
    hints=HINTS,
)
