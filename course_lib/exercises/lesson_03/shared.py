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
from ..engine.models import awkward, nested_network
from ..engine.probes import ProbeFinding, call, pull, rand, randint


def probe_rule(answer: type[Function], rng: torch.Generator) -> Outcome:
    """Forward and backward of one ReLU on awkward numbers, of several at once, and in a row."""
    if not issubclass(answer, Function):
        raise ProbeFinding(
            f"`{answer.__name__}` should be an autograd function: its first line is "
            f"`class {answer.__name__}(torch.autograd.Function):`."
        )
    outcome: Outcome = {}
    for what, shape in (("", (2, 3, 4, 5)), (" of a single row of numbers", (40,))):
        x, p = awkward(rng, *shape), awkward(rng, *shape)
        leaf = x.clone().requires_grad_()
        y = call(answer.apply, leaf)
        outcome[f"forward: the output y{what}"] = y
        outcome[f"backward: the gradient at x{what}"] = pull(answer, y, {"x": leaf}, p)["x"]

    y = call(answer.apply, rand(rng, 2, 3, dtype=torch.float32).requires_grad_())
    outcome["forward: the float type of y for a float32 x"] = str(y.dtype)

    first, second, p = awkward(rng, 3, 6), awkward(rng, 3, 6), awkward(rng, 3, 6)
    leaves = [first.clone().requires_grad_(), second.clone().requires_grad_()]
    ys = [answer.apply(leaf) for leaf in leaves]
    outcome["the gradient at the first of two ReLUs, when both have run"] = torch.autograd.grad(
        (ys[0] * p).sum(), leaves[0]
    )[0]

    leaf = rand(rng, 3, 6).requires_grad_()
    weights = [rand(rng, 5, 6), rand(rng, 5, 5), rand(rng, 4, 5)]
    h = answer.apply(F.linear(leaf, weights[0]))
    scores = answer.apply(F.linear(answer.apply(F.linear(h, weights[1])), weights[2]))
    outcome["the gradient through three layers"] = torch.autograd.grad(
        (scores * rand(rng, 3, 4)).sum(), leaf
    )[0]
    return outcome


def probe_rule_in_network(answer: type[Function], rng: torch.Generator) -> Outcome:
    """The lesson's next step: maps of a network whose ReLUs have become the rule."""
    running = False

    def relu(x: Tensor) -> Tensor:
        nonlocal running
        if running:
            raise ProbeFinding(
                "Your `forward` calls `torch.relu`, and `F.relu` and `nn.ReLU` end there too. "
                "In section 4 that name stands for your own function, which would then call "
                "itself for ever: write `x.clamp(min=0)`."
            )
        running = True
        try:
            return answer.apply(x)
        finally:
            running = False

    outcome: Outcome = {}
    for inplace in (False, True):
        network = nested_network(rng, inplace=inplace, dtype=torch.float32)
        leaf = rand(rng, 2, 3, 8, 6, dtype=torch.float32).requires_grad_()
        with relu_kept():
            torch.relu = torch.relu_ = relu  # type: ignore[assignment]
            score = network(leaf)[:, randint(rng, 0, 8)].sum()
        # on the way back the names are what they were, as in the lesson
        where = "with inplace=True" if inplace else "of the network"
        outcome[f"the maps, {where}"] = torch.autograd.grad(score, leaf)[0].abs().amax(1)
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
