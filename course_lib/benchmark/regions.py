"""Compare explanations as regions of one area, by tests that they were not made for.

The score that a mask was searched with can be raised by fooling the network, and a mask that is
grey all over shows the whole image. So each map is made into a hard region of the area asked for
(`best_region`) and gets the same soft rim as all others (`soft_rim`), and the network is asked what
it sees there under several ways of taking the rest away (`shown`), and so are other networks.
"""

from __future__ import annotations

import torch

from course_lib.attribution.maps.imaging import imsmooth
from course_lib.attribution.masks.perturbation import Perturbation

BLURS = {"own blur": 20.0, "blur 8": 8.0, "blur 50": 50.0}
"""Tests that blur the rest, and by how many pixels; the first as extremal perturbation does."""

TESTS = (*BLURS, "fade", "black", "noise")
"""All the tests. In the last three the rest becomes grey, black, or coloured noise."""

_RIM = 1 / 32
_NEARNESS = 1 / 8


def best_region(saliency: torch.Tensor, area: float) -> torch.Tensor:
    """The share of the pixels that a map ranks highest.

    Pixels that tie, as those at zero often do, are ranked by how high the map is around them.

    Args:
        saliency: maps N x 1 x H x W.
        area: share of the pixels, in (0, 1).

    Returns:
        N x 1 x H x W zeros and round(area H W) ones (at least one).

    Raises:
        ValueError: the area is no such share, or the maps have another shape or are not finite.

    >>> best_region(torch.tensor([[[[0.1, 0.4], [0.3, 0.2]]]]), 0.5).flatten().tolist()
    [0.0, 1.0, 1.0, 0.0]
    """
    if not 0 < area < 1:
        raise ValueError(f"The area must be a share between 0 and 1, not {area!r}.")
    if saliency.dim() != 4 or saliency.shape[1] != 1 or not bool(torch.isfinite(saliency).all()):
        raise ValueError(
            f"Regions are made of finite maps, N x 1 x H x W, and these are "
            f"{tuple(saliency.shape)}{'' if saliency.isfinite().all() else ', not finite'}."
        )
    around = imsmooth(saliency, _NEARNESS * min(saliency.shape[2:]), padding_mode="replicate")
    region = torch.zeros_like(saliency).flatten(1)
    for row, values, nearby in zip(region, saliency.flatten(1), around.flatten(1), strict=True):
        by_nearness = nearby.argsort(descending=True, stable=True)
        best = by_nearness[values[by_nearness].argsort(descending=True, stable=True)]
        row[best[: max(1, round(area * len(best)))]] = 1
    return region.view_as(saliency)


def soft_rim(region: torch.Tensor) -> torch.Tensor:
    """The regions N x 1 x H x W with a soft rim: blurred by 1/32 of the image's shorter side.

    >>> soft_rim(torch.ones(1, 1, 32, 32)).allclose(torch.ones(1))
    True
    """
    return imsmooth(region, _RIM * min(region.shape[2:]), padding_mode="replicate")


def centred_disc(height: int, width: int) -> torch.Tensor:
    """A map whose regions are discs in the middle of the image, 1 x 1 x H x W: a baseline.

    >>> centred_disc(3, 3)[0, 0].argmax().item()
    4
    """
    rows = torch.arange(height, dtype=torch.float32) - (height - 1) / 2
    columns = torch.arange(width, dtype=torch.float32) - (width - 1) / 2
    return -(rows[:, None].square() + columns.square())[None, None]


def shown(
    x: torch.Tensor, masks: torch.Tensor, test: str, black: float = 0.0, white: float = 1.0
) -> torch.Tensor:
    """What a test shows of an image under masks: where a mask is 0, the rest.

    Args:
        x: the image as the network takes it, 1 x C x H x W.
        masks: N x 1 x H x W, in [0, 1].
        test: one of `TESTS`.
        black: what the network takes for black.
        white: what it takes for white; grey is half-way.

    Returns:
        N x C x H x W. The noise is the same in every call, evenly between black and white.

    Raises:
        ValueError: there is no such test.

    >>> x = torch.ones(1, 3, 8, 8)
    >>> shown(x, torch.zeros(2, 1, 8, 8), "fade").unique().tolist()
    [0.5]
    """
    if test in BLURS:
        return Perturbation(x, max_blur=BLURS[test]).apply(masks)
    generator = torch.Generator().manual_seed(0)
    rest = {
        "fade": torch.full_like(x, (black + white) / 2),
        "black": torch.full_like(x, black),
        "noise": torch.rand(x.shape, generator=generator).to(x) * (white - black) + black,
    }
    if test not in rest:
        raise ValueError(f"The test must be one of {', '.join(TESTS)}, not {test!r}.")
    return masks * x + (1 - masks) * rest[test]


def share_on(region: torch.Tensor, truth: torch.Tensor) -> torch.Tensor:
    """What share of each region lies on the object: N x 1 x H x W and H x W to N.

    >>> region = torch.tensor([[[[1.0, 1.0], [0.0, 0.0]]]])
    >>> share_on(region, torch.tensor([[1.0, 0.0], [1.0, 1.0]])).item()
    0.5
    """
    return (region * truth).flatten(1).sum(1) / region.flatten(1).sum(1)
