r"""The sanity check: does a map change when the network forgets what it learned?

The weights are drawn anew layer by layer, from the scores down to the input, each layer staying
random while the next is drawn (cascading randomisation). At each stage the method explains the same
score of the damaged network, and its map is compared with the first one. A map that stays alike is
no explanation of what the network learned. (J. Adebayo, J. Gilmer, M. Muelly, I. Goodfellow,
M. Hardt, B. Kim: Sanity Checks for Saliency Maps. NeurIPS 2018.)
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor, nn

from course_lib.attribution.inputs.checks import check_model

from .likeness import rank_likeness, structural_likeness
from .protocols import protocol

SEEDS = 2**31
"""Where the seeds of the draws begin. A network made after `torch.manual_seed(0)` would otherwise
be drawn again as it is. (The CPU's generator takes 32 bits of a seed.)"""

Method = Callable[[nn.Module, Tensor, Any], Tensor]


def layers_with_weights(model: nn.Module) -> list[str]:
    """Names of the layers that a cascade draws anew, from the scores down to the input.

    A BatchNorm goes together with the convolution before it: it is no layer of its own.

    >>> layers_with_weights(nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Linear(4, 2)))
    ['2', '0']
    """
    names = [
        name
        for name, module in model.named_modules()
        if isinstance(module, nn.Linear | nn.modules.conv._ConvNd)
    ]
    return names[::-1]


def cascade(model: nn.Module, seed: int = 0) -> Iterator[tuple[str, nn.Module]]:
    """The network with its layers drawn anew: name of the layer, and the network at that stage.

    Each layer's weights are drawn by its own `reset_parameters`, as before training; so are those
    of the BatchNorms that follow it, whose means and variances become 0 and 1.

    Args:
        model: the network; it is copied, and never changed.
        seed: of the draws. The caller's random state stays as it is.

    Raises:
        TypeError: the model is no network.
        ValueError: it has no layers with weights.

    The network is one and the same copy, which each step damages further.
    """
    damaged = copy.deepcopy(check_model(model))
    names = layers_with_weights(damaged)
    if not names:
        raise ValueError(f"{type(model).__name__} has no linear or convolutional layers to draw.")
    norms = _norms_after(damaged)
    for number, name in enumerate(names):
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(SEEDS + seed * len(names) + number)
            for layer in (name, *norms.get(name, ())):
                _draw_anew(damaged.get_submodule(layer))
        yield name, damaged


def _draw_anew(layer: nn.Module) -> None:
    # On the CPU, so that a seed means the same weights everywhere.
    fresh: Any = copy.deepcopy(layer).cpu()
    fresh.reset_parameters()
    layer.load_state_dict(fresh.state_dict())


def _norms_after(model: nn.Module) -> dict[str, list[str]]:
    """The BatchNorms that stand behind each layer with weights, in the order of their names."""
    found: dict[str, list[str]] = {}
    weights = set(layers_with_weights(model))
    last = ""
    for name, module in model.named_modules():
        if name in weights:
            last = name
        elif isinstance(module, nn.modules.batchnorm._BatchNorm):
            found.setdefault(last, []).append(name)
    return found


def randomisation_curve(
    model: nn.Module,
    x: Tensor,
    target: Any,
    method: Method,
    likeness: Callable[[Tensor, Tensor], Tensor] = rank_likeness,
    *,
    seed: int = 0,
) -> Tensor:
    """How alike a method's maps stay to the first ones, while the network is drawn anew.

    Args:
        model: the network; not changed.
        x: images, N x C x H x W.
        target: the class, or one per image.
        method: (model, x, target) to maps, N x 1 x h x w.
        likeness: of two such maps: `rank_likeness` or `structural_likeness`.
        seed: of the draws.

    Returns:
        N x layers: after the scores' layer first, after all layers last.

    Raises:
        TypeError, ValueError: as `cascade` and `likeness` do.
    """
    first = method(model, x, target)
    stages = [likeness(first, method(damaged, x, target)) for _, damaged in cascade(model, seed)]
    return torch.stack(stages, 1)


@protocol(
    "randomisation, ranks",
    best="low",
    explanation="method",
    needs_truth=False,
    passes="the maps again for each layer",
)
def randomisation_ranks(
    model: nn.Module, x: Tensor, target: Any, method: Method, truth: Any = None, *, seed: int = 0
) -> Tensor:
    """The mean over the stages of the rank correlation's size; lower is better.

    Its sign does not count: a map that turns into its own negative still shows the same places.
    """
    return randomisation_curve(model, x, target, method, rank_likeness, seed=seed).abs().mean(1)


@protocol(
    "randomisation, structure",
    best="low",
    explanation="method",
    needs_truth=False,
    passes="the maps again for each layer",
)
def randomisation_structure(
    model: nn.Module, x: Tensor, target: Any, method: Method, truth: Any = None, *, seed: int = 0
) -> Tensor:
    """The mean over the stages of the structural similarity to the first map; lower is better."""
    return randomisation_curve(model, x, target, method, structural_likeness, seed=seed).mean(1)
