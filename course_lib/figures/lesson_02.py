"""The figures of lesson 02: signposts, a network with other ReLUs, two threads and one name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from torch import Tensor

from course_lib.world.scenes import CLASSES

from . import diagrams
from .plotting import Panel, Picture, gallery, picture, show, subplots

_NARROWED = 0.4
"""A few pixels tower over all others; the colours reach up to this share of the largest."""


def what_it_is_for(x: Tensor, category: int, usual: Tensor, other: Tensor) -> Picture:
    """A scene, and two maps of one score: with ReLUs as they are, and with another rule."""
    return gallery(
        [
            [
                Panel("image", x, f"{CLASSES[category]}?"),
                Panel("heat", usual, "ReLU as it is"),
                Panel("heat", other, "another rule for ReLUs"),
            ]
        ],
        caption="What it is for: two maps of the same score of the same network. For the right "
        "one, each ReLU did something else on the way back. Not a line of the network was changed.",
        alt="A scene with two objects; a map of scattered bright dots; and a map of thin bright "
        "lines along the objects.",
    )


def signposts() -> Picture:
    """Three moments: before, while `torch.relu` is turned, and after."""
    return diagrams.signposts(
        [
            ("before", {"torch.relu": "the ReLU", "early": "the ReLU"}),
            ("torch.relu = torch.neg", {"torch.relu": "torch.neg", "early": "the ReLU"}),
            ("turned back", {"torch.relu": "the ReLU", "early": "the ReLU"}),
        ],
        changed=["torch.neg"],
        caption="You turn one signpost. Who reads it afterwards is led elsewhere; other "
        "signposts to the same function stay as they are.",
        alt="Three moments. Before: the names torch.relu and early both point to the "
        "ReLU. Then torch.relu points to torch.neg while early still points to the ReLU. "
        "At the end both point to the ReLU again.",
    )


def probabilities(x: Tensor, by_name: Mapping[str, Tensor]) -> Picture:
    """A scene, and the eight probabilities that a network gives with each of some functions."""
    fig, (left, right) = subplots(1, 2, width=9, height=3.4, width_ratios=[1, 2.4])
    picture(left, x)
    width = 0.8 / len(by_name)
    for i, (name, p) in enumerate(by_name.items()):
        places = [k + width * (i - (len(by_name) - 1) / 2) for k in range(len(CLASSES))]
        right.bar(places, p.tolist(), width=0.93 * width, label=name)
    right.set_xticks(range(len(CLASSES)), CLASSES, rotation=30, ha="right")
    right.set_ylabel("probability")
    right.set_ylim(0, 1.3)
    right.set_yticks([0, 0.5, 1])
    right.legend(ncols=3, loc="upper center")
    return show(
        fig,
        caption=f"The same network and the same picture, with {len(by_name)} functions in the "
        "place of torch.relu.",
        alt="Left, a scene. Right, bars of the eight class probabilities for each of the functions "
        f"{', '.join(by_name)}.",
    )


def open_units(shares: Sequence[float]) -> Picture:
    """The share of units above zero at each ReLU, from the picture to the scores."""
    fig, ax = subplots(width=7, height=3)
    numbers = range(1, len(shares) + 1)
    ax.bar(numbers, [100 * share for share in shares])
    ax.set_xticks(numbers)
    ax.set_xlabel("ReLU, from the picture to the scores")
    ax.set_ylabel("units above zero (%)")
    ax.set_ylim(0, 100)
    return show(
        fig,
        caption="How large a share of its units each ReLU lets through. The notes were taken "
        "without touching the network.",
        alt="Bars of the share of units above zero at each of the ReLUs, from the first, "
        "next to the picture, to the last.",
    )


def two_threads() -> Picture:
    """Thread B computes while thread A's patch is on."""
    return diagrams.timeline(
        [
            ("A", [(0, 1, "patches"), (1, 5, "works inside the patch"), (5, 6, "removes it")]),
            ("B", [(2, 4, "computes its gradient")]),
        ],
        shade=(1, 5, "A's patch is on"),
        caption="B does its work while A's patch is on. B has never heard of it.",
        alt="Two lanes over time. Thread A patches, works inside the patch, and removes "
        "it. Thread B computes its gradient in the middle of the time in which A's patch "
        "is on.",
    )


def gradients_of_threads(by_way: Mapping[str, Mapping[str, Tensor]], usual: Tensor) -> Picture:
    """The gradients of threads A and B, a row for each way in which A changed the ReLU.

    Args:
        by_way: name of the way -> name of the thread -> gradient, shape (1, 3, H, W).
        usual: the gradient with the ReLU as it is; gives the colours their range, with the others.
    """
    all_of_them = [usual, *(g for row in by_way.values() for g in row.values())]
    vmax = _NARROWED * max(g.abs().max().item() for g in all_of_them)
    return gallery(
        [
            [Panel("signed", g[0].sum(0), f"thread {name}", vmax=vmax) for name, g in row.items()]
            for row in by_way.values()
        ],
        row_labels=list(by_way),
        caption="Gradients (sum over the colours) of two threads that work at the same "
        "time. Above, B gets A's; below, each gets its own.",
        alt="Four gradient maps. With Patch, the maps of threads A and B are the same. "
        "With BackwardRules they differ: A's is as before, B's is the ordinary one.",
    )
