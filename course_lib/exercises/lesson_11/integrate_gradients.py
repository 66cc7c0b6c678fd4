"""Integrated gradients, and by how much they miss what they should add up to."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import torch
from torch import Tensor, nn

from ..engine.exercise import Exercise, Mistakes, Outcome
from ..engine.models import in_use, nested_network
from ..engine.probes import ProbeFinding, call, rand, randint
from ..engine.traces import no_trace
from . import LESSON
from .shared import TokenNetwork


def integrate_gradients(
    model: nn.Module, x: Tensor, baseline: Tensor, target: int, steps: int
) -> tuple[Tensor, Tensor]:
    """Each number's share in the rise of the score, (N, 3, H, W), and the gap, (N,)."""
    total = torch.zeros_like(x)
    for k in range(steps):
        on_the_way = baseline + (k + 0.5) / steps * (x - baseline)
        on_the_way = on_the_way.detach().requires_grad_()
        score = model(on_the_way)[:, target].sum()
        total = total + torch.autograd.grad(score, on_the_way)[0]
    attributions = (x - baseline) * total / steps
    with torch.no_grad():
        rise = (model(x) - model(baseline))[:, target]
    return attributions, attributions.sum((1, 2, 3)) - rise


def probe_integrate_gradients(answer: Callable[..., Any], rng: torch.Generator) -> Outcome:
    """Ways of several lengths through a transformer, and through a network that is in use."""
    outcome: Outcome = {}
    used = in_use(nested_network(rng), rng)
    cases: tuple[tuple[str, nn.Module, int, int], ...] = (
        ("in three steps through a network in use", used, 2, 3),
        (
            "in two steps through a frozen transformer",
            TokenNetwork(rng).requires_grad_(False),
            3,
            2,
        ),
        ("in one step", used, 1, 1),
    )
    for what, model, images, steps in cases:
        x, baseline = (rand(rng, images, 3, 4, 6) for _ in range(2))
        target = randint(rng, 0, 7)  # not the last class
        traces = no_trace(outcome, what, model, x) if steps == 3 else nullcontext()
        with torch.enable_grad(), traces:
            found = _two(call(answer, model, x, baseline, target, steps))
        outcome[f"the attributions {what}"], outcome[f"the gap {what}"] = found
    return outcome


def _two(found: Any) -> tuple[Any, Any]:
    if not isinstance(found, tuple | list) or len(found) != 2:
        raise ProbeFinding("Return two things: the attributions, (N, 3, H, W), and the gap, (N,).")
    attributions, gap = (v.detach() if isinstance(v, Tensor) else v for v in found)
    return attributions, gap


HINTS = [
    "A loop over the steps. The image of step k, of 0 to steps - 1, lies (k + 0.5) / steps of the "
    "way from the baseline to x.",
    "Make each of these images a leaf, `.detach().requires_grad_()`, and ask "
    "`torch.autograd.grad(model(image)[:, target].sum(), image)` for its gradient.",
    "The mean of the gradients over the steps, times `x - baseline`, are the attributions.",
    "They should add up to `(model(x) - model(baseline))[:, target]`. The gap is what they do add "
    "up to, `attributions.sum((1, 2, 3))`, less that.",
]

mistake = Mistakes()


def _sum_of_gradients(model, x, baseline, target, points, score=lambda s, t: s[:, t].sum()):
    """The gradients at points of the way added up, for mistakes that differ in the rest."""
    total = torch.zeros_like(x)
    for a in points:
        image = (baseline + a * (x - baseline)).detach().requires_grad_()
        total = total + torch.autograd.grad(score(model(image), target), image)[0]
    return total


def _middles(steps):
    return [(k + 0.5) / steps for k in range(steps)]


def _finished(model, x, baseline, target, attributions):
    with torch.no_grad():
        rise = (model(x) - model(baseline))[:, target]
    return attributions, attributions.sum((1, 2, 3)) - rise


def _at(points: Callable[[int], list[float]]) -> Callable[..., Any]:
    def answer(model, x, baseline, target, steps):
        total = _sum_of_gradients(model, x, baseline, target, points(steps))
        return _finished(model, x, baseline, target, (x - baseline) * total / steps)

    return answer


mistake(
    "Your first step is the baseline itself, and the last one lies a whole step before the image. "
    "Take the middle of each step: (k + 0.5) / steps."
)(_at(lambda steps: [k / steps for k in range(steps)]))

mistake(
    "Your steps end at the image and leave out the way's beginning: you take each step's end. Take "
    "its middle, (k + 0.5) / steps."
)(_at(lambda steps: [(k + 1) / steps for k in range(steps)]))

mistake(
    "Your steps go from the baseline to the image, both of them included. Take the middle of each "
    "step, (k + 0.5) / steps: the ends would count double."
)(_at(lambda steps: torch.linspace(0, 1, steps).tolist()))


@mistake(
    "The gradients are those at the image itself. On the way from the baseline the slope changes: "
    "take it in the middle of each step."
)
def _at_the_image(model, x, baseline, target, steps):
    total = _sum_of_gradients(model, x, baseline, target, [1.0])
    return _finished(model, x, baseline, target, (x - baseline) * total)


