"""The figures of lesson 08: maps and where they point, curves, tables with intervals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from course_lib.attribution.methods import methods
from course_lib.benchmark.league import Standing, best_first, in_all
from course_lib.world.grids import Grid
from course_lib.world.scenes import CLASSES, Scene

from .plotting import Panel, Picture, gallery, show, subplots

_QUIET = "#6b6b6b"
_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
_MARKERS = "osD^vPX"

Row = list[Panel | None]


def maps_and_points(scene: Scene, asked: int, maps: Mapping[str, Tensor]) -> Picture:
    """Draw a scene and several methods' maps of it, with a cross on each map's largest pixel.

    Args:
        scene: what the network saw.
        asked: its class that the maps are for.
        maps: name of a method -> its map, (1, 1, H, W) in the scene's size, none negative.
    """
    panels: Row = [Panel("image", scene.x, f"{CLASSES[asked]}?", scene.masks, asked)]
    for name, s in maps.items():
        row, column = divmod(int(s.argmax()), s.shape[3])
        panels.append(Panel("heat", s, name, scene.masks, asked, mark=(row, column)))
    half = (len(panels) + 1) // 2
    return gallery(
        [panels[:half], panels[half:]],
        column_width=2,
        caption=f"{len(maps)} maps for the {CLASSES[asked]}. Solid outline: the object asked for; "
        "the cross: a map's largest pixel.",
        alt=f"The scene, and the maps of {', '.join(maps)}, each with a cross where it is largest.",
    )


def accuracies_of_classes(tables: Mapping[str, Tensor], scenes: int) -> Picture:
    """Draw the accuracy of each class with its interval, for several methods side by side.

    Args:
        tables: name of a method -> accuracy and ends of the interval, a row for each class.
        scenes: of how many scenes they are.
    """
    fig, ax = subplots(width=7.4, height=3.6)
    shift = 0.8 / len(tables)
    for number, (name, table) in enumerate(tables.items()):
        places = torch.arange(len(table)) + shift * (number - (len(tables) - 1) / 2)
        values, bars, style = _values_and_bars(table, number)
        ax.errorbar(places, values, yerr=bars, label=name, **style)
    ax.set_xticks(range(len(CLASSES)), CLASSES)
    ax.set_ylim(0, 1.02)
    ax.set_ylabel("hits")
    ax.legend(loc="upper center", bbox_to_anchor=(0.5, 1.18), ncols=len(tables))
    return show(
        fig,
        caption=f"Share of hits by class, over {scenes} scenes; the bars are 95 % intervals.",
        alt=f"For each of {len(CLASSES)} classes, the share of hits of {' and '.join(tables)}, "
        "with a bar for the interval.",
    )


def curves_of_deletion(curves: Mapping[str, Tensor]) -> Picture:
    """Draw what is left of the class's probability while pixels are taken away.

    Args:
        curves: name of a method -> probabilities, (steps + 1,).
    """
    fig, ax = subplots(width=7.4, height=3.4)
    for number, (name, curve) in enumerate(curves.items()):
        shares = torch.linspace(0, 100, len(curve))
        ax.plot(shares, curve, label=name, color=_COLOURS[number], marker=_MARKERS[number], ms=4)
    ax.set_ylim(0, 1.02)
    ax.set_xlabel("pixels taken away, %")
    ax.set_ylabel("probability\nof the class")
    ax.legend()
    return show(
        fig,
        caption="The class's probability while the pixels go, the most relevant first; each "
        "becomes the image's mean colour.",
        alt=f"{len(curves)} curves over the share of pixels taken away: {', '.join(curves)}.",
    )


def with_points(scene: Scene, asked: int, images: Mapping[str, tuple[Tensor, float]]) -> Picture:
    """Draw versions of one scene, with the class's probability above each.

    Args:
        scene: where the objects' outlines come from.
        asked: the class.
        images: what was done -> the image, (1, 3, H, W), and the probability.
    """
    name = CLASSES[asked]
    return gallery(
        [
            [
                Panel("image", x, f"{what}: {p:.1%}", scene.masks, asked)
                for what, (x, p) in images.items()
            ]
        ],
        caption=f"One scene, and with points in the background; the network's probability of the "
        f"{name} above each.",
        alt=f"{len(images)} versions of one scene: {', '.join(images)}. The objects are the same "
        "in all.",
    )


def maps_without_weights(
    scene: Scene, asked: int, maps: Mapping[str, Mapping[str, Tensor]]
) -> Picture:
    """Draw each method's map while the network is drawn anew, a row for each method.

    Args:
        scene: what the network saw.
        asked: its class that the maps are for.
        maps: name of a method -> what was drawn anew -> the map, (1, 1, h, w).
    """
    rows: list[Row] = [
        [Panel("heat", s, stage, scene.masks, asked) for stage, s in stages.items()]
        for stages in maps.values()
    ]
    stages = list(next(iter(maps.values())))
    return gallery(
        rows,
        row_labels=list(maps),
        column_width=1.7,
        caption=f"Maps for the {CLASSES[asked]} while more and more layers, from the scores down, "
        "get random weights.",
        alt=f"{len(rows)} rows, {', '.join(maps)}; from left to right: {', '.join(stages)}.",
    )


def likeness_by_layer(layers: Sequence[str], curves: Mapping[str, Tensor], scenes: int) -> Picture:
    """Draw how alike maps stay to the first ones, over the layers that were drawn anew.

    Args:
        layers: their names, from the scores down.
        curves: name of a method -> mean rank correlation after each layer.
        scenes: of how many scenes it is the mean.
    """
    fig, ax = subplots(width=7.4, height=3.8)
    for number, (name, curve) in enumerate(curves.items()):
        values = [1.0, *curve.tolist()]
        colour, marker = _COLOURS[number], _MARKERS[number]
        ax.plot(range(len(values)), values, label=name, color=colour, marker=marker, ms=5)
    ax.axhline(0, color=_QUIET, linewidth=1, linestyle=":")
    ax.set_xticks(range(len(layers) + 1), ["none", *layers], rotation=60, ha="right", fontsize=10)
    ax.set_ylim(-1.03, 1.03)
    ax.set_xlabel("drawn anew, down to")
    ax.set_ylabel("rank correlation\nwith the first map")
    ax.legend(fontsize=10, loc="lower right", ncols=2)
    return show(
        fig,
        caption=f"Mean over {scenes} scenes. Dotted: no likeness.",
        alt=f"{len(curves)} curves, {', '.join(curves)}, from 1 on over the layers from the "
        "scores down to the input.",
    )


def league(tables: Mapping[str, Mapping[str, tuple[float, float, float, int]]]) -> Picture:
    """Draw hits with their intervals, a panel for each network.

    Args:
        tables: name of a network -> name of a method -> hits, ends of the interval, and n.
    """
    methods = list(next(iter(tables.values())))
    fig, axes = subplots(1, len(tables), width=7.6, height=4.2, sharey=True, squeeze=False)
    for ax, (network, table) in zip(axes[0], tables.items(), strict=True):
        places = torch.arange(len(methods))
        rows = torch.tensor([table[name][:3] for name in methods])
        values, bars, style = _values_and_bars(rows, 0)
        ax.errorbar(values, places, xerr=bars, **style)
        ax.set_xlim(0, 1.02)
        ax.set_xticks([0, 0.25, 0.5, 0.75, 1], ["0", "¼", "½", "¾", "1"])
        ax.set_xlabel("hits")
        ax.set_title(network)
        ax.grid(axis="x", color="#e0e0e0", linewidth=0.8)
        counts = [f"{name}  (n = {table[name][3]})" for name in methods]
        ax.set_yticks(places.tolist(), counts, fontsize=10)
    axes[0][0].invert_yaxis()
    return show(
        fig,
        caption="The pointing game on scenes: the share of hits, with 95 % intervals. n: how many "
        "scenes.",
        alt=f"{len(tables)} panels, {' and '.join(tables)}; in each a point with a bar for "
        f"{', '.join(methods)}.",
    )


PUBLISHED = {
    "voc2007_vgg16_all": "VOC 2007, VGG-16",
    "voc2007_resnet50_all": "VOC 2007, ResNet-50",
}
"""The columns of TorchRay's table that stand beside ours, and their names."""


