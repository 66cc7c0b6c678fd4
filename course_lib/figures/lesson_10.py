"""The figures of lesson 10: masks of a segmentation network, maps of a region, swapped images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from course_lib.world.boxes import Box
from course_lib.world.scenes import CLASSES, Scene

from .plotting import Panel, Picture, gallery, show, subplots

_QUIET = "#6b6b6b"
_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
_MARKERS = "osD^vPX"


def masks_found(scene: Scene, probabilities: Tensor) -> Picture:
    """Draw a scene, and for each of its objects the probability at each pixel.

    Args:
        scene: what the network saw.
        probabilities: (1, 8, H, W).
    """
    panels = [Panel("image", scene.x, "the scene", scene.masks)]
    for c in scene.objects:
        panels.append(
            Panel("heat", probabilities[:, c : c + 1], CLASSES[c], scene.masks, c, vmax=1.0)
        )
    names = " and ".join(scene.names)
    return gallery(
        [panels],
        caption=f"A scene, and how probable the network finds {names} at each pixel. Black: 0; "
        "the brightest colour: 1.",
        alt=f"The scene with its objects' outlines, and a picture each for {names}: bright where "
        "the network finds it.",
    )


def map_of_a_pixel(scene: Scene, asked: int, place: tuple[int, int], s: Tensor) -> Picture:
    """Draw the map of one pixel's logit, with a cross on the pixel.

    Args:
        scene: what the network saw.
        asked: the class.
        place: row and column of the pixel.
        s: the map, (1, 1, H, W), none negative.
    """
    return gallery(
        [
            [
                Panel("image", scene.x, "the pixel", scene.masks, asked, mark=place),
                Panel("heat", s, "its gradient", scene.masks, asked, mark=place),
            ]
        ],
        caption=f"The logit of the {CLASSES[asked]} at one pixel (the cross), and the gradient's "
        "map of it.",
        alt="A scene and a map, each with a cross on the same pixel, and the objects' outlines.",
    )


def maps_of_a_region(
    scene: Scene, asked: int, region: Tensor, maps: Mapping[str, Tensor]
) -> Picture:
    """Draw a region and several methods' maps of its score.

    Args:
        scene: what the network saw.
        asked: the class that the maps are for.
        region: (H, W), drawn as an outline over the scene.
        maps: name of a method -> its map, (1, 1, h, w), none negative.
    """
    outline = torch.zeros(scene.masks.shape)
    outline[asked] = region.float()
    panels = [Panel("image", scene.x, "the region", outline, asked)]
    panels += [Panel("heat", s, name, scene.masks, asked) for name, s in maps.items()]
    half = (len(panels) + 1) // 2
    return gallery(
        [panels[:half], panels[half:]],
        column_width=2,
        caption=f"Maps of one score: the logit of the {CLASSES[asked]}, averaged over the region "
        "in the first picture.",
        alt=f"The scene with the region's outline, and the maps of {', '.join(maps)}.",
    )


def shares_of_methods(tables: Mapping[str, Mapping[str, Sequence[float]]], scenes: int) -> Picture:
    """Draw for each method how much of its maps lies inside, in the ring and elsewhere.

    Args:
        tables: name of a network -> name of a method -> the three shares.
        scenes: of how many scenes they are the mean.
    """
    methods = list(next(iter(tables.values())))
    fig, axes = subplots(1, len(tables), width=7.6, height=3.2, sharey=True, squeeze=False)
    for ax, (network, table) in zip(axes[0], tables.items(), strict=True):
        shares = torch.tensor([list(table[name]) for name in methods])
        left = torch.zeros(len(methods))
        for part, name in enumerate(("inside", "in the ring", "elsewhere")):
            colour = (_COLOURS[0], _COLOURS[5], "#d9d9d9")[part]
            ax.barh(methods, 100 * shares[:, part], left=100 * left, color=colour, label=name)
            left = left + shares[:, part]
        ax.set_xlim(0, 100)
        ax.set_xlabel("of the map, %")
        ax.set_title(network)
    axes[0][0].invert_yaxis()
    fig.legend(
        *axes[0][0].get_legend_handles_labels(), loc="outside upper center", ncols=3, frameon=False
    )
    return show(
        fig,
        caption=f"Where the maps of an object's score lie, mean of {scenes} scenes.",
        alt=f"Bars in three parts, inside, in the ring and elsewhere, for {', '.join(methods)}; "
        f"a panel each for {' and '.join(tables)}.",
    )


def two_halves(
    scene: Scene, asked: int, halves: Sequence[Tensor], maps: Mapping[str, Sequence[Tensor]]
) -> Picture:
    """Draw the maps of two halves of an object, a row for each half.

    Args:
        scene: what the network saw.
        asked: the class.
        halves: two regions, (H, W).
        maps: name of a method -> its two maps, (1, 1, h, w), none negative.
    """
    rows: list[list[Panel | None]] = []
    for number, half in enumerate(halves):
        outline = torch.zeros(scene.masks.shape)
        outline[asked] = half.float()
        row: list[Panel | None] = [Panel("image", scene.x, "the region", outline, asked)]
        row += [Panel("heat", s[number], name, outline, asked) for name, s in maps.items()]
        rows.append(row)
    return gallery(
        rows,
        row_labels=["left half", "right half"],
        column_width=1.9,
        caption=f"Maps of the score of one half of the {CLASSES[asked]}, and of the other. "
        "Outlined: the half asked for.",
        alt=f"Two rows, one for each half: the scene, then the maps of {', '.join(maps)}.",
    )


def other_surroundings(
    scene: Scene, asked: int, box: Box, images: Mapping[str, tuple[Tensor, float]]
) -> Picture:
    """Draw versions of one scene with the box outlined, and the region's score above each.

    Args:
        scene: the scene as it was.
        asked: the class.
        box: top, left, bottom, right.
        images: what was done -> the image, (1, 3, H, W), and the score.
    """
    outline = torch.zeros(scene.masks.shape)
    top, left, bottom, right = box
    outline[asked, top:bottom, left:right] = 1
    return gallery(
        [
            [
                Panel("image", x, f"{what}: {score:.1f}", outline, asked)
                for what, (x, score) in images.items()
            ]
        ],
        caption=f"One scene, and what the swaps make of it; the score of the {CLASSES[asked]}'s "
        "region above each. Outlined: the box.",
        alt=f"{len(images)} images with the same box: {', '.join(images)}.",
    )


def reach(curves: Mapping[str, Mapping[int, float]], scenes: int) -> Picture:
    """Draw what lies beyond each distance of a region, by several measures.

    Args:
        curves: name -> distance in pixels -> share, from 0 to 1.
        scenes: of how many scenes it is the mean.
    """
    fig, ax = subplots(width=7.4, height=3.4)
    for number, (name, curve) in enumerate(curves.items()):
        values = [100 * share for share in curve.values()]
        colour, marker = _COLOURS[number], _MARKERS[number]
        ax.plot(list(curve), values, label=name, color=colour, marker=marker, ms=5)
    ax.set_ylim(bottom=0)
    ax.set_xlabel("distance from the object, pixels")
    ax.set_ylabel("what lies beyond, %")
    ax.axhline(0, color=_QUIET, linewidth=1)
    ax.legend()
    return show(
        fig,
        caption=f"How much of it lies farther away than so many pixels; mean of {scenes} scenes.",
        alt=f"Curves that fall with the distance: {', '.join(curves)}.",
    )


def along_a_size(
    sizes: Sequence[int], curves: Mapping[str, Sequence[float]], scenes: int
) -> Picture:
    """Draw the scores of boxes of several sizes.

    Args:
        sizes: by how many pixels the box is larger than the object, to each side.
        curves: name of a score -> its value at each size.
        scenes: of how many scenes it is the mean.
    """
    fig, ax = subplots(width=7.4, height=3.4)
    for number, (name, values) in enumerate(curves.items()):
        colour, marker = _COLOURS[number], _MARKERS[number]
        ax.plot(sizes, values, label=name, color=colour, marker=marker, ms=5)
    ax.axhline(0, color=_QUIET, linewidth=1)
    ax.axvline(0, color=_QUIET, linewidth=1, linestyle=":")
    ax.set_xlabel("box larger than the object, pixels to each side")
    ax.set_ylabel("score")
    ax.legend()
    return show(
        fig,
        caption=f"Two scores of boxes around the object, mean of {scenes} scenes. Dotted: where "
        "the box fits.",
        alt=f"Two curves over the size of a box: {', '.join(curves)}.",
    )
