"""The figures of lesson 01: a slope, a gradient, and the maps that are made from gradients."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from course_lib.world.scenes import CLASSES

from .plotting import Panel, Picture, gallery, show, subplots

if TYPE_CHECKING:
    from course_lib.world.scenes import Scene

_SLOPE = "#D55E00"
_HERE: dict[str, Any] = {"marker": "o", "color": "#1a1a1a", "markersize": 7}


def nudged_pixel(
    values: Tensor, scores: Tensor, here: tuple[float, float], slope: float, target: int
) -> Picture:
    """Draw a score over one number of the image, and its slope at the number's present value.

    Args:
        values: the values that the number takes, (V,).
        scores: the score at each of them, (V,).
        here: the number's value in the picture, and the score of the picture.
        slope: the slope of the curve there.
        target: the class whose score it is.
    """
    now, score = here
    fig, ax = subplots(width=6.4, height=3.4)
    ax.plot(values, scores, label=f"score of {CLASSES[target]}")
    ax.plot(values, score + slope * (values - now), "--", color=_SLOPE, label="slope, here and now")
    ax.plot(now, score, **_HERE)
    ax.set_xlabel("green value of one pixel")
    ax.set_ylabel("score")
    ax.legend()
    return show(
        fig,
        caption="One of 27,648 numbers changes, all others stay. The dot is the picture as it is; "
        "the dashed line is the slope there.",
        alt="A curve that rises, bends and falls, and a straight dashed line that touches it at "
        "the pixel's present value.",
    )


def gradient_by_channel(
    scene: Scene, gradient: Tensor, target: int, place: tuple[int, int]
) -> Picture:
    """Draw a gradient, a signed map for each colour channel.

    Args:
        scene: the picture and its masks.
        gradient: of the score of `target` at the picture, (1, 3, H, W).
        target: the class asked for.
        place: (row, column) of the pixel to be marked in the picture.
    """
    # The value that gets the strongest colour, one for the three maps.
    strong = float(gradient.abs().quantile(0.998))
    return gallery(
        [
            [
                Panel("image", scene.image, "the picture", outlines=scene.masks, mark=place),
                *(
                    Panel("signed", one, colour, outlines=scene.masks, focus=target, vmax=strong)
                    for one, colour in zip(gradient[0], ("red", "green", "blue"), strict=True)
                ),
            ]
        ],
        caption=f"The gradient of the score of {CLASSES[target]}. Red: a brighter pixel raises the "
        "score; blue: it lowers it. The cross marks the nudged pixel.",
        alt="The picture with the pixel marked, and three maps of red and blue dots, most of them "
        "along the edges of the objects.",
    )


def ways_to_a_map(scene: Scene, maps: Mapping[str, Tensor], target: int) -> Picture:
    """Draw the maps that different ways make of one gradient.

    Args:
        scene: the picture and its masks.
        maps: for each way the map, (1, 1, H, W), not negative; the last adds the channels first.
        target: the class asked for.
    """
    return gallery(
        [[_picture(scene), *(_map(scene, s, way, target) for way, s in maps.items())]],
        caption=f"The gradient of {CLASSES[target]} as a map, made in three ways. The third adds "
        "the channels before it takes the magnitude.",
        alt="The picture and three maps with bright dots, most of them along the edges of the "
        "objects.",
    )


def for_and_against(scene: Scene, magnitude: Tensor, product: Tensor, target: int) -> Picture:
    """Draw gradient times input beside the map of magnitudes.

    Args:
        scene: the picture and its masks.
        magnitude: the largest magnitude among the channels, (1, 1, H, W).
        product: gradient times input, with its signs, (1, 1, H, W).
        target: the class asked for.
    """
    signed = Panel("signed", product, "gradient times input", outlines=scene.masks, focus=target)
    return gallery(
        [[_picture(scene), _map(scene, magnitude, "largest magnitude", target), signed]],
        caption=f"Gradient times input for {CLASSES[target]}: red speaks for the class, blue "
        "against it.",
        alt="The picture, the magnitude map, and a map of red and blue dots close together along "
        "the edges of both objects.",
    )


def one_hot_product(scores: Tensor, one_hot: Tensor) -> Picture:
    """Draw scores, the one-hot targets that choose among them, and their product.

    Args:
        scores: (N, classes).
        one_hot: 1 at each picture's target, else 0, (N, classes).
    """
    return gallery(
        [
            [
                Panel("numbers", scores, "scores"),
                Panel("numbers", one_hot, "one-hot targets"),
                Panel("numbers", scores * one_hot, "product"),
            ]
        ],
        column_width=3.0,
        caption="One row per picture, one column per class. The sum of all entries of the product "
        "is one number.",
        alt="Three grids of four rows and eight columns: scores, a single 1 in each row, and the "
        "product, which keeps one score in each row.",
    )


def maps_of_a_batch(scenes: Sequence[Scene], maps: Tensor) -> Picture:
    """Draw scenes, and under each the map of its first class.

    Args:
        scenes: N pictures with their masks.
        maps: (N, 1, H, W), not negative.
    """
    return gallery(
        [
            [_picture(scene, f"{scene.names[0]}?") for scene in scenes],
            [_map(scene, s, "", scene.objects[0]) for scene, s in zip(scenes, maps, strict=True)],
        ],
        caption="Four pictures, four questions, one backward pass. The outline of the class that "
        "was asked for is solid.",
        alt="Four scenes with two objects each, and under each its gradient map, bright on and "
        "around one of the objects.",
    )


def maps_under_noise(
    scene: Scene, noisy: Tensor, maps: Mapping[str, Tensor], target: int
) -> Picture:
    """Draw a picture with a little noise, its map, and the maps of other samples of noise.

    Args:
        scene: the masks.
        noisy: the picture with the first sample of noise, (3, H, W).
        maps: by title, (1, H, W) or (1, 1, H, W), not negative.
        target: the class asked for.
    """
    picture = Panel("image", noisy, "with noise")
    return gallery(
        [[picture, *(_map(scene, s, title, target) for title, s in maps.items())]],
        caption="The maps of one picture with two samples of noise, and the map of the average of "
        "twenty gradients: this is called SmoothGrad.",
        alt="The picture with faint noise, its map, the map for another sample of noise, and the "
        "map of the average of twenty gradients.",
    )


def fading_in(
    contrast: Tensor, scores: Tensor, slopes: Tensor, target: int, at: Sequence[int]
) -> Picture:
    """Draw a score over the contrast of the picture, with strokes along its slope.

    Args:
        contrast: ascending, (V,).
        scores: the score at each contrast, (V,).
        slopes: the slope at each contrast, (V,).
        target: the class whose score it is.
        at: the positions in `contrast` that get a stroke.
    """
    fig, ax = subplots(width=6.4, height=3.4)
    ax.plot(contrast, scores)
    places = " and ".join(f"{float(contrast[i]):g}" for i in at)
    along = torch.tensor([-0.09, 0.09])
    for i in at:
        ax.plot(contrast[i] + along, scores[i] + slopes[i] * along, color=_SLOPE, linewidth=3)
        ax.plot(contrast[i], scores[i], **_HERE)
    ax.axhline(0, color="#6b6b6b", linewidth=0.8)
    ax.set_xlabel("contrast")
    ax.set_ylabel(f"score of {CLASSES[target]}")
    return show(
        fig,
        caption="The score as the picture fades in. The orange strokes are slopes computed from "
        f"the gradient, at contrast {places}.",
        alt="The score as a curve over the contrast, with an orange stroke along it at contrast "
        f"{places}.",
    )


def maps_of_a_photo(
    pictures: Tensor, maps: Mapping[str, Tensor], name: str, credit: str
) -> Picture:
    """Draw a photo, maps of one class, and the photo with strong noise.

    Args:
        pictures: the photo, and a copy of it with noise, values in [0, 1], (2, 3, H, W).
        maps: by title, (1, 1, H, W), not negative.
        name: of the class asked for.
        credit: who took the photo.
    """
    photo, noisy = pictures
    return gallery(
        [
            [
                Panel("image", photo, f"{name}?"),
                *(Panel("heat", s, title) for title, s in maps.items()),
                Panel("image", noisy, "one noisy copy"),
            ]
        ],
        caption=f"Three maps of the class {name}: of the photo alone, and averages over ten copies "
        f"of it with noise. At the right, one of the copies with strong noise. {credit}",
        alt="A photo of a man behind a camera on a tripod; a map of bright dots all over him; a "
        "calmer map, brightest on man and camera; a map that shows the legs of the tripod; and the "
        "photo under strong noise.",
    )


def _picture(scene: Scene, title: str = "the picture") -> Panel:
    return Panel("image", scene.image, title, outlines=scene.masks)


def _map(scene: Scene, s: Tensor, title: str, target: int) -> Panel:
    return Panel("heat", s, title, outlines=scene.masks, focus=target)