@mistake(
    "You multiply by x. What the pixel has changed by on the way is x - baseline; the two are the "
    "same only where the baseline is black."
)
def _times_the_image(model, x, baseline, target, steps):
    total = _sum_of_gradients(model, x, baseline, target, _middles(steps))
    return _finished(model, x, baseline, target, x * total / steps)


@mistake(
    "The difference is the wrong way round: the way goes from the baseline to x, so a pixel "
    "changes by x - baseline."
)
def _wrong_way(model, x, baseline, target, steps):
    total = _sum_of_gradients(model, x, baseline, target, _middles(steps))
    return _finished(model, x, baseline, target, (baseline - x) * total / steps)


@mistake("You add the gradients up. Take their mean: divide by the number of steps.")
def _sum(model, x, baseline, target, steps):
    total = _sum_of_gradients(model, x, baseline, target, _middles(steps))
    return _finished(model, x, baseline, target, (x - baseline) * total)


@mistake(
    "You average the gradients and leave it there. Times what each pixel changes by, x - baseline, "
    "they add up to the rise."
)
def _gradients_only(model, x, baseline, target, steps):
    total = _sum_of_gradients(model, x, baseline, target, _middles(steps))
    return _finished(model, x, baseline, target, total / steps)


@mistake(
    "Your way begins at black, whatever the baseline is: `baseline + a * (x - baseline)` are the "
    "images on the way."
)
def _from_black(model, x, baseline, target, steps):
    total = _sum_of_gradients(model, x, torch.zeros_like(x), target, _middles(steps))
    return _finished(model, x, baseline, target, (x - baseline) * total / steps)


@mistake(
    "The score at the image is not what the attributions add up to. It is what the score *rises* "
    "by: take the baseline's score away."
)
def _without_the_baselines_score(model, x, baseline, target, steps):
    attributions, _ = integrate_gradients(model, x, baseline, target, steps)
    with torch.no_grad():
        return attributions, attributions.sum((1, 2, 3)) - model(x)[:, target]


@mistake("The gap has the other sign: what the attributions add up to, less the score's rise.")
def _sign_of_the_gap(model, x, baseline, target, steps):
    attributions, gap = integrate_gradients(model, x, baseline, target, steps)
    return attributions, -gap


@mistake(
    "The magnitude hides whether the sum is too large or too small. The gap is a plain difference."
)
def _magnitude_of_the_gap(model, x, baseline, target, steps):
    attributions, gap = integrate_gradients(model, x, baseline, target, steps)
    return attributions, gap.abs()


@mistake("Your gap is one number for all images. Each image has its own: sum over (1, 2, 3).")
def _one_gap(model, x, baseline, target, steps):
    attributions, gap = integrate_gradients(model, x, baseline, target, steps)
    return attributions, gap.sum()


@mistake(
    "The second thing that you return is what the score rises by. The gap is by how much the "
    "attributions' sum misses it."
)
def _rise(model, x, baseline, target, steps):
    attributions, gap = integrate_gradients(model, x, baseline, target, steps)
    return attributions, attributions.sum((1, 2, 3)) - gap


@mistake(
    "You start from the scores of all classes. One class is asked for: `model(image)[:, target]`."
)
def _all_classes(model, x, baseline, target, steps):
    total = _sum_of_gradients(
        model, x, baseline, target, _middles(steps), score=lambda s, t: s.sum()
    )
    return _finished(model, x, baseline, target, (x - baseline) * total / steps)


@mistake(
    "You take the mean of the images' scores, so each gradient is too small by their number. The "
    "images don't see each other: take the sum."
)
def _mean_of_images(model, x, baseline, target, steps):
    total = _sum_of_gradients(
        model, x, baseline, target, _middles(steps), score=lambda s, t: s[:, t].mean()
    )
    return _finished(model, x, baseline, target, (x - baseline) * total / steps)


@mistake(
    "You keep what is above 0 only, or the magnitudes. What lowers the score counts too: "
    "without it the sum can't be the rise."
)
def _magnitudes(model, x, baseline, target, steps):
    attributions, _ = integrate_gradients(model, x, baseline, target, steps)
    return _finished(model, x, baseline, target, attributions.abs())


@mistake(
    "The channels are added up already. Return a number for each of the image's: (N, 3, H, W)."
)
def _without_channels(model, x, baseline, target, steps):
    attributions, gap = integrate_gradients(model, x, baseline, target, steps)
    return attributions.sum(1, keepdim=True), gap


@mistake(
    "`backward()` fills the `.grad` of every weight on its way. `torch.autograd.grad(score, "
    "image)` hands you the one gradient that you want."
)
def _fills_the_weights(model, x, baseline, target, steps):
    total = torch.zeros_like(x)
    for a in _middles(steps):
        image = (baseline + a * (x - baseline)).detach().requires_grad_()
        model(image)[:, target].sum().backward()
        total = total + image.grad
    return _finished(model, x, baseline, target, (x - baseline) * total / steps)


EXERCISE = Exercise(
    name="integrate_gradients",
    lesson=LESSON.id,
    after="token_grad_cam",
    points=2,
    answer="integrate_gradients",
    reference=integrate_gradients,
    probe=probe_integrate_gradients,
    mistakes=mistake,
    hints=HINTS,
)
