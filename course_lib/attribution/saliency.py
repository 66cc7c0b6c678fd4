"""Three steps from a network to a map: observe one forward pass, take gradients, finish the map.

    with explaining(model, input):
        seen = observe(model, input, "features.9")
        found = gradients(seen, starts(target, seen.scores))
    maps = finish(found..., input, target)

`saliency` is the three of them for TorchRay's users, `layer_gradients` the first two for methods
that make their maps in another way.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from .inputs.checks import (
    check_finite,
    check_image,
    check_model,
    check_scores,
    finite_number,
    refuse_compiled,
    refuse_scripted,
    shape_text,
)
from .inputs.notices import warn
from .inputs.targets import Target, get_backward_gradient, one_hot, parse_target
from .maps.grids import channels_second
from .maps.imaging import imsmooth, resize_saliency
from .network.fast import run_fast
from .network.layers import get_module, layer_name
from .network.preserved import explaining
from .network.probe import OwnProbe, Probe, attach_debug_probes
from .rules.relu import NullContext

# How many classes share one batched backward pass: enough to read the weights only once, few
# enough that their gradients at a layer fit in memory.
_TARGETS_AT_ONCE = 32


@dataclass(frozen=True)
class Observed:
    """What one forward pass showed.

    Attributes:
        x: the tensor to explain by, in autograd's graph: the input or a layer's output.
        scores: N x C or N x C x H x W, depending on x.
        where: what to call x in messages.
    """

    x: torch.Tensor
    scores: torch.Tensor
    where: str


def observe(
    model: nn.Module, input: torch.Tensor, saliency_layer: str | nn.Module = ""
) -> Observed:
    """Run the network once, in the caller's contexts, and see the input or a layer's output.

    Step 1. Belongs into `explaining(model, input)`.

    Args:
        model: the network.
        input: N x C x H x W; the network gets a copy, and may work on it in place.
        saliency_layer: the name of a layer, or the layer; "" for the input. The latest run of a
            layer that runs several times counts.

    Raises:
        ValueError: there is no such layer, it never runs, or gives no floating tensor with a row
            per image; the scores are not finite, or of another shape.

    Warns:
        UserWarning: the layer runs several times.
    """
    x = (input.clone() if input.is_inference() else input).detach()
    if saliency_layer == "":
        x.requires_grad_()
        y = run_fast(model, x.clone())
        return Observed(x, check_scores(y, len(input)), "the input")
    layer = get_module(model, saliency_layer)
    where = f"layer {layer_name(model, saliency_layer)!r}"
    refuse_scripted(layer, where)
    with OwnProbe(layer) as probe:

        def run(images: torch.Tensor) -> Any:
            probe.clear()
            return model(images)

        y = run_fast(model, x.clone(), run)
    it = where[0].upper() + where[1:]
    if not probe.calls:
        raise ValueError(f"{it} never runs in a forward pass: choose another one.")
    if probe.calls > 1:
        warn(f"{it} runs {probe.calls} times in one forward pass: the last time is explained.")
    if not probe.data:
        raise ValueError(f"{it} gives no floating tensor to explain by.")
    (x, *_) = probe.data
    if x.dim() < 2 or x.shape[0] != len(input):
        raise ValueError(
            f"The output of {where} must have shape N x C x ... with N = {len(input)}, "
            f"not {shape_text(x)}."
        )
    return Observed(x, check_scores(y, len(input)), where)


def starts(
    target: Target, scores: torch.Tensor, rows: torch.Tensor | None = None
) -> list[torch.Tensor]:
    """The gradients that a backward pass starts from, one for each target.

    Args:
        target: see `parse_target`; as many images as there are, or as `rows` speaks of.
        scores: R x C or R x C x H x W.
        rows: for each row of the scores, the number of its image, where a method shows the
            network several versions of each image; None if the rows are the images.

    >>> [s.tolist() for s in starts([[2, 0]], torch.zeros(1, 3))]
    [[[0.0, 0.0, 1.0]], [[1.0, 0.0, 0.0]]]
    """
    if rows is None:
        rows = torch.arange(len(scores), device=scores.device)
    parsed = parse_target(target, scores.new_empty(int(rows.max()) + 1, *scores.shape[1:]))[rows]
    if parsed.is_floating_point():
        return [parsed]
    return [one_hot(indices, scores) for indices in parsed.unbind(1)]


def starts_by(
    get_backward_gradient: Callable[[torch.Tensor, Any], torch.Tensor],
    target: Target,
    scores: torch.Tensor,
) -> list[torch.Tensor]:
    """`starts`, or the one gradient that a caller's own function makes of (scores, target).

    Raises:
        ValueError: the caller's gradient has another shape than the scores.
    """
    if get_backward_gradient is _of_target:
        return starts(target, scores)
    start = get_backward_gradient(scores, target)
    if not isinstance(start, torch.Tensor) or start.shape != scores.shape:
        raise ValueError(
            f"The gradient to start from must have the shape of the network's output, "
            f"{shape_text(scores)}."
        )
    return [start]


def gradients(seen: Observed, starts: Sequence[torch.Tensor]) -> list[torch.Tensor]:
    """The gradient at the tensor that was seen, for each of the gradients to start from.

    Step 2. Several share one batched backward pass where the network's operations have one. The
    graph is kept.

    Raises:
        ValueError: the scores don't depend on the tensor.
    """
    y = seen.scores
    independent = ValueError(f"The network's scores have no gradient with respect to {seen.where}.")
    if not y.requires_grad:
        raise independent
    found = None
    if len(starts) > 1:
        # Not every operation has a batched backward pass.
        with suppress(RuntimeError):
            found = _batched_gradients(seen, starts)
    if found is None:
        found = [
            torch.autograd.grad(y, seen.x, start, retain_graph=True, allow_unused=True)[0]
            for start in starts
        ]
    if any(gradient is None for gradient in found):
        raise independent
    return found


def _batched_gradients(seen: Observed, starts: Sequence[torch.Tensor]) -> list[torch.Tensor] | None:
    found: list[torch.Tensor] = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for i in range(0, len(starts), _TARGETS_AT_ONCE):
            (several,) = torch.autograd.grad(
                seen.scores,
                seen.x,
                torch.stack(list(starts[i : i + _TARGETS_AT_ONCE])),
                retain_graph=True,
                allow_unused=True,
                is_grads_batched=True,
            )
            if several is None:
                return None
            found.extend(several.unbind())
    return found


def layer_gradients(
    model: nn.Module,
    input: torch.Tensor,
    target: Target,
    saliency_layer: str | nn.Module = "",
    context_builder: Callable[[], Any] = NullContext,
) -> tuple[torch.Tensor, torch.Tensor]:
    """What a layer computes, and the gradient of the target there: steps 1 and 2.

    Args:
        model, input, target, saliency_layer, context_builder: see `saliency`.

    Returns:
        Activations, N x C x h x w, and gradients for each of K targets per image, K x N x C x h x w
        (N x C and K x N x C at a layer without positions), both detached. The model, its
        parameters, the input and the random state are as before, also after an exception.

    Raises:
        ValueError, TypeError: as `saliency`.

    >>> net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    >>> x, g = layer_gradients(net, torch.rand(2, 3, 8, 8), [[0, 1, 2], [3, 2, 1]], "1")
    >>> x.shape, g.shape
    (torch.Size([2, 4, 6, 6]), torch.Size([3, 2, 4, 6, 6]))
    """
    _check(model, input, context_builder)
    with explaining(model, input):
        with context_builder():
            seen = observe(model, input, saliency_layer)
            found = gradients(seen, starts(target, seen.scores))
        return arranged(seen, found, model, input, saliency_layer)


def finish(
    maps: torch.Tensor,
    input: torch.Tensor,
    target: Any,
    resize: bool | tuple[int, int] = False,
    resize_mode: str = "bilinear",
    smooth: float = 0,
) -> torch.Tensor:
    """Arrange, resize, smooth and check maps.

    Step 3.

    Args:
        maps: K x N x 1 x h x w, for K targets of N images.
        input: the images, N x C x H x W.
        target: as it was asked for; says how the maps of several targets are arranged.
        resize, resize_mode, smooth: see `saliency`.

    Returns:
        N x 1 x h x w for one target per image; K x 1 x h x w for a list of K targets of one image;
        N x K x h x w for N rows of K targets. Detached.

    Raises:
        ValueError: the maps are not finite, or have no positions and are to be resized or smoothed.

    >>> maps = torch.zeros(3, 1, 1, 4, 4)
    >>> finish(maps, torch.zeros(1, 3, 8, 8), [0, 1, 2], resize=True).shape
    torch.Size([3, 1, 8, 8])
    """
    spread = finite_number("smooth", smooth)
    # Under the caller's autocast they would be made in half precision.
    with torch.no_grad(), torch.autocast(input.device.type, enabled=False):
        if len(maps) == 1:
            result = maps[0]
        else:
            nested = torch.as_tensor(target).dim() == 2
            result = torch.cat(list(maps), dim=1 if nested else 0)
        result = resize_saliency(input, result, resize, mode=resize_mode)
        if spread:
            if result.dim() != 4:
                raise ValueError(
                    f"Only maps of shape N x 1 x H x W can be smoothed, and these are "
                    f"{shape_text(result)}."
                )
            result = imsmooth(result, spread * max(result.shape[2:]), padding_mode="replicate")
    return check_finite(result.detach(), "The map")


def gradient_to_saliency(x: torch.Tensor) -> torch.Tensor:
    """s = max_c |dphi/dx_c|: the largest absolute gradient among the channels.

    Args:
        x: N x C x H x W, with its gradient in `x.grad`.

    Returns:
        N x 1 x H x W, detached.

    Raises:
        ValueError: x has no gradient.

    >>> x = torch.tensor([[[[1.0]], [[2.0]]]], requires_grad=True)
    >>> (x * torch.tensor([3.0, -5.0]).view(1, 2, 1, 1)).sum().backward()
    >>> gradient_to_saliency(x).tolist()
    [[[[5.0]]]]
    """
    return gradient_of(x).abs().amax(dim=1, keepdim=True)


def gradient_of(x: torch.Tensor) -> torch.Tensor:
    """`x.grad`, detached; ValueError when there is none."""
    if not isinstance(x, torch.Tensor):
        raise TypeError(f"A tensor with its gradient is needed, not {type(x).__name__}.")
    if x.grad is None:
        raise ValueError("The tensor has no gradient yet: run y.backward(gradient) first.")
    return x.grad.detach()


def saliency(
    model: nn.Module,
    input: torch.Tensor,
    target: Target,
    saliency_layer: str | nn.Module = "",
    resize: bool | tuple[int, int] = False,
    resize_mode: str = "bilinear",
    smooth: float = 0,
    context_builder: Callable[[], Any] = NullContext,
    gradient_to_saliency: Callable[[torch.Tensor], torch.Tensor] = gradient_to_saliency,
    get_backward_gradient: Callable[[torch.Tensor, Any], torch.Tensor] = get_backward_gradient,
    debug: bool = False,
) -> Any:
    """Explain a network's scores by one backward pass.

    The network runs forward once, in eval mode, inside `context_builder()`; the gradient of the
    target goes back to the input, or to the output of `saliency_layer`; there
    `gradient_to_saliency` makes it into a map, which is resized and smoothed.

    Args:
        model: maps N x C x H x W images to N x K scores, or N x K x H' x W' scores (then the
            target's scores at all positions are added up).
        input: N x C x H x W, any floating dtype, on the model's device.
        target: what to explain; see `targets.parse_target`. An int for all images; a list or
            1-D tensor with one class per image; a floating tensor like the scores as the
            gradient to start from. **Several classes of the same images** share one forward
            pass: a list of K classes for a single image gives K maps, K x 1 x H x W, as K calls
            would; a nested list or N x K tensor gives N x K x H x W.
        saliency_layer: name of the layer (or the layer itself) whose output is explained;
            "" for the input. Where it runs several times, its latest run is. Outputs with the
            channels at the end, as in transformers, are turned and put on a grid
            (`grids.channels_second`).
        resize: True for maps as large as the input, (width, height) for another size.
        resize_mode: nearest, nearest-exact, bilinear, bicubic or area.
        smooth: blur by a Gaussian whose standard deviation is this share of the longer side of
            the map (after resizing); outside, the map goes on with the values at its border.
        context_builder: makes the context of the forward and backward pass.
        gradient_to_saliency: from a tensor with `.grad` to its map.
        get_backward_gradient: from (scores, target) to the gradient to start from.
        debug: also return the probes of `attach_debug_probes`, with gradients (of the first
            target if there are several).

    Returns:
        N x 1 x H x W maps, detached, in the dtype of the probed tensor; (maps, probes) if debug.
        The model, its parameters, the input and the random state are as before, also after an
        exception; no `.grad` is touched. A layer that gives N x C has N x 1 maps, which can be
        neither resized nor smoothed.

    Raises:
        ValueError: an image of the wrong shape or dtype, empty or not finite; an unknown layer,
            one that does not run, or one the scores do not depend on; a target out of range;
            scores that are not finite; a compiled or scripted model with another context than
            `NullContext`, or a scripted one's layer; resize or smooth out of range.
        TypeError: the model is not an `nn.Module`, the input not a tensor, the target none of
            what `targets.parse_target` takes.

    Paper: K. Simonyan, A. Vedaldi, A. Zisserman, "Deep inside convolutional networks: visualising
    image classification models and saliency maps", ICLR workshop 2014.

    >>> net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    >>> x = torch.rand(2, 3, 8, 8)
    >>> saliency(net, x, 3).shape, saliency(net, x, [0, 1], saliency_layer="1").shape
    (torch.Size([2, 1, 8, 8]), torch.Size([2, 1, 6, 6]))
    >>> saliency(net, x[:1], [0, 1, 2]).shape
    torch.Size([3, 1, 8, 8])
    """
    _check(model, input, context_builder)
    finite_number("smooth", smooth)
    probes: dict[str, Probe] = {}
    with ExitStack() as stack:
        stack.enter_context(explaining(model, input))
        if debug:
            probes |= attach_debug_probes(model, debug=True)
            for probe in probes.values():
                stack.enter_context(probe)
        with context_builder():
            seen = observe(model, input, saliency_layer)
            begin = starts_by(get_backward_gradient, target, seen.scores)
            found = gradients(seen, begin)
            if debug:
                _fill_gradients(seen.scores, begin[0], probes)
        x, each = arranged(seen, found, model, input, saliency_layer)
        with torch.no_grad(), torch.autocast(input.device.type, enabled=False):
            maps = [gradient_to_saliency(with_gradient(x, g)).detach() for g in each]
    result = finish(torch.stack(maps), input, target, resize, resize_mode, smooth)
    return (result, probes) if debug else result


# `saliency` and `starts_by` have an argument of this name.
_of_target = get_backward_gradient


def _check(model: nn.Module, input: torch.Tensor, context_builder: Callable[[], Any]) -> None:
    check_model(model)
    check_image(input)
    if context_builder is not NullContext:
        refuse_compiled(model, getattr(context_builder, "__name__", "This context"))


def arranged(
    seen: Observed,
    found: Sequence[torch.Tensor],
    model: nn.Module,
    input: torch.Tensor,
    saliency_layer: str | nn.Module,
) -> tuple[torch.Tensor, torch.Tensor]:
    """The tensor that was seen, N x C x ..., and its gradients, K x N x C x ..., both detached."""
    x, each = seen.x.detach(), list(found)
    if saliency_layer != "":
        layer = get_module(model, saliency_layer)
        turn = channels_second(x, layer, model, input, seen.where)
        x, *each = [turn(t) for t in (x, *found)]
        for g, turned in zip(found, each, strict=True):
            unread = (turned == 0).flatten(1).all(1)
            if turned is not g and bool((unread & (g != 0).flatten(1).any(1)).any()):
                raise ValueError(
                    f"The gradient at {seen.where} is zero at every patch: the network reads only "
                    f"its class token from there on; choose an earlier layer."
                )
    # Not in the layout that the network ran in: a function may flatten them by `view`.
    return x.contiguous(), torch.stack([g.contiguous() for g in each])


def with_gradient(x: torch.Tensor, gradient: torch.Tensor) -> torch.Tensor:
    x = x.view_as(x).requires_grad_()
    x.grad = gradient
    return x


def _fill_gradients(y: torch.Tensor, start: torch.Tensor, probes: dict[str, Probe]) -> None:
    data = [x for probe in probes.values() for x in probe.data if x.requires_grad]
    found = torch.autograd.grad(y, data, start, allow_unused=True)
    for x, gradient in zip(data, found, strict=True):
        x.grad = gradient
