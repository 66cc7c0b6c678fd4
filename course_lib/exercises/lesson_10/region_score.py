"""A network with a score for each pixel, as one with a score for each class."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from ..engine.exercise import Exercise, Mistakes, Outcome
from ..engine.models import in_use, nested_network
from ..engine.probes import ProbeFinding, call, rand
from ..engine.traces import no_trace
from . import LESSON


class RegionScore(nn.Module):
    """The mean of each class's logits over a region, (N, classes)."""

    def __init__(self, model: nn.Module, region: Tensor) -> None:
        super().__init__()
        self.model = model
        self.region = region

    def forward(self, x: Tensor) -> Tensor:
        logits = self.model(x)
        return (logits * self.region).sum((2, 3)) / self.region.sum()


def dense_network(rng: torch.Generator, classes: int = 8) -> nn.Module:
    """The nested network without its pooling to one place: logits N x classes x H/2 x W/2."""
    network = nested_network(rng)[:1]
    head = nn.Conv2d(6, classes, 1, dtype=torch.float64)
    with torch.no_grad():
        for parameter in head.parameters():
            parameter.copy_(rand(rng, *parameter.shape))
    network.add_module("head", head)
    return network.eval()


def _region(rng: torch.Generator, height: int, width: int) -> Tensor:
    region = rand(rng, height, width) > 0.2
    region[1, 1] = True
    return region


def probe_region_score(answer: Callable[..., Any], rng: torch.Generator) -> Outcome:
    """Scores and gradients for a region, a part of one, another network, and one image alone."""
    outcome: Outcome = {}
    model = in_use(dense_network(rng), rng)
    x, region = rand(rng, 3, 3, 8, 12), _region(rng, 4, 6)
    with no_trace(outcome, "after a run", model, x):
        wrapped = call(answer, model, region)
        if not isinstance(wrapped, nn.Module):
            raise ProbeFinding("A `RegionScore` is an `nn.Module`: `class RegionScore(nn.Module)`.")
        outcome["the scores of three images"] = wrapped(x).detach()
    wrapped.eval()
    outcome["the network's layers are found by name"] = dict(wrapped.named_modules()).get(
        "model.features.conv"
    ) is model.get_submodule("features.conv")
    image = x.clone().requires_grad_()
    scores = wrapped(image)
    outcome["the scores have a gradient"] = scores.requires_grad
    if scores.requires_grad and scores.dim() == 2:
        (outcome["the gradient of class 2's scores"],) = torch.autograd.grad(
            scores[:, 2].sum(), image
        )
    soft = rand(rng, 4, 6, low=0)
    soft[0] = 0
    outcome["the scores of a region with soft edges"] = call(answer, model, soft)(x).detach()
    one = torch.zeros(3, 2, dtype=torch.float64)
    one[2, 1] = 1
    other = dense_network(rng, classes=3)
    outcome["the scores of one pixel, with another network"] = call(answer, other, one)(
        rand(rng, 1, 3, 6, 4)
    ).detach()
    return outcome


def probe_in_a_method(answer: Callable[..., Any], rng: torch.Generator) -> Outcome:
    """The lesson's next step: the library's gradient and Grad-CAM of a region."""
    from course_lib.attribution.grad_cam import grad_cam
    from course_lib.attribution.gradient import gradient

    model = dense_network(rng).requires_grad_(False)
    wrapped = answer(model, _region(rng, 4, 6))
    x = rand(rng, 2, 3, 8, 12)
    return {
        "the gradient's map": gradient(wrapped, x, [3, 0]),
        "Grad-CAM's map": grad_cam(wrapped, x, 1, saliency_layer="model.features.block"),
    }


