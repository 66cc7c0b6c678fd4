"""What several exercises of lesson 03 share."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd import Function

from ..engine.exercise import Outcome
from ..engine.probes import call, rand, randn


def probe_rule(answer: type[Function], rng: torch.Generator) -> Outcome:
    """Forward and backward of one ReLU on inputs with exact zeros, then in a network."""
    x, p = randn(rng, 2, 3, 4, 5), randn(rng, 2, 3, 4, 5)
    x[rand(rng, *x.shape) > 0.5] = 0
    p[rand(rng, *p.shape) > 0.8] = 0
    outcome: Outcome = {}
    leaf = x.clone().requires_grad_()
    y = call(answer.apply, leaf)
    outcome["forward: the output y"] = y.detach() if isinstance(y, Tensor) else y
    beside = torch.zeros_like(p, requires_grad=True)
    # the sum hands one and the same tensor p to the ReLU and to its neighbour
    score = ((y + beside) * p).sum()
    try:
        at_x, at_neighbour = torch.autograd.grad(score, (leaf, beside))
    except RuntimeError as error:
        # PyTorch's message names the class, so it would differ between two answers with one mistake
        if "incorrect number of gradients" not in str(error):
            raise
        outcome["how many gradients backward returns"] = "another number than forward has inputs"
        return outcome
    outcome["how many gradients backward returns"] = "one, as forward has one input"
    outcome["backward: the gradient at x"] = at_x
    outcome["a neighbour that gets the same p gets all of it"] = torch.equal(at_neighbour, p)

    inputs = rand(rng, 3, 6)
    first, second = rand(rng, 5, 6), rand(rng, 4, 5)
    leaf = inputs.clone().requires_grad_()
    scores = answer.apply(F.linear(answer.apply(F.linear(leaf, first)), second)).sum()
    outcome["the gradient through two layers"] = torch.autograd.grad(scores, leaf)[0]
    return outcome


def rule(
    backward: Callable[[Tensor, Tensor], Any], forward: Callable[[Tensor], Tensor] | None = None
) -> type[Function]:
    """The autograd function with forward `forward(x)`, a ReLU by default, and `backward(x, p)`."""

    class Rule(Function):
        @staticmethod
        def forward(ctx: Any, x: Tensor) -> Tensor:
            ctx.save_for_backward(x)
            return x.clamp(min=0) if forward is None else forward(x)

        @staticmethod
        def backward(ctx: Any, p: Tensor) -> Any:
            (x,) = ctx.saved_tensors
            return backward(x, p)

    return Rule


class Functional(nn.Module):
    """Two convolutions and a linear layer, with the ReLU called as the caller wants it."""

    def __init__(self, rng: torch.Generator, relu: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 5, 3, padding=1, dtype=torch.float64)
        self.conv2 = nn.Conv2d(5, 6, 3, padding=1, dtype=torch.float64)
        self.fc = nn.Linear(6, 4, dtype=torch.float64)
        with torch.no_grad():
            for parameter in self.parameters():
                parameter.copy_(rand(rng, *parameter.shape, low=-0.5, high=0.5))
        self.relu = relu

    def forward(self, x: Tensor) -> Tensor:
        x = self.relu(self.conv1(x))
        x = self.relu(self.conv2(x))
        return self.fc(x.mean((2, 3)))


@contextmanager
def relu_kept() -> Iterator[None]:
    """Puts every spelling of the ReLU back, whatever an answer left there."""
    names = [(torch, "relu"), (torch, "relu_"), (F, "relu"), (F, "relu_"), (nn.ReLU, "forward")]
    before = [(owner, name, getattr(owner, name)) for owner, name in names]
    try:
        yield
    finally:
        for owner, name, value in before:
            setattr(owner, name, value)
