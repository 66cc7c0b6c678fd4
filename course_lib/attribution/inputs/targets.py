"""Say which of the network's outputs is to be explained."""

from __future__ import annotations

from numbers import Integral
from typing import Any

import torch

from .checks import shape_text

Target = int | list[int] | list[list[int]] | torch.Tensor


def parse_target(target: Any, output: torch.Tensor) -> torch.Tensor:
    """Turn any form of target into one tensor.

    Args:
        target: one of

            - an int: this class, for every image;
            - a list, array or 1-D integer tensor of N: one class per image;
            - the same of any length K for a single image: K classes of that image;
            - a nested list or N x K integer tensor: K classes per image;
            - an integer tensor of zeros and ones of the output's shape, for more than two classes:
              the gradient, such as the labels of an image with several;
            - a floating tensor of the output's shape: the gradient at the output itself
              (N x C is spread over the positions of an N x C x H x W output).
        output: the network's scores, N x C or N x C x H x W.

    Returns:
        Class indices, a long tensor of shape N x K on the output's device; for a gradient, the
        gradient, of the shape, dtype and device of the output.

    Raises:
        ValueError: classes out of range, a wrong number of them, a gradient of the wrong shape.
        TypeError: something that is none of the above.

    >>> parse_target(3, torch.zeros(2, 5)).tolist()
    [[3], [3]]
    >>> parse_target([3, 1, 0], torch.zeros(1, 5)).tolist()
    [[3, 1, 0]]
    >>> parse_target(9, torch.zeros(1, 5))
    Traceback (most recent call last):
    ...
    ValueError: The target 9 is out of range: the network has 5 classes, 0 to 4.
    """
    images, classes = output.shape[:2]
    if isinstance(target, bool):
        raise TypeError("The target must be a class index, not a bool.")
    if isinstance(target, Integral):
        index = int(target)
        if not 0 <= index < classes:
            raise _out_of_range(index, classes)
        return torch.full((images, 1), index, device=output.device)
    try:
        given = target if isinstance(target, torch.Tensor) else torch.tensor(target, device="cpu")
    except (TypeError, ValueError, RuntimeError):
        raise TypeError(
            "The target must be an int, a list of ints, an integer tensor or a gradient tensor, "
            f"not {target!r}."
        ) from None
    if given.numel() == 0:
        raise ValueError(
            f"There must be one target per image at least, but there is none: {target!r}."
        )
    if given.is_floating_point() and given.dim():
        return _gradient(given, output)
    if given.is_floating_point() or given.is_complex() or given.dtype == torch.bool:
        raise TypeError(f"The target must hold class indices, not {target!r}.")
    if _holds_labels(given, output):
        return _gradient(given, output)
    given = given.to(device=output.device, dtype=torch.long)
    if given.dim() == 0:
        given = given.expand(images)
    if given.dim() == 1:
        indices = given[None] if images == 1 else given[:, None]
    else:
        indices = given
    if indices.dim() != 2 or indices.shape[0] != images or indices.shape[1] == 0:
        raise ValueError(
            f"There must be one target per image, or one row of targets per image: the input has "
            f"{images} image{'s' * (images != 1)}, the targets have shape "
            f"{shape_text(given)}."
        )
    check_classes(indices, classes)
    return indices


def _holds_labels(given: torch.Tensor, output: torch.Tensor) -> bool:
    """Whether an integer tensor says of each class if an image has it: no list of classes does."""
    binary = given.shape == output.shape and output.shape[1] > 2
    return binary and bool(((given == 0) | (given == 1)).all())


def check_classes(indices: torch.Tensor, classes: int) -> None:
    """ValueError unless all class indices are from 0 to classes - 1."""
    outside = indices[(indices < 0) | (indices >= classes)]
    if len(outside):
        raise _out_of_range(int(outside[0]), classes)


def _out_of_range(target: int, classes: int) -> ValueError:
    return ValueError(
        f"The target {target} is out of range: the network has {classes} classes, "
        f"0 to {classes - 1}."
    )


def _gradient(given: torch.Tensor, output: torch.Tensor) -> torch.Tensor:
    if output.dim() == 4 and given.shape == output.shape[:2]:
        given = given[:, :, None, None].expand_as(output)
    if given.shape != output.shape:
        raise ValueError(
            f"A gradient as the target must have the shape of the scores, "
            f"{shape_text(output)}, but has {shape_text(given)}."
        )
    if not bool(torch.isfinite(given).all()):
        raise ValueError("A gradient as the target must be finite.")
    return given.detach().to(device=output.device, dtype=output.dtype)


def one_hot(indices: torch.Tensor, output: torch.Tensor) -> torch.Tensor:
    """The gradient of the chosen scores: 1 at class indices[n] of image n, 0 elsewhere.

    Args:
        indices: N class indices.
        output: N x C or N x C x H x W; in the latter case the 1 stands at every position.
    """
    places = indices.view(-1, *(1,) * (output.dim() - 1)).expand(-1, 1, *output.shape[2:])
    return torch.zeros_like(output, requires_grad=False).scatter_(1, places, 1)


def get_backward_gradient(pred_y: torch.Tensor, y: Any) -> torch.Tensor:
    """The gradient to start the backward pass from, so that it explains the target y.

    Args:
        pred_y: the network's scores, N x C or N x C x H x W.
        y: an int, one class index per image (list or 1-D tensor), or a gradient already.

    Returns:
        A tensor like pred_y: 1 at the target of each image (at every position of a spatial
        output), 0 elsewhere.

    Raises:
        ValueError: pred_y has another number of dimensions, or y does not fit it.

    >>> get_backward_gradient(torch.zeros(2, 3), [2, 0]).tolist()
    [[0.0, 0.0, 1.0], [1.0, 0.0, 0.0]]
    """
    if pred_y.dim() not in (2, 4):
        raise ValueError(
            "The network's scores must have shape N x C or N x C x H x W, not "
            f"{shape_text(pred_y)}."
        )
    parsed = parse_target(y, pred_y)
    if parsed.is_floating_point():
        return parsed
    if parsed.shape[1] != 1:
        raise ValueError(
            f"There must be one target per image, but there are {parsed.shape[1]} for one image."
        )
    return one_hot(parsed[:, 0], pred_y)


def get_pointing_gradient(pred_y: torch.Tensor, y: Any, normalize: bool = True) -> torch.Tensor:
    """The gradient for a network with spatial outputs: each position counts by its own score.

    g[n, y, u] = exp(pred_y[n, y, u]), divided by its sum over u if `normalize`. Used for the
    pointing game on fully convolutional networks (Zhang et al., "Top-down neural attention by
    excitation backprop", IJCV 2018).

    Args:
        pred_y: N x C x H x W scores, or N x C, which are scores at a single position.
        y: an int, or one class index per image.
        normalize: make each image's gradient sum to 1.

    Raises:
        ValueError: pred_y has another number of dimensions, or y does not fit it.

    >>> get_pointing_gradient(torch.zeros(1, 2, 1, 4), 1)[0, 1].tolist()
    [[0.25, 0.25, 0.25, 0.25]]
    """
    chosen = get_backward_gradient(pred_y, y)
    scores = pred_y.detach()
    if normalize:
        weights = scores.reshape(*scores.shape[:2], -1).softmax(2).view_as(scores)
    else:
        weights = scores.exp()
    return chosen * weights
