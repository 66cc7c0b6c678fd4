"""The accuracy of each class, with Wilson's 95 % interval."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from ..engine.exercise import Exercise, Mistakes, Outcome
from ..engine.probes import call, rand
from . import LESSON


def accuracies(hits: Tensor, targets: Tensor, classes: int) -> Tensor:
    """For each class its accuracy, and the ends of the 95 % interval: (classes, 3)."""
    z = 1.96
    rows = []
    for c in range(classes):
        of_class = hits[targets == c]
        n = len(of_class)
        if n == 0:
            rows.append(torch.tensor([math.nan, 0, 1]))
            continue
        a = of_class.mean()
        middle = (a + z**2 / (2 * n)) / (1 + z**2 / n)
        half = z / (1 + z**2 / n) * (a * (1 - a) / n + z**2 / (4 * n**2)).sqrt()
        rows.append(torch.stack([a, middle - half, middle + half]))
    return torch.stack(rows)


def probe_accuracies(answer: Callable[..., Any], rng: torch.Generator) -> Outcome:
    """Parts of hits, a class that never misses, one that nobody asks for, one class alone."""
    targets = torch.tensor([0, 2, 2, 4, 0, 2, 4, 4, 0, 2, 2, 1])
    hits = rand(rng, 12, low=0, dtype=torch.float32)
    whole = (hits > 0.5).float()
    whole[targets == 4], whole[0] = 1, 0
    order = torch.randperm(12, generator=rng)
    every = torch.zeros(12, dtype=torch.long)
    asked: dict[str, tuple[Tensor, Tensor, int]] = {
        "accuracies and intervals": (whole[order], targets[order], 5),
        "accuracies where hits are parts of one": (hits, targets, 5),
        "accuracies of one class only": (whole, every, 1),
        "accuracies with four times the images": (whole.repeat(4), targets.repeat(4), 5),
        "accuracies when the last classes are not asked for": (whole, targets, 7),
    }
    outcome: Outcome = {}
    for name, arguments in asked.items():
        found = call(answer, *arguments)
        if not isinstance(found, Tensor):
            outcome[name] = found
            continue
        outcome[f"where nan stands among the {name}"] = found.isnan()
        outcome[name] = found.nan_to_num(nan=-1.0)
    return outcome


HINTS = [
    "Take the classes one by one: `hits[targets == c]` are the hits of class c, and there are "
    "`len(...)` of them.",
    "A class that nobody asked for has no mean: leave with `[math.nan, 0, 1]` before you divide.",
    "The formula holds two parts: the middle, `(a + z**2 / (2 * n)) / (1 + z**2 / n)`, and the "
    "half-width that is taken away from it and added to it.",
    "The half-width is `z / (1 + z**2 / n) * (a * (1 - a) / n + z**2 / (4 * n**2)).sqrt()`.",
    "`torch.stack([a, middle - half, middle + half])` is a row, and `torch.stack(rows)` the table.",
]

mistake = Mistakes()


def _each(hits, targets, classes, row):
    """A table by a function (accuracy, n) -> row, for mistakes that differ in it alone."""
    rows = []
    for c in range(classes):
        chosen = hits[targets == c]
        empty = torch.tensor([math.nan, 0.0, 1.0])
        rows.append(torch.stack(row(chosen.mean(), len(chosen))) if len(chosen) else empty)
    return torch.stack(rows)


def _wilson(a, n, z=1.96):
    middle = (a + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * (a * (1 - a) / n + z**2 / (4 * n**2)).sqrt()
    return middle, half


@mistake(
    "This is the accuracy, plus and minus 1.96 standard errors. For a class that never missed its "
    "width is 0, as if three hits of three proved that a miss is impossible. Use the formula above."
)
def _wald(hits, targets, classes):
    def row(a, n):
        half = 1.96 * (a * (1 - a) / n).sqrt()
        return [a, a - half, a + half]

    return _each(hits, targets, classes, row)


@mistake(
    "This is the accuracy, plus and minus 1.96 standard errors: of a class that never missed it "
    "says that a miss is impossible. Use the formula above. And a class that nobody asked for "
    "gets the row nan, 0, 1: look for an empty class before you take a mean."
)
def _wald_without_a_care(hits, targets, classes):
    found = _wald(hits, targets, classes)
    return torch.where(found[:, :1].isnan(), found[:, :1], found)


@mistake(
    "You put the middle of the interval into the first column. The accuracy itself belongs there."
)
def _middle(hits, targets, classes):
    def row(a, n):
        middle, half = _wilson(a, n)
        return [middle, middle - half, middle + half]

    return _each(hits, targets, classes, row)


@mistake(
    "Your interval lies around the accuracy. Its middle is elsewhere: nearer to one half, the more "
    "so the fewer images there are."
)
def _around(hits, targets, classes):
    def row(a, n):
        _, half = _wilson(a, n)
        return [a, a - half, a + half]

    return _each(hits, targets, classes, row)


@mistake(
    "You take the number of all images for n. Each class has its own number of images, "
    "`len(hits[targets == c])`."
)
def _of_all(hits, targets, classes):
    def row(a, n):
        middle, half = _wilson(a, len(hits))
        return [a, middle - half, middle + half]

    return _each(hits, targets, classes, row)


@mistake(
    "A class that nobody asked for has accuracy 0 with you. Nothing is known of it: its row is "
    "nan, 0, 1."
)
def _zero(hits, targets, classes):
    found = accuracies(hits, targets, classes)
    return torch.cat([found[:, :1].nan_to_num(nan=0.0), found[:, 1:]], 1)


@mistake(
    "A class that nobody asked for has an interval of nan with you. Its accuracy is unknown, so it "
    "may be anything from 0 to 1: its row is nan, 0, 1."
)
def _all_nan(hits, targets, classes):
    found = accuracies(hits, targets, classes)
    return torch.where(found[:, :1].isnan(), found[:, :1], found)


@mistake("You return the ends in the wrong order: accuracy, low, high.")
def _swapped(hits, targets, classes):
    return accuracies(hits, targets, classes)[:, [0, 2, 1]]


@mistake("The order of the columns is accuracy, low, high.")
def _low_first(hits, targets, classes):
    return accuracies(hits, targets, classes)[:, [1, 0, 2]]


@mistake("Your table has one column for each class. It should have one row: (classes, 3).")
def _transposed(hits, targets, classes):
    return accuracies(hits, targets, classes).T


@mistake("z is 1.96 for 95 %; you use 1.645, which leaves out a tenth.")
def _ninety(hits, targets, classes):
    def row(a, n):
        middle, half = _wilson(a, n, 1.645)
        return [a, middle - half, middle + half]

    return _each(hits, targets, classes, row)


@mistake(
    "You count the classes that were asked for. The table has a row for each of the `classes`, "
    "also for those of which there is no image."
)
def _as_many_as_asked(hits, targets, classes):
    found = accuracies(hits, targets, classes)
    return found[~found[:, 0].isnan()]


@mistake(
    "You divide a class's hits by the number of all images. Each class has its own number of "
    "images, `len(hits[targets == c])`."
)
def _share_of_all(hits, targets, classes):
    def row(a, n):
        share = a * n / len(hits)
        middle, half = _wilson(share, n)
        return [share, middle - half, middle + half]

    return _each(hits, targets, classes, row)


@mistake(
    "Python reads `z**2 / 4 * n**2` as a quarter of z², times n². What is below the line goes into "
    "brackets: `z**2 / (4 * n**2)`."
)
def _no_brackets_in_the_root(hits, targets, classes):
    def row(a, n, z=1.96):
        middle, _ = _wilson(a, n)
        half = z / (1 + z**2 / n) * (a * (1 - a) / n + z**2 / 4 * n**2).sqrt()
        return [a, middle - half, middle + half]

    return _each(hits, targets, classes, row)


@mistake(
    "Python reads `z**2 / 2 * n` as half of z², times n. What is below the line goes into "
    "brackets: `z**2 / (2 * n)`."
)
def _no_brackets_in_the_middle(hits, targets, classes):
    def row(a, n, z=1.96):
        _, half = _wilson(a, n)
        middle = (a + z**2 / 2 * n) / (1 + z**2 / n)
        return [a, middle - half, middle + half]

    return _each(hits, targets, classes, row)


@mistake("The whole of it stands over 1 + z² / n: you have left that out.")
def _not_divided(hits, targets, classes):
    def row(a, n, z=1.96):
        middle, half = (part * (1 + z**2 / n) for part in _wilson(a, n))
        return [a, middle - half, middle + half]

    return _each(hits, targets, classes, row)


@mistake(
    "The row of a class that nobody asked for stays 0, 0, 0 with you, as if it never hit. Nothing "
    "is known of it: nan, 0, 1."
)
def _row_of_zeros(hits, targets, classes):
    found = accuracies(hits, targets, classes)
    return torch.where(found[:, :1].isnan(), 0.0, found)


EXERCISE = Exercise(
    name="accuracies",
    lesson=LESSON.id,
    after="pointing_hits",
    points=2,
    answer="accuracies",
    reference=accuracies,
    probe=probe_accuracies,
    mistakes=mistake,
    hints=HINTS,
)
