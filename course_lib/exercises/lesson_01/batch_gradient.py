"""The gradient of each image's own target score, for the whole batch in one backward pass."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..engine.exercise import Exercise, Mistakes, Outcome
from ..engine.probes import call, rand, small_network
from . import LESSON
from .score_gradient import score_gradient
from .shared import copied


def batch_gradient(model: nn.Module, x: Tensor, targets: Tensor) -> Tensor:
    """The gradient of each image's own target score, for the whole batch in one backward pass."""
    x = x.detach().clone().requires_grad_()
    scores = model(x)
    one_hot = F.one_hot(targets, scores.shape[1])
    (gradient,) = torch.autograd.grad((scores * one_hot).sum(), x)
    return gradient


def probe_batch_gradient(answer: Any, rng: torch.Generator) -> Outcome:
    """Five images for four classes, so that at least one class is asked for twice."""
    model = small_network(rng).requires_grad_(False)
    x = rand(rng, 5, 3, 10, 9)
    targets = torch.randint(0, 4, (5,), generator=rng)
    targets[0], targets[1] = 3, 1
    runs: list[int] = []
    handle = model.register_forward_pre_hook(lambda module, inputs: runs.append(1))
    try:
        gradient = copied(call(answer, model, x, targets))
    finally:
        handle.remove()
    return {
        "gradients": gradient,
        "how often the network ran": len(runs),
        "x.requires_grad after the call": x.requires_grad,
    }


HINTS = [
    "Choose one score in each row of the (N, classes) matrix of scores, and add up the "
    "chosen ones. What is the gradient of that sum with respect to image 2?",
    "Image 2 appears in one term of the sum only. So its part of the gradient is the "
    "gradient of its own score: nothing has to be untangled afterwards.",
    "`F.one_hot(targets, scores.shape[1])` is a matrix of 0 and 1 of the shape of the "
    "scores. Multiply, and add up everything.",
    "The rest is as in `score_gradient`: copy `x` with `requires_grad_()`, run the "
    "network once, `torch.autograd.grad(total, x)[0]`.",
]

mistake = Mistakes()


@mistake(
    "You took the mean of the scores, so every gradient is divided by the number of "
    "images. A picture's map would depend on how many others were in the "
    "batch."
)
def _batch_mean(model: nn.Module, x: Tensor, targets: Tensor) -> Tensor:
    return batch_gradient(model, x, targets) / len(x)


@mistake(
    "`scores[:, targets]` picks *all* targets for *each* image. One target per image is "
    "`scores[torch.arange(len(x)), targets]`, or a product with the one-hot "
    "matrix."
)
def _batch_every_target(model: nn.Module, x: Tensor, targets: Tensor) -> Tensor:
    x = x.detach().clone().requires_grad_()
    return torch.autograd.grad(model(x)[:, targets].sum(), x)[0]


@mistake(
    "You added all the scores: `targets` is not used. Keep one score per image, the one "
    "of its target."
)
def _batch_all_scores(model: nn.Module, x: Tensor, targets: Tensor) -> Tensor:
    x = x.detach().clone().requires_grad_()
    return torch.autograd.grad(model(x).sum(), x)[0]


@mistake("Every image got the first image's target. Each has its own.")
def _batch_first_target(model: nn.Module, x: Tensor, targets: Tensor) -> Tensor:
    x = x.detach().clone().requires_grad_()
    return torch.autograd.grad(model(x)[:, targets[0]].sum(), x)[0]


@mistake("Only the first image's scores are used; the others get a gradient of 0.")
def _batch_first_image(model: nn.Module, x: Tensor, targets: Tensor) -> Tensor:
    x = x.detach().clone().requires_grad_()
    return torch.autograd.grad(model(x)[0, targets].sum(), x)[0]


@mistake(
    "You took each image's highest score. That is right only where the highest score is "
    "the one of the target."
)
def _batch_highest_score(model: nn.Module, x: Tensor, targets: Tensor) -> Tensor:
    x = x.detach().clone().requires_grad_()
    return torch.autograd.grad(model(x).amax(dim=1).sum(), x)[0]


@mistake(
    "The numbers are right, but the network ran once per image. Run it once on the whole "
    "batch: add up the selected scores and take one gradient."
)
def _batch_in_a_loop(model: nn.Module, x: Tensor, targets: Tensor) -> Tensor:
    return torch.cat(
        [score_gradient(model, image[None], int(t)) for image, t in zip(x, targets, strict=True)]
    )


@mistake(
    "PyTorch takes the gradient of one number. Add up the selected scores: since no image "
    "sees another, the gradient of the sum holds each image's own "
    "gradient."
)
def _batch_not_summed(model: nn.Module, x: Tensor, targets: Tensor) -> Tensor:
    x = x.detach().clone().requires_grad_()
    scores = model(x)
    one_hot = F.one_hot(targets, scores.shape[1])
    return torch.autograd.grad(scores * one_hot, x)[0]


@mistake(
    "The numbers are right, but the caller's `x` now has `requires_grad=True`. Work on a "
    "copy: `x = x.detach().clone().requires_grad_()`."
)
def _batch_left_requires_grad_on(model: nn.Module, x: Tensor, targets: Tensor) -> Tensor:
    x.requires_grad_()
    scores = model(x)
    one_hot = F.one_hot(targets, scores.shape[1])
    return torch.autograd.grad((scores * one_hot).sum(), x)[0]


EXERCISE = Exercise(
    name="batch_gradient",
    lesson=LESSON.id,
    after="gradient_times_input",
    points=2,
    answer="batch_gradient",
    reference=batch_gradient,
    probe=probe_batch_gradient,
    mistakes=mistake,
    hints=HINTS,
)
