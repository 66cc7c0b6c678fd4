"""Excitation backprop: send a score's relevance down, divided by who contributed to whom.

J. Zhang, Z. Lin, J. Brandt, X. Shen, S. Sclaroff, "Top-down neural attention by excitation
backprop", ECCV 2016, arXiv 1608.00507.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Unpack

import torch
from torch import nn

from .inputs import targets
from .inputs.checks import check_model, finite_number, refuse_compiled
from .inputs.notices import warn
from .inputs.options import SaliencyOptions
from .inputs.targets import Target
from .methods import method
from .network.layers import get_module
from .network.probe import OwnProbe, Probe
from .relevance import Down, Way, relevance_at, straight_down
from .rules.eltwise_sum import EltwiseSum, EltwiseSumFunction, eltwise_sum
from .rules.excitation import ExcitationBackpropContext
from .rules.graph import nodes_behind, only_moves
from .rules.operations import linear_sharing
from .saliency import (
    Observed,
    finish,
    gradient_of,
    starts_by,
)

__all__ = [
    "EltwiseSum",
    "EltwiseSumFunction",
    "ExcitationBackpropContext",
    "contrastive_excitation_backprop",
    "eltwise_sum",
    "excitation_backprop",
    "gradient_to_contrastive_excitation_backprop_saliency",
    "gradient_to_excitation_backprop_saliency",
    "relevance_lost",
    "update_resnet",
]

# A smaller share lost is not worth a warning; `relevance_lost` gives it all the same.
_WORTH_A_WARNING = 0.01


def gradient_to_excitation_backprop_saliency(x: torch.Tensor) -> torch.Tensor:
    """s = sum_c p_c: the relevance of all channels at a position.

    Args:
        x: N x C x H x W, with its relevance in `x.grad`.

    Returns:
        N x 1 x H x W, detached.

    Raises:
        ValueError: x has no relevance yet.

    >>> x = torch.zeros(1, 2, 1, 1, requires_grad=True)
    >>> x.grad = torch.tensor([[[[0.25]], [[0.5]]]])
    >>> gradient_to_excitation_backprop_saliency(x).item()
    0.75
    """
    return gradient_of(x).sum(dim=1, keepdim=True)


def gradient_to_contrastive_excitation_backprop_saliency(x: torch.Tensor) -> torch.Tensor:
    """s = max(0, sum_c p_c), for the relevance p left over from the contrast.

    Args:
        x: N x C x H x W, with its relevance in `x.grad`.

    Returns:
        N x 1 x H x W, detached, >= 0.

    Raises:
        ValueError: x has no relevance yet.

    >>> x = torch.zeros(1, 2, 1, 1, requires_grad=True)
    >>> x.grad = torch.tensor([[[[0.25]], [[-0.5]]]])
    >>> gradient_to_contrastive_excitation_backprop_saliency(x).item()
    0.0
    """
    return gradient_of(x).sum(dim=1, keepdim=True).clamp(min=0)


@method("Excitation backprop", needs="weighted sums of activations")
def excitation_backprop(
    model: nn.Module,
    input: torch.Tensor,
    target: Target,
    saliency_layer: str | nn.Module = "",
    *,
    residual: str = "magnitude",
    gradient_to_saliency: Callable[
        [torch.Tensor], torch.Tensor
    ] = gradient_to_excitation_backprop_saliency,
    **options: Unpack[SaliencyOptions],
) -> Any:
    """s = sum_c p_c, p the relevance at a layer: explain a score by excitation backprop.

    The target's relevance is 1, and each unit divides its own among its inputs in proportion to
    their excitation of it: p'_j = x_j sum_i W+_ij p_i / z_i with z = W+ x at linear layers and
    convolutions. `ExcitationBackpropContext` has the rules for the other operations. Relevance is
    not negative, and adds up to the target's 1 at every layer that all of it has to pass, except
    for what was lost at units that no input excites (on by a bias or a BatchNorm's shift, as at
    depthwise convolutions where their window is 0, or a score with inhibiting inputs only).

    Args:
        model: maps N x C x H x W images to N x K or N x K x H' x W' scores.
        input: N x C x H x W, any floating dtype, on the model's device.
        target: a class, one per image, several per image, or a gradient; see `parse_target`.
        saliency_layer: name of the layer, or the layer, whose output is explained; "" for the
            input. Choose one in the middle of the network.
        residual: "magnitude", "signed" or "branch"; see `ExcitationBackpropContext`.
        gradient_to_saliency: from a tensor with its relevance in `.grad` to its map.
        {options}

    Returns:
        N x 1 x H x W maps, detached; K x 1 x H x W for K targets of one image, N x K x H x W for
        N rows of them; (maps, probes) if debug. Nothing is changed. Each map has the sum of the
        gradient started from (1 for a class of N x K scores, H' W' for N x K x H' x W'), less what
        was lost, at a layer that all of it passes; >= 0 where that gradient is (but for
        residual="signed").

    Raises:
        ValueError: as `saliency`; an unknown `residual`; a compiled or scripted model; relevance
            that arrives at an operation for which excitation backprop is not defined, such as
            LayerNorm, or at an autograd or scripted function of the network's own: the message
            names the methods that are.
        TypeError: as `saliency`.

    Warns:
        UserWarning: more than a hundredth of the relevance was lost; `relevance_lost` returns it.

    Paper: J. Zhang et al., "Top-down neural attention by excitation backprop", ECCV 2016,
    arXiv 1608.00507.

    >>> net = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    >>> _ = net[0].bias.data.zero_()
    >>> maps = excitation_backprop(net, torch.rand(2, 3, 8, 8), [0, 3], saliency_layer="1")
    >>> maps.shape, maps.sum(dim=(1, 2, 3)).allclose(torch.ones(2))
    (torch.Size([2, 1, 6, 6]), True)
    """
    result, lost = _explain(
        gradient_to_saliency, model, input, target, saliency_layer, residual, **options
    )
    _warn_of_loss(lost)
    return result


def relevance_lost(
    model: nn.Module,
    input: torch.Tensor,
    target: Target,
    saliency_layer: str | nn.Module = "",
    *,
    residual: str = "magnitude",
    **options: Unpack[SaliencyOptions],
) -> dict[str, torch.Tensor]:
    """The share of the relevance that excitation backprop loses at each layer.

    A unit that no input excites (z_i = 0: on by a bias or a BatchNorm's shift, or a score with
    inhibiting inputs only) has nobody to hand its relevance p_i to. For a `saliency_layer` that
    all relevance has to pass, the map's sum plus all shares is 1 (times the sum of the gradient
    started from, see `excitation_backprop`, if that is >= 0).

    Args:
        model, input, target, saliency_layer, residual, **options: as for `excitation_backprop`.

    Returns:
        Name of the layer (of the operation, where it is no layer with weights) -> N shares in
        [0, 1] of the relevance that started at the scores; empty when nothing was lost.

    Raises:
        ValueError, TypeError: as `excitation_backprop`.

    >>> net = nn.Sequential(nn.Conv2d(1, 1, 1), nn.ReLU(), nn.Flatten())
    >>> _ = net[0].weight.data.fill_(-1.0), net[0].bias.data.fill_(2.0)
    >>> relevance_lost(net, torch.ones(1, 1, 1, 1), 0)
    {'0': tensor([1.])}
    """
    to_map = gradient_to_excitation_backprop_saliency
    return _explain(to_map, model, input, target, saliency_layer, residual, **options)[1]


@method("Contrastive excitation backprop", layer="needed", needs="weighted sums of activations")
def contrastive_excitation_backprop(
    model: nn.Module,
    input: torch.Tensor,
    target: Target,
    saliency_layer: str | nn.Module,
    contrast_layer: str | nn.Module,
    classifier_layer: str | nn.Module | None = None,
    resize: bool | tuple[int, int] = False,
    resize_mode: str = "bilinear",
    smooth: float = 0,
    get_backward_gradient: Callable[[torch.Tensor, Any], torch.Tensor] = (
        targets.get_backward_gradient
    ),
    debug: bool = False,
    *,
    residual: str = "magnitude",
    gradient_to_saliency: Callable[
        [torch.Tensor], torch.Tensor
    ] = gradient_to_contrastive_excitation_backprop_saliency,
) -> Any:
    """s = max(0, sum_c p_c), p what speaks for a class less what speaks against it.

    p is the relevance at the contrast layer, q the relevance there when the classifier's weights
    are negated (a classifier for "not this class"). Only the classifier's own rule uses the
    negated weights: its outputs, and so the relevance that reaches them, are those of the
    unchanged network, and the weights themselves are not touched. At the classifier no relevance
    is shared by magnitude, neither for p nor for q. p - q goes on down to the saliency layer.

    Args:
        model, input, target: see `excitation_backprop`.
        saliency_layer: the layer whose output is explained; "" for the input.
        contrast_layer: the layer at whose output the two are subtracted; it comes after the
            saliency layer (or is it) and before the classifier.
        classifier_layer: the linear layer or convolution that gives the scores; by default the
            last one that runs. Of layers that run several times, the last time counts.
        resize, resize_mode, smooth, get_backward_gradient, debug, residual: see
            `excitation_backprop`.
        gradient_to_saliency: from a tensor with its relevance in `.grad` to its map.

    Returns:
        N x 1 x H x W maps, >= 0; as `excitation_backprop` for several targets and for debug.
        Nothing is changed.

    Raises:
        ValueError: as `excitation_backprop`; layers in another order than saliency, contrast,
            classifier; a contrast or classifier layer that does not run; a classifier layer
            without weights.
        TypeError: as `saliency`.

    Warns:
        UserWarning: as `excitation_backprop`. Of what is lost below the contrast layer, the share
            is that of |p - q|.

    Paper: J. Zhang et al., "Top-down neural attention by excitation backprop", ECCV 2016,
    arXiv 1608.00507, section 3.3.

    >>> net = nn.Sequential(
    ...     nn.Conv2d(3, 8, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 5)
    ... )
    >>> x = torch.rand(1, 3, 8, 8)
    >>> contrastive_excitation_backprop(net, x, 3, saliency_layer="0", contrast_layer="1").shape
    torch.Size([1, 1, 6, 6])
    """
    refuse_compiled(check_model(model), "contrastive_excitation_backprop")
    contrast = get_module(model, contrast_layer)
    classifier = model if classifier_layer is None else get_module(model, classifier_layer)
    with OwnProbe(contrast) as at_contrast, OwnProbe(classifier) as at_classifier:

        def down(
            way: Way, start: torch.Tensor, ends: Sequence[torch.Tensor]
        ) -> list[torch.Tensor | None]:
            seen = way.seen
            layer = _linear_layer(at_classifier, seen, nearby=classifier_layer is not None)
            if layer is None:
                name = "the last one" if classifier_layer is None else repr(classifier_layer)
                raise ValueError(
                    f"The classifier layer must be a linear layer or convolution that the scores "
                    f"come from and that runs after the saliency layer, but {name} is not."
                )
            if not at_contrast.data:
                raise ValueError(
                    f"The contrast layer {contrast_layer!r} never runs or gives no floating tensor."
                )
            is_same = saliency_layer != "" and get_module(model, saliency_layer) is contrast
            c = seen.x if is_same else at_contrast.data[0]
            # All rules below the classifier are linear in the relevance: p - q is formed there.
            (features,) = layer.saved_tensors
            layer.sharing.magnitude = None
            p: Any = way.pull(seen.scores, start, [features])[0]
            layer.sharing.scale = -1.0
            q: Any = way.pull(seen.scores, start, [features], counts=False)[0]
            layer.sharing.scale = 1.0
            (d,) = way.pull(features, p - q, [c])
            if d is None:
                raise ValueError("The contrast layer must come before the classifier layer.")
            found = way.pull(c, d, ends)
            if found[0] is None:
                raise ValueError(
                    f"The contrast layer must come after the saliency layer, but "
                    f"{contrast_layer!r} comes before {seen.where}."
                )
            return found

        result, lost = _explain(
            gradient_to_saliency,
            model,
            input,
            target,
            saliency_layer,
            residual,
            resize,
            resize_mode,
            smooth,
            get_backward_gradient,
            debug,
            down,
        )
    _warn_of_loss(lost)
    return result


def _linear_layer(probe: Probe, seen: Observed, nearby: bool) -> Any:
    """The node of the last linear layer from x to the probe and the scores; None for none.

    Args:
        nearby: whether the probed layer is to be that one, and not only to end with it.
    """
    first = -1 if seen.x.grad_fn is None else seen.x.grad_fn._sequence_nr()

    def ends(node: Any) -> bool:
        return linear_sharing(node) is not None or (nearby and not only_moves(node))

    to_scores = set(nodes_behind(seen.scores))
    found = [
        node
        for y in probe.data[:1]
        for node in nodes_behind(y, until=ends)
        if linear_sharing(node) is not None and node._sequence_nr() > first and node in to_scores
    ]
    return max(found, key=lambda node: node._sequence_nr(), default=None)


def _explain(
    to_map: Callable[[torch.Tensor], torch.Tensor],
    model: nn.Module,
    input: torch.Tensor,
    target: Target,
    saliency_layer: str | nn.Module,
    residual: str,
    resize: bool | tuple[int, int] = False,
    resize_mode: str = "bilinear",
    smooth: float = 0,
    get_backward_gradient: Callable[[torch.Tensor, Any], torch.Tensor] = (
        targets.get_backward_gradient
    ),
    debug: bool = False,
    down: Down = straight_down,
) -> tuple[Any, dict[str, torch.Tensor]]:
    """The maps (and probes, if debug), and the shares of the relevance that were lost."""
    finite_number("smooth", smooth)
    context = ExcitationBackpropContext(residual=residual)
    begin = partial(starts_by, get_backward_gradient, target)
    found = relevance_at(
        context, model, input, saliency_layer, begin, to_map, down=down, debug=debug
    )
    result = finish(found.maps, input, target, resize, resize_mode, smooth)
    return (result, found.probes) if debug else result, found.lost


def _warn_of_loss(shares: dict[str, torch.Tensor]) -> None:
    if not shares:
        return
    most = min(1.0, float(torch.stack(list(shares.values())).sum(0).max()))
    if most > _WORTH_A_WARNING:
        worst = sorted(shares, key=lambda name: -float(shares[name].max()))[:3]
        warn(
            f"Excitation backprop lost {most:.0%} of the relevance, most of it at "
            f"{', '.join(worst)}: no input excites the units there that have it. "
            f"relevance_lost gives the share per layer.",
        )


def update_resnet(model: nn.Module, debug: bool = False) -> nn.Module:
    """The model as it is: old code calls this for residual networks, and it is no longer needed.

    In TorchRay it replaced the residual `+` by `EltwiseSum`; here the context has a rule for `+`.

    Args:
        model: the network.
        debug: print that nothing was replaced.

    Raises:
        TypeError: the model is not an `nn.Module`.

    >>> net = nn.Sequential(nn.ReLU())
    >>> update_resnet(net) is net
    True
    """
    check_model(model)
    if debug:
        print("update_resnet: nothing to replace, excitation backprop has a rule for +.")
    return model
