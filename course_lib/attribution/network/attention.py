"""See what each token of a transformer reads from each, in every attention that runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch.overrides import TorchFunctionMode


class AttentionWeights(TorchFunctionMode):
    """While active, note A = softmax(q k^T / sqrt(d)) of each attention, in the order of running.

    Seen are `F.scaled_dot_product_attention` and `nn.MultiheadAttention`, in the thread that
    entered the context, not in compiled or scripted models. The network computes what it would
    without.

    Attributes:
        weights: N x heads x tokens x tokens each, >= 0; each row, that of the token that reads,
            sums to 1.

    >>> layer = torch.nn.MultiheadAttention(8, 2, batch_first=True)
    >>> x = torch.rand(1, 5, 8)
    >>> with AttentionWeights() as seen:
    ...     _ = layer(x, x, x)
    >>> [a.shape for a in seen.weights]
    [torch.Size([1, 2, 5, 5])]
    """

    def __init__(self) -> None:
        super().__init__()
        self.weights: list[torch.Tensor] = []

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        options = kwargs or {}
        if func is F.multi_head_attention_forward:
            shown = {**options, "need_weights": True, "average_attn_weights": False}
            y, weights = func(*args, **shown)
            self.weights.append(weights)
            if not options.get("need_weights", True):
                return y, None
            return y, weights.mean(1) if options.get("average_attn_weights", True) else weights
        if func is F.scaled_dot_product_attention:
            self.weights.append(_read_from_each(*args, **options))
        return func(*args, **options)


def _read_from_each(
    query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, *args: Any, **options: Any
) -> torch.Tensor:
    """What attention reads where the value of each token is that token alone: its weights."""
    tokens = key.shape[-2]
    each = torch.eye(tokens, dtype=value.dtype, device=value.device)
    each = each.expand(*value.shape[:-1], tokens)
    return F.scaled_dot_product_attention(query, key, each, *args, **options)
