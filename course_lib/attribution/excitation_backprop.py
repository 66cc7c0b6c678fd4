"""Excitation backprop: send a score's relevance down, divided by who contributed to whom.

J. Zhang, Z. Lin, J. Brandt, X. Shen, S. Sclaroff, "Top-down neural attention by excitation
backprop", ECCV 2016, arXiv 1608.00507.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from .inputs.checks import check_model
from .inputs.notices import warn
from .inputs.targets import Target
from .methods import method
from .rules.excitation_context import ExcitationBackpropContext
from .rules.excitation_run import ContrastiveRun, Run
from .rules.excitation_sum import EltwiseSum, eltwise_sum
from .saliency import gradient_of, saliency

__all__ = [
    "EltwiseSum",
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
    *args: Any,
    residual: str = "magnitude",
    context_builder: Callable[[], Any] | None = None,
    gradient_to_saliency: Callable[
        [torch.Tensor], torch.Tensor
    ] = gradient_to_excitation_backprop_saliency,
    **kwargs: Any,
) -> Any:
    """Explain a score by excitation backprop: s = sum_c p_c, p the relevance at a layer.

    The target's relevance is 1, and each unit divides its own among its inputs in proportion to
    their excitation of it: p'_j = x_j sum_i W+_ij p_i / z_i with z = W+ x at linear layers and
    convolutions. `ExcitationBackpropContext` has the rules for the other operations. Relevance is
    not negative, and adds up to the target's 1 at every layer that all of it has to pass, except
    for what was lost at units that no input excites (on by a bias or a BatchNorm's shift, as in
    MobileNetV2's linear bottlenecks, or a score with inhibiting inputs only): a warning names the
    share that was lost if it is more than a hundredth, and `relevance_lost` returns it.

    Args:
        model, input, target: see `saliency`.
        *args, **kwargs: those of `saliency`: saliency_layer="", resize=False,
            resize_mode="bilinear", smooth=0, get_backward_gradient, debug=False. Choose a layer in
            the middle of the network for `saliency_layer`.
        residual: "magnitude", "signed" or "branch"; see `ExcitationBackpropContext`.
        context_builder: another context's class or function, if any.
        gradient_to_saliency: from a tensor with its relevance in `.grad` to its map.

    Returns:
        N x 1 x H x W maps in the dtype of the probed tensor; as `saliency` for several targets
        and for debug. Each has the sum of the gradient started from (1 for a class of N x K
        scores, H' W' for N x K x H' x W'), less what was lost, at a layer that all of it passes;
        >= 0 where that gradient is (but for residual="signed"). Nothing is changed.

    Raises:
        ValueError: as `saliency`; an unknown `residual`; a network with an operation for which
            excitation backprop is not defined, such as a vision transformer, or an autograd or
            scripted function of its own: the message names the methods that are; a network that
            overwrites an activation which is needed on the way back.
        TypeError: as `saliency`.

    Paper: J. Zhang et al., "Top-down neural attention by excitation backprop", ECCV 2016,
    arXiv 1608.00507.

    >>> net = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    >>> _ = net[0].bias.data.zero_()
    >>> maps = excitation_backprop(net, torch.rand(2, 3, 8, 8), [0, 3], saliency_layer="1")
    >>> maps.shape, maps.sum(dim=(1, 2, 3)).allclose(torch.ones(2))
    (torch.Size([2, 1, 6, 6]), True)
    """
    check_model(model)
    if context_builder is not None:
        kwargs |= {
            "context_builder": context_builder,
            "gradient_to_saliency": gradient_to_saliency,
        }
        return saliency(model, input, target, *args, **kwargs)
    run = Run(model, input, target, residual)
    result = run.saliency(*args, gradient_to_saliency=gradient_to_saliency, **kwargs)
    shares = run.lost()
    most = float(torch.stack(list(shares.values())).sum(0).max()) if shares else 0.0
    if most > _WORTH_A_WARNING:
        worst = sorted(shares, key=lambda name: -float(shares[name].max()))[:3]
        warn(
            f"Excitation backprop lost {most:.0%} of the relevance, most of it at "
            f"{', '.join(worst)}: no input excites the units there that have it. "
            f"relevance_lost gives the share per layer.",
        )
    return result


def relevance_lost(
    model: nn.Module,
    input: torch.Tensor,
    target: Target,
    saliency_layer: str | nn.Module = "",
    *,
    residual: str = "magnitude",
    **kwargs: Any,
) -> dict[str, torch.Tensor]:
    """The share of the relevance that excitation backprop loses at each layer.

    A unit that no input excites (z_i = 0: on by a bias or a BatchNorm's shift, or a score with
    inhibiting inputs only) has nobody to hand its relevance p_i to. For a `saliency_layer` that
    all relevance has to pass, the map's sum plus all shares is 1 (times the sum of the gradient
    started from, see `excitation_backprop`, if that is >= 0).

    Args:
        model, input, target, saliency_layer, residual, **kwargs: as for `excitation_backprop`.

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
    check_model(model)
    run = Run(model, input, target, residual)
    run.saliency(
        saliency_layer, gradient_to_saliency=gradient_to_excitation_backprop_saliency, **kwargs
    )
    return run.lost()


