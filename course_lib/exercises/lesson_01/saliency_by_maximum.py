"""For each pixel the largest magnitude among its channels: max_c |g_c|."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from ..engine.exercise import Exercise, Mistakes, Outcome
from ..engine.models import awkward
from ..engine.probes import call
from . import LESSON


def saliency_by_maximum(g: Tensor) -> Tensor:
    """For each pixel the largest magnitude among its channels: max_c |g_c|."""
    return g.abs().amax(dim=1, keepdim=True)


def probe_maximum(answer: Any, rng: torch.Generator) -> Outcome:
    """Two images with four channels, every dimension of another size; then one image alone."""
    g = awkward(rng, 2, 4, 5, 3, dtype=torch.float32)
    one = awkward(rng, 1, 3, 4, 6, dtype=torch.float32)
    return {"map": _plainly(call(answer, g)), "map of one image": _plainly(call(answer, one))}


def _plainly(s: Any) -> Any:
    """`max(dim=...)` returns a named tuple of PyTorch's own, to a learner a pair like any other."""
    return tuple(s) if isinstance(s, tuple) else s


HINTS = [
    "You may change one of a pixel's channels. Which one changes the score most, whichever way?",
    "Channels are dimension 1 of (N, C, H, W). The answer has the shape (N, 1, H, W).",
    "`g.abs()` gives magnitudes; `.amax(dim=..., keepdim=True)` the largest entry along a "
    "dimension.",
]

mistake = Mistakes()


@mistake(
    "You forgot the magnitude. A channel with -5 would lose against one with 1, although "
    "it changes the score five times as much."
)
def _without_magnitude(g: Tensor) -> Tensor:
    return g.amax(dim=1, keepdim=True)


@mistake(
    "Magnitude and maximum are in the wrong order. Take `|g|` first: of -5 and 1 the "
    "maximum is 1, but the largest magnitude is 5."
)
def _magnitude_of_the_maximum(g: Tensor) -> Tensor:
    return g.amax(dim=1, keepdim=True).abs()


@mistake(
    "The values are right, but the channel dimension is gone. A map keeps it with "
    "size 1, shape (N, 1, H, W): `keepdim=True`."
)
def _maximum_without_channel_dimension(g: Tensor) -> Tensor:
    return g.abs().amax(dim=1)


@mistake(
    "`max(dim=...)` returns two things, the values and where they were found. Keep the "
    "values: `.max(...).values`, or use `.amax(...)`."
)
def _pair_of_values_and_places(g: Tensor) -> Any:
    return g.abs().max(dim=1, keepdim=True)


@mistake(
    "`max(dim=...)` returns two things, the values and where they were found: take "
    "`.max(...).values`, or use `.amax(...)`. And magnitudes come first: `|g|`."
)
def _pair_without_magnitude(g: Tensor) -> Any:
    return g.max(dim=1, keepdim=True)


@mistake("This is the *mean* magnitude of the channels, not the largest one.")
def _mean_magnitude(g: Tensor) -> Tensor:
    return g.abs().mean(dim=1, keepdim=True)


@mistake(
    "You added the channels before taking the magnitude, so that +5 and -5 give 0: a "
    "pixel that matters in two channels disappears."
)
def _magnitude_of_the_sum(g: Tensor) -> Tensor:
    return g.sum(dim=1, keepdim=True).abs()


@mistake(
    "This is a maximum over the images of the batch. Channels are dimension 1 of (N, C, H, W)."
)
def _maximum_over_images(g: Tensor) -> Tensor:
    return g.abs().amax(dim=0, keepdim=True)


@mistake(
    "This is a maximum over the pixels: no map is left. Channels are dimension 1 of (N, C, H, W)."
)
def _maximum_over_pixels(g: Tensor) -> Tensor:
    return g.abs().amax(dim=(2, 3), keepdim=True)


@mistake("The map has been scaled to a maximum of 1. Keep its values; figures scale themselves.")
def _scaled_to_one(g: Tensor) -> Tensor:
    s = saliency_by_maximum(g)
    return s / s.max()


@mistake(
    "This says *where* the largest magnitude is, the number of the channel. Asked for is how "
    "large it is: `.amax(...)`, or `.max(...).values`."
)
def _place_of_the_maximum(g: Tensor) -> Tensor:
    return g.abs().argmax(dim=1, keepdim=True)


@mistake(
    "You found the right channel of each pixel, and kept its sign. Asked for is its "
    "magnitude: how much the score changes, not which way."
)
def _with_its_sign(g: Tensor) -> Tensor:
    return g.gather(1, g.abs().argmax(dim=1, keepdim=True))


@mistake(
    "You set the negative numbers to 0. Of -5 and 1 the largest magnitude is 5: take `|g|` first."
)
def _without_negatives(g: Tensor) -> Tensor:
    return g.clamp(min=0).amax(dim=1, keepdim=True)


@mistake(
    "`squeeze()` takes away *every* dimension of size 1, that of the images too when there is "
    "one image only. Name the dimension, or keep it from the start with `keepdim=True`."
)
def _squeezed_everything(g: Tensor) -> Tensor:
    return g.abs().amax(dim=1).squeeze().unsqueeze(1)


EXERCISE = Exercise(
    name="saliency_by_maximum",
    lesson=LESSON.id,
    after="score_gradient",
    points=1,
    answer="saliency_by_maximum",
    reference=saliency_by_maximum,
    probe=probe_maximum,
    mistakes=mistake,
    hints=HINTS,
)
