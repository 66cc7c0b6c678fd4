"""The figures of lesson 00: scenes and their masks, scores, covered pictures, occlusion maps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from torch import Tensor

from course_lib.world.scenes import CLASSES, Scene

from .plotting import Panel, Picture, gallery, show, subplots


def scenes(drawn: Sequence[Scene]) -> Picture:
    """Scenes with the names of what is in them, four in a row."""
    panels = [Panel("image", scene.image, ", ".join(scene.names)) for scene in drawn]
    return gallery(
        [panels[i : i + 4] for i in range(0, len(panels), 4)],
        caption="Scenes. Colour and texture say nothing about the kind of object; only the shape "
        "does.",
        alt="Small pictures, each with one to three coloured shapes such as a star, a ring or a "
        "heart on a textured ground.",
    )


def scene_and_masks(scene: Scene) -> Picture:
    """A scene, bare and with outlines, and the mask of each of its objects."""
    masks = [
        Panel("heat", scene.masks[index], f"mask of the {CLASSES[index]}")
        for index in scene.objects
    ]
    return gallery(
        [
            [
                Panel("image", scene.image, f"scene {scene.seed}"),
                Panel("image", scene.image, "with outlines", outlines=scene.masks),
                *masks,
            ]
        ],
        caption="The truth to the pixel. From now on the exact outlines are drawn over every map.",
        alt=f"A scene with {' and '.join(scene.names)}, the same with thin outlines, and black "
        "pictures in each of which only one of the objects is lit.",
    )


def bars(scores: Tensor) -> Picture:
    """The scores of the eight classes, (8,), as bars to the left and to the right of 0."""
    fig, ax = subplots(width=6.4, height=3.2)
    values = scores.detach().tolist()
    ax.barh(CLASSES, values, color=["#0072B2" if value > 0 else "#B8B8B8" for value in values])
    ax.axvline(0, color="#1a1a1a", linewidth=1)
    ax.invert_yaxis()
    ax.set_xlabel("score")
    return show(
        fig,
        caption="The scores. Above 0 means yes.",
        alt="Horizontal bars, one per class, each to the left or to the right of a line at 0.",
    )


def covered(pictures: Mapping[str, Tensor], scores: Mapping[str, float]) -> Picture:
    """Pictures under which stands what is covered in each, and a score."""
    return gallery(
        [_scored(pictures, scores)],
        caption="What is covered, and the score of star.",
        alt="The scene as it is, and with a grey square on the star, on the crescent and on the "
        "empty ground, each with its score.",
    )


def three_changes(pictures: Mapping[str, Tensor], scores: Mapping[str, float]) -> Picture:
    """Pictures under which stands how each was changed, and a score."""
    return gallery(
        [_scored(pictures, scores)],
        caption="Three changes of the picture, and the score of star.",
        alt="The scene without its crescent, the same with a grey square in its place, and with a "
        "crescent of which a square piece is missing, each with its score.",
    )


def occlusion_maps(scene: Scene, maps: Mapping[str, Tensor]) -> Picture:
    """A scene and the occlusion map of each class by name."""
    return gallery(
        [
            [
                Panel("image", scene.image, f"scene {scene.seed}", outlines=scene.masks),
                *(
                    Panel("heat", s, f"for {name}", outlines=scene.masks, focus=CLASSES.index(name))
                    for name, s in maps.items()
                ),
            ]
        ],
        caption="Occlusion maps. The outline of the class that was asked for is solid, the other "
        "one dotted.",
        alt=f"The scene and a map for each of {' and '.join(maps)}: bright on the object that was "
        "asked for, and around it.",
    )


def share_of_nine(s: Tensor, mask: Tensor) -> Picture:
    """A map of nine pixels, a mask, and their product as numbers."""
    on = [f"{value:g}" for value in (s * mask).flatten().tolist() if value]
    total, part = float(s.sum()), float((s * mask).sum())
    return gallery(
        [
            [
                Panel("numbers", s, "map s"),
                Panel("numbers", mask, "mask m"),
                Panel("numbers", s * mask, "s · m"),
            ]
        ],
        column_width=1.6,
        caption=f"Of {total:g} grains in the map, {' + '.join(on)} = {part:g} lie on the object: "
        f"a share of {part / total:g}.",
        alt=f"Three grids of three by three numbers: a map that sums to {total:g}, a mask with a "
        f"square of ones, and their product, which sums to {part:g}.",
    )


def _scored(pictures: Mapping[str, Tensor], scores: Mapping[str, float]) -> list[Panel]:
    return [Panel("image", x, f"{what}: {scores[what]:.1f}") for what, x in pictures.items()]
