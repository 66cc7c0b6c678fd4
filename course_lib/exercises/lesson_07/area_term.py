"""Mean squared distance of each mask's sorted values to zeros followed by ones."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from ..engine.exercise import Exercise, Mistakes, Outcome
from ..engine.probes import call, rand
from . import LESSON


def area_term(masks: Tensor, areas: Tensor) -> Tensor:
    """Mean squared distance of each mask's sorted values to zeros followed by ones."""
    values = masks.flatten(1).sort(1).values
    size = values.shape[1]
    zeros = ((1 - areas) * size).long()
    wanted = (torch.arange(size) >= zeros[:, None]).to(values)
    return (values - wanted).square().mean(1)


def probe_area_term(answer: Callable[..., Any], rng: torch.Generator) -> Outcome:
    """Area terms of random masks and of perfect ones, and the gradient."""
    # float32, so that an answer may start from torch.zeros
    masks = rand(rng, 3, 1, 4, 5, low=0, dtype=torch.float32).requires_grad_()
    # no whole numbers of the 20 pixels, which rounding might turn into one less
    areas = torch.tensor([0.03, 0.37, 0.83])
    terms = call(answer, masks, areas)
    outcome: Outcome = {"area terms": terms.detach() if isinstance(terms, Tensor) else terms}
    perfect = torch.zeros(1, 1, 4, 5)
    perfect.view(-1)[torch.randperm(20, generator=rng)[:5]] = 1
    quarter = torch.tensor([0.25])
    outcome["term of a mask of zeros and ones with the right area"] = call(answer, perfect, quarter)
    everything = torch.tensor([1.0])
    outcome["term of a mask that may show everything"] = call(answer, masks[:1], everything)
    if terms.requires_grad:
        weights = rand(rng, 3, dtype=torch.float32)
        (outcome["gradient at the masks"],) = torch.autograd.grad((terms * weights).sum(), masks)
    else:
        outcome["gradient at the masks"] = None
    return outcome


HINTS = [
    "For each mask: a long list of its values, sorted; and a list of the same length with "
    "zeros, then ones.",
    "`masks.flatten(1).sort(1).values` has the sorted values, (N, P).",
    "The number of zeros is `((1 - areas) * P).long()`, one for each mask. "
    "`torch.arange(P) >= zeros[:, None]` is False for the zeros and True for the ones, "
    "(N, P).",
    "`(values - wanted.to(values)).square().mean(1)`.",
]

mistake = Mistakes()


def _wanted(masks, areas, rounded=torch.floor):
    size = masks[0].numel()
    return (torch.arange(size) >= rounded((1 - areas) * size)[:, None]).to(masks)


def _term_with(masks, areas, *, descending=False, swap=False, total=False, size_only=False):
    values = masks.flatten(1).sort(1, descending=descending).values
    size = values.shape[1]
    zeros = ((areas if swap else 1 - areas) * size).long()
    wanted = (torch.arange(size) >= zeros[:, None]).to(values)
    distance = (values - wanted).square()
    return distance.sum(1) if total else distance.mean(1)


mistake("You sort from large to small. The wanted values are zeros first, then ones.")(
    lambda m, a: _term_with(m, a, descending=True)
)

mistake(
    "Zeros and ones have changed places: an area of 0.1 means a tenth ones, so `(1 - "
    "area)` zeros first."
)(lambda m, a: _term_with(m, a, swap=True))


@mistake(
    "You don't sort. Then the ones are wanted at the bottom of the image, and the term "
    "says where the mask should be. It may only say how large."
)
def _not_sorted(masks, areas):
    values = masks.flatten(1)
    zeros = ((1 - areas) * values.shape[1]).long()
    wanted = (torch.arange(values.shape[1]) >= zeros[:, None]).to(values)
    return (values - wanted).square().mean(1)


mistake("You round the number of zeros. The formula rounds it *down*: `((1 - areas) * P).long()`.")(
    lambda m, a: (m.flatten(1).sort(1).values - _wanted(m, a, torch.round)).square().mean(1)
)

mistake(
    "You have one zero too many. The places are counted from 0, so the ones begin *at* the "
    "number of zeros: `torch.arange(P) >= zeros[:, None]`."
)(
    lambda m, a: (
        (m.flatten(1).sort(1).values - _wanted(m, a, lambda zeros: zeros.floor() + 1))
        .square()
        .mean(1)
    )
)

mistake("All masks are held to the first one's area. Each has its own: `areas[:, None]`.")(
    lambda m, a: _term_with(m, a[:1].expand(len(m)))
)

