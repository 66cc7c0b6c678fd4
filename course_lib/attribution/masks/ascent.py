"""The paper's gradient ascent, in as many steps as one likes."""

from __future__ import annotations

from collections.abc import Callable

import torch

PAPER_STEPS = 800

_RATE, _MOMENTUM = 0.01, 0.9
_FIRST_WEIGHT, _GROWTH = 300.0, 1.0035

Terms = Callable[[torch.Tensor, int], tuple[torch.Tensor, torch.Tensor]]
"""(parameters, t) -> rewards and area penalties of all masks, in step t = 0, 1, ..."""

Each = Callable[[int, torch.Tensor, torch.Tensor], object]
"""Called after step t with t, the rewards, and the weighted penalties with a minus."""


def ascend(
    parameters: torch.Tensor, terms: Terms, steps: int, each: Each
) -> tuple[torch.Tensor, torch.Tensor]:
    r"""Climb the reward under an area penalty whose weight grows.

    With 800 steps this is the paper's ascent. Fewer steps walk the same way faster: with the pace q
    = 800 / steps, in step t = 0, 1, ...,

    .. math:: g = \nabla\,(\Phi - 300 \cdot 1.0035^{q t} R_a), \qquad
              v \leftarrow \mu^q v + (1 - \mu^q)\, g, \qquad p \leftarrow p + 0.01\, q\, v,

    with the momentum :math:`\mu = 0.9` and v = g at t = 0, and the parameters p are clamped to [0,
    1]. The momentum to the power of q forgets as fast as the paper's, measured along the way and
    not in steps. Where a mask has few parameters, the area term pulls each strongly, so the rate is
    at most their number over twice the term's weight, beyond which all would jump up and down
    together; 32 x 32 parameters are never that few, at 100 steps or more. Paper: Fong, Patrick and
    Vedaldi (2019), arXiv 1910.08485, with TorchRay's settings.

    Args:
        parameters: where to begin, M x ...; not changed.
        terms: the rewards Phi and penalties R_a, M each. No mask's may depend on the others'.
        steps: how many there are.
        each: called after each step.

    Returns:
        The parameters after the last step, and the history M x 2 x steps: rewards, and weighted
        penalties with a minus.

    Raises:
        ValueError: the rewards have no gradient.
    """
    pace = PAPER_STEPS / steps
    velocity = torch.zeros_like(parameters)
    history = []
    for t in range(steps):
        parameters = parameters.detach().requires_grad_()
        reward, penalty = terms(parameters, t)
        if not reward.requires_grad:
            raise ValueError(
                "The reward has no gradient with respect to the mask: the network and the reward "
                "function must be differentiable."
            )
        weight = _FIRST_WEIGHT * _GROWTH ** (pace * t)
        penalty = -weight * penalty
        (gradient,) = torch.autograd.grad((reward + penalty).sum(), parameters)
        with torch.no_grad():
            velocity = torch.lerp(gradient, velocity, _MOMENTUM**pace) if t else gradient
            rate = min(_RATE * pace, parameters[0].numel() / (2 * weight))
            parameters = (parameters + rate * velocity).clamp_(0, 1)
        history.append(torch.stack((reward, penalty), 1).detach().to(parameters.dtype))
        each(t, *history[-1].unbind(1))
    return parameters, torch.stack(history, 2)
