"""The open task of lesson 11: a map from attention that hits more often than Grad-CAM on tokens."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from course_lib.attribution.grad_cam import grad_cam
from course_lib.world.layers import LAYERS

from ..engine.hidden_scenes import hit, over_hidden_scenes
from ..engine.open_task import OpenTask
from . import LESSON

NETWORK = "tiny_vit"
SCENES = 20


def hits(make_map: Any) -> float:
    """In how many maps of the hidden scenes the largest pixel lies on the object asked for."""
    return over_hidden_scenes(make_map, hit, scenes=SCENES, network=NETWORK)


def grad_cam_on_tokens(model: nn.Module, x: Tensor, target: int) -> Tensor:
    """Grad-CAM at the last layer whose patches are still read, in the image's size."""
    return grad_cam(model, x, target, LAYERS[NETWORK].last, resize=True)


def _weighed_rollout(model: Any, x: Tensor, target: int) -> Tensor:
    """Attention times its gradient, the positive part, rolled out as Chefer et al. 2021 do."""
    tokens = model.tokens(x).detach().requires_grad_()
    attentions = []
    for block in model.blocks:
        normed = block.norm1(tokens)
        attention = block.attention.weights(normed)
        value = block.attention.value(normed).unflatten(2, (attention.shape[1], -1))
        read = torch.einsum("nhtu,nuhd->nthd", attention, value).flatten(2)
        tokens = tokens + block.attention.out(read)
        tokens = tokens + block.mlp(block.norm2(tokens))
        attentions.append(attention)
    score = model.head(model.norm(tokens)[:, 0])[0, target]
    total = torch.eye(tokens.shape[1])
    for attention, g in zip(attentions, torch.autograd.grad(score, attentions), strict=True):
        total = total + (attention * g).detach().clamp(min=0).mean(1) @ total
    height, width = (side // model.PATCH for side in x.shape[2:])
    return total[:, 0, 1:].view(1, 1, height, width)


TASK = OpenTask(
    name="attention_that_answers",
    lesson=LESSON.id,
    title="make attention answer the question",
    score=hits,
    to_beat=lambda: hits(grad_cam_on_tokens),
    whose="Grad-CAM on tokens",
    measured="of the maps have their largest pixel on the object",
    example=_weighed_rollout,
    shown="{:.1%}",
)
