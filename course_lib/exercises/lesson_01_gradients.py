"""Exercises of lesson 01: the gradient of a score, maps made from it, and a batch at once."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from course_lib.exercises.exercise import Exercise, Lesson
from course_lib.exercises.probes import call, rand, randint, small_network

LESSON = Lesson(
    id="01_gradients",
    title="Gradients: which pixels would change the answer?",
    minutes=35,
    difficulty=1,
    summary="class score gradient; three maps made from it; one-hot targets for a batch",
)

Results = dict[str, Any]


def score_gradient(model: nn.Module, x: Tensor, target: int) -> Tensor:
    """The gradient of the score of class `target` with respect to the image `x`."""
    x = x.detach().clone().requires_grad_()
    score = model(x)[0, target]
    (gradient,) = torch.autograd.grad(score, x)
    return gradient


def probe_score_gradient(answer: Any, rng: torch.Generator) -> Results:
    """One image, two classes, and the same call twice."""
    model = small_network(rng).requires_grad_(False)
    x = rand(rng, 1, 3, 10, 9)
    target = randint(rng, 1, 4)
    other = rand(rng, 1, 3, 10, 9)
    # copied at once: an answer may hand out the same x.grad again and again
    first = _copy(call(answer, model, x, target))
    again = _copy(call(answer, model, x, target))
    return {
        "gradient": first,
        "gradient when the same image comes a second time": again,
        "gradient for class 0 of another image": _copy(call(answer, model, other, 0)),
        "x.requires_grad after the call": x.requires_grad,
    }


def _copy(value: Any) -> Any:
    return value.detach().clone() if isinstance(value, Tensor) else value


def _of_sigmoid(model: nn.Module, x: Tensor, target: int) -> Tensor:
    x = x.detach().clone().requires_grad_()
    return torch.autograd.grad(model(x)[0, target].sigmoid(), x)[0]


def _of_softmax(model: nn.Module, x: Tensor, target: int) -> Tensor:
    x = x.detach().clone().requires_grad_()
    return torch.autograd.grad(model(x).softmax(dim=1)[0, target], x)[0]


def _of_cross_entropy(model: nn.Module, x: Tensor, target: int) -> Tensor:
    x = x.detach().clone().requires_grad_()
    loss = F.cross_entropy(model(x), torch.tensor([target]))
    return torch.autograd.grad(loss, x)[0]


def _of_all_scores(model: nn.Module, x: Tensor, target: int) -> Tensor:
    x = x.detach().clone().requires_grad_()
    return torch.autograd.grad(model(x).sum(), x)[0]


def _of_the_highest_score(model: nn.Module, x: Tensor, target: int) -> Tensor:
    x = x.detach().clone().requires_grad_()
    return torch.autograd.grad(model(x).max(), x)[0]


def _accumulated(model: nn.Module, x: Tensor, target: int) -> Tensor | None:
    x.requires_grad_()
    model(x)[0, target].backward()
    return x.grad


def _left_requires_grad_on(model: nn.Module, x: Tensor, target: int) -> Tensor:
    x.requires_grad_()
    return torch.autograd.grad(model(x)[0, target], x)[0]


def _forgot_requires_grad(model: nn.Module, x: Tensor, target: int) -> Tensor:
    return torch.autograd.grad(model(x)[0, target], x)[0]


def _forgot_the_batch(model: nn.Module, x: Tensor, target: int) -> Tensor:
    x = x.detach().clone().requires_grad_()
    return torch.autograd.grad(model(x)[target], x)[0]


def _gave_the_score(model: nn.Module, x: Tensor, target: int) -> Tensor:
    return model(x)[0, target]


def _took_magnitudes(model: nn.Module, x: Tensor, target: int) -> Tensor:
    return score_gradient(model, x, target).abs()


def _descended(model: nn.Module, x: Tensor, target: int) -> Tensor:
    return -score_gradient(model, x, target)


def saliency_by_maximum(g: Tensor) -> Tensor:
    """For each pixel the largest magnitude among its channels: max_c |g_c|."""
    return g.abs().amax(dim=1, keepdim=True)


def probe_maximum(answer: Any, rng: torch.Generator) -> Results:
    """Two images with four channels; every dimension of another size."""
    g = rand(rng, 2, 4, 5, 3)
    s = call(answer, g)
    # max(dim=...) returns a named tuple of PyTorch's own, to a learner a pair like any other
    return {"map": tuple(s) if isinstance(s, tuple) else s}


def _without_magnitude(g: Tensor) -> Tensor:
    return g.amax(dim=1, keepdim=True)


def _magnitude_of_the_maximum(g: Tensor) -> Tensor:
    return g.amax(dim=1, keepdim=True).abs()


def _maximum_without_channel_dimension(g: Tensor) -> Tensor:
    return g.abs().amax(dim=1)


def _pair_of_values_and_places(g: Tensor) -> Any:
    return g.abs().max(dim=1, keepdim=True)


def _mean_magnitude(g: Tensor) -> Tensor:
    return g.abs().mean(dim=1, keepdim=True)


def _magnitude_of_the_sum(g: Tensor) -> Tensor:
    return g.sum(dim=1, keepdim=True).abs()


def _maximum_over_images(g: Tensor) -> Tensor:
    return g.abs().amax(dim=0, keepdim=True)


def _maximum_over_pixels(g: Tensor) -> Tensor:
    return g.abs().amax(dim=(2, 3), keepdim=True)


def _scaled_to_one(g: Tensor) -> Tensor:
    s = saliency_by_maximum(g)
    return s / s.max()


def saliency_by_length(g: Tensor) -> Tensor:
    """For each pixel the length of its gradient vector: sqrt(sum_c g_c^2)."""
    return g.square().sum(dim=1, keepdim=True).sqrt()


def probe_length(answer: Any, rng: torch.Generator) -> Results:
    """Two images with four channels, and a pixel with the numbers 3, 4, 0, 0."""
    g = rand(rng, 2, 4, 5, 3)
    known = torch.tensor([3.0, -4.0, 0.0, 0.0], dtype=g.dtype).reshape(1, 4, 1, 1)
    return {"map": call(answer, g), "length of (3, -4, 0, 0)": call(answer, known)}


def _length_squared(g: Tensor) -> Tensor:
    return g.square().sum(dim=1, keepdim=True)


def _length_by_mean(g: Tensor) -> Tensor:
    return g.square().mean(dim=1, keepdim=True).sqrt()


def _sum_of_magnitudes(g: Tensor) -> Tensor:
    return g.abs().sum(dim=1, keepdim=True)


def _length_without_channel_dimension(g: Tensor) -> Tensor:
    return g.square().sum(dim=1).sqrt()


def _length_of_everything(g: Tensor) -> Tensor:
    return g.norm()


def _squared_too_late(g: Tensor) -> Tensor:
    return g.sum(dim=1, keepdim=True).square().sqrt()


def _length_over_images(g: Tensor) -> Tensor:
    return g.square().sum(dim=0, keepdim=True).sqrt()


def gradient_times_input(g: Tensor, x: Tensor) -> Tensor:
    """For each pixel the share of the score in a linear model: sum_c g_c x_c, with its sign."""
    return (g * x).sum(dim=1, keepdim=True)


def probe_times_input(answer: Any, rng: torch.Generator) -> Results:
    """Gradients of both signs, images in [0, 1], and a linear model, where the map adds up."""
    g = rand(rng, 2, 4, 5, 3)
    x = rand(rng, 2, 4, 5, 3, low=0.0)
    s = call(answer, g, x)
    total = s.sum() if isinstance(s, Tensor) else torch.tensor(float("nan"))
    return {
        "map": s,
        "the map adds up to the scores of the linear model w·x": bool(
            (total - (g * x).sum()).abs() < 1e-9
        ),
    }


def _product_of_magnitudes(g: Tensor, x: Tensor) -> Tensor:
    return (g.abs() * x).sum(dim=1, keepdim=True)


def _magnitude_of_the_product(g: Tensor, x: Tensor) -> Tensor:
    return (g * x).sum(dim=1, keepdim=True).abs()


def _largest_product(g: Tensor, x: Tensor) -> Tensor:
    return (g * x).amax(dim=1, keepdim=True)


def _mean_product(g: Tensor, x: Tensor) -> Tensor:
    return (g * x).mean(dim=1, keepdim=True)


def _product_of_sums(g: Tensor, x: Tensor) -> Tensor:
    return g.sum(dim=1, keepdim=True) * x.sum(dim=1, keepdim=True)


def _product_not_summed(g: Tensor, x: Tensor) -> Tensor:
    return g * x


def _product_without_channel_dimension(g: Tensor, x: Tensor) -> Tensor:
    return (g * x).sum(dim=1)


def batch_gradient(model: nn.Module, x: Tensor, targets: Tensor) -> Tensor:
    """The gradient of each image's own target score, for the whole batch in one backward pass."""
    x = x.detach().clone().requires_grad_()
    scores = model(x)
    one_hot = F.one_hot(targets, scores.shape[1])
    (gradient,) = torch.autograd.grad((scores * one_hot).sum(), x)
    return gradient


