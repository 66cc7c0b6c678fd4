"""Layer-wise relevance propagation: a score shared out layer by layer, by a rule for each kind.

S. Bach et al., "On pixel-wise explanations for non-linear classifier decisions by layer-wise
relevance propagation", PLoS ONE 2015; G. Montavon et al., "Layer-wise relevance propagation: an
overview", in Explainable AI, LNCS 11700, 2019.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import compress
from typing import Unpack

import torch
from torch import nn

from .excitation_backprop import gradient_to_excitation_backprop_saliency
from .inputs.checks import check_choice
from .inputs.options import MapOptions
from .inputs.targets import Target
from .methods import method
from .relevance import Relevance, relevance_at
from .rules.excitation import PAIRS
from .rules.operations import Operations, RelevanceRules
from .rules.sharing import STABILISER, LinearRule, Of, Portion, above, below, same
from .saliency import finish, starts

Bound = float | torch.Tensor

_INHIBITING = ((above, below), (below, above))


def epsilon_rule(epsilon: float = STABILISER) -> LinearRule:
    """z = W x + b, epsilon added to |z|."""
    return LinearRule((Portion(((same, same),), same),), epsilon)


def alpha_beta_rule(alpha: float, beta: float) -> LinearRule:
    """alpha times by what is positive, W+ x+ + W- x- + b+, less beta times by what is negative."""
    inhibited = Portion(_INHIBITING, below, -beta)
    return LinearRule((Portion(PAIRS, above, alpha), *([inhibited] if beta else [])))


def gamma_rule(gamma: float) -> LinearRule:
    """z = W x + b with what speaks for its sign (1 + gamma) times."""

    def more(w: torch.Tensor) -> torch.Tensor:
        return w + gamma * w.clamp(min=0)

    def less(w: torch.Tensor) -> torch.Tensor:
        return w + gamma * w.clamp(max=0)

    return LinearRule(
        (
            Portion(((above, more), (below, less)), more, sign=1),
            Portion(((above, less), (below, more)), less, sign=-1),
        )
    )


def box_rule(low: Bound, high: Bound) -> LinearRule:
    """z^B: z = W x - W+ low - W- high, for an x from low to high."""

    def filled(value: Bound) -> Of:
        return lambda x: -value * torch.ones_like(x)

    corners = [(filled(low), above), (filled(high), below)]
    # A corner of zeros takes nothing.
    given = [isinstance(v, torch.Tensor) or v != 0 for v in (low, high)]
    return LinearRule((Portion(((same, same), *compress(corners, given))),))


EPSILON, PLUS, ALPHA2_BETA1 = epsilon_rule(), alpha_beta_rule(1, 0), alpha_beta_rule(2, 1)
GAMMA = gamma_rule(0.25)
FLAT = LinearRule((Portion(((torch.ones_like, torch.ones_like),)),))


@dataclass(frozen=True)
class Composite:
    """Which rule for which layer.

    Attributes:
        dense: for linear layers.
        convolution: for convolutions.
        first: makes the rule of the first layer after the image from `low` and `high`; None if
            it has that of its kind.

    >>> Composite(epsilon_rule(0.25), gamma_rule(0.1)).first is None
    True
    """

    dense: LinearRule
    convolution: LinearRule
    first: Callable[[Bound, Bound], LinearRule] | None = None


def _flat(low: Bound, high: Bound) -> LinearRule:
    return FLAT


COMPOSITES = {
    "epsilon": Composite(EPSILON, EPSILON),
    "epsilon_plus": Composite(EPSILON, PLUS),
    "epsilon_plus_flat": Composite(EPSILON, PLUS, _flat),
    "epsilon_alpha2_beta1": Composite(EPSILON, ALPHA2_BETA1),
    "epsilon_alpha2_beta1_flat": Composite(EPSILON, ALPHA2_BETA1, _flat),
    "epsilon_gamma_box": Composite(EPSILON, GAMMA, box_rule),
}
"""Named as zennit names them: the rule of linear layers, of convolutions, of the first layer."""


@method("LRP", signed=True, needs="weighted sums of activations")
def lrp(
    model: nn.Module,
    input: torch.Tensor,
    target: Target,
    saliency_layer: str | nn.Module = "",
    *,
    composite: str | Composite = "epsilon_plus",
    low: Bound = 0.0,
    high: Bound = 1.0,
    **options: Unpack[MapOptions],
) -> torch.Tensor:
    """s = sum_c R_c, R'_j = sum_i c_ij / z_i R_i from R = score: explain a score by LRP.

    z_i = sum_j c_ij + b_i as a rule has it: z = W x + b (epsilon), W+ x+ + W- x- + b+ (plus), and
    so on; see `epsilon_rule`, `alpha_beta_rule`, `gamma_rule`, `box_rule`. The terms of sums and
    averages share in proportion. A BatchNorm right behind a linear layer or convolution is one
    layer with it; others, activations, dropout and constant factors pass relevance on as it is.
    The map's sum is the score less what biases took, which `relevance_absorbed` gives.

    Args:
        model: maps N x C x H x W images to N x K or N x K x H' x W' scores.
        input: N x C x H x W, any floating dtype, on the model's device.
        target: a class, one per image, several per image, or a gradient; see `parse_target`. A
            gradient is multiplied by the scores.
        saliency_layer: name of the layer, or the layer, whose output is explained; "" for the
            input.
        composite: which rules, a name in `COMPOSITES` or a `Composite`.
        low, high: the least and greatest values that the first layer can read, numbers or
            tensors that fit it (1 x C x 1 x 1 for each channel's); for the box rule only.
        {options}

    Returns:
        N x 1 x H x W maps with two signs, detached; K x 1 x H x W for K targets of one image,
        N x K x H x W for N rows of them. Nothing is changed.

    Raises:
        ValueError: as `excitation_backprop`; an unknown composite.
        TypeError: as `saliency`.

    Papers: S. Bach et al., PLoS ONE 10(7), 2015; G. Montavon et al., LNCS 11700, 2019, chapter 10.

    >>> net = nn.Sequential(nn.Flatten(), nn.Linear(4, 2, bias=False))
    >>> with torch.no_grad():
    ...     _ = net[1].weight.copy_(torch.tensor([[1.0, -2, 3, -4], [0, 0, 0, 0]]))
    >>> lrp(net, torch.ones(1, 1, 2, 2), 0).round(decimals=3).tolist()
    [[[[1.0, -2.0], [3.0, -4.0]]]]
    """
    found = _relevance(model, input, target, saliency_layer, composite, low, high)
    return finish(found.maps, input, target, **options)


def relevance_absorbed(
    model: nn.Module,
    input: torch.Tensor,
    target: Target,
    saliency_layer: str | nn.Module = "",
    *,
    composite: str | Composite = "epsilon_plus",
    low: Bound = 0.0,
    high: Bound = 1.0,
) -> dict[str, torch.Tensor]:
    """The share of the score that each layer's bias and epsilon take in LRP.

    For a layer that all relevance passes, map's sum / |score| + all shares = the score's sign.

    Args:
        model, input, target, saliency_layer, composite, low, high: see `lrp`.

    Returns:
        Name of the layer (of the operation, where it is no layer with weights) -> N shares of
        |score|, negative for a bias that speaks against it; the mean over several targets.

    Raises:
        ValueError, TypeError: as `lrp`.

    >>> net = nn.Sequential(nn.Flatten(), nn.Linear(1, 1))
    >>> _ = net[1].weight.data.fill_(3.0), net[1].bias.data.fill_(1.0)
    >>> relevance_absorbed(net, torch.ones(1, 1, 1, 1), 0)["1"].round(decimals=3).tolist()
    [0.25]
    """
    return _relevance(model, input, target, saliency_layer, composite, low, high).lost


def _relevance(
    model: nn.Module,
    input: torch.Tensor,
    target: Target,
    saliency_layer: str | nn.Module,
    composite: str | Composite,
    low: Bound,
    high: Bound,
) -> Relevance:
    if not isinstance(composite, Composite):
        check_choice("composite", composite, COMPOSITES)
        composite = COMPOSITES[composite]
    first = composite.first and composite.first(low, high)
    rules = RelevanceRules(Operations("LRP", composite.dense, composite.convolution, first))

    to_map = gradient_to_excitation_backprop_saliency

    def begin(scores: torch.Tensor) -> list[torch.Tensor]:
        return [start * scores.detach() for start in starts(target, scores)]

    return relevance_at(rules, model, input, saliency_layer, begin, to_map)
