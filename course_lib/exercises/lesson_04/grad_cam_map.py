"""The library's rule, on activations that carry their gradient."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from course_lib.attribution.grad_cam import gradient_to_grad_cam_saliency

from ..engine.exercise import Exercise, Mistakes, Outcome
from ..engine.models import awkward
from ..engine.probes import call
from . import LESSON
from .shared import carrying


def reference_grad_cam(x: Tensor, g: Tensor) -> Tensor:
    """The library's rule, on activations that carry their gradient."""
    return gradient_to_grad_cam_saliency(carrying(x, g))


def probe_grad_cam(answer: Callable[..., Any], rng: torch.Generator) -> Outcome:
    """Maps of awkward activations and gradients, and that nothing in one is negative."""
    x, g = awkward(rng, 2, 5, 4, 3), awkward(rng, 2, 5, 4, 3)
    s = call(answer, x, g)
    outcome: Outcome = {"map": s, "no negative values": bool((torch.as_tensor(s) >= 0).all())}
    other = awkward(rng, 3, 7, 2, 6), awkward(rng, 3, 7, 2, 6)
    outcome["map of other channels and sides"] = call(answer, *other)
    # as in the lesson: gradients that are the same at each position, and no map above 0
    outcome["map of what speaks against the class alone"] = call(
        answer, x.abs(), -torch.ones_like(g)
    )
    return outcome


HINTS = [
    "One weight for each channel of each image: the mean of its gradient over all positions.",
    "`g.mean((2, 3), keepdim=True)` has shape (N, C, 1, 1), and multiplies with `x` as it is.",
    "Multiply, add up the channels with `keepdim=True`, and cut at zero last: `.clamp(min=0)`.",
]

mistake = Mistakes()


mistake(
    "The map still has negative values. Grad-CAM keeps only what speaks for the class: max(0, .)."
)(lambda x, g: (x * g.mean((2, 3), keepdim=True)).sum(1, keepdim=True))

mistake(
    "You average the gradient over the channels. The mean goes over the *positions*, so "
    "that each channel has one weight: dimensions 2 and 3."
)(lambda x, g: (x * g.mean(1, keepdim=True)).sum(1, keepdim=True).clamp(min=0))

mistake(
    "You sum the gradient over the positions instead of averaging it. Each map is then "
    "too large by the number of positions."
)(lambda x, g: (x * g.sum((2, 3), keepdim=True)).sum(1, keepdim=True).clamp(min=0))

mistake(
    "You cut off the negative values before the channels are added. What one channel says "
    "against the class then can't cancel what another says for it."
)(lambda x, g: (x * g.mean((2, 3), keepdim=True)).clamp(min=0).sum(1, keepdim=True))

mistake(
    "One set of weights for the whole batch: your mean goes over the images as well. Each "
    "image has weights of its own."
)(lambda x, g: (x * g.mean((0, 2, 3), keepdim=True)).sum(1, keepdim=True).clamp(min=0))

mistake(
    "Your weights have lost their last two dimensions, so they meet the columns of x. Keep "
    "them, with size 1: `g.mean((2, 3), keepdim=True)`."
)(lambda x, g: (g.mean((2, 3)) * x).sum(1, keepdim=True).clamp(min=0))

mistake(
    "Your weights have lost their last two dimensions, and the columns of x meet them. "
    "Keep them, with size 1: `g.mean((2, 3), keepdim=True)`."
)(lambda x, g: (x * g.mean((2, 3))).sum(1, keepdim=True).clamp(min=0))

mistake("The channels are averaged at the end. Each adds its own part: a sum.")(
    lambda x, g: (x * g.mean((2, 3), keepdim=True)).mean(1, keepdim=True).clamp(min=0)
)

mistake(
    "x and g have changed places: the weights are the mean of the *gradients*, and what "
    "they weight are the activations."
)(lambda x, g: (g * x.mean((2, 3), keepdim=True)).sum(1, keepdim=True).clamp(min=0))

mistake(
    "You cut the weights off at 0. A channel that speaks against the class may cancel "
    "another one; cut the finished map."
)(lambda x, g: (x * g.mean((2, 3), keepdim=True).clamp(min=0)).sum(1, keepdim=True))

mistake(
    "You take the magnitude of the map. What speaks against the class then looks as if it "
    "spoke for it: cut it off instead, `.clamp(min=0)`."
)(lambda x, g: (x * g.mean((2, 3), keepdim=True)).sum(1, keepdim=True).abs())

mistake("`clamp(max=0)` keeps what is below 0. What is above is wanted: `clamp(min=0)`.")(
    lambda x, g: (x * g.mean((2, 3), keepdim=True)).sum(1, keepdim=True).clamp(max=0)
)

mistake(
    "Without the mean over the positions this is the positive part of the linear approximation."
)(lambda x, g: (x * g).sum(1, keepdim=True).clamp(min=0))

mistake("The channel dimension is gone. Keep it, with size 1: `sum(1, keepdim=True)`.")(
    lambda x, g: (x * g.mean((2, 3), keepdim=True)).sum(1).clamp(min=0)
)

EXERCISE = Exercise(
    name="grad_cam_map",
    lesson=LESSON.id,
    after="linear_approximation",
    points=2,
    answer="grad_cam_map",
    reference=reference_grad_cam,
    probe=probe_grad_cam,
    mistakes=mistake,
    hints=HINTS,
)