mistake(
    "The values are right, but no gradient leads back to the masks: somewhere you `detach` them, "
    "or compute inside `no_grad`."
)(lambda m, a: _term_with(m.detach(), a))

mistake("The result is (N,), one number for each mask. Leave out `keepdim=True`.")(
    lambda m, a: _term_with(m, a)[:, None]
)

mistake("You sum over the pixels. The mean makes the term independent of the image's size.")(
    lambda m, a: _term_with(m, a, total=True)
)

mistake(
    "You compare the mean of the mask with the area. A mask that is grey everywhere then "
    "passes; sorted values against "
    "zeros and ones make it decide."
)(lambda m, a: (m.flatten(1).mean(1) - a).square())


mistake("You take magnitudes; squares are asked for.")(
    lambda m, a: (m.flatten(1).sort(1).values - _wanted(m, a)).abs().mean(1)
)

mistake(
    "You don't square. What is too much in one place then makes up for what is too little "
    "in another."
)(lambda m, a: (m.flatten(1).sort(1).values - _wanted(m, a)).mean(1))

mistake("You take a root at the end. The term is the mean of the squares as it is.")(
    lambda m, a: _term_with(m, a).sqrt()
)

mistake(
    "One number for all masks together. Each mask has its own term: the mean goes over "
    "its pixels, dimension 1."
)(lambda m, a: (m.flatten(1).sort(1).values - _wanted(m, a)).square().mean())


@mistake(
    "You round the number of zeros up, or that of the ones down, which is the same. The formula "
    "rounds the number of *zeros* down: `((1 - areas) * P).long()`."
)
def _ones_rounded_down(masks, areas):
    size = masks[0].numel()
    ones = (areas * size).long()
    wanted = (torch.arange(size) >= size - ones[:, None]).to(masks)
    return (masks.flatten(1).sort(1).values - wanted).square().mean(1)


@mistake(
    "You sort the pixels of all masks together. Each mask is sorted by itself: "
    "`masks.flatten(1).sort(1)`."
)
def _sorted_together(masks, areas):
    values = masks.flatten().sort().values
    wanted = torch.arange(len(values)) >= ((1 - areas) * len(values)).long()[:, None]
    return (values - wanted.to(values)).square().mean(1)


@mistake(
    "You sort each row of pixels by itself. Make one long list of each mask first: "
    "`masks.flatten(1)`."
)
def _sorted_rows(masks, areas):
    return (masks.sort(-1).values.flatten(1) - _wanted(masks, areas)).square().mean(1)


@mistake(
    "`sort` returns two things, the sorted values and where they were. Take the first: "
    "`.sort(1).values`."
)
def _sort_with_places(masks, areas):
    return (masks.flatten(1).sort(1).shape[1] - _wanted(masks, areas)).square().mean(1)


@mistake(
    "A comparison gives True and False, and PyTorch doesn't subtract those. Make numbers "
    "of them: `.to(values)`."
)
def _wanted_as_booleans(masks, areas):
    values = masks.flatten(1).sort(1).values
    return (values - (_wanted(masks, areas) > 0)).square().mean(1)


@mistake(
    "Each mask has an area of its own, and `int` takes one number. Work with the whole "
    "tensor, `((1 - areas) * P).long()`, or in a loop over the masks."
)
def _one_area_for_all(masks, areas):
    return torch.zeros(int((1 - areas) * masks[0].numel()))


@mistake(
    "You take the mean over the zeros and that over the ones, and add them. There is one mean, "
    "over all P pixels."
)
def _two_means(masks, areas):
    values = masks.flatten(1).sort(1).values
    zeros = ((1 - areas) * values.shape[1]).long().tolist()
    low = [v[:k].square().mean() for v, k in zip(values, zeros, strict=True)]
    high = [(1 - v[k:]).square().mean() for v, k in zip(values, zeros, strict=True)]
    return torch.stack(low) + torch.stack(high)


@mistake(
    "You count the ones, from the end: where there are none, `[-0:]` is everything. Count the "
    "zeros, as the formula does, and begin at their number: `[zeros:]`."
)
def _from_the_end(masks, areas):
    terms = []
    for values, area in zip(masks.flatten(1).sort(1).values, areas, strict=True):
        wanted = torch.zeros_like(values)
        wanted[-int(area * len(values)) :] = 1
        terms.append((values - wanted).square().mean())
    return torch.stack(terms)


EXERCISE = Exercise(
    name="area_term",
    lesson=LESSON.id,
    after="smooth_maximum",
    points=2,
    answer="area_term",
    reference=area_term,
    probe=probe_area_term,
    mistakes=mistake,
    hints=HINTS,
)
