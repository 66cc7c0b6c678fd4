"""The figures of lesson 05: relevance in a small network, on grids, and in real maps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from course_lib.world.scenes import CLASSES, Scene

from .flow_diagram import contributions, relevance_flow
from .plotting import Panel, Picture, gallery, show, subplots


def example_network(values: Sequence[Tensor], weights: Sequence[Tensor]) -> Picture:
    """Draw the small network: its activations, its weights, and who contributes how much.

    Args:
        values, weights: as `contributions` takes them, three layers.
    """
    inputs, hidden, score = map(_listed, values)
    return contributions(
        values,
        weights,
        caption="The thicker a link, the more it contributes: weight times activation. Solid "
        "orange links excite the unit above, dashed blue ones hold it back.",
        alt=f"A network of units: inputs {inputs} below, hidden units {hidden} in the middle, the "
        f"score {score} on top. Links of positive weight are orange, links of negative weight blue "
        "and dashed; their thickness is the contribution.",
    )


def example_flow(relevance: Sequence[Tensor], flows: Sequence[Tensor]) -> Picture:
    """Draw the small network with the relevance that flows from its score to its inputs.

    Args:
        relevance, flows: as `relevance_flow` takes them, three layers.
    """
    inputs, hidden, score = map(_listed, relevance)
    return relevance_flow(
        relevance,
        flows,
        caption="One unit of relevance flows from the score to the inputs. It is divided and "
        "merged, and at each level it adds up to 1.",
        alt=f"The same network of units, with relevance in the circles: {score} on top; {hidden} "
        f"in the middle; {inputs} below. Links that carry nothing are thin and dotted.",
    )


def shares_on_grids(
    image: Tensor, kernel: Tensor, p: Tensor, by_filter: Tensor, by_pooling: Tensor
) -> Picture:
    """Draw as numbers how an image's cells share the relevance of an output.

    Args:
        image, kernel: what goes into a convolution, (1, 1, H, W) and (1, 1, h, w).
        p: relevance of its outputs.
        by_filter: the cells' shares, (1, 1, H, W).
        by_pooling: their shares for an average pooling.
    """
    return gallery(
        [
            [
                Panel("numbers", image, "the image x", vmax=4),
                Panel("numbers", kernel, "the filter W", vmax=4),
                Panel("numbers", p, "relevance p", vmax=1),
            ],
            [
                Panel("numbers", by_filter, "shares: convolution", vmax=1),
                Panel("numbers", by_pooling, "shares: average pooling", vmax=1),
                None,
            ],
        ],
        caption="Above, what goes in. Below, how the image's cells share the relevance of the one "
        "output that has some.",
        alt="Grids of numbers: the image, the filter, and a relevance of 1 in the middle. Below, "
        "the cells' shares of it, once for the convolution and once for the average pooling; they "
        "add up to 1 in both grids.",
    )


def relevance_at_layers(scene: Scene, maps: Mapping[int, Mapping[str, Tensor]]) -> Picture:
    """Draw the relevance at some layers, a row for each class asked for.

    Args:
        scene: what the network saw, with two objects.
        maps: class -> name of a layer -> the relevance there, (1, 1, h, w); high to low.
    """
    layers = next(iter(maps.values()))
    return _both_classes(
        scene,
        maps,
        caption=f"The relevance at {len(layers)} layers, from high to low. Above each: how much "
        "of it lies on the object asked for (solid outline), and on the other one.",
        alt=f"Two rows of maps, for {_classes(maps)}: the picture, and the relevance at "
        f"{', '.join(layers)}. The cells become finer from left to right.",
    )


def methods_compared(scene: Scene, maps: Mapping[int, Mapping[str, Tensor]]) -> Picture:
    """Draw the maps of some methods, a row for each class asked for.

    Args:
        scene: what the network saw, with two objects.
        maps: class -> name of a method -> its map, (1, 1, h, w).
    """
    methods = next(iter(maps.values()))
    return _both_classes(
        scene,
        maps,
        caption=f"{len(methods)} methods, asked for each of the two objects. Above each: how much "
        "of a map lies on the object asked for (solid outline), and on the other one.",
        alt=f"Two rows, for {_classes(maps)}: the picture, and the maps of {', '.join(methods)}. "
        "Above each map stands how much of it lies on the object asked for, and on the other.",
    )


def sums_by_block(plain: Mapping[str, float], shared: Mapping[str, float]) -> Picture:
    """Draw the sum of the relevance at each block of a network, by two rules for its sums.

    Args:
        plain: name of a block -> all the relevance there where a sum goes back by its gradient;
            low to high.
        shared: the same where the terms share.
    """
    blocks = list(plain)
    fig, ax = subplots(width=7.4, height=3.4)
    ax.semilogy(range(len(blocks)), list(plain.values()), marker="o", label="plain +")
    ax.semilogy(range(len(blocks)), list(shared.values()), marker="s", label="shares by magnitude")
    ax.set_xticks(range(len(blocks)), blocks, rotation=40, ha="right", fontsize=10)
    ax.set_yticks([1, 4, 16, 64, 256], ["1", "4", "16", "64", "256"])
    ax.minorticks_off()
    ax.set_ylabel("relevance in all")
    ax.legend(loc="upper right")
    return show(
        fig,
        caption="All the relevance at each block of tiny_resnet, from the bottom (left) to the "
        "top: where a + goes back by its gradient, and where its terms share.",
        alt="Two curves over the blocks of the network on a logarithmic axis. With a plain plus "
        f"the relevance is {plain[blocks[0]]:.0f} at the bottom and {plain[blocks[-1]]:.0f} at the "
        f"top; with shares it is {shared[blocks[0]]:.2f} and {shared[blocks[-1]]:.2f}.",
    )


def relevance_on_photo(
    photo: Tensor, class_name: str, maps: Mapping[str, Tensor], credit: str
) -> Picture:
    """Draw a photo and the maps of some methods for one class.

    Args:
        photo: (1, 3, H, W), in [0, 1].
        class_name: what the network was asked for.
        maps: name of a method and its layer -> its map, (1, 1, h, w).
        credit: who took the photo; "" where that isn't known.
    """
    panels = [Panel("heat", s, title) for title, s in maps.items()]
    return gallery(
        [[Panel("image", photo, f"{class_name}?"), *panels]],
        column_width=2,
        caption=f"A photo, and {len(maps)} maps of the class {class_name}. {credit}".strip(),
        alt=f"A photo, and the maps for {class_name} by {', '.join(maps)}.",
    )


def _both_classes(
    scene: Scene, maps: Mapping[int, Mapping[str, Tensor]], *, caption: str, alt: str
) -> Picture:
    rows: list[list[Panel | None]] = [
        [
            Panel("image", scene.x, f"{CLASSES[asked]}?", scene.masks, asked),
            *(
                Panel("heat", s, f"{name}\n{_parts(s, scene, asked)}", scene.masks, asked)
                for name, s in its.items()
            ),
        ]
        for asked, its in maps.items()
    ]
    return gallery(rows, column_width=5 / 3, caption=caption, alt=alt)


def _parts(s: Tensor, scene: Scene, asked: int) -> str:
    """Of a map, the parts on the object asked for and on the other one, as text."""
    fine = F.interpolate(s, scene.image.shape[1:], mode="nearest")[0, 0]
    (other,) = (category for category in scene.objects if category != asked)
    on, beside = (
        float((fine * torch.as_tensor(scene.masks[category])).sum() / fine.sum())
        for category in (asked, other)
    )
    return f"{on:.0%}/{beside:.0%}"


def _classes(maps: Mapping[int, object]) -> str:
    return " and ".join(CLASSES[asked] for asked in maps)


def _listed(values: Tensor) -> str:
    return ", ".join(f"{float(value):.3g}" for value in values)
