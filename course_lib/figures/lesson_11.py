"""The figures of lesson 11: an image in patches, maps of tokens, two networks side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from course_lib.world.scenes import CLASSES, Scene

from .plotting import Panel, Picture, gallery, show, subplots

_QUIET = "#6b6b6b"
_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7")
_MARKERS = "osD^"

Row = list[Panel | None]


def in_patches(scene: Scene, patch: int, changed: Tensor) -> Picture:
    """Draw a scene, and the patches that it is cut into: before and after a change to one of them.

    Args:
        scene: what the network sees.
        patch: the side of a patch in pixels.
        changed: the scene with one patch changed, (1, 3, H, W).
    """
    height, width = (side // patch for side in scene.x.shape[2:])
    return gallery(
        [
            [
                Panel("image", scene.x, "the scene"),
                Panel("image", _apart(scene.x, patch), f"{height} x {width} patches"),
                Panel("image", _apart(changed, patch), "one patch is black"),
            ]
        ],
        caption=f"A transformer cuts the scene into patches of {patch} x {patch} pixels. On the "
        "right the first of them is black.",
        alt=f"The scene as it is; cut into {height} rows of {width} patches, with gaps between "
        "them; and the same with a black patch in the upper left corner.",
    )


def _apart(x: Tensor, patch: int, gap: int = 2) -> Tensor:
    """The image, (1, 3, H, W), with white gaps between its patches."""
    height, width = (side // patch for side in x.shape[2:])
    step = patch + gap
    apart = torch.ones(1, 3, height * step - gap, width * step - gap)
    for row in range(height):
        for column in range(width):
            there = (
                slice(row * step, row * step + patch),
                slice(column * step, column * step + patch),
            )
            here = (
                slice(row * patch, (row + 1) * patch),
                slice(column * patch, (column + 1) * patch),
            )
            apart[(..., *there)] = x[(..., *here)]
    return apart


def maps_of_tokens(scene: Scene, maps: Mapping[str, Tensor], what: str) -> Picture:
    """Draw a scene and maps made from a number for each token.

    Args:
        scene: what the network saw.
        maps: what stands above a map -> the map, (1, 1, H, W), none negative.
        what: what the maps show, in words.
    """
    panels: Row = [Panel("image", scene.x, "the scene", scene.masks)]
    panels += [Panel("heat", s, name, scene.masks) for name, s in maps.items()]
    rows = [panels] if len(panels) < 5 else [panels[: (len(panels) + 1) // 2]]
    rows += [panels[len(rows[0]) :]] if len(rows[0]) < len(panels) else []
    return gallery(
        rows,
        column_width=2,
        caption=f"{what[0].upper()}{what[1:]}. The outlines are those of the objects.",
        alt=f"The scene, and {len(maps)} maps of it with the objects' outlines, {', '.join(maps)}: "
        f"{what}.",
    )


def both_networks(
    scene: Scene, networks: Mapping[str, Mapping[int, Mapping[str, Tensor]]]
) -> Picture:
    """Draw several methods' maps for each class of a scene, on each network, a row for each.

    Args:
        scene: what the networks saw.
        networks: name of a network -> class -> name of a method -> its map, (1, 1, h, w).
    """
    rows: list[Row] = []
    labels = []
    signed = {
        method
        for classes in networks.values()
        for maps in classes.values()
        for method, s in maps.items()
        if float(s.min()) < 0
    }
    for network, classes in networks.items():
        for asked, maps in classes.items():
            row: Row = [Panel("image", scene.x, f"{CLASSES[asked]}?", scene.masks, asked)]
            row += [
                Panel("signed" if method in signed else "heat", s, method, scene.masks, asked)
                for method, s in maps.items()
            ]
            rows.append(row)
            labels.append(network)
    names = " and ".join(networks)
    methods = list(next(iter(next(iter(networks.values())).values())))
    return gallery(
        rows,
        row_labels=labels,
        column_width=5 / 3,
        caption=f"The same scene through {names}, asked for each of its objects in turn. Solid "
        "outline: the object asked for.",
        alt=f"{len(rows)} rows: for {names}, and for each of two classes, the scene and the maps "
        f"of {', '.join(methods)}.",
    )


def signed_maps(scene: Scene, asked: int, maps: Mapping[str, Tensor]) -> Picture:
    """Draw a scene and maps of two signs for one of its classes.

    Args:
        scene: what the network saw.
        asked: the class.
        maps: what stands above a map -> the map, (1, 1, H, W).
    """
    name = CLASSES[asked]
    panels: Row = [Panel("image", scene.x, f"{name}?", scene.masks, asked)]
    panels += [Panel("signed", s, title, scene.masks, asked) for title, s in maps.items()]
    return gallery(
        [panels],
        column_width=2,
        caption=f"Integrated gradients for the {name}: red raises the score on the way from the "
        "baseline to the image, blue lowers it.",
        alt=f"The scene, and {len(maps)} red and blue maps: {', '.join(maps)}.",
    )


def gaps(steps: Sequence[int], networks: Mapping[str, Sequence[float]], scenes: int) -> Picture:
    """Draw by how much integrated gradients miss the score's rise, over the number of steps.

    Args:
        steps: how many steps.
        networks: name of a network -> for each number of steps the mean gap, as a share.
        scenes: of how many scenes it is the mean.
    """
    fig, ax = subplots(width=7.4, height=3.4)
    for number, (name, values) in enumerate(networks.items()):
        ax.plot(
            steps,
            [100 * value for value in values],
            label=name,
            color=_COLOURS[number],
            marker=_MARKERS[number],
            ms=5,
        )
    ax.set_xscale("log", base=2)
    ax.set_yscale("log")
    ax.set_xticks(list(steps), [str(number) for number in steps])
    ax.set_xlabel("steps from the baseline to the image")
    ax.set_ylabel("gap, % of what\nthe score rises by")
    ax.grid(axis="y", color="#e0e0e0", linewidth=0.8)
    ax.legend()
    return show(
        fig,
        caption=f"By how much the attributions' sum misses what the score rises by: the median of "
        f"{scenes} scenes. Both axes are logarithmic.",
        alt=f"{len(networks)} curves, {' and '.join(networks)}, over the number of steps from "
        f"{steps[0]} to {steps[-1]}.",
    )


def finds_and_answers(finds: Mapping[str, Tensor], answers: Mapping[str, Tensor]) -> Picture:
    """Draw how often maps find an object, and how much of them lies on the one asked for.

    Args:
        finds: name of a method -> 1 where the map's largest pixel lies on one of two objects, (N,).
        answers: name of a method -> of what lies on the two, the share on the one asked for, (N,).
    """
    names = list(finds)
    fig, axes = subplots(1, 2, width=7.6, height=1.1 + 0.42 * len(names), sharey=True)
    both = (finds, "finds an object"), (answers, "share on the one asked for")
    for number, (ax, (values, label)) in enumerate(zip(axes, both, strict=True)):
        means = [values[name].mean().item() for name in names]
        errors = [1.96 * values[name].std().item() / len(values[name]) ** 0.5 for name in names]
        ax.errorbar(
            means,
            range(len(names)),
            xerr=errors,
            fmt=_MARKERS[number],
            color=_COLOURS[number],
            capsize=3,
            linewidth=1.5,
        )
        ax.set_xlim(-0.03, 1.03)
        ax.set_xlabel(label)
        ax.grid(axis="x", color="#e0e0e0", linewidth=0.8)
    axes[1].axvline(0.5, color=_QUIET, linewidth=1, linestyle=":")
    axes[0].set_yticks(range(len(names)), names)
    axes[0].invert_yaxis()
    questions = len(finds[names[0]])
    return show(
        fig,
        caption=f"{questions} questions. Left: the largest pixel lies on one of the two objects. "
        "Right: of what lies on the two, the share on the one asked for; dotted: a map that can't "
        "tell them apart. The bars are 1.96 standard errors of the mean.",
        alt=f"Two panels of points with bars for {', '.join(names)}: how often a map finds an "
        "object, and which share lies on the one asked for.",
    )
