"""The figures of lesson 03: a ReLU on its two ways, the maps of three rules, how alike they are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from course_lib.world.scenes import CLASSES

from .plotting import Panel, Picture, gallery, show, subplots

if TYPE_CHECKING:
    from course_lib.world.scenes import Scene

_LARGEST = 4
"""The largest magnitude in the lesson's grids of numbers: one colour scale for all of them."""


def both_ways(x: Tensor, y: Tensor, p: Tensor, back: Tensor) -> Picture:
    """Draw what goes through a ReLU layer, forward and back.

    Args:
        x: what came in, (H, W), as are the others.
        y: what went on.
        p: what comes back for y.
        back: what is handed back for x.
    """
    grids = {"x: comes in": x, "y: goes on": y, "p: comes back": p, "handed back to x": back}
    return gallery(
        [[_numbers(grid, title) for title, grid in grids.items()]],
        caption="One layer of 25 ReLUs: what came in, what went on, what comes back, and what is "
        "handed back to x.",
        alt="Four grids of five by five numbers: x, the ReLU of x, the incoming gradient p, and "
        "what is handed back to x.",
    )


def three_rules(x: Tensor, p: Tensor, results: Mapping[str, Tensor]) -> Picture:
    """Draw what a ReLU knows on the way back, and below what each rule makes of it.

    Args:
        x: what came in, (H, W), as are the others.
        p: what comes back.
        results: for each of three rules what is handed back.
    """
    return gallery(
        [
            [_numbers(x, "x: came in"), _numbers(p, "p: comes back"), None],
            [_numbers(result, rule) for rule, result in results.items()],
        ],
        caption="Above, what a ReLU knows on the way back. Below, what each rule makes of it. The "
        "ordinary rule keeps negative numbers (blue); the other two hand on nothing but positive "
        "ones.",
        alt="Five grids of five by five numbers: x and p above; below, p where x is positive, p "
        "where p is positive, and p where both are positive.",
    )


def maps_of_two_classes(scene: Scene, maps: Mapping[int, Mapping[str, Tensor]]) -> Picture:
    """Draw a row of maps for each of the two classes of a scene.

    Args:
        scene: the picture and its masks.
        maps: for each class the map of each method, (H, W), not negative.
    """
    above, below = (CLASSES[target] for target in maps)
    return gallery(
        [_row(scene, target, row) for target, row in maps.items()],
        caption=f"Above, the maps of the class {above}; below, those of the class {below}.",
        alt="Two rows, one for each class of the scene: the scene, the maps of the gradient, of "
        "DeConvNet and of guided backprop, and that of guided backprop without outlines.",
    )


def maps_of_absent_class(scene: Scene, target: int, maps: Mapping[str, Tensor]) -> Picture:
    """Draw the maps of a class that is not in the picture.

    Args:
        scene: the picture and its masks.
        target: the class asked for.
        maps: the map of each method, (H, W), not negative.
    """
    return gallery(
        [_row(scene, target, maps)],
        caption=f"The maps of the class {CLASSES[target]}, which is not in the picture; the "
        "network knows that.",
        alt="One row for a class that is not in the picture: the scene, the maps of the gradient, "
        "of DeConvNet and of guided backprop, and that of guided backprop without outlines.",
    )


def dots_of_correlation(alike: Mapping[str, Tensor]) -> Picture:
    """Draw how alike two classes' maps are: a dot for each object, a line at the median.

    Args:
        alike: for each method the correlation on each object, (M,).
    """
    fig, ax = subplots(width=7, height=2.6)
    generator = torch.Generator().manual_seed(0)
    for i, r in enumerate(alike.values()):
        jitter = 0.5 * (torch.rand(len(r), generator=generator) - 0.5)
        ax.scatter(r, i + jitter, s=16, alpha=0.6, linewidths=0)
        ax.plot([r.median()] * 2, [i - 0.36, i + 0.36], color="#1a1a1a")
    ax.set_yticks(range(len(alike)), alike)
    ax.invert_yaxis()
    ax.set_xlim(-0.1, 1.02)
    ax.set_xlabel("correlation of the maps of two classes on the same object")
    return show(
        fig,
        caption="One dot for each of 80 objects, a line at the median.",
        alt="Three rows of eighty dots over an axis of correlations, one row for each method, with "
        "a line at each median.",
    )


def cosines_on_the_way(cosines: Mapping[str, Sequence[float]]) -> Picture:
    """Draw how alike what comes back for two classes is, at each ReLU.

    Args:
        cosines: for each rule the cosine at each ReLU, the last ReLU's first.
    """
    count = max(len(values) for values in cosines.values())
    fig, ax = subplots(width=7, height=3.2)
    for rule, values in cosines.items():
        ax.plot(range(count, 0, -1), values, marker="o", label=rule)
    ax.axhline(0, color="#bdbdbd", linewidth=0.8)
    ax.set_xlim(count + 0.3, 0.7)
    ax.set_ylim(-1.05, 1.1)
    ax.set_xticks(range(count, 0, -1))
    ax.set_xlabel("ReLU, from the scores (left) down to the picture (right)")
    ax.set_ylabel("cosine of what comes\nback for two classes")
    ax.legend(loc="lower left")
    return show(
        fig,
        caption="How alike two classes' lists are, from the scores down to the picture: 1 the same "
        "direction, 0 unrelated, -1 opposed.",
        alt="Three curves from the last ReLU to the first, one for each rule, between -1 and 1.",
    )


def maps_of_photos(
    photos: Sequence[Tensor],
    asked: Sequence[str],
    maps: Mapping[str, Sequence[Tensor]],
    credits: Sequence[str],
) -> Picture:
    """Draw photos, and beside each the maps of one class.

    Args:
        photos: one for each question, values in [0, 1], (1, 3, H, W).
        asked: the name of the class that each question asks for.
        maps: for each method one map for each question, (1, H, W), not negative.
        credits: who took the photos.
    """
    return gallery(
        [
            [
                Panel("image", photo, f"{name}?"),
                *(Panel("heat", answers[i], method) for method, answers in maps.items()),
            ]
            for i, (photo, name) in enumerate(zip(photos, asked, strict=True))
        ],
        caption="Three questions to a network that was trained on photos. " + " ".join(credits),
        alt="Three rows: a photo of a cat's face twice, then one of a cup, each with three maps: "
        "grain (gradient), a lattice of lines (DeConvNet), and lines along the eyes and the nose "
        "of the cat or the rims of the cup (guided backprop).",
    )


def _numbers(grid: Tensor, title: str) -> Panel:
    return Panel("numbers", grid, title, vmax=_LARGEST)


def _row(scene: Scene, target: int, maps: Mapping[str, Tensor]) -> list[Panel]:
    name = CLASSES[target]
    options: dict[str, Any] = {"outlines": scene.masks, "focus": target}
    *_, (last, bare) = maps.items()
    return [
        Panel("image", scene.image, f"{name}?", **options),
        *(Panel("heat", s, f"{method}, {name}", **options) for method, s in maps.items()),
        # An outline is a sharp line itself: how sharp a map is shows without one.
        Panel("heat", bare, f"{last}, no outlines"),
    ]