@method("Contrastive excitation backprop", needs="weighted sums of activations")
def contrastive_excitation_backprop(
    model: nn.Module,
    input: torch.Tensor,
    target: Target,
    saliency_layer: str | nn.Module,
    contrast_layer: str | nn.Module,
    classifier_layer: str | nn.Module | None = None,
    *args: Any,
    residual: str = "magnitude",
    gradient_to_saliency: Callable[
        [torch.Tensor], torch.Tensor
    ] = gradient_to_contrastive_excitation_backprop_saliency,
    **kwargs: Any,
) -> Any:
    """Explain what speaks for a class and not for the others: contrastive excitation backprop.

    p is the relevance at the contrast layer, q the relevance there when the classifier's weights
    are negated (a classifier for "not this class"). Only the classifier's own rule uses the
    negated weights: its outputs, and so the relevance that reaches them, are those of the
    unchanged network. At the classifier no relevance is shared by magnitude, neither for p nor
    for q. p - q goes on down, and s = max(0, sum_c p_c)
    at the saliency layer. Below the classifier all rules are linear in the relevance, so its
    inputs' p - q is formed at once and one forward and one backward pass do for both; the weights
    themselves are not touched.

    Args:
        model, input, target: see `saliency`.
        saliency_layer: the layer whose output is explained; "" for the input.
        contrast_layer: the layer at whose output the two are subtracted; it comes after the
            saliency layer (or is it) and before the classifier.
        classifier_layer: the linear layer or convolution that gives the scores; by default the
            last one that runs.
        *args, **kwargs: those of `saliency`: resize=False, resize_mode="bilinear", smooth=0,
            get_backward_gradient, debug=False.
        residual: "magnitude", "signed" or "branch"; see `ExcitationBackpropContext`.
        gradient_to_saliency: from a tensor with its relevance in `.grad` to its map.

    Returns:
        N x 1 x H x W maps, >= 0; as `saliency` for several targets and for debug. Nothing is
        changed.

    Raises:
        ValueError: as `excitation_backprop`; layers in another order than saliency, contrast,
            classifier; a contrast or classifier layer that does not run exactly once; a
            classifier layer without weights.
        TypeError: as `saliency`.

    Paper: J. Zhang et al., "Top-down neural attention by excitation backprop", ECCV 2016,
    arXiv 1608.00507, section 3.3.

    >>> net = nn.Sequential(
    ...     nn.Conv2d(3, 8, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 5)
    ... )
    >>> x = torch.rand(1, 3, 8, 8)
    >>> contrastive_excitation_backprop(net, x, 3, saliency_layer="0", contrast_layer="1").shape
    torch.Size([1, 1, 6, 6])
    """
    check_model(model)
    run = ContrastiveRun(model, input, target, residual)
    with run.between(saliency_layer, contrast_layer, classifier_layer):
        return run.saliency(
            saliency_layer, *args, gradient_to_saliency=gradient_to_saliency, **kwargs
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
