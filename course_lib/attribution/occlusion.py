"""Occlusion: cover the image place by place, and see how far the score falls."""

from __future__ import annotations

import math
from typing import Any, Unpack

import torch
import torch.nn.functional as F
from torch import nn
from tqdm.auto import tqdm

from .inputs.baselines import Baseline, baseline_of
from .inputs.checks import check_image, check_model, check_scores, whole_number
from .inputs.options import MapOptions
from .inputs.targets import Target
from .methods import method
from .network.fast import run_fast, versions_at_once
from .network.preserved import preserved
from .saliency import finish, starts


@method("Occlusion", signed=True, layer="no", passes="one forward a place")
def occlusion(
    model: nn.Module,
    input: torch.Tensor,
    target: Target,
    *,
    window: int | tuple[int, int] | None = None,
    stride: int | tuple[int, int] | None = None,
    fill: Baseline = 0,
    progress: bool = False,
    **options: Unpack[MapOptions],
) -> torch.Tensor:
    """s(u) = mean over windows w that cover u of phi(x) - phi(x covered at w): cover and see.

    Windows lie a stride apart, from the upper left corner on; the last of a row or column are cut
    by the border.

    Args:
        model: maps N x C x H x W images to N x K or N x K x H' x W' scores.
        input: x, N x C x H x W, any floating dtype, on the model's device.
        target: a class, one per image, several per image, or a gradient; see `parse_target`.
        window: (height, width) in pixels, or one number for both; a sixth of the shorter side if
            not given.
        stride: from window to window, in pixels down and across; a quarter of the window if not
            given.
        fill: what covers the image; see `baseline_of`.
        progress: show a progress bar.
        {options}

    Returns:
        N x 1 x H x W maps, positive where covering lowers the score; K x 1 x H x W for K targets of
        one image, N x K x H x W for N rows of them. Nothing is changed.

    Raises:
        ValueError, TypeError: as `saliency`; a window larger than the image, a stride larger than
            the window.

    Paper: M. Zeiler, R. Fergus, "Visualizing and understanding convolutional networks", ECCV 2014.

    >>> net = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(4, 2, bias=False))
    >>> with torch.no_grad():
    ...     _ = net[1].weight.copy_(torch.tensor([[1.0, -2, 3, -4], [0, 0, 0, 0]]))
    >>> occlusion(net, torch.ones(1, 1, 2, 2), 0, window=1).tolist()
    [[[[1.0, -2.0], [3.0, -4.0]]]]
    """
    check_model(model)
    x = check_image(input).detach()
    height, width = x.shape[2:]
    window = _pair("window", math.ceil(min(height, width) / 6) if window is None else window)
    stride = _pair("stride", [math.ceil(side / 4) for side in window] if stride is None else stride)
    for name, small, large, what in (
        ("window", window, (height, width), "the image, of"),
        ("stride", stride, window, "the window, of"),
    ):
        if small[0] > large[0] or small[1] > large[1]:
            raise ValueError(
                f"{name} must not be larger than {what} {large[0]} x {large[1]} pixels, but is "
                f"{small[0]} x {small[1]}."
            )
    grid = [
        math.ceil((side - w) / s) + 1
        for side, w, s in zip((height, width), window, stride, strict=True)
    ]
    places = torch.cartesian_prod(
        *(torch.arange(n, device=x.device) * s for n, s in zip(grid, stride, strict=True))
    )
    with preserved(model, input), torch.no_grad():
        cover = baseline_of(x, fill, "fill")
        before = check_scores(run_fast(model, x), len(x))
        begin = starts(target, before)
        falls = []
        some = places.split(versions_at_once(x))
        for corners in tqdm(some, desc="Occlusion", unit="batch", disable=not progress):
            covered = x.where(~_windows(corners, window, x), cover).flatten(0, 1)
            after = check_scores(run_fast(model, covered), len(covered))
            fall = before - after.unflatten(0, (len(corners), -1))
            falls.append(torch.stack([(s * fall).flatten(2).sum(2) for s in begin]))
        # places x targets x images, to each window's pixels.
        drops = torch.cat(falls, 1).permute(0, 2, 1).reshape(-1, 1, *grid)
        maps = _spread(drops, window, stride) / _spread(torch.ones_like(drops[:1]), window, stride)
    maps = maps[..., :height, :width].unflatten(0, (len(begin), -1)).to(x.dtype)
    return finish(maps, input, target, **options)


def _pair(name: str, value: Any) -> tuple[int, int]:
    pair = list(value) if isinstance(value, (tuple, list)) else [value, value]
    if len(pair) != 2:
        raise ValueError(f"{name} must be a number of pixels or (height, width), not {value!r}.")
    return whole_number(name, pair[0]), whole_number(name, pair[1])


def _windows(corners: torch.Tensor, window: tuple[int, int], x: torch.Tensor) -> torch.Tensor:
    """Which pixels lie in the window at each corner: k x 1 x 1 x H x W."""
    inside = []
    for i in (0, 1):
        off = torch.arange(x.shape[2 + i], device=x.device) - corners[:, i, None]
        inside.append((off >= 0) & (off < window[i]))
    return (inside[0][:, :, None] & inside[1][:, None])[:, None, None]


def _spread(values: torch.Tensor, window: tuple[int, int], stride: tuple[int, int]) -> torch.Tensor:
    """Each window's value, M x 1 x rows x columns, added at all its pixels."""
    return F.conv_transpose2d(values, values.new_ones(1, 1, *window), stride=stride)
