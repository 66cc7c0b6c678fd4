"""Attention rollout against the sum over all paths, and attention against its formula."""

from __future__ import annotations

import warnings
from itertools import product

import pytest
import torch
from torch import nn

from course_lib.attribution.attention_rollout import attention_rollout, rollout
from course_lib.attribution.network.attention import AttentionWeights
from course_lib.world.networks import build_network


def theirs(**options: int) -> nn.Module:
    from torchvision.models import VisionTransformer

    net = VisionTransformer(
        **{"image_size": 32, "patch_size": 8, "num_layers": 3, "num_heads": 2, **options},
        hidden_dim=16,
        mlp_dim=32,
        num_classes=5,
    )
    return net.double().eval()


@pytest.fixture
def x() -> torch.Tensor:
    return torch.randn(2, 3, 32, 32, dtype=torch.float64)


def weights_of_theirs(net: nn.Module, x: torch.Tensor) -> list[torch.Tensor]:
    """softmax(q k^T / sqrt(d)) from the matrices of each `nn.MultiheadAttention`."""
    found = []

    def see(layer: nn.MultiheadAttention, args: tuple[torch.Tensor, ...]) -> None:
        projected = args[0] @ layer.in_proj_weight.T + layer.in_proj_bias
        query, key, _ = projected.chunk(3, dim=2)
        heads = []
        for q, k in zip(query.split(8, dim=2), key.split(8, dim=2), strict=True):
            heads.append(torch.softmax(q @ k.transpose(1, 2) / 8**0.5, dim=2))
        found.append(torch.stack(heads, 1).detach())

    layers = [m for m in net.modules() if isinstance(m, nn.MultiheadAttention)]
    handles = [layer.register_forward_pre_hook(see) for layer in layers]
    net(x)
    for handle in handles:
        handle.remove()
    return found


def over_all_paths(weights: list[torch.Tensor], n: int, start: int, end: int) -> float:
    """The sum over all paths from a first token to a last of the products of their steps."""
    tokens, total = weights[0].shape[2], 0.0
    for between in product(range(tokens), repeat=len(weights) - 1):
        share, path = 1.0, (start, *between, end)
        for a, reads_from, reads in zip(weights, path, path[1:], strict=False):
            step = sum(float(head[reads, reads_from]) for head in a[n]) / len(a[n])
            share *= 0.5 * step + (0.5 if reads == reads_from else 0.0)
        total += share
    return total


def test_rollout_is_the_sum_over_all_paths() -> None:
    weights = [torch.rand(2, 3, 4, 4, dtype=torch.float64).softmax(3) for _ in range(3)]
    found = rollout(weights)
    for n, reads, reads_from in product(range(2), range(4), range(4)):
        expected = over_all_paths(weights, n, reads_from, reads)
        assert float(found[n, reads, reads_from]) == pytest.approx(expected)
    torch.testing.assert_close(found.sum(2), torch.ones(2, 4, dtype=torch.float64))


def test_of_torchvision_s_transformer(x: torch.Tensor) -> None:
    net = theirs()
    weights = weights_of_theirs(net, x)
    found = attention_rollout(net, x, 0)
    assert found.shape == (2, 1, 4, 4)
    eye = torch.eye(17, dtype=torch.float64)
    for n in range(2):
        first, second, third = (a[n].mean(0) / 2 + eye / 2 for a in weights)
        expected = (third @ second @ first)[0, 1:].view(4, 4)
        torch.testing.assert_close(found[n, 0], expected)


def test_of_tiny_vit() -> None:
    net = build_network("tiny_vit").double().eval()
    x = torch.rand(1, 3, 32, 48, dtype=torch.float64)
    carried = torch.eye(25, dtype=torch.float64)
    with torch.no_grad():
        tokens = net.tokens(x)
        for block in net.blocks:
            weights = block.attention.weights(block.norm1(tokens))[0].mean(0)
            carried = (0.5 * weights + 0.5 * torch.eye(25, dtype=torch.float64)) @ carried
            tokens = block(tokens)
    torch.testing.assert_close(attention_rollout(net, x, 3)[0, 0], carried[0, 1:].view(4, 6))


