"""Move a patch from one image into others: the counterfactual."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from ..engine.exercise import Exercise, Mistakes, Outcome
from ..engine.probes import call, close, rand
from . import LESSON

Box = tuple[int, int, int, int]


def paste(x: Tensor, source: Tensor, box: Box) -> Tensor:
    """The images x with the source's pixels inside the box; all else as it was."""
    top, bottom, left, right = box
    changed = x.clone()
    changed[:, :, top:bottom, left:right] = source[:, :, top:bottom, left:right]
    return changed


def probe_paste(answer: Callable[..., Any], rng: torch.Generator) -> Outcome:
    """Boxes at corners and in the middle, one source for all images and one for each."""
    x, source = rand(rng, 3, 3, 7, 9, low=0), rand(rng, 1, 3, 7, 9, low=0)
    outcome: Outcome = {
        "a box in the middle": call(answer, x, source, (2, 5, 1, 7)),
        "a box in the lower left corner": call(answer, x, source, (4, 7, 0, 3)),
        "a box in the upper right corner": call(answer, x, source, (0, 2, 6, 9)),
        "a source for each image": call(answer, x, rand(rng, 3, 3, 7, 9, low=0), (1, 4, 2, 8)),
        "one image alone": call(answer, x[:1], source, (2, 7, 3, 4)),
    }
    back = call(answer, outcome["a box in the middle"], x, (2, 5, 1, 7))
    outcome["pasting the old patch back gives the old images"] = (
        back.shape == x.shape and close(back, x) if isinstance(back, Tensor) else back
    )
    return outcome


def use_paste(answer: Callable[..., Any], rng: torch.Generator) -> Outcome:
    """Scenes in float32, as the lesson has them; the result is another tensor."""
    x = rand(rng, 2, 3, 12, 12, low=0, dtype=torch.float32)
    changed = call(answer, x, x[:1].flip(3), (8, 12, 0, 4))
    return {
        "the images of a later paste": call(answer, changed, x[1:], (8, 12, 0, 4)),
        "a new tensor": changed.data_ptr() != x.data_ptr(),
    }


HINTS = [
    "Three steps: a copy of the images, then the patch of the copy is overwritten, then the copy "
    "is returned.",
    "`x.clone()` is a copy whose pixels you may change; `changed = x` is only another name for x.",
    "The patch is `changed[:, :, top:bottom, left:right]`: all images, all channels, some rows, "
    "some columns. The box is given in this order.",
    "`changed[:, :, top:bottom, left:right] = source[:, :, top:bottom, left:right]`, and a source "
    "of one image goes to all of them by itself.",
]

mistake = Mistakes()


@mistake(
    "You take the source's upper left part, whatever the box is. The patch comes from the same "
    "place in the source to which it goes."
)
def _from_the_corner(x, source, box):
    top, bottom, left, right = box
    changed = x.clone()
    patch = source[:, :, : bottom - top, : right - left]
    changed[:, :, top:bottom, left:right] = patch
    return changed


@mistake(
    "You return the source with a patch of x. Wanted is x with a patch of the source: outside of "
    "the box the images stay as they were."
)
def _swapped(x, source, box):
    return paste(source.expand_as(x), x, box)


@mistake("The last row and column of the box are missing: Python's `top:bottom` needs no `- 1`.")
def _one_too_few(x, source, box):
    top, bottom, left, right = box
    return paste(x, source, (top, bottom - 1, left, right - 1))


@mistake(
    "Your patch is one row and column too large: in `top:bottom` the end does not belong to it."
)
def _one_too_many(x, source, box):
    top, bottom, left, right = box
    return paste(x, source, (top, bottom + 1, left, right + 1))


@mistake(
    "Rows and columns have changed places. The box is (top, bottom, left, right), and images are "
    "indexed by row first."
)
def _transposed(x, source, box):
    top, bottom, left, right = box
    return paste(x, source, (left, right, top, bottom))


@mistake(
    "You read the box as (top, left, bottom, right). It is (top, bottom, left, right): first the "
    "rows, then the columns."
)
def _other_order(x, source, box):
    top, left, bottom, right = box
    return paste(x, source, (top, bottom, left, right))


@mistake("You set the patch to 0. That is a black square: take the pixels of the source.")
def _black(x, source, box):
    return paste(x, torch.zeros_like(source), box)


@mistake(
    "You paint the patch in the source's mean colour. It should be the source's pixels, each in "
    "its place."
)
def _mean_colour(x, source, box):
    top, bottom, left, right = box
    mean = source[:, :, top:bottom, left:right].mean((2, 3), keepdim=True)
    return paste(x, mean.expand_as(source), box)


@mistake("You add the patch to what is there. It replaces what is there.")
def _added(x, source, box):
    return paste(x, x + source, box)


@mistake("You mix the patch half and half with what is there. It replaces what is there.")
def _mixed(x, source, box):
    return paste(x, (x + source) / 2, box)


@mistake("Only the first channel changes. A patch has all three: `[:, :, top:bottom, left:right]`.")
def _first_channel(x, source, box):
    top, bottom, left, right = box
    changed = x.clone()
    changed[:, 0, top:bottom, left:right] = source[:, 0, top:bottom, left:right]
    return changed


@mistake("Only the first image changes. The first `:` takes all of them.")
def _first_image(x, source, box):
    return torch.cat([paste(x[:1], source[:1], box), x[1:]])


@mistake(
    "You use the first source for all images. Where there is a source for each, each image gets "
    "its own."
)
def _first_source(x, source, box):
    return paste(x, source[:1], box)


@mistake("You return the patch alone. Wanted are the whole images, with the patch in them.")
def _patch_alone(x, source, box):
    top, bottom, left, right = box
    return source[:, :, top:bottom, left:right]


@mistake("You return the images as they were: the patch never got into what you return.")
def _unchanged(x, source, box):
    return x.clone()


EXERCISE = Exercise(
    name="paste",
    lesson=LESSON.id,
    after="mean_map",
    points=1,
    answer="paste",
    reference=paste,
    probe=probe_paste,
    then=use_paste,
    mistakes=mistake,
    hints=HINTS,
)
