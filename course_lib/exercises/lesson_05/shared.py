"""What several exercises of lesson 05 share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd import Function

from course_lib.attribution.network.probe import Probe
from course_lib.attribution.rules.backward_rules import BackwardRules

from ..engine.exercise import Outcome
from ..engine.models import CLASSES, nested_network
from ..engine.probes import rand

SMALL = 1e-3
"""Units of tiny_resnet with a z as small as this, and smaller, have relevance to hand on."""

NOTHING_FOR_THEM = "what backward gives to the arguments that get nothing"


def numbers(rng: torch.Generator, *shape: int, low: float = -1.0, high: float = 1.0) -> Tensor:
    """Random numbers in float32, as networks have them."""
    return rand(rng, *shape, low=low, high=high, dtype=torch.float32)


def activations(rng: torch.Generator, *shape: int) -> Tensor:
    """What ReLUs let through, here without zeros: in [0.3, 1)."""
    return numbers(rng, *shape, low=0.3)


def note_finite(outcome: Outcome, name: str, value: Any) -> None:
    """Note whether a result is finite, and the result with any NaN as 0.

    Two results that both have NaN somewhere are never equal, so this mistake could not be named.
    """
    if isinstance(value, Tensor):
        outcome[f"{name}: all numbers are finite"] = bool(torch.isfinite(value).all())
        value = value.detach().nan_to_num(posinf=0, neginf=0)
    outcome[name] = value


def all_handed_on(got: Tensor, p: Tensor) -> bool:
    """Whether the relevance that arrived is the p that was given, to a hundredth.

    For outputs of which z is small: `p / (z + 1e-6)` is near enough, `p / z.clamp(min=1e-2)` isn't.
    """
    return bool((got.sum() - p.sum()).abs() < 0.01 * p.sum().abs())


def given_to(y: Tensor, others: tuple[Tensor, ...]) -> str:
    """Whether any of these leaves of y gets a gradient other than 0."""
    gradients = torch.autograd.grad(y.sum(), others, allow_unused=True)
    some = any(gradient is not None and bool(gradient.any()) for gradient in gradients)
    return "a gradient" if some else "nothing"


def shared(x: Tensor, W: Tensor, p: Tensor) -> Tensor:
    """Shares of the inputs x (N, J) of a linear layer with weights W (I, J) in p (N, I)."""
    above = W.clamp(min=0)
    z = x @ above.T
    return x * (torch.where(z > 0, p / z, 0) @ above)


class PassReLU(Function):
    """A ReLU that hands the relevance of its output to its input."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        return x.clamp(min=0)

    @staticmethod
    def backward(ctx: Any, p: Tensor) -> Tensor:
        return p


def table(excitation: type[Function]) -> dict[Callable[..., Any], Any]:
    """The lesson's rules, made from an `Excitation`."""

    def layer(func: Callable[..., Tensor], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        x, weight, bias, *rest = args
        above = weight.clamp(min=0)
        return excitation.apply(
            x, lambda u: func(u, weight, bias, *rest), lambda u: func(u, above, None, *rest)
        )

    def average(func: Callable[..., Tensor], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        x, *rest = args
        return excitation.apply(x, lambda u: func(u, *rest), lambda u: func(u, *rest))

    return {
        F.relu: PassReLU,
        F.conv2d: layer,
        F.linear: layer,
        F.adaptive_avg_pool2d: average,
    }


def frozen_network(rng: torch.Generator) -> nn.Sequential:
    """A network as the lesson's: float32, its weights need no gradient."""
    return nested_network(rng, dtype=torch.float32).requires_grad_(False)


def in_the_network(rules: Mapping[Callable[..., Any], Any], rng: torch.Generator) -> Outcome:
    """The relevance of each unit of two layers of a small network that runs under the rules."""
    network = frozen_network(rng)
    x = activations(rng, 2, 3, 8, 7)
    outcome: Outcome = {}
    for layer in ("features.relu", "features.block.relu"):
        with Probe(network.get_submodule(layer), target="output") as probe, BackwardRules(rules):
            score = network(x)[:, CLASSES - 2].sum()
        (p,) = torch.autograd.grad(score, probe.data[0])
        note_finite(outcome, f"the relevance at {layer} of a small network", p)
    return outcome
