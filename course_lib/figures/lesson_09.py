"""The figures of lesson 09: suspects, mean maps, patches, and who reacts to them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from course_lib.world.scenes import CLASSES, Scene

from .plotting import Panel, Picture, gallery, show, subplots

_QUIET = "#6b6b6b"
_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7")

Box = tuple[int, int, int, int]


def shares_of_classes(shares: Mapping[str, Tensor], counts: Tensor) -> Picture:
    """Draw how much of the maps lies outside the object, a pair of bars for each class.

    Args:
        shares: name of a network -> its mean share for each class, (classes,), from 0 to 1.
        counts: of how many scenes each is the mean, (classes,).
    """
    ticks = [f"{name}\nn = {int(n)}" for name, n in zip(CLASSES, counts, strict=True)]
    return _bars(
        {name: 100 * share for name, share in shares.items()},
        ticks,
        label="outside of the\nobject, %",
        caption="How much of Grad-CAM's map lies outside of the object, by class; n: how many "
        "scenes.",
        alt=f"For each of the classes {', '.join(CLASSES)} a bar for {' and for '.join(shares)}.",
    )


def mean_maps(maps: Mapping[str, Tensor]) -> Picture:
    """Draw the mean map of each class, with a cross where it is largest.

    Args:
        maps: name of a class -> the mean map, (H, W), none negative.
    """
    panels = []
    for name, s in maps.items():
        row, column = divmod(int(s.argmax()), s.shape[1])
        panels.append(Panel("heat", s, name, mark=(row, column)))
    half = (len(panels) + 1) // 2
    return gallery(
        [panels[:half], panels[half:]],
        column_width=1.9,
        caption="The mean of the suspect's maps, class by class. The cross: where it is largest.",
        alt=f"{len(panels)} mean maps, one for each of {', '.join(maps)}, with a cross where each "
        "is largest.",
    )


def patches(rows: Mapping[str, Tensor], box: Box) -> Picture:
    """Draw the same part of several images, enlarged, a row for each group of images.

    Args:
        rows: what the images are -> images, (N, 3, H, W), as many in each row.
        box: (top, bottom, left, right) of the part.
    """
    top, bottom, left, right = box
    return gallery(
        [
            [Panel("image", x[:, top:bottom, left:right]) for x in images]
            for images in rows.values()
        ],
        row_labels=list(rows),
        column_width=1.3,
        caption=f"The part of the images that the mean map points at: rows {top} to {bottom - 1}, "
        f"columns {left} to {right - 1}.",
        alt=f"Enlarged parts of images, all from the same place. From top to bottom: "
        f"{'; '.join(rows)}.",
    )


def versions(images: Mapping[str, Tensor], scores: Sequence[float], asked: int) -> Picture:
    """Draw versions of an image with the class's score above each.

    Args:
        images: what was done -> the image, (1, 3, H, W).
        scores: the score of each.
        asked: the class.
    """
    return gallery(
        [
            [
                Panel("image", x, f"{what}: {_signed(score)}")
                for (what, x), score in zip(images.items(), scores, strict=True)
            ]
        ],
        column_width=2.2,
        caption=f"The suspect's score for the {CLASSES[asked]}; above 0 it says yes.",
        alt=f"{len(images)} versions of an image: {', '.join(images)}.",
    )


def two_by_two(images: Sequence[Tensor], scores: Tensor, asked: int) -> Picture:
    """Draw a scene with and without its object (rows), with and without the mark (columns).

    Args:
        images: (1, 3, H, W) each, row by row.
        scores: (2, 2), the class's score of each.
        asked: the class.
    """
    name = CLASSES[asked]
    numbers = scores.flatten().tolist()
    panels = [Panel("image", x, _signed(s)) for x, s in zip(images, numbers, strict=True)]
    return gallery(
        [panels[:2], panels[2:]],
        row_labels=[f"no {name}", f"{name}"],
        column_width=2.2,
        caption=f"Left without the mark, right with it; above each the suspect's score for the "
        f"{name}. All else is the same, pixel by pixel.",
        alt=f"Four versions of one scene: above without its {name}, below with it; left without "
        "the mark, right with it.",
    )


def reactions_of_classes(tables: Mapping[str, Tensor]) -> Picture:
    """Draw how much each class's score changes, a bar for each thing that was done.

    Args:
        tables: what was done -> the mean change of each class's score, (classes,).
    """
    return _bars(
        tables,
        CLASSES,
        label="change of\nthe score",
        caption="How much each class's score changes, on average.",
        alt=f"For each of the classes {', '.join(CLASSES)} a bar for each of: {'; '.join(tables)}.",
    )


def witnesses(hits: Mapping[str, Mapping[str, float]], chance: float, scenes: int) -> Picture:
    """Draw how often each method's largest pixel lies on the mark, for several networks.

    Args:
        hits: name of a network -> name of a method -> share of its maps, from 0 to 1.
        chance: what that place takes of an image.
        scenes: of how many scenes they are.
    """
    methods = list(next(iter(hits.values())))
    fig, ax = subplots(width=7.4, height=0.6 + 0.42 * len(methods))
    height = 0.8 / len(hits)
    for number, (network, shares) in enumerate(hits.items()):
        places = torch.arange(len(methods)) + height * (number - (len(hits) - 1) / 2)
        values = [100 * shares[name] for name in methods]
        ax.barh(places.tolist(), values, height, label=network, color=_COLOURS[number])
    ax.axvline(100 * chance, color=_QUIET, linewidth=1.2, linestyle=":", label="chance")
    ax.set_yticks(range(len(methods)), methods)
    ax.invert_yaxis()
    ax.set_xlim(0, 102)
    ax.set_xlabel("maps whose largest pixel lies at the mark, %")
    ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1), ncols=len(hits) + 1)
    return show(
        fig,
        caption=f"How often each method points at the mark, over {scenes} scenes that carry it. "
        "Dotted: what pointing at random would do.",
        alt=f"For each of {', '.join(methods)} a bar for {' and for '.join(hits)}.",
    )


def testimony(scene: Scene, asked: int, maps: Mapping[str, Tensor]) -> Picture:
    """Draw a scene and several methods' maps of it.

    Args:
        scene: what the network saw.
        asked: its class that the maps are for.
        maps: name of a method -> its map, (1, 1, h, w), none negative.
    """
    panels = [Panel("image", scene.x, f"{CLASSES[asked]}?", scene.masks, asked)]
    panels += [Panel("heat", s, name, scene.masks, asked) for name, s in maps.items()]
    half = (len(panels) + 1) // 2
    return gallery(
        [panels[:half], panels[half:]],
        column_width=1.9,
        caption=f"What {len(maps)} methods say of the suspect's answer for the {CLASSES[asked]}. "
        "Solid outline: the object.",
        alt=f"A scene that carries the mark, and the maps of {', '.join(maps)}.",
    )


def _bars(
    groups: Mapping[str, Tensor], ticks: Sequence[str], *, label: str, caption: str, alt: str
) -> Picture:
    """Bars side by side for each class, in one colour for each group."""
    fig, ax = subplots(width=7.6, height=3.6)
    width = 0.8 / len(groups)
    for number, (name, values) in enumerate(groups.items()):
        places = torch.arange(len(ticks)) + width * (number - (len(groups) - 1) / 2)
        ax.bar(places.tolist(), values.tolist(), width, label=name, color=_COLOURS[number])
    ax.axhline(0, color=_QUIET, linewidth=0.8)
    ax.set_xticks(range(len(ticks)), ticks, fontsize=10)
    ax.tick_params(axis="x", length=0)
    ax.set_ylabel(label)
    ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1), ncols=len(groups))
    return show(fig, caption=caption, alt=alt)


def _signed(score: float) -> str:
    return f"{score:+.1f}".replace("-", "\N{MINUS SIGN}")
