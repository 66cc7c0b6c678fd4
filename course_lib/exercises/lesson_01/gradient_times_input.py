"""For each pixel the share of the score in a linear model: sum_c g_c x_c, with its sign."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from ..engine.exercise import Exercise, Mistakes, Outcome
from ..engine.models import awkward
from ..engine.probes import call, rand
from . import LESSON


def gradient_times_input(g: Tensor, x: Tensor) -> Tensor:
    """For each pixel the share of the score in a linear model: sum_c g_c x_c, with its sign."""
    return (g * x).sum(dim=1, keepdim=True)


def probe_times_input(answer: Any, rng: torch.Generator) -> Outcome:
    """Gradients and images of both signs, and a linear model, where the map adds up."""
    g, x = (awkward(rng, 2, 4, 5, 3, dtype=torch.float32) for _ in range(2))
    s = call(answer, g, x)
    share = g.double() * x.double()
    total = s.double().sum() if isinstance(s, Tensor) else torch.tensor(float("nan"))
    one_g, one_x = (rand(rng, 1, 3, 4, 6, dtype=torch.float32) for _ in range(2))
    return {
        "map": s,
        "the map adds up to the scores of the linear model w·x": bool(
            (total - share.sum()).abs() < 1e-4 * share.abs().sum()
        ),
        "map of one image": call(answer, one_g, one_x),
    }


HINTS = [
    "Price times amount: the gradient is what one unit of brightness is worth, the image "
    "is how much of it there is.",
    "Multiply channel by channel, then add up the channels of each pixel.",
    "No magnitude anywhere. The shape is (N, 1, H, W): `.sum(dim=1, keepdim=True)`.",
]

mistake = Mistakes()


@mistake(
    "You took the magnitude of the gradient. Here the sign is the point: it says whether "
    "the pixel speaks for the class or against it."
)
def _product_of_magnitudes(g: Tensor, x: Tensor) -> Tensor:
    return (g.abs() * x).sum(dim=1, keepdim=True)


@mistake(
    "You took the magnitude of the result. Here the sign is the point: it says whether "
    "the pixel speaks for the class or against it."
)
def _magnitude_of_the_product(g: Tensor, x: Tensor) -> Tensor:
    return (g * x).sum(dim=1, keepdim=True).abs()


@mistake(
    "You took the magnitude of each product. Here the sign is the point: what speaks against the "
    "class is subtracted from what speaks for it."
)
def _sum_of_magnitudes(g: Tensor, x: Tensor) -> Tensor:
    return (g * x).abs().sum(dim=1, keepdim=True)


@mistake(
    "You kept the largest product. Contributions are amounts, and amounts are added up: "
    "sum over the channels."
)
def _largest_product(g: Tensor, x: Tensor) -> Tensor:
    return (g * x).amax(dim=1, keepdim=True)


@mistake(
    "You took the mean over the channels. Contributions are amounts: with the sum, the "
    "whole map adds up to the score of a linear model."
)
def _mean_product(g: Tensor, x: Tensor) -> Tensor:
    return (g * x).mean(dim=1, keepdim=True)


@mistake(
    "You added the channels first and multiplied afterwards. That pairs the gradient of "
    "red with the value of green. Multiply channel by channel, then add."
)
def _product_of_sums(g: Tensor, x: Tensor) -> Tensor:
    return g.sum(dim=1, keepdim=True) * x.sum(dim=1, keepdim=True)


@mistake(
    "The products are right, but there are still several per pixel. Add them up over the "
    "channels, dimension 1."
)
def _product_not_summed(g: Tensor, x: Tensor) -> Tensor:
    return g * x


@mistake(
    "The values are right, but the channel dimension is gone. A map keeps it with "
    "size 1, shape (N, 1, H, W): `keepdim=True`."
)
def _product_without_channel_dimension(g: Tensor, x: Tensor) -> Tensor:
    return (g * x).sum(dim=1)


@mistake(
    "You took the magnitude of the image. Inputs can be negative too (with noise, or once a "
    "picture is normalised), and then the sign of the product turns round: multiply as they are."
)
def _magnitude_of_the_image(g: Tensor, x: Tensor) -> Tensor:
    return (g * x.abs()).sum(dim=1, keepdim=True)


@mistake(
    "You dropped the negative products before adding up. They speak against the class: they "
    "belong into the sum."
)
def _positive_products(g: Tensor, x: Tensor) -> Tensor:
    return (g * x).clamp(min=0).sum(dim=1, keepdim=True)


@mistake(
    "You set the negative values of the map to 0. They speak against the class: keep the signs."
)
def _positive_map(g: Tensor, x: Tensor) -> Tensor:
    return (g * x).sum(dim=1, keepdim=True).clamp(min=0)


@mistake(
    "You added up everything: one number is left. A map has one for each pixel: sum over the "
    "channels only, dimension 1."
)
def _product_summed_up(g: Tensor, x: Tensor) -> Tensor:
    return (g * x).sum()


@mistake(
    "You added over the images too. Each image has a map of its own: sum over the channels "
    "only, dimension 1."
)
def _product_over_images(g: Tensor, x: Tensor) -> Tensor:
    return (g * x).sum(dim=(0, 1), keepdim=True)


EXERCISE = Exercise(
    name="gradient_times_input",
    lesson=LESSON.id,
    after="saliency_by_length",
    points=1,
    answer="gradient_times_input",
    reference=gradient_times_input,
    probe=probe_times_input,
    mistakes=mistake,
    hints=HINTS,
)
