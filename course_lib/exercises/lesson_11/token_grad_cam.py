"""Grad-CAM where the positions are tokens, one of which has no place."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from ..engine.exercise import Exercise, Mistakes, Outcome
from ..engine.models import awkward
from ..engine.probes import call
from . import LESSON


def token_grad_cam(x: Tensor, g: Tensor) -> Tensor:
    """Positive part of the channels' sum, weighted by the patches' mean gradient: (N, T)."""
    weights = g[:, 1:].mean(1, keepdim=True)
    return (x * weights).sum(2).clamp(min=0)


def probe_token_grad_cam(answer: Callable[..., Any], rng: torch.Generator) -> Outcome:
    """Tokens of several sizes; and a class token with a gradient far above the patches'."""
    x, g = awkward(rng, 2, 7, 4), awkward(rng, 2, 7, 4)
    outcome: Outcome = {"a number for each token": call(answer, x, g)}
    other = awkward(rng, 3, 5, 6), awkward(rng, 3, 5, 6)
    outcome["the numbers of other tokens and channels"] = call(answer, *other)
    g = g.clone()
    g[:, 0] *= 50
    outcome["the numbers where the class token's gradient is large"] = call(answer, x, g)
    square = awkward(rng, 4, 4, 4), awkward(rng, 4, 4, 4)
    outcome["the numbers of four images with four tokens of four channels"] = call(answer, *square)
    outcome["the numbers where all speaks against the class"] = call(
        answer, x.abs(), -torch.ones_like(g)
    )
    return outcome


HINTS = [
    "The channels are in the last dimension now, and the positions in the one before. One weight "
    "for each channel of each image: a mean over positions.",
    "Positions are the patches, `g[:, 1:]`. `.mean(1, keepdim=True)` gives the weights, (N, 1, D).",
    "Multiply with all of x, the class token's too, and add the channels up: `.sum(2)`.",
    "Cut at zero last: `.clamp(min=0)`.",
]

mistake = Mistakes()


def _weights(g: Tensor) -> Tensor:
    return g[:, 1:].mean(1, keepdim=True)


@mistake(
    "The class token's gradient is among those that you average. It stands for no place, and it is "
    "often larger than all others: take the mean over the patches, `g[:, 1:]`."
)
def _class_token_too(x, g):
    return (x * g.mean(1, keepdim=True)).sum(2).clamp(min=0)


@mistake("You leave out the last token from the mean. The class token is the first: `g[:, 1:]`.")
def _without_the_last(x, g):
    return (x * g[:, :-1].mean(1, keepdim=True)).sum(2).clamp(min=0)


@mistake(
    "Your weights are the class token's gradient alone. Grad-CAM's weights are the mean over the "
    "places: the patches, `g[:, 1:]`."
)
def _class_token_only(x, g):
    return (x * g[:, :1]).sum(2).clamp(min=0)


@mistake(
    "There are still numbers below 0. Grad-CAM keeps what speaks for the class: `clamp(min=0)`."
)
def _signed(x, g):
    return (x * _weights(g)).sum(2)


@mistake(
    "You take the magnitude. What speaks against the class then looks as if it spoke for it: cut "
    "it off, `clamp(min=0)`."
)
def _magnitude(x, g):
    return (x * _weights(g)).sum(2).abs()


@mistake(
    "You cut off what is below 0 before the channels are added. What one channel says against the "
    "class then can't cancel what another says for it."
)
def _cut_first(x, g):
    return (x * _weights(g)).clamp(min=0).sum(2)


@mistake(
    "You cut the weights off at 0. A channel that speaks against the class may cancel another: cut "
    "the finished sum."
)
def _cut_weights(x, g):
    return (x * _weights(g).clamp(min=0)).sum(2)


@mistake(
    "You average over the channels, as if they came second. Tokens are (N, T, D): the channels are "
    "last, and the mean goes over the tokens."
)
def _over_channels(x, g):
    return (x * g.mean(2, keepdim=True)).sum(2).clamp(min=0)


@mistake("Without the mean over the patches this is the positive part of the linear approximation.")
def _linear(x, g):
    return (x * g).sum(2).clamp(min=0)


@mistake("You add the gradients up over the patches. Take their mean.")
def _sum(x, g):
    return (x * g[:, 1:].sum(1, keepdim=True)).sum(2).clamp(min=0)


@mistake("You average over the channels at the end. Each adds its own part: a sum.")
def _mean_of_channels(x, g):
    return (x * _weights(g)).mean(2).clamp(min=0)


@mistake(
    "One set of weights for the whole batch: your mean goes over the images as well. Each image "
    "has its own."
)
def _over_the_batch(x, g):
    return (x * g[:, 1:].mean((0, 1))).sum(2).clamp(min=0)


@mistake("The class token's number is missing. Return one number for each token, (N, T).")
def _patches_only(x, g):
    return token_grad_cam(x, g)[:, 1:]


@mistake("The sum goes over the tokens. One number for each *token* is left: add the channels up.")
def _sum_over_tokens(x, g):
    return (x * _weights(g)).sum(1).clamp(min=0)


@mistake(
    "x and g have changed places: the weights are the mean of the *gradients*, and what they "
    "weight are the tokens."
)
def _swapped(x, g):
    return (g * _weights(x)).sum(2).clamp(min=0)


EXERCISE = Exercise(
    name="token_grad_cam",
    lesson=LESSON.id,
    after="rollout",
    points=1,
    answer="token_grad_cam",
    reference=token_grad_cam,
    probe=probe_token_grad_cam,
    mistakes=mistake,
    hints=HINTS,
)
