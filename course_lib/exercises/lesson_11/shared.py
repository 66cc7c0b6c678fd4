"""What several exercises of lesson 11 share."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..engine.probes import rand


class TokenNetwork(nn.Module):
    """A transformer of one block and one head, float64, that reads its scores off a class token.

    Input (N, 3, 4, 6), output (N, 8).
    """

    def __init__(self, rng: torch.Generator, width: int = 5, classes: int = 8) -> None:
        super().__init__()
        self.patches = nn.Conv2d(3, width, 2, stride=2, dtype=torch.float64)
        self.first = nn.Parameter(torch.empty(1, 1, width, dtype=torch.float64))
        self.norm = nn.LayerNorm(width, dtype=torch.float64)
        self.ask = nn.Linear(width, 3 * width, dtype=torch.float64)
        self.head = nn.Linear(width, classes, dtype=torch.float64)
        with torch.no_grad():
            for parameter in self.parameters():
                parameter.copy_(rand(rng, *parameter.shape))
        self.eval()

    def forward(self, x: Tensor) -> Tensor:
        tokens = self.patches(x).flatten(2).mT
        tokens = torch.cat([self.first.expand(len(x), -1, -1), tokens], 1)
        q, k, v = self.ask(self.norm(tokens)).chunk(3, 2)
        tokens = tokens + F.scaled_dot_product_attention(q, k, v)
        return self.head(F.gelu(tokens[:, 0]))