def whole_league(
    tables: Mapping[str, Mapping[str, Standing]], published: Mapping[str, Mapping[str, float]]
) -> Picture:
    """Draw the league table, and TorchRay's published one beside it.

    Args:
        tables: name of a network -> name of a method in code -> its line.
        published: as `published_pointing` gives it, in per cent.
    """
    names = best_first(tables)
    known = methods()
    fig, (ours, theirs) = subplots(
        1, 2, width=8.4, height=1.5 + 0.43 * len(names), sharey=True, width_ratios=(3, 2)
    )
    for number, (network, table) in enumerate(tables.items()):
        there = [row for row, name in enumerate(names) if name in table]
        lines = torch.tensor([[getattr(table[names[row]], end) for end in ENDS] for row in there])
        values, bars, style = _values_and_bars(lines, number)
        shift = 0.7 * ((number + 0.5) / len(tables) - 0.5)
        style |= {"capsize": 0, "linewidth": 1.2, "markersize": 5}
        places = [row + shift for row in there]
        ours.errorbar(100 * values, places, xerr=100 * bars, label=network, **style)
    for number, (column, label) in enumerate(PUBLISHED.items()):
        there = [row for row, name in enumerate(names) if name in published[column]]
        percents = [published[column][names[row]] for row in there]
        theirs.plot(percents, there, "Dx"[number], color=_QUIET, label=label, markersize=6)
    for ax, title in ((ours, "scenes: on the object"), (theirs, "photographs: near the object")):
        ax.set_xlim(-1, 101)
        ax.set_xlabel("hits, %")
        ax.set_title(title, fontsize=11)
        for row in range(0, len(names), 2):
            ax.axhspan(row - 0.5, row + 0.5, color="#f3f3f3", zorder=0)
        ax.axhline(len(in_all(tables)) - 0.5, color=_QUIET, linewidth=1, linestyle=":")
        ax.set_xticks(range(0, 101, 25))
        ax.tick_params(axis="y", length=0)
    labels = [known[name].title if name in known else name for name in names]
    counts = [_counts(tables, name) for name in names]
    ticks = [f"{label}\nn = {n}" for label, n in zip(labels, counts, strict=True)]
    ours.set_yticks(range(len(names)), ticks, fontsize=9)
    ours.set_ylim(len(names) - 0.5, -0.5)
    handles = [handle for ax in (ours, theirs) for handle in ax.get_legend_handles_labels()[0]]
    fig.legend(handles=handles, loc="outside lower center", fontsize=9, ncols=4, frameon=False)
    return show(
        fig,
        caption="The pointing game. Left: the league table, with 95 % intervals; n: scenes of each "
        "network; under the dotted line the methods that have few on some of them. Right: "
        "TorchRay's published table, where it has the method; within 15 pixels of the object "
        "counts there.",
        alt=f"Two panels over {', '.join(labels)}. Left, a point with a bar for each of "
        f"{', '.join(tables)}; right, points for {' and '.join(PUBLISHED.values())}.",
    )


