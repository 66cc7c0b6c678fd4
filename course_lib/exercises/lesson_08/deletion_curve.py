"""The class's probability while a map's most relevant pixels are taken away."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from ..engine.exercise import Exercise, Mistakes, Outcome
from ..engine.models import in_use, nested_network
from ..engine.probes import ProbeFinding, call, rand, randint
from ..engine.traces import no_trace
from . import LESSON


def deletion_curve(
    model: nn.Module, x: Tensor, target: int, s: Tensor, steps: int
) -> tuple[Tensor, Tensor]:
    """The class's probability at each step, (steps + 1,), and the area under it."""
    order = s.flatten().argsort(descending=True)
    mean = x.mean((2, 3), keepdim=True)
    probabilities = []
    for step in range(steps + 1):
        gone = torch.zeros(s.numel(), dtype=torch.bool)
        gone[order[: step * s.numel() // steps]] = True
        image = torch.where(gone.view(1, 1, *s.shape[2:]), mean, x)
        with torch.no_grad():
            probabilities.append(model(image)[0, target].sigmoid())
    curve = torch.stack(probabilities)
    return curve, torch.trapezoid(curve, dx=1 / steps)


def probe_deletion_curve(answer: Callable[..., Any], rng: torch.Generator) -> Outcome:
    """Curves of a network with batch normalisation that somebody else uses."""
    outcome: Outcome = {}
    model = in_use(nested_network(rng), rng)
    x, s = rand(rng, 1, 3, 6, 8, low=0), rand(rng, 1, 1, 6, 8)
    with no_trace(outcome, "after a call", model, x, s):
        curve, area = _two(call(answer, model, x, randint(rng, 0, 7), s, 6))
    outcome["the curve"] = curve
    outcome["the area under it"] = area
    # sides, steps and a network that differ, and pixels that all speak against the class
    other = nested_network(rng, classes=3)
    x, s = 3 * rand(rng, 1, 3, 8, 4), rand(rng, 1, 1, 8, 4) - 2
    outcome["another curve and its area"] = _two(call(answer, other, x, 2, s, 16))
    if isinstance(curve, Tensor) and curve.ndim == 1:
        outcome["the curve begins with the whole image"] = len(curve) > 1
    return outcome


def _two(found: Any) -> tuple[Any, Any]:
    if not isinstance(found, tuple | list) or len(found) != 2:
        raise ProbeFinding("Return two things: the curve, (steps + 1,), and the area under it.")
    return found[0], found[1]


HINTS = [
    "First the order of the pixels: `s.flatten().argsort(descending=True)` gives their numbers, "
    "the most relevant first. At step k the first k n / steps of the n pixels are gone.",
    "A mask of what is gone: booleans, all false, then true at `order[:count]`; "
    "`.view(1, 1, H, W)` gives it the image's shape.",
    "`torch.where(gone, x.mean((2, 3), keepdim=True), x)` is the image without these pixels, and x "
    "stays as it is.",
    "The probability is `model(image)[0, target].sigmoid()`, one for each step from 0 to `steps`.",
    "`torch.trapezoid(curve, dx=1 / steps)` is the area: the mean of the values, the first and the "
    "last counting half.",
]

mistake = Mistakes()


def _curve(model, images, target):
    with torch.no_grad():
        curve = torch.stack([model(image)[0, target].sigmoid() for image in images])
    return curve, torch.trapezoid(curve, dx=1 / (len(images) - 1))


def _images(x, s, steps, *, rest=None, order=None, counts=None):
    """The images on the way, for mistakes that differ in one of these."""
    rest = x.mean((2, 3), keepdim=True) if rest is None else rest
    order = s.flatten().argsort(descending=True) if order is None else order
    images = []
    for start, end in counts or [(0, k * s.numel() // steps) for k in range(steps + 1)]:
        gone = torch.zeros(s.numel(), dtype=torch.bool)
        gone[order[start:end]] = True
        images.append(torch.where(gone.view(1, 1, *s.shape[2:]), rest, x))
    return images


@mistake("The least relevant pixels go first with you. Sort from the largest down.")
def _ascending(model, x, target, s, steps):
    return _curve(model, _images(x, s, steps, order=s.flatten().argsort()), target)


@mistake(
    "Your pixels become black. A black pixel is a picture of its own; here a pixel becomes the "
    "image's mean colour, `x.mean((2, 3), keepdim=True)`."
)
def _black(model, x, target, s, steps):
    return _curve(model, _images(x, s, steps, rest=torch.zeros_like(x)), target)


@mistake(
    "Your pixels become grey, the mean of all numbers. Each of the three channels has a mean of "
    "its own: `x.mean((2, 3), keepdim=True)`."
)
def _grey(model, x, target, s, steps):
    return _curve(model, _images(x, s, steps, rest=x.mean()), target)


@mistake(
    "The curve holds scores. A score may be any number; `sigmoid` makes a probability of it, so "
    "that areas of different images can be compared."
)
def _scores(model, x, target, s, steps):
    with torch.no_grad():
        curve = torch.stack([model(image)[0, target] for image in _images(x, s, steps)])
    return curve, torch.trapezoid(curve, dx=1 / steps)


@mistake(
    "The softmax lets the classes compete. Our networks answer for each class by itself: "
    "`.sigmoid()`."
)
def _softmax(model, x, target, s, steps):
    with torch.no_grad():
        curve = torch.stack([model(i).softmax(1)[0, target] for i in _images(x, s, steps)])
    return curve, torch.trapezoid(curve, dx=1 / steps)


@mistake("The first value should be that of the whole image, before anything is gone: steps + 1.")
def _without_the_first(model, x, target, s, steps):
    curve, area = deletion_curve(model, x, target, s, steps)
    return curve[1:], area


@mistake("The last value is missing, when every pixel is gone: there are steps + 1.")
def _without_the_last(model, x, target, s, steps):
    curve, area = deletion_curve(model, x, target, s, steps)
    return curve[:-1], area


@mistake(
    "At each step you take away that step's pixels only, and the others are back. What is gone "
    "stays gone: `order[:count]`."
)
def _one_part_at_a_time(model, x, target, s, steps):
    n = s.numel()
    parts = [(max(0, (k - 1) * n // steps), k * n // steps) for k in range(steps + 1)]
    return _curve(model, _images(x, s, steps, counts=parts), target)


@mistake(
    "This is insertion: you begin with nothing, and the most relevant pixels come in. In deletion "
    "they go."
)
def _insertion(model, x, target, s, steps):
    mean = x.mean((2, 3), keepdim=True).expand_as(x)
    return _curve(model, _images(mean, s, steps, rest=x), target)


@mistake(
    "The area is the mean of the values with you. By the trapezium rule the first and the last "
    "count half: `torch.trapezoid(curve, dx=1 / steps)`."
)
def _mean_area(model, x, target, s, steps):
    curve, _ = deletion_curve(model, x, target, s, steps)
    return curve, curve.mean()


@mistake(
    "The area comes out `steps` times too large: the values lie 1 / steps apart. Say so: "
    "`torch.trapezoid(curve, dx=1 / steps)`."
)
def _area_of_steps(model, x, target, s, steps):
    curve, _ = deletion_curve(model, x, target, s, steps)
    return curve, torch.trapezoid(curve)


@mistake(
    "You rank by magnitude. What speaks against the class then goes first, too: rank the map as "
    "it is."
)
def _magnitude(model, x, target, s, steps):
    return deletion_curve(model, x, target, s.abs(), steps)


@mistake(
    "You take the mean of what is left, and what is gone already counts in it. The colour is the "
    "mean of the image as it was: compute it once, before the loop."
)
def _mean_of_the_rest(model, x, target, s, steps):
    image, images = x, []
    for one in _images(torch.zeros_like(x), s, steps, rest=torch.ones_like(x)):
        image = torch.where(one > 0, image.mean((2, 3), keepdim=True), image)
        images.append(image)
    return _curve(model, images, target)


@mistake(
    "You count the numbers of the image, and it has three for each pixel. The order has H W "
    "places, `s.numel()`."
)
def _three_a_pixel(model, x, target, s, steps):
    counts = [(0, k * (x.numel() // steps)) for k in range(steps + 1)]
    return _curve(model, _images(x, s, steps, counts=counts), target)


EXERCISE = Exercise(
    name="deletion_curve",
    lesson=LESSON.id,
    after="accuracies",
    points=3,
    answer="deletion_curve",
    reference=deletion_curve,
    probe=probe_deletion_curve,
    mistakes=mistake,
    hints=HINTS,
)
