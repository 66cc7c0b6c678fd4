"""The figures of lesson 04: what layers hold, and the maps made from them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor

from course_lib.world.scenes import CLASSES, Scene

from .plotting import Panel, Picture, gallery, show, subplots

_NOTHING_TOLD_APART = "#6b6b6b"

Row = list[Panel | None]


def channels_of_layers(x: Tensor, channels: Mapping[str, Tensor]) -> Picture:
    """Draw, row by row, an image and some of the images that a layer makes of it.

    Args:
        x: the image, (1, 3, H, W).
        channels: name of a layer -> some of its channels, (K, h, w), none negative; low to high.
    """
    rows: list[Row] = [
        [
            Panel("image", x, "" if number else "the scene"),
            *(Panel("heat", channel) for channel in images),
        ]
        for number, images in enumerate(channels.values())
    ]
    return gallery(
        rows,
        row_labels=list(channels),
        column_width=4 / 3,
        caption="What layers make of the scene: their channels with the highest values, at "
        f"{len(rows)} depths.",
        alt=f"{len(rows)} rows, one for each layer from the lowest to the highest: the scene, and "
        "some of the layer's channels.",
    )


def both_classes(scene: Scene, layer: str, maps: Mapping[int, tuple[Tensor, Tensor]]) -> Picture:
    """Draw linear approximation and Grad-CAM at a layer, a row for each class asked for.

    Args:
        scene: what the network saw.
        layer: name of the layer.
        maps: class -> its map by linear approximation and by Grad-CAM, (1, 1, h, w).
    """
    rows: list[Row] = []
    for asked, (linear, cam) in maps.items():
        name = CLASSES[asked]
        rows.append(
            [
                Panel("image", scene.x, f"{name}?", scene.masks, asked),
                Panel("signed", linear, f"linear approximation, {name}", scene.masks, asked),
                Panel("heat", cam, f"Grad-CAM, {name}", scene.masks, asked),
            ]
        )
    height, width = next(iter(maps.values()))[0].shape[2:]
    names = " and ".join(CLASSES[asked] for asked in maps)
    return gallery(
        rows,
        caption=f"At {layer}, {height} x {width} cells: the maps of both classes. Solid outline: "
        "the object asked for.",
        alt=f"Two rows, for {names}: the scene, a red and blue map of linear approximation, and "
        f"the map of Grad-CAM, each of {height} x {width} cells.",
    )


def shares_by_layer(
    layers: Sequence[str], shares: Mapping[str, Sequence[float]], scenes: int
) -> Picture:
    """Draw how much of the maps lies on the object asked for, over the layers.

    Args:
        layers: their names, low to high.
        shares: name of a method -> for each layer, the mean share, in [0, 1].
        scenes: of how many scenes that is the mean.
    """
    fig, ax = subplots(width=7.4, height=3.6)
    for (method, values), marker in zip(shares.items(), "os", strict=False):
        ax.plot(range(len(layers)), values, marker=marker, label=method)
    ax.axhline(0.5, color=_NOTHING_TOLD_APART, linewidth=1, linestyle=":")
    ax.set_xticks(range(len(layers)), layers, rotation=60, ha="right", fontsize=10)
    ax.set_ylim(0, 1)
    ax.set_ylabel("share on the\nobject asked for")
    ax.legend(loc="lower right")
    return show(
        fig,
        caption=f"Mean over {scenes} scenes; dotted: a map that can't tell the two objects apart.",
        alt=f"{len(shares)} curves over the layers from bottom to top, {' and '.join(shares)}, "
        "with a dotted line at one half.",
    )


def methods_and_networks(
    scene: Scene,
    asked: int,
    on_scene: Mapping[str, Mapping[str, Tensor]],
    photo: Tensor,
    class_name: str,
    on_photo: Mapping[str, Mapping[str, Tensor]],
    credit: str,
) -> Picture:
    """Draw several methods, a row for each network: some see a scene, others a photo.

    Args:
        scene: what the first networks saw.
        asked: its class that they were asked for.
        on_scene: name of a network -> name of a method -> its map, (1, 1, h, w).
        photo: what the other networks saw, (1, 3, H, W), in [0, 1].
        class_name: what they were asked for.
        on_photo: as `on_scene`.
        credit: who took the photo.
    """
    name = CLASSES[asked]
    networks = {**on_scene, **on_photo}
    methods = list(next(iter(networks.values())))
    # one colour map for one quantity, also where a network's map happens to have one sign
    signed = {m for m in methods if any(float(its[m].min()) < 0 for its in networks.values())}

    def row(image: Tensor, question: str, maps: Mapping[str, Tensor], **outlined: Any) -> Row:
        panels = [
            Panel("signed" if method in signed else "heat", s, method, **outlined)
            for method, s in maps.items()
        ]
        return [Panel("image", image, question, **outlined), *panels]

    rows = [
        *(
            row(scene.x, f"{name}?", maps, outlines=scene.masks, focus=asked)
            for maps in on_scene.values()
        ),
        *(row(photo, f"{class_name}?", maps) for maps in on_photo.values()),
    ]
    return gallery(
        rows,
        row_labels=list(networks),
        column_width=5 / 3,
        caption=f"The same methods on {len(networks)} networks: on the scene, asked for {name}, "
        f"and on a photo, asked for {class_name}. {credit}",
        alt=f"{len(networks)} rows, one for each network, with the image and the maps of "
        f"{', '.join(methods)}.",
    )


def guesses_on_photo(photo: Tensor, maps: Mapping[str, Tensor], credit: str) -> Picture:
    """Draw a photo, and Grad-CAM for some of the classes that the network takes it for.

    Args:
        photo: (1, 3, H, W), in [0, 1].
        maps: name of a class and its probability -> the map, (1, 1, h, w).
        credit: who took the photo; "" where that isn't known.
    """
    height, width = next(iter(maps.values())).shape[2:]
    return gallery(
        [[Panel("image", photo, "the photo"), *(Panel("heat", s, n) for n, s in maps.items())]],
        column_width=2,
        caption=f"Grad-CAM at the last layer, {height} x {width} cells, for the network's first "
        f"guesses. {credit}".strip(),
        alt=f"The photo, and {len(maps)} maps of Grad-CAM, for {', '.join(maps)}.",
    )
