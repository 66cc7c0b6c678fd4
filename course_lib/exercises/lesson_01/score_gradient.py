"""The gradient of the score of class `target` with respect to the image `x`."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..engine.exercise import Exercise, Mistakes, Outcome
from ..engine.probes import call, rand, randint
from ..engine.traces import no_trace
from . import LESSON
from .shared import copied, lessons_network, network_in_training, no_trace_but_gradients


def score_gradient(model: nn.Module, x: Tensor, target: int) -> Tensor:
    """The gradient of the score of class `target` with respect to the image `x`."""
    x = x.detach().clone().requires_grad_()
    score = model(x)[0, target]
    (gradient,) = torch.autograd.grad(score, x)
    return gradient


def probe_score_gradient(answer: Any, rng: torch.Generator) -> Outcome:
    """Several classes, the same image twice, and what is left on a network in eval and training."""
    model = lessons_network(rng)
    x, other = (rand(rng, 1, 3, 10, 9, dtype=torch.float32) for _ in range(2))
    target = randint(rng, 1, 7)
    outcome: Outcome = {}
    with no_trace(outcome, "after a call", model, x, other):
        first = call(answer, model, x, target)
        outcome["gradient"] = copied(first)
        outcome["gradient when the same image comes a second time"] = copied(
            call(answer, model, x, target)
        )
        outcome["gradient for class 0 of another image"] = copied(call(answer, model, other, 0))
        outcome["gradient for the last class"] = copied(call(answer, model, other, 7))
        outcome["the first gradient, looked at again after other calls"] = copied(first)
        outcome["x.requires_grad after the call"] = x.requires_grad
    busy = network_in_training(rng)
    with no_trace_but_gradients(outcome, "after a call with a network in training", busy, x):
        outcome["gradient with a network in training"] = copied(call(answer, busy, x, target))
    return outcome


HINTS = [
    "Three steps: tell PyTorch that you will want a gradient for the image; compute one "
    "number, the score; ask for the gradient of that number.",
    "Never touch the caller's tensor: `x = x.detach().clone().requires_grad_()` gives you "
    "a copy that collects a gradient.",
    "`model(x)` has the shape (1, classes). The score of the class is "
    "`model(x)[0, target]`, one number.",
    "`torch.autograd.grad(score, x)` returns a tuple with one entry per input. There is "
    "one input, so take entry `[0]`. (`score.backward()` and then `x.grad` is as good.)",
]

mistake = Mistakes()


@mistake(
    "You took the gradient of the probability. A sigmoid is nearly flat where the network "
    "is sure, so this shrinks towards 0 as the network gets surer. Use the "
    "score."
)
def _of_sigmoid(model: nn.Module, x: Tensor, target: int) -> Tensor:
    x = x.detach().clone().requires_grad_()
    return torch.autograd.grad(model(x)[0, target].sigmoid(), x)[0]


@mistake(
    "You took the gradient of a softmax. Its probability also rises when the *other* "
    "scores fall, so the other classes are in your gradient. Use the score."
)
def _of_softmax(model: nn.Module, x: Tensor, target: int) -> Tensor:
    x = x.detach().clone().requires_grad_()
    return torch.autograd.grad(model(x).softmax(dim=1)[0, target], x)[0]


@mistake(
    "This is the gradient of a loss. A loss falls when the score rises, and "
    "cross-entropy mixes in the other classes. Use the score itself."
)
def _of_cross_entropy(model: nn.Module, x: Tensor, target: int) -> Tensor:
    x = x.detach().clone().requires_grad_()
    loss = F.cross_entropy(model(x), torch.tensor([target]))
    return torch.autograd.grad(loss, x)[0]


@mistake(
    "You took the gradient of the sum of all scores: `target` is not used. Pick out one "
    "score, `scores[0, target]`."
)
def _of_all_scores(model: nn.Module, x: Tensor, target: int) -> Tensor:
    x = x.detach().clone().requires_grad_()
    return torch.autograd.grad(model(x).sum(), x)[0]


@mistake(
    "You took the gradient of the highest score. That is right only when the highest "
    "score happens to be the one of `target`."
)
def _of_the_highest_score(model: nn.Module, x: Tensor, target: int) -> Tensor:
    x = x.detach().clone().requires_grad_()
    return torch.autograd.grad(model(x).max(), x)[0]


@mistake(
    "`backward` *adds* to `x.grad`. When the same image comes a second time, the old "
    "gradient is still in there. Work on a copy: "
    "`x = x.detach().clone().requires_grad_()`."
)
def _accumulated(model: nn.Module, x: Tensor, target: int) -> Tensor | None:
    x.requires_grad_()
    model(x)[0, target].backward()
    return x.grad


@mistake(
    "The numbers are right, but the caller's `x` now has `requires_grad=True`, and "
    "everything computed from it later carries a graph. Work on a copy: "
    "`x = x.detach().clone().requires_grad_()`."
)
def _left_requires_grad_on(model: nn.Module, x: Tensor, target: int) -> Tensor:
    x.requires_grad_()
    return torch.autograd.grad(model(x)[0, target], x)[0]


@mistake(
    "Nothing leads back from the score to `x`. Either PyTorch did not know, *before* the "
    "network ran, that you want a gradient for it (`x = x.detach().clone().requires_grad_()`), "
    "or something between the two cuts the way, such as `detach` or `torch.no_grad()`."
)
def _forgot_requires_grad(model: nn.Module, x: Tensor, target: int) -> Tensor:
    return torch.autograd.grad(model(x)[0, target], x)[0]


@mistake(
    "The scores have the shape (1, classes): the first index is the image, the second "
    "the class. The score you want is `scores[0, target]`."
)
def _forgot_the_batch(model: nn.Module, x: Tensor, target: int) -> Tensor:
    x = x.detach().clone().requires_grad_()
    return torch.autograd.grad(model(x)[target], x)[0]


@mistake(
    "This is the score itself. What is wanted is how it changes with each number of `x`: "
    "a tensor of the shape of `x`."
)
def _gave_the_score(model: nn.Module, x: Tensor, target: int) -> Tensor:
    return model(x)[0, target]


@mistake(
    "You took magnitudes already. The gradient has signs: a negative number says that "
    "making this pixel brighter lowers the score. Magnitudes come in the next "
    "section."
)
def _took_magnitudes(model: nn.Module, x: Tensor, target: int) -> Tensor:
    return score_gradient(model, x, target).abs()


@mistake(
    "The sign is turned round. You are not going downhill on a loss here; the gradient of "
    "the score points to where the score *rises*."
)
def _descended(model: nn.Module, x: Tensor, target: int) -> Tensor:
    return -score_gradient(model, x, target)


@mistake(
    "The numbers are right, but the network stays in eval mode, and whoever trains it goes "
    "on in the wrong mode without a word. Leave its training mode alone."
)
def _left_in_eval_mode(model: nn.Module, x: Tensor, target: int) -> Tensor:
    model.eval()
    return score_gradient(model, x, target)


@mistake(
    "The numbers are right, but the network is in training mode afterwards. You did not put "
    "it there to have a gradient: leave its training mode alone."
)
def _left_in_training_mode(model: nn.Module, x: Tensor, target: int) -> Tensor:
    gradient = score_gradient(model, x, target)
    model.train()
    return gradient


@mistake(
    "`zero_grad` erases what was in the `.grad` of the weights, and somebody may still need "
    "it. Your gradient goes to the image and is not disturbed by theirs: leave them alone."
)
def _erased_gradients(model: nn.Module, x: Tensor, target: int) -> Tensor:
    model.zero_grad()
    return score_gradient(model, x, target)


@mistake(
    "The weights ask for gradients afterwards, and before they did not. The network is not "
    "yours: leave each weight as it was."
)
def _thawed(model: nn.Module, x: Tensor, target: int) -> Tensor:
    gradient = score_gradient(model, x, target)
    model.requires_grad_(True)
    return gradient


@mistake(
    "The weights of the network are frozen afterwards, so that it can't be trained any more. "
    "A gradient for the image does not need that: leave them as they are."
)
def _frozen(model: nn.Module, x: Tensor, target: int) -> Tensor:
    model.requires_grad_(False)
    return score_gradient(model, x, target)


@mistake(
    "`torch.autograd.grad` returns a tuple, with one gradient for each input that you name. "
    "There is one: take entry `[0]`."
)
def _kept_the_tuple(model: nn.Module, x: Tensor, target: int) -> Any:
    return (score_gradient(model, x, target),)


@mistake(
    "`backward()` returns nothing. It puts the gradient into the `.grad` of the tensor that "
    "asked for it: return that."
)
def _gave_what_backward_returns(model: nn.Module, x: Tensor, target: int) -> Any:
    x = x.detach().clone().requires_grad_()
    return model(x)[0, target].backward()


@mistake("You multiplied by the image already. That comes in section 4; here, only the gradient.")
def _times_the_image(model: nn.Module, x: Tensor, target: int) -> Tensor:
    return score_gradient(model, x, target) * x


@mistake(
    "You scaled the gradient to a maximum of 1. Keep its values: they say by how much the "
    "score would change."
)
def _scaled(model: nn.Module, x: Tensor, target: int) -> Tensor:
    gradient = score_gradient(model, x, target)
    return gradient / gradient.abs().max()


EXERCISE = Exercise(
    name="score_gradient",
    lesson=LESSON.id,
    points=2,
    answer="score_gradient",
    reference=score_gradient,
    probe=probe_score_gradient,
    mistakes=mistake,
    hints=HINTS,
)
