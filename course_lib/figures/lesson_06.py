"""The figures of lesson 06: random masks, the maps made with them, and their error.

Maps and images are tensors of one image, `outlines` the scene's exact masks (classes x H x W), and
`category` the class that is asked for, whose outline is solid.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor

from course_lib.world.scenes import CLASSES

from .plotting import Panel, Picture, gallery, show, subplots


def masked_images(
    images: Tensor, category: int, outlines: Any, probabilities: Tensor | None = None
) -> Picture:
    """Masked images, N x 3 x H x W, numbered; with the N probabilities of the class if given."""
    numbers = [f"image {n + 1}" for n in range(len(images))]
    titles = (
        numbers
        if probabilities is None
        else [f"{number}: {p:.2f}" for number, p in zip(numbers, probabilities, strict=True)]
    )
    known = "" if probabilities is None else f", and the probability of {CLASSES[category]} in each"
    return gallery(
        [
            [
                Panel("image", image, title, outlines=outlines, focus=category)
                for image, title in zip(images, titles, strict=True)
            ]
        ],
        caption=f"The scene under {len(images)} random masks{known}.",
        alt=f"{len(images)} versions of the scene, each with a random part turned dark{known}.",
    )


def from_grid_to_mask(grid: Tensor, rim: Tensor, large: Tensor) -> Picture:
    """A grid of zeros and ones, the same with its mirrored rim, and enlarged."""
    return gallery(
        [
            [
                Panel("numbers", grid, f"a grid of {grid.shape[-2]} x {grid.shape[-1]}", vmax=2),
                Panel("numbers", rim, "with its rim", vmax=2),
                Panel("heat", large, "enlarged"),
            ]
        ],
        caption="From a grid to a mask. From the enlarged grid, a piece of the image's size is cut "
        "at a random place.",
        alt="A small grid of zeros and ones, the same with a mirrored rim around it, and a smooth "
        "map made from that.",
    )


def some_masks(masks: Tensor) -> Picture:
    """A few masks, N x 1 x H x W, side by side."""
    return gallery(
        [[Panel("heat", mask, vmax=1) for mask in masks]],
        column_width=5 / 3,
        caption=f"{len(masks)} of the masks: smooth pieces at places that are nobody's choice.",
        alt=f"{len(masks)} smooth random patterns of bright and dark patches.",
    )


def map_and_floor(x: Tensor, s: Tensor, above: Tensor, category: int, outlines: Any) -> Picture:
    """The image, its map for a class, and how far the map is above its floor."""
    name = CLASSES[category]
    where = {"outlines": outlines, "focus": category}
    return gallery(
        [
            [
                Panel("image", x, f"{name}?", **where),
                Panel("heat", s, "the map", **where),
                Panel("signed", above, "above its floor", **where),
            ]
        ],
        caption=f"RISE for {name}. It has never seen the inside of the network.",
        alt=f"The scene, the RISE map for {name}, and the map minus its floor in red and blue.",
    )


def error_by_number(
    numbers: Sequence[int], predicted: Sequence[Tensor], measured: Sequence[Tensor]
) -> Picture:
    """A map's error against its number of masks, as predicted and as measured."""
    fig, ax = subplots(width=6.4, height=3.4)
    ax.plot(numbers, predicted, label="predicted from 200 masks")
    ax.plot(numbers, measured, "o", color="#D55E00", markersize=9, label="measured")
    ax.set_xscale("log")
    ax.set_yscale("log")
    ax.set_xticks(numbers, numbers)
    ax.set_yticks([0.03, 0.06, 0.12], ["0.03", "0.06", "0.12"])
    ax.minorticks_off()
    ax.set_xlabel("number of masks")
    ax.set_ylabel("standard error of a pixel")
    ax.legend()
    return show(
        fig,
        caption="Error against the number of masks. Both axes are logarithmic.",
        alt="A falling line of predicted errors, and measured points close to it.",
    )


def by_cells(maps: Mapping[int, Tensor], category: int, outlines: Any) -> Picture:
    """Maps above their floor, one for each number of cells along a side."""
    return gallery(
        [
            [
                Panel("signed", s, f"{n} x {n} cells", outlines=outlines, focus=category)
                for n, s in maps.items()
            ]
        ],
        caption=f"RISE for {CLASSES[category]}, as many masks each, with grids of "
        f"{len(maps)} sizes.",
        alt=f"{len(maps)} red and blue maps, from few large cells to many small ones.",
    )


def with_rounding(
    slope: Tensor, rounded_slope: Tensor, above: Tensor, category: int, outlines: Any
) -> Picture:
    """Gradient maps of a network and of the rounded one, and RISE on the rounded one."""
    where = {"outlines": outlines, "focus": category}
    return gallery(
        [
            [
                Panel("heat", slope, "gradient, original", **where),
                Panel("heat", rounded_slope, "gradient, rounded", **where),
                Panel("signed", above, "RISE, rounded", **where),
            ]
        ],
        caption=f"Maps of {CLASSES[category]}, from the network and from the rounded one.",
        alt="Three maps: the gradient of the original network, the gradient of the rounded one, "
        "and RISE with the rounded one.",
    )


def photo_map(image: Tensor, above: Tensor, name: str, credit: str, number: int) -> Picture:
    """A photo, 3 x H x W in [0, 1], and its map above its floor.

    Args:
        name: the class asked for.
        credit: who took the photo, and its licence.
        number: how many masks the map has.
    """
    lowest = divmod(int(above.flatten().argmin()), above.shape[-1])
    return gallery(
        [
            [
                Panel("image", image, "the photo", mark=lowest),
                Panel("signed", above, f"{name}, above its floor", mark=lowest),
            ]
        ],
        caption=f"RISE for {name} with {number} masks. The cross is the map's lowest point. "
        f"{credit}",
        alt=f"A photo, and its RISE map for {name}, minus its floor, in red and blue; a cross "
        "marks the lowest point in both.",
    )
