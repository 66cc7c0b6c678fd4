"""Attention rollout: how much of each patch attention has carried to the class token."""

from __future__ import annotations

from typing import Unpack

import torch
from torch import nn

from .inputs.checks import check_image, check_model, check_scores, is_compiled, shape_text
from .inputs.options import MapOptions
from .inputs.targets import Target
from .maps.grids import patch_grid
from .methods import method
from .network.attention import AttentionWeights
from .network.fast import run_fast
from .network.preserved import preserved
from .saliency import finish, starts


def rollout(weights: list[torch.Tensor]) -> torch.Tensor:
    """R = B_L ... B_1, B_l = (mean over heads of A_l + I) / 2: attention through all blocks.

    Half of what a token is after a block is taken to be what it was before: the residual's half.

    Args:
        weights: A_l of each block in the order in which they run, N x heads x tokens x tokens.

    Returns:
        N x tokens x tokens, >= 0; each row, that of a last token, sums to 1.

    Raises:
        ValueError: there are none, or they are not all among the same tokens.

    >>> rollout([torch.tensor([[[[0.0, 1.0], [1.0, 0.0]]]])] * 2).tolist()
    [[[0.5, 0.5], [0.5, 0.5]]]
    """
    if not weights:
        raise ValueError(
            "Attention rollout needs a transformer whose attention is "
            "F.scaled_dot_product_attention or nn.MultiheadAttention; this network runs neither."
        )
    images, _, tokens, _ = weights[0].shape
    carried = torch.eye(tokens, dtype=weights[0].dtype, device=weights[0].device)
    for a in weights:
        if (len(a), *a.shape[2:]) != (images, tokens, tokens):
            raise ValueError(
                f"Attention rollout needs every attention among the same tokens of an image, and "
                f"here weights of shape {shape_text(weights[0])} meet {shape_text(a)}."
            )
        carried = (a.mean(1) @ carried + carried) / 2
    return carried


@method("Attention rollout", layer="no", passes="one forward", needs="attention", by_class=False)
def attention_rollout(
    model: nn.Module,
    input: torch.Tensor,
    target: Target,
    **options: Unpack[MapOptions],
) -> torch.Tensor:
    """s(u) = R[class token, u], R = B_L ... B_1, B_l = (mean over heads of A_l + I) / 2.

    A_l is the attention of block l. What remains in the class token is left out, so the map's sum
    is below 1. The formula knows no class: every class of an image has the same map.

    Args:
        model: a transformer with a class token in front, from N x C x H x W images to N x K scores.
        input: N x C x H x W, any floating dtype, on the model's device.
        target: as for other methods (see `parse_target`), and checked; it decides nothing but how
            many times the map is given.
        {options}

    Returns:
        N x 1 x h x w maps on the grid of the patches, >= 0, detached; K x 1 x h x w for K targets
        of one image, N x K x h x w for N rows of them, all the same. Nothing is changed.

    Raises:
        ValueError: the network has no attention, or not among the same tokens everywhere, no class
            token, or tokens on no grid; it is compiled or scripted; or as `saliency`.
        TypeError: as `saliency`.

    Paper: S. Abnar, W. Zuidema, "Quantifying attention flow in transformers", ACL 2020.

    >>> from torchvision.models import VisionTransformer
    >>> vit = VisionTransformer(32, 8, num_layers=2, num_heads=2, hidden_dim=16, mlp_dim=32)
    >>> attention_rollout(vit, torch.rand(2, 3, 32, 32), 0).shape
    torch.Size([2, 1, 4, 4])
    """
    check_model(model)
    x = check_image(input).detach()
    if is_compiled(model):
        raise ValueError(
            "Attention rollout can't see the attention of a compiled or scripted model: give it "
            "the original model."
        )
    seen = AttentionWeights()

    def run(images: torch.Tensor) -> torch.Tensor:
        seen.weights.clear()
        return model(images)

    with preserved(model, input), torch.no_grad():
        with seen:
            scores = check_scores(run_fast(model, x, run), len(x))
        targets = len(starts(target, scores))
        carried = rollout(seen.weights)
    if len(carried) != len(x):
        raise ValueError(
            f"Attention rollout needs attention among all tokens of an image, and this network has "
            f"it in {len(carried)} parts for {len(x)} images."
        )
    found = patch_grid(carried.shape[1], *x.shape[2:])
    if found is None or found[0] == 0:
        raise ValueError(
            f"Attention rollout needs a class token and a grid of square patches, and the "
            f"{carried.shape[1]} tokens of this network for {x.shape[2]} x {x.shape[3]} pixels are "
            f"not that."
        )
    extra, grid = found
    maps = carried[:, 0, extra:].reshape(1, len(x), 1, *grid)
    return finish(maps.expand(targets, -1, -1, -1, -1), input, target, **options)
