"""Exercises of lesson 06: a map from random masks and the network's answers alone."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from course_lib.exercises.exercise import Exercise, Lesson
from course_lib.exercises.probes import call, rand, randint

LESSON = Lesson(
    id="06_rise",
    title="Asking from the outside: RISE",
    minutes=45,
    difficulty=2,
    summary="random masks and their estimator; its standard error; a classifier without gradients",
)

Outcome = dict[str, Any]
Scorer = Callable[[Tensor], Tensor]


def rise_masks(grids: Tensor, rows: Tensor, columns: Tensor, size: int) -> Tensor:
    """Smooth masks from grids of 0 and 1: reflected at the border, enlarged, shifted, cut."""
    cells = grids.shape[-1]
    cell = math.ceil(size / cells)
    padded = F.pad(grids, (1, 1, 1, 1), mode="reflect")
    large = F.interpolate(padded, size=cell * (cells + 2), mode="bilinear", align_corners=False)
    return torch.stack(
        [
            mask[:, cell + r : cell + r + size, cell + c : cell + c + size]
            for mask, r, c in zip(large, rows.tolist(), columns.tolist(), strict=True)
        ]
    )


def probe_rise_masks(answer: Callable[..., Any], rng: torch.Generator) -> Outcome:
    """Masks of random grids at random shifts, for a size that the cells divide and one not."""
    outcome: Outcome = {}
    for cells, size in ((4, 12), (5, 18)):
        cell = math.ceil(size / cells)
        # float32 throughout, so that an answer may start from torch.zeros
        grids = (rand(rng, 3, 1, cells, cells) > 0).float()
        rows = torch.tensor([0, cell - 1, randint(rng, 0, cell)])
        columns = torch.tensor([cell - 1, 0, randint(rng, 0, cell)])
        masks = call(answer, grids, rows, columns, size)
        outcome[f"masks of {cells} x {cells} cells for {size} pixels"] = masks
        outcome["all values lie between 0 and 1"] = bool(
            ((torch.as_tensor(masks) >= 0) & (torch.as_tensor(masks) <= 1)).all()
        )
    return outcome


def _enlarged(grids: Tensor, size: int, pad: str = "reflect", mode: str = "bilinear") -> Tensor:
    cells = grids.shape[-1]
    cell = math.ceil(size / cells)
    padded = F.pad(grids, (1, 1, 1, 1), mode=pad)
    corners = {} if mode == "nearest" else {"align_corners": False}
    return F.interpolate(padded, size=cell * (cells + 2), mode=mode, **corners)


def _cut(large: Tensor, rows: Tensor, columns: Tensor, size: int, margin: int) -> Tensor:
    return torch.stack(
        [
            m[:, margin + r : margin + r + size, margin + c : margin + c + size]
            for m, r, c in zip(large, rows.tolist(), columns.tolist(), strict=True)
        ]
    )


def _cell(grids: Tensor, size: int) -> int:
    return math.ceil(size / grids.shape[-1])


def _not_shifted(grids, rows, columns, size):
    large = _enlarged(grids, size)
    return _cut(large, torch.zeros_like(rows), torch.zeros_like(columns), size, _cell(grids, size))


def _cut_at_the_rim(grids, rows, columns, size):
    return _cut(_enlarged(grids, size), rows, columns, size, 0)


def _swapped(grids, rows, columns, size):
    return _cut(_enlarged(grids, size), columns, rows, size, _cell(grids, size))


def _hard(grids, rows, columns, size):
    large = _enlarged(grids, size, mode="nearest")
    return _cut(large, rows, columns, size, _cell(grids, size))


def _zero_border(grids, rows, columns, size):
    large = _enlarged(grids, size, pad="constant")
    return _cut(large, rows, columns, size, _cell(grids, size))


def _one_shift_for_all(grids, rows, columns, size):
    large = _enlarged(grids, size)
    first = torch.zeros_like(rows)
    return _cut(large, first + rows[0], first + columns[0], size, _cell(grids, size))


def _rounded_down(grids, rows, columns, size):
    cells = grids.shape[-1]
    cell = size // cells
    padded = F.pad(grids, (1, 1, 1, 1), mode="reflect")
    large = F.interpolate(padded, size=cell * (cells + 2), mode="bilinear", align_corners=False)
    return _cut(large, rows, columns, size, cell)


def _one_slice_for_all(grids, rows, columns, size):
    large, cell = _enlarged(grids, size), _cell(grids, size)
    top, left = cell + rows, cell + columns
    return large[:, :, top : top + size, left : left + size]


def _joined_without_a_dimension(grids, rows, columns, size):
    return rise_masks(grids, rows, columns, size)[:, 0]


def rise_map(scores: Tensor, masks: Tensor) -> Tensor:
    """Mean over the masks of score times mask: (1, H, W)."""
    return (scores.view(-1, 1, 1, 1) * masks).mean(0)


def probe_rise_map(answer: Callable[..., Any], rng: torch.Generator) -> Outcome:
    """The map of random scores and masks, and that of scores that are all alike."""
    scores = rand(rng, 5, low=0, dtype=torch.float32)
    masks = rand(rng, 5, 1, 3, 4, low=0, dtype=torch.float32)
    return {
        "map": call(answer, scores, masks),
        "map when all scores are 1": call(answer, torch.ones_like(scores), masks),
    }


def masked_scores(score: Scorer, x: Tensor, masks: Tensor, batch_size: int) -> Tensor:
    """The score of the image under each mask, at most `batch_size` images at a time."""
    with torch.no_grad():
        return torch.cat([score(x * some) for some in masks.split(batch_size)])


class _Scorer:
    """Scores images, and keeps in mind how it was asked."""

    def __init__(self, weights: Tensor) -> None:
        self.weights = weights
        self.sizes: list[int] = []
        self.with_graph = False

    def __call__(self, images: Tensor) -> Tensor:
        self.sizes.append(len(images))
        values = (images * self.weights).sum((1, 2, 3))
        self.with_graph |= values.requires_grad
        # not linear, so that the score of a mean image is no mean of scores
        return values.sin()


def _at_most(limit: int, sizes: list[int]) -> str:
    largest = max(sizes, default=0)
    return f"at most {limit}" if largest <= limit else f"up to {largest}"


def probe_masked_scores(answer: Callable[..., Any], rng: torch.Generator) -> Outcome:
    """Scores of eleven masks in batches of three, from a scorer that counts."""
    x = rand(rng, 1, 3, 4, 5, low=0, dtype=torch.float32)
    masks = rand(rng, 11, 1, 4, 5, low=0, dtype=torch.float32)
    scorer = _Scorer(rand(rng, 1, 3, 4, 5, dtype=torch.float32).requires_grad_())
    scores = call(answer, scorer, x, masks, 3)
    if isinstance(scores, Tensor):
        scores = scores.detach()
    return {
        "scores": scores,
        "images at once, with a batch_size of 3": _at_most(3, scorer.sizes),
        "each masked image is scored once": sum(scorer.sizes) == 11,
        "no graph is built": not scorer.with_graph,
    }


def _with_graph(score, x, masks, batch_size):
    return torch.cat([score(x * some) for some in masks.split(batch_size)])


def _all_at_once(score, x, masks, batch_size):
    with torch.no_grad():
        return score(x * masks)


def _drops_the_rest(score, x, masks, batch_size):
    with torch.no_grad():
        parts = [
            score(x * masks[i * batch_size : (i + 1) * batch_size])
            for i in range(len(masks) // batch_size)
        ]
    return torch.cat(parts)


def _scores_the_rest(score, x, masks, batch_size):
    with torch.no_grad():
        return torch.cat([score(x * (1 - some)) for some in masks.split(batch_size)])


def _means(score, x, masks, batch_size):
    with torch.no_grad():
        return torch.stack([score(x * some).mean() for some in masks.split(batch_size)])


def _number_of_batches(score, x, masks, batch_size):
    with torch.no_grad():
        return torch.cat([score(x * some) for some in masks.chunk(batch_size)])


def _stacks(score, x, masks, batch_size):
    with torch.no_grad():
        return torch.stack([score(x * m) for m in masks.split(batch_size)])


def _last_batch_alone(score, x, masks, batch_size):
    with torch.no_grad():
        for some in masks.split(batch_size):
            scores = score(x * some)
    return scores


def _list_of_batches(score, x, masks, batch_size):
    with torch.no_grad():
        return [score(x * some) for some in masks.split(batch_size)]


def standard_error(scores: Tensor, masks: Tensor) -> Tensor:
    """Standard deviation of score times mask over the masks, over the root of their number."""
    return (scores.view(-1, 1, 1, 1) * masks).std(0) / math.sqrt(len(masks))


def probe_standard_error(answer: Callable[..., Any], rng: torch.Generator) -> Outcome:
    """The error of a small sample, and that of the same sample taken four times."""
    scores = rand(rng, 6, low=0, dtype=torch.float32)
    masks = rand(rng, 6, 1, 3, 4, low=0, dtype=torch.float32)
    return {
        "standard error": call(answer, scores, masks),
        "standard error of a larger sample": call(
            answer, scores.repeat(4), masks.repeat(4, 1, 1, 1)
        ),
    }


EXERCISES = [
    Exercise(
        name="rise_masks",
        lesson="06_rise",
        points=3,
        answer="rise_masks",
        reference=rise_masks,
        probe=probe_rise_masks,
        mistakes={
            "Your masks are not shifted: the cells always lie on the same grid, and the map will "
            "show it. Begin to cut at row `cell + rows[n]`, not at `cell`.": _not_shifted,
            "You begin to cut in the reflected rim. One cell of rim was added on each side, so "
            "pixel 0 of the image is at `cell + rows[n]`.": _cut_at_the_rim,
            "Rows and columns have changed places: dimension 2 of a mask is its rows, dimension 3 "
            "its columns.": _swapped,
            "Your masks have hard edges, which the network may take for an object. Enlarge with "
            "`mode='bilinear'`.": _hard,
            "Around the grid you have put zeros, so the border of the image is kept less often "
            "than its middle. Reflect it: `mode='reflect'`.": _zero_border,
            "All masks have the shift of the first one. Each has its own: `rows[n]` and "
            "`columns[n]`.": _one_shift_for_all,
            "The enlarged grid has become too small to cut a whole mask from. 18 pixels in 5 "
            "cells: a cell is 3.6 pixels wide, and that is rounded *up*, `math.ceil(size / "
            "cells)`.": _rounded_down,
            "A slice goes from one number to another, and `rows` has a number for each mask. Cut "
            "the masks one by one, in a loop.": _one_slice_for_all,
            "The masks have lost the dimension of their one channel. `torch.cat` joins along a "
            "dimension that is there already; `torch.stack` makes a new one for the "
            "masks.": _joined_without_a_dimension,
        },
        hints=[
            "Three steps for all grids together (a rim, enlarging), then one for each mask "
            "(cutting).",
            "The rim: `F.pad(grids, (1, 1, 1, 1), mode='reflect')`. The grid then has two cells "
            "more along each side.",
            "Enlarging: `F.interpolate(padded, size=cell * (cells + 2), mode='bilinear', "
            "align_corners=False)`, with `cell = math.ceil(size / cells)`.",
            "Mask n is `large[n, :, top : top + size, left : left + size]` with `top = cell + "
            "rows[n]`. Put them together with `torch.stack`.",
        ],
    ),
    Exercise(
        name="rise_map",
        lesson="06_rise",
        points=1,
        answer="rise_map",
        reference=rise_map,
        probe=probe_rise_map,
        mistakes={
            "You divide by the sum of the scores. Then a class that is not there at all gets a "
            "map as bright as one that is. Divide by the number of masks.": lambda scores, masks: (
                (scores.view(-1, 1, 1, 1) * masks).sum(0) / scores.sum()
            ),
            "You add up and don't divide: with more masks the map "
            "becomes brighter.": lambda scores, masks: (scores.view(-1, 1, 1, 1) * masks).sum(0),
            "You divide by how often each pixel was kept. That is a good idea too (the mean score "
            "over the masks that keep the pixel), but not the formula "
            "above.": lambda scores, masks: (
                (scores.view(-1, 1, 1, 1) * masks).sum(0) / masks.sum(0)
            ),
            "The scores are averaged before they meet their masks. Each mask is weighted by its "
            "own score.": lambda scores, masks: scores.mean() * masks.mean(0),
            "The K scores meet the last dimension of the masks, their columns. Each score belongs "
            "to one mask: give the scores the shape (K, 1, 1, 1).": lambda scores, masks: (
                scores * masks
            ).mean(0),
            "The masks' last dimension, their columns, meets the K scores. Each score belongs to "
            "one mask: give the scores the shape (K, 1, 1, 1).": lambda scores, masks: (
                masks * scores
            ).mean(0),
            "The mean goes over the pixels too; it belongs over the "
            "masks alone, dimension 0.": lambda scores, masks: (
                scores.view(-1, 1, 1, 1) * masks
            ).mean(),
        },
        hints=[
            "Each mask counts as much as the score it got. The map is the mean of the masks, so "
            "weighted.",
            "To multiply K scores with K masks, give the scores the shape (K, 1, 1, 1): "
            "`scores.view(-1, 1, 1, 1)`.",
            "Then the mean over the masks: `.mean(0)`.",
        ],
    ),
    Exercise(
        name="masked_scores",
        lesson="06_rise",
        points=2,
        answer="masked_scores",
        reference=masked_scores,
        probe=probe_masked_scores,
        mistakes={
            "The values are right, but PyTorch has kept a graph for a backward pass that never "
            "comes, with all activations of all batches. Score inside `with "
            "torch.no_grad():`.": _with_graph,
            "All masked images go through the network at once. With 8000 masks that needs many "
            "gigabytes: take `batch_size` at a time.": _all_at_once,
            "The last, smaller batch is missing.": _drops_the_rest,
            "You show the network what the mask takes away, `1 - mask`. RISE shows it what the "
            "mask keeps.": _scores_the_rest,
            "You keep one mean for each batch. Each masked image has a score of its own, "
            "K in all.": _means,
            "`chunk(n)` makes n batches, however large; `split(n)` makes batches of n. It is their "
            "size that is limited.": _number_of_batches,
            "`torch.stack` puts tensors of one size side by side, and the last batch may be "
            "smaller. `torch.cat` joins them end to end.": _stacks,
            "These are the scores of the last batch: each batch has overwritten the one before. "
            "Collect them in a list.": _last_batch_alone,
            "This is a list with one tensor for each batch. Join them into one with "
            "`torch.cat`.": _list_of_batches,
        },
        hints=[
            "`masks.split(batch_size)` gives the masks in batches; the last one may be smaller.",
            "`x * some` for a batch of masks `some` (b, 1, H, W) and the image (1, 3, H, W) is b "
            "masked images.",
            "Collect `score(x * some)` for each batch in a list, inside `torch.no_grad()`, and "
            "join the list with `torch.cat`.",
        ],
    ),
    Exercise(
        name="standard_error",
        lesson="06_rise",
        points=2,
        answer="standard_error",
        reference=standard_error,
        probe=probe_standard_error,
        mistakes={
            "This is the spread of a single contribution. The mean of K of them is steadier by "
            "the square root of "
            "K: divide by it.": lambda scores, masks: (scores.view(-1, 1, 1, 1) * masks).std(0),
            "You divide by K. The error of a mean falls with the square root of K: four times the "
            "masks, half the error.": lambda scores, masks: (
                (scores.view(-1, 1, 1, 1) * masks).std(0) / len(masks)
            ),
            "This is the variance divided by K, the square of the "
            "standard error.": lambda scores, masks: (
                (scores.view(-1, 1, 1, 1) * masks).var(0) / len(masks)
            ),
            "You divide by K within the standard deviation. From a sample it is K - 1: the spread "
            "around a mean that was taken from the same sample comes out too small. `.std(0)` does "
            "so by itself.": lambda scores, masks: (
                (scores.view(-1, 1, 1, 1) * masks).std(0, correction=0) / math.sqrt(len(masks))
            ),
            "You multiply by the root of K. More masks make the map surer, so the error must fall "
            "with K: divide.": lambda scores, masks: (
                (scores.view(-1, 1, 1, 1) * masks).std(0) * math.sqrt(len(masks))
            ),
            "You take the spread of the scores alone and leave the masks as they are. A "
            "contribution is the product of the two, and the spread is that of the "
            "products.": lambda scores, masks: scores.std() * masks.mean(0) / math.sqrt(len(masks)),
            "One number for the whole map: your spread goes over masks and pixels together. Each "
            "pixel has its own, over the masks: `.std(0)`.": lambda scores, masks: (
                (scores.view(-1, 1, 1, 1) * masks).std() / math.sqrt(len(masks))
            ),
            "You measure how the masks spread, not the contributions: multiply by the scores "
            "first.": lambda scores, masks: masks.std(0) / math.sqrt(len(masks)),
            "The spread over the pixels of the map says how uneven the map is. The spread over "
            "the *masks*, dimension 0, says how sure it is.": lambda scores, masks: (
                (scores.view(-1, 1, 1, 1) * masks).mean(0).std() / math.sqrt(len(masks))
            ),
        },
        hints=[
            "The map is a mean of K contributions, each of them a score times a mask. How "
            "uncertain is a mean?",
            "Its standard error is the standard deviation of the contributions, divided by the "
            "square root of their number.",
            "`(scores.view(-1, 1, 1, 1) * masks).std(0)` is the standard deviation at each pixel; "
            "`math.sqrt(len(masks))` is the rest.",
        ],
    ),
]