def probe_batch_gradient(answer: Any, rng: torch.Generator) -> Results:
    """Five images for four classes, so that at least one class is asked for twice."""
    model = small_network(rng).requires_grad_(False)
    x = rand(rng, 5, 3, 10, 9)
    targets = torch.randint(0, 4, (5,), generator=rng)
    targets[0], targets[1] = 3, 1
    runs: list[int] = []
    handle = model.register_forward_pre_hook(lambda module, inputs: runs.append(1))
    try:
        gradient = _copy(call(answer, model, x, targets))
    finally:
        handle.remove()
    return {
        "gradients": gradient,
        "how often the network ran": len(runs),
        "x.requires_grad after the call": x.requires_grad,
    }


def _batch_mean(model: nn.Module, x: Tensor, targets: Tensor) -> Tensor:
    return batch_gradient(model, x, targets) / len(x)


def _batch_every_target(model: nn.Module, x: Tensor, targets: Tensor) -> Tensor:
    x = x.detach().clone().requires_grad_()
    return torch.autograd.grad(model(x)[:, targets].sum(), x)[0]


def _batch_all_scores(model: nn.Module, x: Tensor, targets: Tensor) -> Tensor:
    x = x.detach().clone().requires_grad_()
    return torch.autograd.grad(model(x).sum(), x)[0]


