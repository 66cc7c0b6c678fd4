"""The open task of lesson 02: another function in the place of `torch.relu`, for a better map."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from course_lib.attribution.common import Patch

from ..engine.hidden_scenes import over_hidden_scenes, share
from ..engine.open_task import OpenTask
from . import LESSON


def share_with(relu: Callable[..., Tensor]) -> float:
    """The share of the gradient's map on the object while `torch.relu` is another function."""

    def make_map(model: nn.Module, x: Tensor, target: int) -> Tensor:
        x.requires_grad_()
        with torch.enable_grad(), Patch("torch.relu", relu):
            (gradient,) = torch.autograd.grad(model(x)[0, target], x)
        return gradient.abs().amax(dim=1)

    return over_hidden_scenes(make_map, share)


def soft(x: Tensor) -> Tensor:
    """A ReLU without a corner."""
    return F.softplus(x, beta=4)


TASK = OpenTask(
    name="better_relu",
    lesson=LESSON.id,
    title="another ReLU for a better map",
    score=share_with,
    to_beat=lambda: share_with(torch.relu),
    whose="the ReLU as it is",
    measured="of the map lies on the object",
    example=soft,
)
