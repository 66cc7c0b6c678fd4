"""One backward pass from the scores to an image or a layer, made into a map."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import torch
from torch import nn

from .inputs import targets
from .inputs.checks import (
    check_finite,
    check_image,
    check_model,
    check_scores,
    plain_errors,
    refuse_compiled,
    refuse_scripted,
    shape_text,
    smoothing,
)
from .inputs.targets import Target, one_hot, parse_target
from .maps.grids import ends_with_channels, token_grid
from .maps.imaging import imsmooth, resize_saliency
from .network.fast import FastForward
from .network.layers import get_module, layer_name
from .network.preserved import is_other_thread, preserved, random_states, restore_random_states
from .network.probe import Probe, attach_debug_probes
from .rules.graph import now
from .rules.graph_rules import GraphRule
from .rules.relu import NullContext

# How many classes share one batched backward pass: enough to read the weights only once, few
# enough that their gradients at a layer fit in memory.
_TARGETS_AT_ONCE = 32


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
    get_backward_gradient: Callable[[torch.Tensor, Any], torch.Tensor] = (
        targets.get_backward_gradient
    ),
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
            "" for the input. It must run exactly once. The output N x L x D of a transformer
            layer is put on its grid of patches, N x D x h x w, without the class token; the
            output N x h x w x C of a layer as Swin transformers have it is read as N x C x h x w
            (see `ends_with_channels`).
        resize: True for maps as large as the input, (width, height) for another size.
        resize_mode: see `resize_saliency`.
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
            one that does not run exactly once, or one the scores do not depend on; a target out
            of range; scores that are not finite; a compiled or scripted model with another
            context than `NullContext`, or a scripted one's layer; parameters made in inference
            mode; a dtype that is not the network's; gradient checkpoints on the way; resize or
            smooth out of range.
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
    check_model(model)
    check_image(input)
    spread = smoothing(smooth)
    layer = get_module(model, saliency_layer) if saliency_layer != "" else None
    where = "the input" if layer is None else f"layer {layer_name(model, saliency_layer)!r}"
    if layer is not None:
        refuse_scripted(layer, where)
    plain = context_builder is NullContext
    if not plain:
        refuse_compiled(model, getattr(context_builder, "__name__", "This context"))
    probes: dict[str, Probe] = {}

    def backward(y: torch.Tensor, x: torch.Tensor, batched: bool) -> list[torch.Tensor]:
        if get_backward_gradient is targets.get_backward_gradient:
            starts = _starts(target, y)
        else:
            starts = [get_backward_gradient(y, target)]
        gradients = _gradients(y, x, starts, where, batched, keep=debug)
        if debug:
            _fill_gradients(y, starts[0], probes)
        return gradients

    def explained(layout: torch.memory_format) -> tuple[torch.Tensor, list[torch.Tensor]]:
        rule = context_builder if isinstance(context_builder, GraphRule) else None
        since = now() if rule else 0
        # Probes would see the network run twice where the graph does not suit.
        if rule and not debug and rule.may_suit(model):
            random = random_states((input,))
            x, y = _forward(model, input, layer, where, layout, needs_input=False)
            if rule.give_to(y, since, model):
                return x, backward(y, x, batched=True)
            restore_random_states(random)
        with context_builder() as context:
            x, y = _forward(model, input, layer, where, layout, needs_input=debug)
            if rule:
                rule.complete(context, y, since)
            return x, backward(y, x, batched=plain)

    with ExitStack() as stack:
        stack.enter_context(torch.inference_mode(False))
        stack.enter_context(torch.enable_grad())
        stack.enter_context(preserved(model, input))
        with plain_errors():
            if debug:
                probes |= attach_debug_probes(model, debug=True)
                for probe in probes.values():
                    stack.enter_context(probe)
                x, gradients = explained(torch.contiguous_format)
            else:
                x, gradients = FastForward(model).attempt(explained, input)
        # Under the caller's autocast the maps would be made in half precision.
        with torch.no_grad(), torch.autocast(input.device.type, enabled=False):
            maps = [
                _to_map(x, gradient, layer, input, where, gradient_to_saliency)
                for gradient in gradients
            ]
            result = _arrange(maps, target)
            result = resize_saliency(input, result, resize, mode=resize_mode)
            if spread:
                if result.dim() != 4:
                    raise ValueError(
                        f"Only maps of shape N x 1 x H x W can be smoothed, and those of "
                        f"{where} are {shape_text(result)}."
                    )
                result = imsmooth(result, spread * max(result.shape[2:]), padding_mode="replicate")
    result = check_finite(result.detach(), "The map")
    return (result, probes) if debug else result


class _OwnProbe(Probe):
    """A probe of the runs of its own thread: another may explain the same network meanwhile."""

    def __init__(self, module: nn.Module) -> None:
        self._thread = threading.get_ident()
        super().__init__(module, target="output")

    def _on_output(self, output: Any) -> Any:
        return output if is_other_thread(self._thread) else super()._on_output(output)


def _forward(
    model: nn.Module,
    input: torch.Tensor,
    layer: nn.Module | None,
    where: str,
    layout: torch.memory_format,
    needs_input: bool,
) -> tuple[torch.Tensor, torch.Tensor]:
    """The tensor to explain by, and the scores."""
    x = (input.clone() if input.is_inference() else input).detach()
    if layer is None:
        x.requires_grad_()
        # The model gets a copy, so that one which works on its input in place is fine too.
        y = model(x.clone(memory_format=layout))
    else:
        if needs_input:
            x.requires_grad_()
        with _OwnProbe(layer) as probe:
            y = model(x.clone(memory_format=layout))
        it = where[0].upper() + where[1:]
        if probe.calls != 1:
            times = "never runs" if not probe.calls else f"runs {probe.calls} times"
            raise ValueError(f"{it} {times} in one forward pass: choose one that runs once.")
        if not probe.data:
            raise ValueError(f"{it} gives no floating tensor to explain by.")
        x = probe.data[0]
        if x.dim() < 2 or x.shape[0] != len(input):
            raise ValueError(
                f"The output of {where} must have shape N x C x ... with N = {len(input)}, "
                f"not {shape_text(x)}."
            )
    return x, check_scores(y, len(input))


def _starts(target: Target, y: torch.Tensor) -> list[torch.Tensor]:
    parsed = parse_target(target, y)
    if parsed.is_floating_point():
        return [parsed]
    return [one_hot(indices, y) for indices in parsed.unbind(1)]


def _gradients(
    y: torch.Tensor,
    x: torch.Tensor,
    starts: list[torch.Tensor],
    where: str,
    batched: bool,
    keep: bool,
) -> list[torch.Tensor]:
    """dy/dx for each of the gradients to start from."""
    if any(not isinstance(s, torch.Tensor) or s.shape != y.shape for s in starts):
        raise ValueError(
            f"The gradient to start from must have the shape of the network's output, "
            f"{shape_text(y)}."
        )
    independent = ValueError(f"The network's scores have no gradient with respect to {where}.")
    if not y.requires_grad:
        raise independent
    if batched and len(starts) > 1:
        try:
            found = _batched_gradients(y, x, starts)
        except RuntimeError:
            # Not every operation has a batched backward pass.
            found = None
        if found is not None:
            return found
    gradients = []
    for i, start in enumerate(starts):
        more = keep or i < len(starts) - 1
        (gradient,) = torch.autograd.grad(y, x, start, retain_graph=more, allow_unused=True)
        if gradient is None:
            raise independent
        gradients.append(gradient)
    return gradients


def _batched_gradients(
    y: torch.Tensor, x: torch.Tensor, starts: list[torch.Tensor]
) -> list[torch.Tensor] | None:
    gradients: list[torch.Tensor] = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for i in range(0, len(starts), _TARGETS_AT_ONCE):
            (found,) = torch.autograd.grad(
                y,
                x,
                torch.stack(starts[i : i + _TARGETS_AT_ONCE]),
                retain_graph=True,
                allow_unused=True,
                is_grads_batched=True,
            )
            if found is None:
                return None
            gradients.extend(found.unbind())
    return gradients


def _fill_gradients(y: torch.Tensor, start: torch.Tensor, probes: dict[str, Probe]) -> None:
    data = [x for probe in probes.values() for x in probe.data if x.requires_grad]
    for x, gradient in zip(
        data, torch.autograd.grad(y, data, start, allow_unused=True), strict=True
    ):
        x.grad = gradient


def _to_map(
    x: torch.Tensor,
    gradient: torch.Tensor,
    layer: nn.Module | None,
    input: torch.Tensor,
    where: str,
    gradient_to_saliency: Callable[[torch.Tensor], torch.Tensor],
) -> torch.Tensor:
    data = x.detach()
    if data.dim() == 3:
        elsewhere = (gradient != 0).flatten(1).any(1)
        data = token_grid(data, input, where)
        gradient = token_grid(gradient, input, where)
        unread = (gradient == 0).flatten(1).all(1)
        if bool((unread & elsewhere).any()):
            raise ValueError(
                f"The gradient at {where} is zero at every patch: the network reads only its "
                f"class token from there on; choose an earlier layer."
            )
    if layer is not None and ends_with_channels(layer, data):
        data, gradient = data.movedim(-1, 1), gradient.movedim(-1, 1)
    # Not in the layout that the network ran in: a function may flatten them by `view`.
    data = data.contiguous().view_as(data).requires_grad_()
    data.grad = gradient.contiguous()
    return gradient_to_saliency(data).detach()


def _arrange(maps: list[torch.Tensor], target: Any) -> torch.Tensor:
    """N x 1 maps of each target: K x 1 for a flat list of one image, N x K for nested targets."""
    if len(maps) == 1:
        return maps[0]
    nested = torch.as_tensor(target).dim() == 2
    return torch.cat(maps, dim=1 if nested else 0)