def _batch_first_target(model: nn.Module, x: Tensor, targets: Tensor) -> Tensor:
    x = x.detach().clone().requires_grad_()
    return torch.autograd.grad(model(x)[:, targets[0]].sum(), x)[0]


def _batch_first_image(model: nn.Module, x: Tensor, targets: Tensor) -> Tensor:
    x = x.detach().clone().requires_grad_()
    return torch.autograd.grad(model(x)[0, targets].sum(), x)[0]


def _batch_highest_score(model: nn.Module, x: Tensor, targets: Tensor) -> Tensor:
    x = x.detach().clone().requires_grad_()
    return torch.autograd.grad(model(x).amax(dim=1).sum(), x)[0]


def _batch_in_a_loop(model: nn.Module, x: Tensor, targets: Tensor) -> Tensor:
    return torch.cat(
        [score_gradient(model, image[None], int(t)) for image, t in zip(x, targets, strict=True)]
    )


def _batch_not_summed(model: nn.Module, x: Tensor, targets: Tensor) -> Tensor:
    x = x.detach().clone().requires_grad_()
    scores = model(x)
    one_hot = F.one_hot(targets, scores.shape[1])
    return torch.autograd.grad(scores * one_hot, x)[0]


def _batch_left_requires_grad_on(model: nn.Module, x: Tensor, targets: Tensor) -> Tensor:
    x.requires_grad_()
    scores = model(x)
    one_hot = F.one_hot(targets, scores.shape[1])
    return torch.autograd.grad((scores * one_hot).sum(), x)[0]