HINTS = [
    "Two things to do: keep `model` and `region` in `__init__`, and in `forward` make one number "
    "for each image and class out of the network's logits, which have the shape (N, classes, H, "
    "W).",
    "`super().__init__()` comes first in `__init__`. What you then keep as `self.model` is found "
    "by methods that look for layers by name.",
    "The region is (H, W) and the logits are (N, classes, H, W): their product has the logits' "
    "shape, with zeros outside of the region. It works for booleans, too.",
    "A mean over the region: add up over the last two dimensions, `.sum((2, 3))`, and divide by "
    "what the region adds up to, `self.region.sum()`.",
]

mistake = Mistakes()


def _with(forward: Callable[[Any, Tensor], Tensor]) -> type[RegionScore]:
    """A region's score with another `forward`."""
    return type("RegionScore", (RegionScore,), {"forward": forward})


def _sum(self, x):
    return (self.model(x) * self.region).sum((2, 3))


mistake(
    "You add the logits up. Then a large object has a larger score than a small one of which the "
    "network is as sure: divide by `region.sum()`."
)(_with(_sum))


def _mean_of_all(self, x):
    return (self.model(x) * self.region).mean((2, 3))


mistake(
    "You divide by the number of all pixels. The mean over the region divides by what the region "
    "adds up to, `region.sum()`."
)(_with(_mean_of_all))


def _everywhere(self, x):
    return self.model(x).mean((2, 3))


mistake("The region has no say: this is the mean over all pixels.")(_with(_everywhere))


def _image_masked(self, x):
    region = nn.functional.interpolate(self.region[None, None].to(x), x.shape[2:])
    return self.model(x * region).mean((2, 3))


mistake(
    "You cover the *image* outside of the region. That is another picture; the network should see "
    "this one whole. The region chooses among the outputs."
)(_with(_image_masked))


def _largest(self, x):
    return self.model(x).masked_fill(self.region == 0, -torch.inf).amax((2, 3))


mistake("You take the region's largest logit. All its pixels have a say: take the mean.")(
    _with(_largest)
)


def _probabilities(self, x):
    return (self.model(x).sigmoid() * self.region).sum((2, 3)) / self.region.sum()


mistake(
    "You average probabilities. Where the network is sure, the sigmoid is flat and the gradient "
    "nearly 0: average the logits."
)(_with(_probabilities))


def _without_gradient(self, x):
    with torch.no_grad():
        return RegionScore.forward(self, x)


mistake(
    "Your scores have no gradient. Methods need one to go back to the image: leave out "
    "`torch.no_grad()` and `detach()`."
)(_with(_without_gradient))


def _over_images(self, x):
    return RegionScore.forward(self, x).mean(0, keepdim=True)


mistake("You average over the images as well. Each has scores of its own: (N, classes).")(
    _with(_over_images)
)


def _pixels(self, x):
    return (self.model(x) * self.region).sum((2, 3)) / (self.region > 0).sum()


mistake(
    "You divide by the number of pixels in the region. At soft edges a pixel counts only in part: "
    "divide by what the region adds up to, `region.sum()`."
)(_with(_pixels))


def _hard(self, x):
    region = (self.region > 0).to(x)
    return (self.model(x) * region).sum((2, 3)) / region.sum()


mistake(
    "Every pixel of the region counts alike with you. Where its edges are soft, a pixel counts as "
    "much as the region says: multiply by the region itself."
)(_with(_hard))


def _outside(self, x):
    outside = 1 - self.region.to(x)
    return (self.model(x) * outside).sum((2, 3)) / outside.sum()


mistake("This is the mean outside of the region.")(_with(_outside))


@mistake(
    "Methods look for the network's layers by name and find none in your `RegionScore`. Keep the "
    "network itself as `self.model`."
)
class _Hidden(RegionScore):
    def __init__(self, model, region):
        super().__init__(None, region)
        self.run = [model]

    def forward(self, x):
        return (self.run[0](x) * self.region).sum((2, 3)) / self.region.sum()


EXERCISE = Exercise(
    name="region_score",
    lesson=LESSON.id,
    points=2,
    answer="RegionScore",
    reference=RegionScore,
    probe=probe_region_score,
    mistakes=mistake,
    hints=HINTS,
    then=probe_in_a_method,
)
