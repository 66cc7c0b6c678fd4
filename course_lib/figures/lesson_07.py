"""The figures of lesson 07: blurred images, smooth masks, and what masks leave of an image.

Images and masks are tensors, `outlines` the scene's exact masks (classes x H x W), and `category`
the class that is asked for, whose outline is solid.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from course_lib.world.scenes import CLASSES

from .plotting import Panel, Picture, gallery, show, subplots

_COLOURS = ("#0072B2", "#D55E00")


def levels(pyramid: Tensor, outlines: Any) -> Picture:
    """Some levels of a blur pyramid, L x 3 x H x W, strongest blur first."""
    last = len(pyramid) - 1
    chosen = sorted({*range(0, last, 2), last})
    return gallery(
        [[Panel("image", pyramid[k], f"level {k}", outlines=outlines) for k in chosen]],
        column_width=5 / 3,
        caption=f"{len(chosen)} of the {len(pyramid)} levels. At level 0 nothing is left to "
        f"recognise; level {last} is the image.",
        alt=f"The scene at {len(chosen)} strengths of blur, from a grey fog to the sharp image.",
    )


def ramp(mask: Tensor, seen: Tensor) -> Picture:
    """A mask that rises from left to right, and the image that it shows."""
    return gallery(
        [[Panel("heat", mask, "a mask", vmax=1), Panel("image", seen, "what it shows")]],
        caption="A mask that rises from left to right, and the image that it shows: from fog to "
        "sharp.",
        alt="A map going from dark to bright, and the scene, blurred at the left and sharp at the "
        "right.",
    )


def bumps(places: Tensor, each: Tensor, smooth: Tensor, centres: Tensor, values: Tensor) -> Picture:
    """Bumps on a line, their sum, and their smooth maximum.

    Args:
        places: where they are drawn, (P,).
        each: the bumps there, P x n.
        smooth: their smooth maximum, (P,).
        centres, values: the n parameters.
    """
    fig, ax = subplots(width=7, height=3.2)
    ax.plot(places, each, color="#bdbdbd", linewidth=1)
    ax.plot(places, each.sum(1), "--", color="#D55E00", label="sum")
    ax.plot(places, smooth, color="#0072B2", label="smooth maximum")
    ax.plot(centres, values, "o", color="#1a1a1a", label="parameters")
    ax.set_xlabel("pixel")
    ax.set_ylabel("mask")
    ax.legend(loc="upper left")
    return show(
        fig,
        caption="Grey: the bumps. The sum rises above 1 where three middling parameters stand "
        "together; the smooth maximum stays with the largest.",
        alt="Grey bumps, a dashed curve of their sum that rises well above one, and a solid curve "
        "that follows the highest bump.",
    )


def generated(one: Tensor, random: Tensor) -> Picture:
    """The mask of one parameter, and that of parameters all over the place."""
    return gallery(
        [
            [
                Panel("heat", one, "one parameter is 1", vmax=1),
                Panel("heat", random, "every other one, at random", vmax=1),
            ]
        ],
        caption="One parameter makes a soft disc. With parameters all over the place the mask is "
        "full: something as fine as dust can't be expressed.",
        alt="A single soft disc on black, and a mask that is bright nearly everywhere.",
    )


def masks_and_views(
    masks: Tensor, areas: Tensor, seen: Tensor, scores: Tensor, category: int, outlines: Any
) -> Picture:
    """N masks, the areas asked for, and below each what it leaves of the image, with its score."""
    name = CLASSES[category]
    where = {"outlines": outlines, "focus": category, "vmax": 1}
    return gallery(
        [
            [
                Panel("heat", mask, f"{name}: {100 * area:.0f} %", **where)
                for mask, area in zip(masks, areas, strict=True)
            ],
            [
                Panel("image", image, f"score {round(float(score))}")
                for image, score in zip(seen, scores, strict=True)
            ],
        ],
        caption=f"Masks for {name} and the areas they were asked for; below each, what it leaves "
        "of the image.",
        alt=f"{len(masks)} masks for {name}, from the smallest to the largest area, and below each "
        "the image that it leaves, with its score.",
    )


def score_against_area(
    curves: Mapping[int, tuple[Tensor, Tensor]], whole: Tensor, outlines: Any, share: float = 0.9
) -> Picture:
    """For each class the scores of masks against what they cover.

    Args:
        curves: (covered shares, scores) by class.
        whole: every class's score of the whole image; `share` of it is drawn dotted.
        outlines: the exact masks, whose areas are drawn as upright lines.
    """
    fig, ax = subplots(width=7, height=3.6)
    for (category, (covered, scores)), colour in zip(curves.items(), _COLOURS, strict=True):
        top = whole[category].item()
        ax.plot(
            [*(100 * covered).tolist(), 100],
            [*scores.tolist(), top],
            marker="o",
            color=colour,
            label=CLASSES[category],
        )
        ax.axhline(share * top, color=colour, linestyle=":", linewidth=1.2)
        size = 100 * float((torch.as_tensor(outlines[category]) > 0.5).float().mean())
        ax.axvline(size, color=colour, linewidth=0.8, alpha=0.5)
    ax.set_xscale("log")
    ax.set_xticks([2, 5, 10, 20, 50, 100], ["2", "5", "10", "20", "50", "100"])
    ax.minorticks_off()
    ax.set_xlabel("covered by the mask, % of the image")
    ax.set_ylabel("score")
    ax.legend(loc="lower right")
    return show(
        fig,
        caption="Score against what each mask covers; the last point is the whole image. Dotted: "
        f"{share:.0%} of its score. Thin upright lines: the true area of each object.",
        alt="Two curves of score against area, with dotted lines at a share of the whole image's "
        "scores and thin lines at the objects' true areas.",
    )


def three_questions(
    masks: Mapping[str, Tensor],
    kept: Mapping[str, tuple[Tensor, float]],
    deleted: Mapping[str, tuple[Tensor, float]],
    category: int,
    outlines: Any,
) -> Picture:
    """The masks of several questions, and the image with each mask kept, and with it deleted.

    Args:
        masks: each question's mask.
        kept, deleted: for each question the image that is left, and its score.
    """
    name = CLASSES[category]
    return gallery(
        [
            [
                Panel("heat", mask, question, outlines=outlines, focus=category, vmax=1)
                for question, mask in masks.items()
            ],
            *(
                [
                    Panel("image", image, f"score {round(float(score))}")
                    for image, score in left.values()
                ]
                for left in (kept, deleted)
            ),
        ],
        row_labels=["mask", "mask kept", "mask deleted"],
        caption=f"{len(masks)} questions about {name}, with masks of one area. Read the scores "
        "along a row.",
        alt=f"{len(masks)} masks for the {name}; below each, the image with only the mask kept, "
        "and with the mask blurred, with the scores.",
    )


def smooth_and_free(
    masks: Mapping[str, Tensor],
    seen: Mapping[str, Tensor],
    scores: Mapping[str, float],
    category: int,
    outlines: Any,
) -> Picture:
    """Masks, and beside each the image that it shows, with its score."""
    panels = []
    for kind, mask in masks.items():
        panels += [
            Panel("heat", mask, f"{kind} mask", outlines=outlines, focus=category, vmax=1),
            Panel("image", seen[kind], f"score {round(scores[kind])}"),
        ]
    return gallery(
        [panels],
        caption="A mask made of discs and what it shows; then one with a parameter for each pixel "
        "and what that shows.",
        alt=f"{len(masks)} masks for the {CLASSES[category]}, and beside each the image that it "
        "shows, with its score.",
    )


def regions(
    seen: Mapping[str, Tensor],
    scores: Mapping[str, Tensor],
    asked: Sequence[int],
    outlines: Sequence[Any],
) -> Picture:
    """What each method's regions leave of some scenes: a row a method, a column a scene.

    Args:
        seen: the images that are left, N x 3 x H x W, by method.
        scores: their N scores, by method.
        asked: each scene's class.
        outlines: each scene's exact masks.
    """
    return gallery(
        [
            [
                Panel(
                    "image", image, f"{CLASSES[c]}: {round(float(score))}", outlines=masks, focus=c
                )
                for image, score, c, masks in zip(
                    images, scores[method], asked, outlines, strict=True
                )
            ]
            for method, images in seen.items()
        ],
        row_labels=list(seen),
        column_width=5 / 3,
        caption="What regions of one area leave of each scene, and the score of the class asked "
        "for. Solid: the object of that class.",
        alt=f"{len(seen)} rows of {len(asked)} blurred scenes, each sharp in one region, with the "
        "scores. Each row is a way to choose the regions.",
    )


def side_by_side(masks: Mapping[str, Tensor], category: int, outlines: Any) -> Picture:
    """The masks of one area that several searches found."""
    return gallery(
        [
            [
                Panel("heat", mask, how, outlines=outlines, focus=category, vmax=1)
                for how, mask in masks.items()
            ]
        ],
        caption=f"{len(masks)} masks for {CLASSES[category]}, asked for the same area.",
        alt=f"{len(masks)} masks for the {CLASSES[category]}, side by side.",
    )


def photo_mask(image: Tensor, mask: Tensor, seen: Tensor, says: str, credit: str) -> Picture:
    """A photo, its mask, and what the mask leaves of it; images are 3 x H x W in [0, 1].

    Args:
        says: what the network says of what is left.
        credit: who took the photo, and its licence.
    """
    return gallery(
        [
            [
                Panel("image", image, "the photo"),
                Panel("heat", mask, "the mask", vmax=1),
                Panel("image", seen, says),
            ]
        ],
        caption=f"A photo, the mask that was found, and what it leaves of the photo. {credit}",
        alt="A photo, a mask of it, and the photo blurred everywhere but in the mask.",
    )
