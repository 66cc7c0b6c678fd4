"""What several exercises of lesson 01 share: networks as the lesson, and others, use them."""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from ..engine.models import in_use, nested_network
from ..engine.probes import rand
from ..engine.traces import no_trace


def copied(value: Any) -> Any:
    """A copy of a tensor: an answer may hand out the same `x.grad` again and again."""
    return value.detach().clone() if isinstance(value, Tensor) else value


def lessons_network(rng: torch.Generator) -> nn.Module:
    """Frozen and in eval mode, as `load_network` gives it, with gradients from before."""
    network = nested_network(rng, dtype=torch.float32)
    for weight in network.parameters():
        weight.grad = rand(rng, *weight.shape, dtype=torch.float32)
    return network.requires_grad_(False)


def network_in_training(rng: torch.Generator) -> Any:
    """In training mode, half of its weights frozen, without batch normalisation."""
    network: Any = nested_network(rng, dtype=torch.float32)
    network.features.block.norm = nn.Identity()
    return in_use(network, rng).train()


@contextmanager
def no_trace_but_gradients(
    outcome: MutableMapping[str, Any], when: str, model: nn.Module, x: Tensor
) -> Iterator[None]:
    """`no_trace`, which lets pass that `backward` adds to the gradients of weights in training."""
    before = {weight: weight.grad for weight in model.parameters() if weight.requires_grad}
    before = {weight: None if grad is None else grad.clone() for weight, grad in before.items()}
    with no_trace(outcome, when, model, x):
        yield
        for weight, grad in before.items():
            weight.grad = grad
