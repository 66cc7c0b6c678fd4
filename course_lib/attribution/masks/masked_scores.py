"""The reward of masks: perturb, run the network, ask the reward function."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import torch

from ..inputs.checks import check_scores
from .layer_replacement import LayerReplacement
from .perturbation import Perturbation
from .rewards import DELETE_VARIANT, DUAL_VARIANT

Reward = Callable[..., torch.Tensor]


class MaskedScores:
    """Rewards for masks ordered by image, then target, then area.

    Args:
        run: the network, or the network from a layer on.
        pyramid: perturbs the images or activations.
        targets: long N x K classes, or N x C (x H x W) weights of the scores.
        areas: A, how many masks there are for each image and target.
        variant: "preserve"; "delete", which perturbs by 1 - mask; or "dual", which gives the reward
            function the scores for all masks and then those for all 1 - mask.
        reward_func: (scores, target, variant=...) to one reward per mask, or several, such as one
            per position, of which the mean counts.
        setting: makes the context in which the network runs.
    """

    def __init__(
        self,
        run: Callable[[torch.Tensor], Any] | LayerReplacement,
        pyramid: Perturbation,
        targets: torch.Tensor,
        areas: int,
        variant: str,
        reward_func: Reward,
        setting: Callable[[], AbstractContextManager[Any]],
    ) -> None:
        self._run = run
        self._pyramid = pyramid
        self._variant = variant
        self._reward_func = reward_func
        self._setting = setting
        images = len(targets)
        self.targets_per_image = 1 if targets.is_floating_point() else targets.shape[1]
        per_image = self.targets_per_image * areas
        self._image = torch.arange(images, device=targets.device).repeat_interleave(per_image)
        by_group = targets if targets.is_floating_point() else targets.flatten()
        # Reward functions written for TorchRay index the scores' columns by an int.
        self._target: int | None = None
        if not targets.is_floating_point() and targets.numel() == 1:
            self._target = int(targets)
        self._targets = by_group.repeat_interleave(areas, dim=0)
        self.count = len(self._image)

    def __call__(self, mask: torch.Tensor, rows: torch.Tensor, flipped: bool) -> torch.Tensor:
        """The rewards of masks.

        Args:
            mask: R x 1 x H x W or R x C x 1 x 1.
            rows: R places of these masks among all.
            flipped: show the network the perturbed images flipped left-right.

        Raises:
            ValueError: the network's output is not one finite row of scores per image.
        """
        image = self._image[rows]
        if self._variant == DUAL_VARIANT:
            mask, image = torch.cat((mask, 1 - mask)), torch.cat((image, image))
        elif self._variant == DELETE_VARIANT:
            mask = 1 - mask
        x = self._pyramid.apply(mask, image)
        if flipped:
            x = x.flip(3)
        with self._setting():
            if isinstance(self._run, LayerReplacement):
                output = self._run(x, image)
            else:
                output = self._run(x)
        scores = check_scores(output, len(image))
        target = self._targets[rows] if self._target is None else self._target
        reward: Any = self._reward_func(scores, target, variant=self._variant)
        if isinstance(reward, torch.Tensor) and reward.dim() > 1 and len(reward) == len(rows):
            return reward.flatten(1).mean(1)
        return reward
