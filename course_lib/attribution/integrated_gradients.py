"""Integrated gradients: the gradients on the way from a baseline to the image, added up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Unpack

import torch
from torch import nn

from .inputs.baselines import Baseline, baseline_of
from .inputs.checks import check_image, check_model, check_scores, whole_number
from .inputs.notices import warn
from .inputs.options import MapOptions
from .inputs.targets import Target
from .methods import method
from .network.fast import run_fast, versions_at_once
from .network.preserved import explaining
from .saliency import finish, gradients, observe, starts

# Of what the score rises by: a larger gap than this can be seen in the map.
_LARGE_GAP = 0.05


@dataclass(frozen=True)
class PathIntegral:
    """What `path_integral` gives, for K targets of N images.

    Attributes:
        attributions: K x N x C x H x W.
        rise: what the score rises by from the baseline to the image, K x N.
        gap: by how much the attributions' sum misses it, K x N; 0 for an exact integral.
    """

    attributions: torch.Tensor
    rise: torch.Tensor
    gap: torch.Tensor


@method("Integrated gradients", signed=True, layer="no", passes="steps forward and backward")
def integrated_gradients(
    model: nn.Module,
    input: torch.Tensor,
    target: Target,
    *,
    baseline: Baseline = 0,
    steps: int = 64,
    **options: Unpack[MapOptions],
) -> torch.Tensor:
    """s = sum_c (x - x0)_c int_0^1 dphi/dx_c (x0 + a (x - x0)) da: explain what a score rises by.

    Complete: without resizing or smoothing, the map's sum is phi(x) - phi(x0), but for the gap of
    the numerical integral, which `path_integral` gives.

    Args:
        model: maps N x C x H x W images to N x K or N x K x H' x W' scores.
        input: x, N x C x H x W, any floating dtype, on the model's device.
        target: a class, one per image, several per image, or a gradient; see `parse_target`.
        baseline: x0, an image without what is to be explained; see `baseline_of`.
        steps: at how many points of the way the gradient is taken.
        {options}

    Returns:
        N x 1 x H x W maps with two signs, detached; K x 1 x H x W for K targets of one image,
        N x K x H x W for N rows of them. Nothing is changed.

    Raises:
        ValueError, TypeError: as `saliency`; a baseline or number of steps that is none.

    Warns:
        UserWarning: the gap is more than 5 % of what the score rises by.

    Paper: M. Sundararajan, A. Taly, Q. Yan, "Axiomatic attribution for deep networks", ICML 2017.

    >>> net = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(4, 2, bias=False))
    >>> with torch.no_grad():
    ...     _ = net[1].weight.copy_(torch.tensor([[1.0, -2, 3, -4], [0, 0, 0, 0]]))
    >>> integrated_gradients(net, torch.ones(1, 1, 2, 2), 0).round(decimals=3).tolist()
    [[[[1.0, -2.0], [3.0, -4.0]]]]
    """
    found = path_integral(model, input, target, baseline=baseline, steps=steps)
    if bool((found.gap.abs() > _LARGE_GAP * found.rise.abs()).any()):
        worst = (found.gap / found.rise).abs().max()
        warn(
            f"Integrated gradients: the map's sum misses what the score rises by by "
            f"{float(worst):.0%}: give more steps than {steps}, or another baseline."
        )
    return finish(found.attributions.sum(2, keepdim=True), input, target, **options)


def path_integral(
    model: nn.Module,
    input: torch.Tensor,
    target: Target,
    *,
    baseline: Baseline = 0,
    steps: int = 64,
) -> PathIntegral:
    """Each channel's share in what a score rises by from the baseline to the image, and the gap.

    The integral is the mean over the middles of equal parts of the way. Higher orders gain
    nothing: in a network of ReLUs the gradient jumps on the way (`python -m speed.integral`).

    Args:
        model, input, target, baseline, steps: see `integrated_gradients`.

    Raises:
        ValueError, TypeError: as `integrated_gradients`.

    >>> net = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(12, 2))
    >>> found = path_integral(net, torch.rand(2, 3, 2, 2), [0, 1])
    >>> found.attributions.shape, found.gap.shape
    (torch.Size([1, 2, 3, 2, 2]), torch.Size([1, 2]))
    """
    check_model(model)
    x = check_image(input).detach()
    steps = whole_number("steps", steps)
    with explaining(model, input):
        x0 = baseline_of(x, baseline)
        points, weights = _midpoints(steps, x)
        total: list[torch.Tensor] = []
        at_once = versions_at_once(x)
        for a, w in zip(points.split(at_once), weights.split(at_once), strict=True):
            on_the_way = (x0 + a * (x - x0)).flatten(0, 1)
            seen = observe(model, on_the_way)
            rows = torch.arange(len(x), device=x.device).repeat(len(a))
            begin = starts(target, seen.scores, rows)
            parts = [(w * g.unflatten(0, (len(a), -1))).sum(0) for g in gradients(seen, begin)]
            total = [t + p for t, p in zip(total, parts, strict=True)] if total else parts
        with torch.no_grad():
            ends = check_scores(run_fast(model, torch.cat([x0, x])), 2 * len(x)).chunk(2)
            rise = torch.stack(
                [(s * (ends[1] - ends[0])).flatten(1).sum(1) for s in starts(target, ends[1])]
            )
            attributions = (x - x0) * torch.stack(total)
    return PathIntegral(attributions, rise, attributions.flatten(2).sum(2) - rise)


def _midpoints(steps: int, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Points in (0, 1) and their weights, steps x 1 x 1 x 1 x 1 each."""
    points = (torch.arange(steps, device=x.device) + 0.5).to(x.dtype) / steps
    points = points.view(-1, 1, 1, 1, 1)
    return points, torch.full_like(points, 1 / steps)
