"""What a mask is rewarded for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from ..inputs.checks import check_choice, what_it_is
from ..inputs.targets import check_classes

PRESERVE_VARIANT = "preserve"
"""Keep the score high with what the mask keeps."""

DELETE_VARIANT = "delete"
"""Bring the score down by taking away what the mask marks."""

DUAL_VARIANT = "dual"
"""Both at once: the score with the mask's part alone minus the score without it."""

VARIANTS = (PRESERVE_VARIANT, DELETE_VARIANT, DUAL_VARIANT)

Reward = Callable[..., torch.Tensor]
"""(scores, target, variant=...) -> one reward per mask, or several, of which the mean counts."""


def simple_reward(
    activation: torch.Tensor, target: int | torch.Tensor, variant: str
) -> torch.Tensor:
    r"""The target's own score, one reward per mask.

    With s the score of the target: :math:`s` for ``"preserve"``, :math:`-s` for ``"delete"``. For
    ``"dual"`` the first half of the rows are the networks' answers to what the masks keep, the
    second half to what is left without it, and the reward is :math:`s_{kept} - s_{left}`. Scores of
    shape N x C x H x W are averaged over positions, unless the target is one of weights.

    Args:
        activation: network outputs, float (N, C) or (N, C, H, W).
        target: a class; one class per reward (long tensor (R,)); or weights of the outputs, a float
            tensor of the shape (R, C) or, for spatial outputs, (R, C, H, W). The score is then the
            sum of the products of weights and outputs, over positions too: weights (R, C) hold at
            each position.
        variant: ``"preserve"``, ``"delete"`` or ``"dual"``.

    Returns:
        Tensor (R,): R = N, or N / 2 for ``"dual"``.

    Raises:
        ValueError: the outputs or weights have another shape, the target is not a class or not one
            per reward, the variant is another, or N is odd for ``"dual"``.

    >>> simple_reward(torch.tensor([[1.0, 2.0], [0.5, 0.0]]), 1, "preserve")
    tensor([2., 0.])
    >>> simple_reward(torch.tensor([[1.0, 2.0], [0.5, 0.5]]), 1, "dual")
    tensor([1.5000])
    """
    return _combine(activation, target, variant, _target_score)


def contrastive_reward(
    activation: torch.Tensor, target: int | torch.Tensor, variant: str
) -> torch.Tensor:
    r"""The target's score minus the best score of any other class, one reward per mask.

    As :func:`simple_reward` with :math:`s = \phi_t - \max_{c \ne t} \phi_c`. (TorchRay's version
    broadcasts the maxima against all masks, so that a mask's reward depends on the others'.)

    Args:
        activation: network outputs, float (N, C) or (N, C, H, W), with at least two classes.
        target: a class, or one class per reward (long tensor (R,)).
        variant: ``"preserve"``, ``"delete"`` or ``"dual"``.

    Returns:
        Tensor (R,): R = N, or N / 2 for ``"dual"``.

    Raises:
        ValueError: as :func:`simple_reward`; or there is one class only, or the target is not a
            class.

    >>> contrastive_reward(torch.tensor([[1.0, 2.0, 0.0], [3.0, 2.0, 0.0]]), 1, "preserve")
    tensor([ 1., -1.])
    """
    return _combine(activation, target, variant, _target_lead)


def check_reward(reward: Any, masks: int, when: str) -> torch.Tensor:
    """One finite reward per mask, the mean where a mask has several; ValueError otherwise."""
    if isinstance(reward, torch.Tensor) and reward.dim() > 1 and len(reward) == masks:
        reward = reward.flatten(1).mean(1)
    if not isinstance(reward, torch.Tensor) or reward.shape != (masks,):
        raise ValueError(
            f"The reward function must give one reward per mask, a tensor of shape ({masks},), but "
            f"gave {what_it_is(reward)}."
        )
    if not bool(torch.isfinite(reward.detach()).all()):
        raise ValueError(f"The reward was infinite or not a number {when}.")
    return reward


def _combine(
    activation: torch.Tensor,
    target: int | torch.Tensor,
    variant: str,
    score: Callable[[torch.Tensor, int | torch.Tensor], torch.Tensor],
) -> torch.Tensor:
    if activation.dim() not in (2, 4):
        raise ValueError(
            "A reward needs network outputs of shape (N, C) or (N, C, H, W), but got "
            f"{tuple(activation.shape)}."
        )
    check_choice("variant", variant, VARIANTS)
    if variant == PRESERVE_VARIANT:
        return score(activation, target)
    if variant == DELETE_VARIANT:
        return -score(activation, target)
    if len(activation) % 2:
        raise ValueError(
            f"The dual variant needs an even number of network outputs, but got {len(activation)}."
        )
    kept, left = activation.chunk(2)
    return score(kept, target) - score(left, target)


def _class_scores(activation: torch.Tensor) -> torch.Tensor:
    return activation.mean(dim=(2, 3)) if activation.dim() == 4 else activation


def _target_score(activation: torch.Tensor, target: int | torch.Tensor) -> torch.Tensor:
    if isinstance(target, torch.Tensor) and target.is_floating_point():
        return (activation * _weights(activation, target)).flatten(1).sum(1)
    scores = _class_scores(activation)
    return scores.gather(1, _columns(scores, target)).squeeze(1)


def _target_lead(activation: torch.Tensor, target: int | torch.Tensor) -> torch.Tensor:
    if isinstance(target, torch.Tensor) and target.is_floating_point():
        raise ValueError("The contrastive reward needs a class as its target, not a gradient.")
    scores = _class_scores(activation)
    if scores.shape[1] < 2:
        raise ValueError("The contrastive reward needs a network with at least two classes.")
    columns = _columns(scores, target)
    others = scores.scatter(1, columns, float("-inf"))
    return scores.gather(1, columns).squeeze(1) - others.amax(1)


def _weights(activation: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    """The weights with as many dimensions as the outputs."""
    if weights.shape == activation.shape:
        return weights
    if weights.shape != activation.shape[:2]:
        shapes = dict.fromkeys((activation.shape[:2], activation.shape))
        wanted = " or ".join(str(tuple(shape)) for shape in shapes)
        raise ValueError(f"The weights must have shape {wanted}, but got {tuple(weights.shape)}.")
    return weights[:, :, None, None]


def _columns(scores: torch.Tensor, target: int | torch.Tensor) -> torch.Tensor:
    """The target's class in each row of scores, R x 1."""
    rewards, count = scores.shape
    classes = torch.as_tensor(target, device=scores.device)
    if classes.is_floating_point() or classes.is_complex() or classes.dtype == torch.bool:
        raise ValueError(f"The target of a reward must be a class, not {target!r}.")
    if classes.numel() not in (1, rewards):
        raise ValueError(
            f"There must be one class, or one for each of the {rewards} rewards, but got "
            f"{classes.numel()}."
        )
    check_classes(classes, count)
    return classes.long().reshape(-1, 1).expand(rewards, 1)
