"""The gradient of each image's own target score, for the whole batch in one backward pass."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..engine.exercise import Exercise, Mistakes, Outcome
from ..engine.models import CLASSES, targets_without_the_last
from ..engine.probes import call, rand
from ..engine.traces import no_trace
from . import LESSON
from .score_gradient import score_gradient
from .shared import copied, lessons_network, network_in_training, no_trace_but_gradients


def batch_gradient(model: nn.Module, x: Tensor, targets: Tensor) -> Tensor:
    """The gradient of each image's own target score, for the whole batch in one backward pass."""
    x = x.detach().clone().requires_grad_()
    scores = model(x)
    one_hot = F.one_hot(targets, scores.shape[1])
    (gradient,) = torch.autograd.grad((scores * one_hot).sum(), x)
    return gradient


def probe_batch_gradient(answer: Any, rng: torch.Generator) -> Outcome:
    """Batches of several sizes, targets that repeat, with and without the last class."""
    model = lessons_network(rng)
    x = rand(rng, 5, 3, 10, 9, dtype=torch.float32)
    targets = targets_without_the_last(rng, 5, CLASSES)
    targets[0], targets[1] = CLASSES - 2, 1
    outcome: Outcome = {}
    with no_trace(outcome, "after a call", model, x, targets):
        runs: list[int] = []
        handle = model.register_forward_pre_hook(lambda module, inputs: runs.append(1))
        try:
            first = call(answer, model, x, targets)
            outcome["gradients"] = copied(first)
        finally:
            handle.remove()
        outcome["how often the network ran"] = len(runs)
        outcome["x.requires_grad after the call"] = x.requires_grad
        outcome["gradients when the same batch comes again"] = copied(
            call(answer, model, x, targets)
        )
    outcome["the first gradients, looked at again after another call"] = copied(first)
    outcome["gradients of three images for the last class"] = copied(
        call(answer, model, x[:3], torch.full((3,), CLASSES - 1))
    )
    outcome["gradient of one image"] = copied(call(answer, model, x[3:4], targets[:1]))
    busy = network_in_training(rng)
    with no_trace_but_gradients(outcome, "after a call with a network in training", busy, x):
        outcome["gradients with a network in training"] = copied(call(answer, busy, x, targets))
    return outcome


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


@mistake(
    "`F.one_hot(targets)` makes only as many columns as the largest target needs. Tell it the "
    "number of classes: `F.one_hot(targets, scores.shape[1])`."
)
def _batch_too_few_columns(model: nn.Module, x: Tensor, targets: Tensor) -> Tensor:
    x = x.detach().clone().requires_grad_()
    return torch.autograd.grad((model(x) * F.one_hot(targets)).sum(), x)[0]


@mistake(
    "The numbers are right, but the network stays in eval mode, and whoever trains it goes "
    "on in the wrong mode without a word. Leave its training mode alone."
)
def _batch_left_in_eval_mode(model: nn.Module, x: Tensor, targets: Tensor) -> Tensor:
    model.eval()
    return batch_gradient(model, x, targets)


@mistake(
    "`zero_grad` erases what was in the `.grad` of the weights, and somebody may still need "
    "it. Your gradient goes to the images and is not disturbed by theirs: leave them alone."
)
def _batch_erased_gradients(model: nn.Module, x: Tensor, targets: Tensor) -> Tensor:
    model.zero_grad()
    return batch_gradient(model, x, targets)


@mistake(
    "The weights of the network are frozen afterwards, so that it can't be trained any more. "
    "A gradient for the images does not need that: leave them as they are."
)
def _batch_frozen(model: nn.Module, x: Tensor, targets: Tensor) -> Tensor:
    model.requires_grad_(False)
    return batch_gradient(model, x, targets)


@mistake(
    "`backward` *adds* to `x.grad`, and there it stays: when the same batch comes again, the "
    "old gradient is still in there. Work on a copy: "
    "`x = x.detach().clone().requires_grad_()`."
)
def _batch_accumulated(model: nn.Module, x: Tensor, targets: Tensor) -> Tensor | None:
    x.requires_grad_()
    scores = model(x)
    (scores * F.one_hot(targets, scores.shape[1])).sum().backward()
    x.requires_grad_(False)
    return x.grad


@mistake(
    "This is the gradient of a loss. It is turned round, and it mixes in the other classes. "
    "Use the scores themselves."
)
def _batch_of_cross_entropy(model: nn.Module, x: Tensor, targets: Tensor) -> Tensor:
    x = x.detach().clone().requires_grad_()
    return torch.autograd.grad(F.cross_entropy(model(x), targets, reduction="sum"), x)[0]


@mistake(
    "You took the gradients of the probabilities. A sigmoid is nearly flat where the network "
    "is sure. Use the scores."
)
def _batch_of_sigmoid(model: nn.Module, x: Tensor, targets: Tensor) -> Tensor:
    x = x.detach().clone().requires_grad_()
    scores = model(x).sigmoid()
    return torch.autograd.grad((scores * F.one_hot(targets, scores.shape[1])).sum(), x)[0]


@mistake(
    "You added up the images' gradients: one is left for all of them. The gradient of the sum "
    "with respect to `x` has one for each image already: leave it as it is."
)
def _batch_added_images(model: nn.Module, x: Tensor, targets: Tensor) -> Tensor:
    return batch_gradient(model, x, targets).sum(dim=0, keepdim=True)


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
