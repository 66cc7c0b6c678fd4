"""A small vision transformer for scenes: patches become tokens that attend to each other."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .scenes import CLASSES, SIZE


class Attention(nn.Module):
    """y = A v W_o, A = softmax(q k^T / sqrt(d)): every token reads from all, in each of the heads.

    `forward` leaves A to `F.scaled_dot_product_attention`, which never shows it; `weights` does.
    """

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.query = nn.Linear(width, width)
        self.key = nn.Linear(width, width)
        self.value = nn.Linear(width, width)
        self.out = nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        read = F.scaled_dot_product_attention(
            self._split(self.query(x)), self._split(self.key(x)), self._split(self.value(x))
        )
        return self.out(read.transpose(1, 2).flatten(2))

    def weights(self, x: Tensor) -> Tensor:
        """A: how much each token reads from each.

        Args:
            x: what `forward` gets, N x tokens x width.

        Returns:
            N x heads x tokens x tokens, >= 0; each row, that of the token that reads, sums to 1.

        >>> Attention(8, heads=2).weights(torch.rand(1, 5, 8)).sum(3).allclose(torch.ones(1, 2, 5))
        True
        """
        query, key = self._split(self.query(x)), self._split(self.key(x))
        return torch.softmax(query @ key.transpose(2, 3) / query.shape[3] ** 0.5, dim=3)

    def _split(self, x: Tensor) -> Tensor:
        """N x tokens x width to N x heads x tokens x width of a head."""
        return x.unflatten(2, (self.heads, -1)).transpose(1, 2)


class Block(nn.Module):
    """Tokens read from each other, then each is worked on alone; both are added to what it was."""

    def __init__(self, width: int, heads: int, hidden: int) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(width)
        self.attention = Attention(width, heads)
        self.norm2 = nn.LayerNorm(width)
        self.mlp = nn.Sequential(nn.Linear(width, hidden), nn.ReLU(), nn.Linear(hidden, width))

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.attention(self.norm1(x))
        return x + self.mlp(self.norm2(x))


class TinyViT(nn.Module):
    """Tokens of 8 x 8 pixels and a class token, as in ViT (Dosovitskiy et al., 2021).

    Three convolutions make the tokens, so that it learns from few scenes (Xiao et al., "Early
    convolutions help transformers see better", 2021). Where ViT has GELU it has ReLU: guided
    backprop and DeconvNet are rules for ReLUs, and so have a meaning here. The logits are read from
    the class token alone: after the last block nothing depends on the others any more, so that
    methods at a layer look at `blocks.3`, whose tokens the last block still reads.

    Images of other sizes than 96 x 96 have a token for each 8 x 8 pixels begun, and the positions
    are interpolated.

    >>> network = TinyViT()
    >>> network(torch.zeros(2, 3, 96, 96)).shape, network.tokens(torch.zeros(2, 3, 96, 96)).shape
    (torch.Size([2, 8]), torch.Size([2, 145, 96]))
    """

    PATCH = 8
    STEM = (24, 48)
    WIDTH = 96
    BLOCKS = 5
    HEADS = 3
    HIDDEN = 192

    def __init__(self) -> None:
        super().__init__()
        first, second = self.STEM
        self.stem = nn.Sequential(
            nn.Conv2d(3, first, 3, stride=2, padding=1),
            nn.ReLU(),
            nn.Conv2d(first, second, 3, stride=2, padding=1),
            nn.ReLU(),
            nn.Conv2d(second, self.WIDTH, 3, stride=2, padding=1),
        )
        side = SIZE // self.PATCH
        self.position = nn.Parameter(0.02 * torch.randn(1, self.WIDTH, side, side))
        self.class_token = nn.Parameter(0.02 * torch.randn(1, 1, self.WIDTH))
        self.blocks = nn.Sequential(
            *(Block(self.WIDTH, self.HEADS, self.HIDDEN) for _ in range(self.BLOCKS))
        )
        self.norm = nn.LayerNorm(self.WIDTH)
        self.head = nn.Linear(self.WIDTH, len(CLASSES))

    def tokens(self, x: Tensor) -> Tensor:
        """What the first block gets: N x (1 + H/8 W/8) x width, the class token first."""
        patches = self.stem(x)
        position: Tensor = self.position
        if patches.shape[2:] != position.shape[2:]:
            position = F.interpolate(position, size=patches.shape[2:], mode="bicubic")
        patches = (patches + position).flatten(2).transpose(1, 2)
        return torch.cat([self.class_token.expand(len(x), -1, -1), patches], dim=1)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.norm(self.blocks(self.tokens(x))[:, 0]))