EXERCISES = [
    Exercise(
        name="score_gradient",
        lesson="01_gradients",
        points=2,
        answer="score_gradient",
        reference=score_gradient,
        probe=probe_score_gradient,
        mistakes={
            "You took the gradient of the probability. A sigmoid is nearly flat where the network "
            "is sure, so this shrinks towards 0 as the network gets surer. Use the "
            "score.": _of_sigmoid,
            "You took the gradient of a softmax. Its probability also rises when the *other* "
            "scores fall, so the other classes are in your gradient. Use the score.": _of_softmax,
            "This is the gradient of a loss. A loss falls when the score rises, and "
            "cross-entropy mixes in the other classes. Use the score itself.": _of_cross_entropy,
            "You took the gradient of the sum of all scores: `target` is not used. Pick out one "
            "score, `scores[0, target]`.": _of_all_scores,
            "You took the gradient of the highest score. That is right only when the highest "
            "score happens to be the one of `target`.": _of_the_highest_score,
            "`backward` *adds* to `x.grad`. When the same image comes a second time, the old "
            "gradient is still in there. Work on a copy: "
            "`x = x.detach().clone().requires_grad_()`.": _accumulated,
            "The numbers are right, but the caller's `x` now has `requires_grad=True`, and "
            "everything computed from it later carries a graph. Work on a copy: "
            "`x = x.detach().clone().requires_grad_()`.": _left_requires_grad_on,
            "PyTorch does not know yet that you want a gradient for `x`. Tell it *before* the "
            "network runs: `x = x.detach().clone().requires_grad_()`.": _forgot_requires_grad,
            "The scores have the shape (1, classes): the first index is the image, the second "
            "the class. The score you want is `scores[0, target]`.": _forgot_the_batch,
            "This is the score itself. What is wanted is how it changes with each number of `x`: "
            "a tensor of the shape of `x`.": _gave_the_score,
            "You took magnitudes already. The gradient has signs: a negative number says that "
            "making this pixel brighter lowers the score. Magnitudes come in the next "
            "section.": _took_magnitudes,
            "The sign is turned round. You are not going downhill on a loss here; the gradient of "
            "the score points to where the score *rises*.": _descended,
        },
        hints=[
            "Three steps: tell PyTorch that you will want a gradient for the image; compute one "
            "number, the score; ask for the gradient of that number.",
            "Never touch the caller's tensor: `x = x.detach().clone().requires_grad_()` gives you "
            "a copy that collects a gradient.",
            "`model(x)` has the shape (1, classes). The score of the class is "
            "`model(x)[0, target]`, one number.",
            "`torch.autograd.grad(score, x)` returns a tuple with one entry per input. There is "
            "one input, so take entry `[0]`. (`score.backward()` and then `x.grad` is as good.)",
        ],
    ),
    Exercise(
        name="saliency_by_maximum",
        lesson="01_gradients",
        points=1,
        answer="saliency_by_maximum",
        reference=saliency_by_maximum,
        probe=probe_maximum,
        mistakes={
            "You forgot the magnitude. A channel with -5 would lose against one with 1, although "
            "it changes the score five times as much.": _without_magnitude,
            "Magnitude and maximum are in the wrong order. Take `|g|` first: of -5 and 1 the "
            "maximum is 1, but the largest magnitude is 5.": _magnitude_of_the_maximum,
            "The values are right, but the channel dimension is gone. A map keeps it with "
            "size 1, shape (N, 1, H, W): `keepdim=True`.": _maximum_without_channel_dimension,
            "`max(dim=...)` returns two things, the values and where they were found. Keep the "
            "values: `.max(...).values`, or use `.amax(...)`.": _pair_of_values_and_places,
            "This is the *mean* magnitude of the channels, not the largest one.": _mean_magnitude,
            "You added the channels before taking the magnitude, so that +5 and -5 give 0: a "
            "pixel that matters in two channels disappears.": _magnitude_of_the_sum,
            "This is a maximum over the images of the batch. Channels are dimension 1 of "
            "(N, C, H, W).": _maximum_over_images,
            "This is a maximum over the pixels: no map is left. Channels are dimension 1 of "
            "(N, C, H, W).": _maximum_over_pixels,
            "The map has been scaled to a maximum of 1. Keep its values; figures scale "
            "themselves.": _scaled_to_one,
        },
        hints=[
            "You may change one of a pixel's channels. Which one changes the score most, "
            "whichever way?",
            "Channels are dimension 1 of (N, C, H, W). The answer has the shape (N, 1, H, W).",
            "`g.abs()` gives magnitudes; `.amax(dim=..., keepdim=True)` the largest entry along a "
            "dimension.",
        ],
    ),
    Exercise(
        name="saliency_by_length",
        lesson="01_gradients",
        points=1,
        answer="saliency_by_length",
        reference=saliency_by_length,
        probe=probe_length,
        mistakes={
            "This is the square of the length: the square root is missing. Squares exaggerate: a "
            "pixel three times as strong looks nine times as strong.": _length_squared,
            "You took the mean of the squares. The length takes their sum, as in "
            "Pythagoras.": _length_by_mean,
            "You added magnitudes. That is another way of measuring a vector (walking along the "
            "streets); the length is the straight line: squares, sum, root.": _sum_of_magnitudes,
            "The values are right, but the channel dimension is gone. A map keeps it with "
            "size 1, shape (N, 1, H, W): `keepdim=True`.": _length_without_channel_dimension,
            "This is one length for the whole gradient. A map has one for each pixel: sum over "
            "the channels only, dimension 1.": _length_of_everything,
            "You added the channels first and squared afterwards, so that +5 and -5 cancel. "
            "Square each channel, then add.": _squared_too_late,
            "You added over the images of the batch. Channels are dimension 1 of "
            "(N, C, H, W).": _length_over_images,
        },
        hints=[
            "The three numbers of a pixel are an arrow in space. How long is it?",
            "Pythagoras with more than two sides: squares, then the sum over the channels, then "
            "the square root.",
            "`g.square().sum(dim=..., keepdim=True).sqrt()`; `g.norm(dim=..., keepdim=True)` "
            "does the same.",
        ],
    ),
    Exercise(
        name="gradient_times_input",
        lesson="01_gradients",
        points=1,
        answer="gradient_times_input",
        reference=gradient_times_input,
        probe=probe_times_input,
        mistakes={
            "You took the magnitude of the gradient. Here the sign is the point: it says whether "
            "the pixel speaks for the class or against it.": _product_of_magnitudes,
            "You took the magnitude of the result. Here the sign is the point: it says whether "
            "the pixel speaks for the class or against it.": _magnitude_of_the_product,
            "You kept the largest product. Contributions are amounts, and amounts are added up: "
            "sum over the channels.": _largest_product,
            "You took the mean over the channels. Contributions are amounts: with the sum, the "
            "whole map adds up to the score of a linear model.": _mean_product,
            "You added the channels first and multiplied afterwards. That pairs the gradient of "
            "red with the value of green. Multiply channel by channel, then add.": _product_of_sums,
            "The products are right, but there are still several per pixel. Add them up over the "
            "channels, dimension 1.": _product_not_summed,
            "The values are right, but the channel dimension is gone. A map keeps it with "
            "size 1, shape (N, 1, H, W): `keepdim=True`.": _product_without_channel_dimension,
        },
        hints=[
            "Price times amount: the gradient is what one unit of brightness is worth, the image "
            "is how much of it there is.",
            "Multiply channel by channel, then add up the channels of each pixel.",
            "No magnitude anywhere. The shape is (N, 1, H, W): `.sum(dim=1, keepdim=True)`.",
        ],
    ),
    Exercise(
        name="batch_gradient",
        lesson="01_gradients",
        points=2,
        answer="batch_gradient",
        reference=batch_gradient,
        probe=probe_batch_gradient,
        mistakes={
            "You took the mean of the scores, so every gradient is divided by the number of "
            "images. A picture's map would depend on how many others were in the "
            "batch.": _batch_mean,
            "`scores[:, targets]` picks *all* targets for *each* image. One target per image is "
            "`scores[torch.arange(len(x)), targets]`, or a product with the one-hot "
            "matrix.": _batch_every_target,
            "You added all the scores: `targets` is not used. Keep one score per image, the one "
            "of its target.": _batch_all_scores,
            "Every image got the first image's target. Each has its own.": _batch_first_target,
            "Only the first image's scores are used; the others get a gradient of "
            "0.": _batch_first_image,
            "You took each image's highest score. That is right only where the highest score is "
            "the one of the target.": _batch_highest_score,
            "The numbers are right, but the network ran once per image. Run it once on the whole "
            "batch: add up the selected scores and take one gradient.": _batch_in_a_loop,
            "PyTorch takes the gradient of one number. Add up the selected scores: since no image "
            "sees another, the gradient of the sum holds each image's own "
            "gradient.": _batch_not_summed,
            "The numbers are right, but the caller's `x` now has `requires_grad=True`. Work on a "
            "copy: `x = x.detach().clone().requires_grad_()`.": _batch_left_requires_grad_on,
        },
        hints=[
            "Choose one score in each row of the (N, classes) matrix of scores, and add up the "
            "chosen ones. What is the gradient of that sum with respect to image 2?",
            "Image 2 appears in one term of the sum only. So its part of the gradient is the "
            "gradient of its own score: nothing has to be untangled afterwards.",
            "`F.one_hot(targets, scores.shape[1])` is a matrix of 0 and 1 of the shape of the "
            "scores. Multiply, and add up everything.",
            "The rest is as in `score_gradient`: copy `x` with `requires_grad_()`, run the "
            "network once, `torch.autograd.grad(total, x)[0]`.",
        ],
    ),
]
