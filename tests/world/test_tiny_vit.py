"""The small vision transformer: what its attention reads, and where its tokens lie."""

from __future__ import annotations

import pytest
import torch

from course_lib.world.networks import build_network
from course_lib.world.vision_transformer import Attention, TinyViT


@pytest.fixture
def vit() -> TinyViT:
    network = build_network("tiny_vit").double().eval()
    assert isinstance(network, TinyViT)
    return network


def test_attention_is_what_its_weights_say() -> None:
    attention = Attention(6, heads=2).double()
    x = torch.randn(2, 5, 6, dtype=torch.float64)
    weights = attention.weights(x)
    for n in range(2):
        heads = []
        for h, part in enumerate((slice(0, 3), slice(3, 6))):
            query, key, value = (
                layer(x[n])[:, part] for layer in (attention.query, attention.key, attention.value)
            )
            scores = torch.stack([torch.stack([q @ k for k in key]) for q in query]) / 3**0.5
            expected = scores.softmax(1)
            torch.testing.assert_close(weights[n, h], expected)
            heads.append(weights[n, h] @ value)
        expected = attention.out(torch.cat(heads, 1))
        torch.testing.assert_close(attention(x)[n], expected)


def test_logits_are_read_from_the_class_token(vit: TinyViT) -> None:
    seen: list[torch.Tensor] = []
    vit.blocks[4].register_forward_hook(lambda m, a, y: seen.append(y))
    logits = vit(torch.rand(1, 3, 96, 96, dtype=torch.float64))
    torch.testing.assert_close(vit.head(vit.norm(seen[0][:, 0])), logits)
    assert seen[0].shape == (1, 1 + 12 * 12, 96)


@pytest.mark.parametrize(("row", "column"), [(0, 0), (2, 5), (7, 11)])
def test_a_token_is_of_the_pixels_at_its_place(vit: TinyViT, row: int, column: int) -> None:
    """Those of its own 8 x 8 square, and 7 rows and columns more above and to the left."""
    x = torch.rand(1, 3, 64, 96, dtype=torch.float64, requires_grad=True)
    token = 1 + row * 12 + column
    (gradient,) = torch.autograd.grad(vit.tokens(x)[0, token].square().sum(), x)
    rows, columns = (gradient[0].abs().sum(0).sum(i).nonzero()[:, 0] for i in (1, 0))
    for places, at in ((rows, row), (columns, column)):
        assert int(places.min()) == max(0, 8 * at - 7)
        assert int(places.max()) == 8 * at + 7


def test_positions_of_another_size_are_interpolated(vit: TinyViT) -> None:
    x = torch.zeros(1, 3, 96, 96, dtype=torch.float64)
    plain = vit.stem(x).flatten(2).transpose(1, 2)
    expected = vit.position.flatten(2).transpose(1, 2)
    torch.testing.assert_close(vit.tokens(x)[:, 1:] - plain, expected)
    with torch.no_grad():
        vit.position.copy_(torch.arange(12.0).view(1, 1, 1, 12))
    x = torch.zeros(1, 3, 48, 192, dtype=torch.float64)
    found = vit.tokens(x)[:, 1:] - vit.stem(x).flatten(2).transpose(1, 2)
    along = found[0, :, 0].detach().view(6, 24)
    torch.testing.assert_close(along, along[:1].expand(6, 24))
    assert bool((along[0].diff() > 0).all())
    assert abs(float(along[0, 11] - 5.25)) < 0.1


def test_it_takes_at_most_two_megabytes(vit: TinyViT) -> None:
    assert sum(4 * weight.numel() for weight in vit.parameters()) <= 2_100_000
