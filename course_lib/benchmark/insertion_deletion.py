r"""Insertion and deletion: how fast does the score change when pixels come or go by relevance?

Deletion takes the k most relevant pixels out of the image, insertion puts them into a blurred one;
both ask the network for the class's probability p(k/n) on the way, and the number is the area under
that curve, by the trapezium rule. A good map has a low deletion and a high insertion. (V. Petsiuk,
A. Das, K. Saenko: RISE: Randomized Input Sampling for Explanation of Black-box Models. BMVC 2018.)

No truth is needed, and that is the weakness: the images on the way are like none that the network
has seen, and what it says of them is not only about the map.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from course_lib.attribution.inputs.checks import check_image, whole_number
from course_lib.attribution.inputs.targets import parse_target
from course_lib.attribution.maps.imaging import imsmooth, resize_saliency
from course_lib.attribution.network.fast import pieces
from course_lib.attribution.network.preserved import preserved

from .maps import check_maps
from .protocols import protocol

STEPS = 32
"""Into how many equal parts the pixels are cut, unless the caller asks for another number."""

BLUR = 0.05
"""The standard deviation of insertion's blur, as a share of the shorter side: what is left of an
object then is a coloured cloud."""


def deletion_curve(
    model: Callable[[Tensor], Tensor],
    x: Tensor,
    target: Any,
    saliency: Tensor,
    *,
    steps: int = STEPS,
    rest: Tensor | float | None = None,
    activation: Callable[[Tensor], Tensor] = torch.sigmoid,
) -> Tensor:
    """The class's probability while the most relevant pixels are taken away.

    Args:
        model: the network; run in eval mode and without gradients, and as before afterwards.
        x: images, N x C x H x W.
        target: the class, or one per image.
        saliency: maps, N x 1 x h x w, resized to the images. Pixels that tie go in a random order,
            the same in every call.
        steps: in how many equal parts the pixels go.
        rest: what a pixel becomes, as the network takes it: a number, or images to broadcast; each
            image's mean colour if None. (The paper's 0 is the mean of its networks' images. To
            networks whose 0 is black, black pixels are a picture of their own: tiny_vgg loses an
            object in full view when one pixel of the background in sixteen is black.)
        activation: from scores, N x classes, to probabilities. The course's networks answer for
            each class by itself; those of one class an image need
            `lambda scores: scores.softmax(1)`.

    Returns:
        N x (steps + 1): of the whole image first, of the last pixel's going last.

    Raises:
        TypeError, ValueError: images, maps and targets are not as above, or do not fit together.

    >>> x = torch.zeros(1, 1, 1, 4) + torch.tensor([4.0, 3.0, 2.0, 1.0])
    >>> model = lambda x: x.flatten(1).sum(1, keepdim=True)
    >>> deletion_curve(model, x, 0, x, steps=4, rest=0.0, activation=lambda scores: scores)
    tensor([[10.,  6.,  3.,  1.,  0.]])
    """
    check_image(x)
    end = x.mean((2, 3), keepdim=True) if rest is None else rest
    return _curve(model, x, _like(end, x), target, saliency, steps, activation)


def insertion_curve(
    model: Callable[[Tensor], Tensor],
    x: Tensor,
    target: Any,
    saliency: Tensor,
    *,
    steps: int = STEPS,
    rest: Tensor | float | None = None,
    activation: Callable[[Tensor], Tensor] = torch.sigmoid,
) -> Tensor:
    """The class's probability while the most relevant pixels come into a blurred image.

    As `deletion_curve`, but that `rest` is what the image begins as: blurred by `BLUR` if None.

    Returns:
        N x (steps + 1): of the blurred image first, of the whole image last.

    >>> x = torch.zeros(1, 1, 1, 4) + torch.tensor([4.0, 3.0, 2.0, 1.0])
    >>> model = lambda x: x.flatten(1).sum(1, keepdim=True)
    >>> insertion_curve(model, x, 0, x, steps=2, rest=0.0, activation=lambda scores: scores)
    tensor([[ 0.,  7., 10.]])
    """
    check_image(x)
    blur = BLUR * min(x.shape[2:])
    start = imsmooth(x, blur, padding_mode="replicate") if rest is None else rest
    return _curve(model, _like(start, x), x, target, saliency, steps, activation)


def area_under(curve: Tensor) -> Tensor:
    """The area under N x K values at equal distances from 0 to 1, by the trapezium rule: N.

    >>> area_under(torch.tensor([[1.0, 0.5, 0.0]])).item()
    0.5
    """
    return torch.trapezoid(curve, dx=1 / (curve.shape[1] - 1), dim=1)


@protocol("deletion", best="low", needs_truth=False, passes=f"{STEPS + 1} forward")
def deletion(
    model: Any, x: Tensor, target: Any, saliency: Tensor, truth: Any = None, **options: Any
) -> Tensor:
    """The area under `deletion_curve`, whose options it takes; lower is better."""
    return area_under(deletion_curve(model, x, target, saliency, **options))


@protocol("insertion", needs_truth=False, passes=f"{STEPS + 1} forward")
def insertion(
    model: Any, x: Tensor, target: Any, saliency: Tensor, truth: Any = None, **options: Any
) -> Tensor:
    """The area under `insertion_curve`, whose options it takes; higher is better."""
    return area_under(insertion_curve(model, x, target, saliency, **options))


def ranks(saliency: Tensor) -> Tensor:
    """The place of each pixel of N maps in the order of relevance, N x pixels: 0 for the largest.

    Pixels that tie are ranked at random, in the same way in every call: row by row, a constant map
    would take the image away from top to bottom.

    >>> ranks(torch.tensor([[[[0.1, 0.4], [0.3, 0.2]]]])).tolist()
    [[3, 0, 1, 2]]
    """
    values = saliency.flatten(1)
    generator = torch.Generator().manual_seed(0)
    shuffled = torch.randperm(values.shape[1], generator=generator)
    order = shuffled[values[:, shuffled].argsort(dim=1, descending=True, stable=True)]
    places = torch.arange(values.shape[1]).expand_as(order)
    return torch.empty_like(order).scatter_(1, order, places)


def _like(rest: Tensor | float, x: Tensor) -> Tensor:
    return torch.as_tensor(rest, dtype=x.dtype, device=x.device).expand_as(x)


def _curve(
    model: Callable[[Tensor], Tensor],
    start: Tensor,
    end: Tensor,
    target: Any,
    saliency: Tensor,
    steps: int,
    activation: Callable[[Tensor], Tensor],
) -> Tensor:
    steps = whole_number("steps", steps)
    maps = resize_saliency(start, check_maps(saliency), True)
    if len(maps) != len(start):
        raise ValueError(f"There are {len(start)} images and {len(maps)} maps; give one map each.")
    with preserved(model), torch.inference_mode():
        targets = parse_target(target, model(start))[:, 0]
        curves = [
            _probabilities(model, _changed(first, last, places, steps), int(category), activation)
            for first, last, places, category in zip(start, end, ranks(maps), targets, strict=True)
        ]
    return torch.stack(curves).clone().cpu()


def _changed(start: Tensor, end: Tensor, places: Tensor, steps: int) -> Tensor:
    """One image, C x H x W, with 0 to all of its pixels changed: (steps + 1) x C x H x W."""
    shares = torch.arange(steps + 1, device=start.device)
    counts = (shares * places.numel() / steps).round().long()
    gone = (places.to(start.device)[None] < counts[:, None]).view(-1, 1, *start.shape[1:])
    return torch.where(gone, end, start)


def _probabilities(
    model: Callable[[Tensor], Tensor],
    images: Tensor,
    category: int,
    activation: Callable[[Tensor], Tensor],
) -> Tensor:
    parts = images.split(pieces(images))
    return torch.cat([activation(model(part))[:, category] for part in parts])
