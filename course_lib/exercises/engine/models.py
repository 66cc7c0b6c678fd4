"""Small networks and numbers as lessons meet them: nested, in use, with what answers trip over."""

from __future__ import annotations

from collections import OrderedDict

import torch
from torch import nn

from .probes import rand, randint

CLASSES = 8
"""As many as the course's scenes have."""


def nested_network(
    rng: torch.Generator,
    classes: int = CLASSES,
    channels: int = 3,
    *,
    inplace: bool = False,
    dtype: torch.dtype = torch.float64,
) -> nn.Sequential:
    """A small network of blocks within blocks, with batch normalisation, in eval mode.

    Layers `features.conv` (channels to 5), `features.relu`, `features.pool`, `features.block.conv`
    (5 to 6), `features.block.norm`, `features.block.relu`, then `pool`, `flatten` and `classifier`
    (6 to classes). Input (N, channels, H, W) with H and W at least 2, output (N, classes).
    """
    block = OrderedDict(
        conv=nn.Conv2d(5, 6, 3, padding=1, dtype=dtype),
        norm=nn.BatchNorm2d(6, dtype=dtype),
        relu=nn.ReLU(inplace=inplace),
    )
    features = OrderedDict(
        conv=nn.Conv2d(channels, 5, 3, padding=1, dtype=dtype),
        relu=nn.ReLU(inplace=inplace),
        pool=nn.MaxPool2d(2),
        block=nn.Sequential(block),
    )
    network = nn.Sequential(
        OrderedDict(
            features=nn.Sequential(features),
            pool=nn.AdaptiveAvgPool2d(1),
            flatten=nn.Flatten(),
            classifier=nn.Linear(6, classes, dtype=dtype),
        )
    )
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.copy_(rand(rng, *parameter.shape, low=-0.5, high=0.5))
        for name, buffer in network.named_buffers():
            if buffer.is_floating_point():
                low = 0.5 if name.endswith("var") else -0.2
                buffer.copy_(rand(rng, *buffer.shape, low=low, high=low + 1))
    return network.eval()


def in_use(model: nn.Module, rng: torch.Generator) -> nn.Module:
    """The model as somebody else uses it: what an answer changes and does not put back is seen.

    Every second parameter is frozen, the others have a gradient already, every second module is in
    training mode (of those that compute the same in either), and the first has a hook.
    """
    for number, parameter in enumerate(model.parameters()):
        parameter.requires_grad_(number % 2 == 0)
        if parameter.requires_grad:
            parameter.grad = rand(rng, *parameter.shape).to(parameter)
    for number, module in enumerate(model.modules()):
        own = not isinstance(
            module, nn.modules.batchnorm._BatchNorm | nn.modules.dropout._DropoutNd
        )
        module.training = number % 2 == 0 and own
    next(model.children()).register_forward_hook(_nothing)
    return model


def _nothing(module: nn.Module, inputs: object, output: object) -> None:
    """A hook that changes nothing."""


def awkward(rng: torch.Generator, *shape: int, dtype: torch.dtype = torch.float64) -> torch.Tensor:
    """Numbers of both signs up to 9 (a ReLU6 differs), a fifth of them 0, a fifth of them tiny."""
    values = rand(rng, *shape, low=-9, high=9, dtype=dtype)
    kind = torch.rand(shape, generator=rng)
    values[kind < 0.2] = 0
    values[kind > 0.8] *= 1e-4
    return values


def targets_without_the_last(rng: torch.Generator, count: int, classes: int) -> torch.Tensor:
    """Classes of several images, (count,), int64: the last class is none of them.

    So `F.one_hot(targets)` without a number of classes has too few of them.
    """
    return torch.tensor([randint(rng, 0, classes - 1) for _ in range(count)])
