"""For each pixel the length of its gradient vector: sqrt(sum_c g_c^2)."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from ..engine.exercise import Exercise, Mistakes, Outcome
from ..engine.models import awkward
from ..engine.probes import call
from . import LESSON


def saliency_by_length(g: Tensor) -> Tensor:
    """For each pixel the length of its gradient vector: sqrt(sum_c g_c^2)."""
    return g.square().sum(dim=1, keepdim=True).sqrt()


def probe_length(answer: Any, rng: torch.Generator) -> Outcome:
    """Two images with four channels and a pixel of zeros; one image; a pixel with 3, -4, 0, 0."""
    g = awkward(rng, 2, 4, 5, 3, dtype=torch.float32)
    g[1, :, 2, 1] = 0
    one = awkward(rng, 1, 3, 4, 6, dtype=torch.float32)
    known = torch.tensor([3.0, -4.0, 0.0, 0.0]).reshape(1, 4, 1, 1)
    return {
        "map": call(answer, g),
        "map of one image": call(answer, one),
        "length of (3, -4, 0, 0)": call(answer, known),
    }


HINTS = [
    "The three numbers of a pixel are an arrow in space. How long is it?",
    "Pythagoras with more than two sides: squares, then the sum over the channels, then "
    "the square root.",
    "`g.square().sum(dim=..., keepdim=True).sqrt()`; `g.norm(dim=..., keepdim=True)` "
    "does the same.",
]

mistake = Mistakes()


@mistake(
    "This is the square of the length: the square root is missing. Squares exaggerate: a "
    "pixel three times as strong looks nine times as strong."
)
def _length_squared(g: Tensor) -> Tensor:
    return g.square().sum(dim=1, keepdim=True)


@mistake("You took the mean of the squares. The length takes their sum, as in Pythagoras.")
def _length_by_mean(g: Tensor) -> Tensor:
    return g.square().mean(dim=1, keepdim=True).sqrt()


@mistake(
    "You added magnitudes. That is another way of measuring a vector (walking along the "
    "streets); the length is the straight line: squares, sum, root."
)
def _sum_of_magnitudes(g: Tensor) -> Tensor:
    return g.abs().sum(dim=1, keepdim=True)


@mistake(
    "The values are right, but the channel dimension is gone. A map keeps it with "
    "size 1, shape (N, 1, H, W): `keepdim=True`."
)
def _length_without_channel_dimension(g: Tensor) -> Tensor:
    return g.square().sum(dim=1).sqrt()


@mistake(
    "This is one length for the whole gradient. A map has one for each pixel: sum over "
    "the channels only, dimension 1."
)
def _length_of_everything(g: Tensor) -> Tensor:
    return g.norm()


@mistake(
    "You added the channels first and squared afterwards, so that +5 and -5 cancel. "
    "Square each channel, then add."
)
def _squared_too_late(g: Tensor) -> Tensor:
    return g.sum(dim=1, keepdim=True).square().sqrt()


@mistake("You added over the images of the batch. Channels are dimension 1 of (N, C, H, W).")
def _length_over_images(g: Tensor) -> Tensor:
    return g.square().sum(dim=0, keepdim=True).sqrt()


@mistake(
    "This is the largest magnitude, as in the exercise before. The length takes all channels: "
    "squares, sum, root."
)
def _largest_magnitude(g: Tensor) -> Tensor:
    return g.abs().amax(dim=1, keepdim=True)


@mistake(
    "This is one length for a whole image. A map has one for each pixel: sum over the "
    "channels only, dimension 1."
)
def _length_of_each_image(g: Tensor) -> Tensor:
    return g.norm(dim=(1, 2, 3), keepdim=True)


@mistake(
    "`squeeze()` takes away *every* dimension of size 1, that of the images too when there is "
    "one image only. Name the dimension, or keep it from the start with `keepdim=True`."
)
def _squeezed_everything(g: Tensor) -> Tensor:
    return g.norm(dim=1).squeeze().unsqueeze(1)


EXERCISE = Exercise(
    name="saliency_by_length",
    lesson=LESSON.id,
    after="saliency_by_maximum",
    points=1,
    answer="saliency_by_length",
    reference=saliency_by_length,
    probe=probe_length,
    mistakes=mistake,
    hints=HINTS,
)
