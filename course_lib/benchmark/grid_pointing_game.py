"""The grid pointing game: how much of a map's positive relevance lies in the cell asked for?"""

from __future__ import annotations

from typing import Any

import torch

from .protocols import protocol
from .relevance_mass import mass_inside


@protocol("grid pointing game")
def grid_pointing_game(
    model: Any, x: Any, target: Any, saliency: torch.Tensor, truth: torch.Tensor
) -> torch.Tensor:
    r"""The share of the positive relevance s+ = max(0, s) that lies in the cell asked for.

    localisation = sum over u in the cell of s+(u) / sum over all u of s+(u): `mass_inside`, with
    the cell in place of the object. Its chance is 1/4. (M. Böhle, M. Fritz, B. Schiele:
    Convolutional Dynamic Alignment Networks for Interpretable Classifications. CVPR 2021.)

    On `photo_grids` and `scene_grids` it asks whether a method finds the picture that speaks for a
    class. On `scene_grids` and a `DisconnectedGrid` attribution outside the cell is impossible,
    and what lies there is the method's own mistake. (S. Rao, M. Böhle, B. Schiele: Towards Better
    Understanding Attribution Methods. CVPR 2022.)

    Args:
        model, x, target: not needed.
        saliency: maps, N x 1 x h x w.
        truth: the cell asked for, N x H x W or H x W: `Grid.truth`.

    Raises:
        TypeError, ValueError: a map is not finite, or shapes do not fit.

    >>> truth = torch.zeros(4, 4)
    >>> truth[:2, :2] = 1
    >>> grid_pointing_game(None, None, None, torch.ones(1, 1, 4, 4), truth).item()
    0.25
    """
    return mass_inside(saliency, truth, mode="nearest-exact")