def test_where_the_class_token_reads_one_patch_alone(x: torch.Tensor) -> None:
    """After L blocks 1 - 2^-L of it is that patch, however little of the score it made."""

    class Reader(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.key = torch.full((17, 4), -1e3).double()
            self.key[1 + 6] = 1e3

        def forward(self, images: torch.Tensor) -> torch.Tensor:
            tokens = images.new_ones(len(images), 1, 17, 4)
            for _ in range(3):
                tokens = nn.functional.scaled_dot_product_attention(tokens, self.key, tokens)
            return tokens[:, 0, 0] * images.mean()

    found = attention_rollout(Reader(), x, 0)
    expected = torch.zeros(2, 16, dtype=torch.float64)
    expected[:, 6] = 1 - 2.0**-3
    torch.testing.assert_close(found.flatten(1), expected)


def test_every_class_has_the_same_map(x: torch.Tensor) -> None:
    net = theirs()
    expected = attention_rollout(net, x, 0)
    found = attention_rollout(net, x, [[4, 1, 2], [0, 3, 3]])
    torch.testing.assert_close(found, expected.expand(-1, 3, -1, -1))
    assert attention_rollout(net, x[:1], [1, 2]).shape == (2, 1, 4, 4)
    assert attention_rollout(net, x, 1, resize=True).shape == (2, 1, 32, 32)


@pytest.mark.parametrize("needed", [True, False])
@pytest.mark.parametrize("averaged", [True, False])
def test_the_network_computes_what_it_would_without(needed: bool, averaged: bool) -> None:
    layer = nn.MultiheadAttention(8, 2, batch_first=True).eval()
    x = torch.rand(3, 5, 8)
    options = {"need_weights": needed, "average_attn_weights": averaged}
    y, weights = layer(x, x, x, **options)
    with AttentionWeights() as seen:
        again, shown = layer(x, x, x, **options)
    torch.testing.assert_close(again, y)
    torch.testing.assert_close(shown, weights)
    assert [a.shape for a in seen.weights] == [(3, 2, 5, 5)]


@pytest.mark.parametrize("options", [{"is_causal": True}, {"scale": 2.0}, {"attn_mask": None}, {}])
def test_attention_is_seen_as_it_is_asked_for(options: dict) -> None:
    q, k, v = torch.randn(3, 2, 3, 5, 4, dtype=torch.float64)
    if "attn_mask" in options:
        options = {"attn_mask": torch.rand(5, 5) > 0.3}
        options["attn_mask"][:, 0] = True
    with AttentionWeights() as seen:
        y = nn.functional.scaled_dot_product_attention(q, k, v, **options)
    scores = q @ k.transpose(2, 3) * options.get("scale", 0.5)
    mask = options.get("attn_mask", torch.ones(5, 5, dtype=torch.bool))
    if "is_causal" in options:
        mask = mask.tril()
    expected = scores.masked_fill(~mask, -torch.inf).softmax(3)
    torch.testing.assert_close(seen.weights[0], expected)
    torch.testing.assert_close(y, expected @ v)


class Windows(nn.Module):
    """Attention among all tokens, then among each half of them."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        tokens = images.flatten(2)[:, None, :, :16].transpose(2, 3)
        for _ in range(2):
            tokens = nn.functional.scaled_dot_product_attention(tokens, tokens, tokens)
            tokens = torch.cat(tokens.chunk(2, dim=2))
        return tokens[: len(images), 0, 0]


class Cells(nn.Module):
    """A transformer on each quarter of the image."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        cells = torch.cat([cell for half in images.chunk(2, 2) for cell in half.chunk(2, 3)])
        return theirs(image_size=16)(cells)[: len(images)]


class NoClassToken(nn.Module):
    """Attention among 4 x 4 patches alone."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        tokens = nn.functional.avg_pool2d(images, 8).flatten(2)[:, None].transpose(2, 3)
        return nn.functional.scaled_dot_product_attention(tokens, tokens, tokens)[:, 0, 0]


@pytest.mark.parametrize(
    ("net", "says"),
    [
        (nn.Sequential(nn.Conv2d(3, 4, 32), nn.Flatten()), "this network runs neither"),
        (Windows(), r"weights of shape 2 x 1 x 16 x 16 meet 4 x 1 x 8 x 8"),
        (Cells(), "has it in 8 parts for 2 images"),
        (NoClassToken(), "needs a class token .* the 16 tokens of this network for 32 x 32 pixels"),
    ],
    ids=["no attention", "windows", "cells", "no class token"],
)
def test_networks_that_it_is_not_defined_for(net: nn.Module, says: str, x: torch.Tensor) -> None:
    with pytest.raises(ValueError, match=says) as error:
        attention_rollout(net.double(), x, 0)
    assert "\n" not in str(error.value)


def test_a_scripted_network_is_refused(x: torch.Tensor) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        net = torch.jit.trace(NoClassToken(), x)
    with pytest.raises(ValueError, match="can't see the attention of a compiled or scripted"):
        attention_rollout(net, x, 0)


@pytest.mark.slow
def test_vit_b_16() -> None:
    from torchvision.models import vit_b_16

    net, x = vit_b_16(weights=None), torch.randn(1, 3, 224, 224)
    found = attention_rollout(net, x, 0)
    assert found.shape == (1, 1, 14, 14)
    assert 0 < float(found.sum()) < 1
    assert net.training