ENDS = ("mean", "low", "high")


def _counts(tables: Mapping[str, Mapping[str, Standing]], name: str) -> str:
    """How many scenes a method has on the networks, "10" or "10 to 50"."""
    counts = sorted({table[name].n for table in tables.values() if name in table})
    return " to ".join(map(str, dict.fromkeys([counts[0], counts[-1]])))


def grid_and_maps(
    grid: Grid, name: str, maps: Mapping[str, Tensor], shares: Mapping[str, float]
) -> Picture:
    """Draw a grid of scenes or photos and maps for the cell asked for.

    Args:
        grid: the four pictures.
        name: the class that is asked for.
        maps: name -> the map, (1, 1, h, w), none negative.
        shares: name -> the share in the cell asked for.
    """
    truth = grid.truth[None].float()
    panels: Row = [Panel("image", grid.image, f"{name}?", truth)]
    panels += [
        Panel("heat", s, f"{title}: {shares[title]:.0%}", truth) for title, s in maps.items()
    ]
    half = (len(panels) + 1) // 2
    return gallery(
        [panels[:half], panels[half:]] if len(panels) > 4 else [panels],
        column_width=1.9,
        caption="A grid of four pictures and maps for one of them; outlined: the cell asked for. "
        "The number is the share of this map that lies there.",
        alt=f"A grid of four pictures, and the maps of {', '.join(maps)}, with the cell asked for "
        "outlined.",
    )


def two_orders(columns: Mapping[str, Mapping[str, float]]) -> Picture:
    """Draw how methods are ranked by several tables, a line for each method.

    Args:
        columns: name of a table -> name of a method -> its score, the same methods in all.
    """
    methods = list(next(iter(columns.values())))
    fig, ax = subplots(width=7.4, height=3.8)
    orders = [sorted(methods, key=scores.__getitem__) for scores in columns.values()]
    for number, name in enumerate(methods):
        places = [order.index(name) for order in orders]
        colour = _COLOURS[number % len(_COLOURS)]
        ax.plot(range(len(columns)), places, color=colour, marker="o")
        ax.annotate(
            name, (0, places[0]), (-8, 0), textcoords="offset points", ha="right", va="center"
        )
        end = len(columns) - 1
        ax.annotate(name, (end, places[-1]), (8, 0), textcoords="offset points", va="center")
    ax.set_xticks(range(len(columns)), list(columns))
    ax.set_xlim(-0.8, len(columns) - 0.2)
    ax.set_yticks([])
    ax.set_ylabel("better →")
    for side in ("left", "bottom"):
        ax.spines[side].set_visible(False)
    ax.tick_params(length=0)
    return show(
        fig,
        caption="The same methods in the order of two tables; the best is at the top.",
        alt=f"Lines join the place of each of {', '.join(methods)} in the orders of "
        f"{' and '.join(columns)}.",
    )


def _values_and_bars(table: Tensor, number: int) -> tuple[Tensor, Tensor, dict[str, Any]]:
    """Accuracies, how far their intervals reach down and up, and how matplotlib draws both."""
    value, low, high = table.nan_to_num(nan=0.5).T
    bars = torch.stack([(value - low).clamp(min=0), (high - value).clamp(min=0)])
    style = {"fmt": _MARKERS[number], "color": _COLOURS[number], "capsize": 3, "linewidth": 1.5}
    return value, bars, style
