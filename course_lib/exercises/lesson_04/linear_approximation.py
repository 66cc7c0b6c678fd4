"""The library's rule, on activations that carry their gradient."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from course_lib.attribution.linear_approx import gradient_to_linear_approx_saliency

from ..engine.exercise import Exercise, Mistakes, Outcome
from ..engine.models import awkward
from ..engine.probes import call, close
from . import LESSON
from .shared import carrying


def reference_linear(x: Tensor, g: Tensor) -> Tensor:
    """The library's rule, on activations that carry their gradient."""
    return gradient_to_linear_approx_saliency(carrying(x, g))


def probe_linear(answer: Callable[..., Any], rng: torch.Generator) -> Outcome:
    """Maps of awkward activations and gradients, and the theory for a linear network."""
    x, g = awkward(rng, 2, 5, 4, 3), awkward(rng, 2, 5, 4, 3)
    s = call(answer, x, g)
    outcome: Outcome = {"map": s}
    other = awkward(rng, 3, 7, 2, 6), awkward(rng, 3, 7, 2, 6)
    outcome["map of other channels and sides"] = call(answer, *other)
    if isinstance(s, Tensor):
        outcome["its sum is the score of a linear network"] = close(s.sum(), (x * g).sum())
    return outcome


HINTS = [
    "At each position, how much does each channel contribute? Then add the channels up.",
    "The contribution of a channel at a position is activation times gradient, element by element.",
    "The channels are dimension 1. `keepdim=True` leaves that dimension there with size 1.",
]

mistake = Mistakes()


mistake(
    "You take magnitudes. What speaks against the class then counts as if it spoke for "
    "it; in this formula the sign stays."
)(lambda x, g: (x * g).abs().sum(1, keepdim=True))

mistake("You average over the channels. Each channel adds its own contribution: a sum.")(
    lambda x, g: (x * g).mean(1, keepdim=True)
)

mistake("You keep the largest channel alone. All channels contribute: a sum.")(
    lambda x, g: (x * g).amax(1, keepdim=True)
)

mistake(
    "Negative values are cut off. That is Grad-CAM's last step; here contributions "
    "against the class are kept."
)(lambda x, g: (x * g).sum(1, keepdim=True).clamp(min=0))

mistake(
    "This is the gradient alone. A contribution is the gradient *times* the activation: a "
    "channel that is 0 contributes nothing."
)(lambda x, g: g.sum(1, keepdim=True))

mistake(
    "You add up over dimension 0, the images. They have nothing to do with each other; the "
    "channels are dimension 1."
)(lambda x, g: (x * g).sum(0, keepdim=True))

mistake(
    "One value per channel is left at each position. Add the channels up: `.sum(1, keepdim=True)`."
)(lambda x, g: x * g)

mistake(
    "You add up first and multiply then. Each activation belongs with its own gradient: "
    "multiply first, then add up."
)(lambda x, g: x.sum(1, keepdim=True) * g.sum(1, keepdim=True))

mistake(
    "`@` is the product of matrices. Here each activation meets its own gradient, entry by "
    "entry: `x * g`."
)(lambda x, g: x @ g)

mistake(
    "The channel dimension is gone. Keep it, with size 1, so that a map is an image with "
    "one channel: `sum(1, keepdim=True)`."
)(lambda x, g: (x * g).sum(1))

EXERCISE = Exercise(
    name="linear_approximation",
    lesson=LESSON.id,
    after="non_relu_layers",
    points=1,
    answer="linear_approximation",
    reference=reference_linear,
    probe=probe_linear,
    mistakes=mistake,
    hints=HINTS,
)
