"""Draws docs/readme.png: one scene, two objects, and what the methods show for each of them.

.venv/bin/python docs/picture.py
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from torch import Tensor, nn

from course_lib.attribution.excitation_backprop import contrastive_excitation_backprop
from course_lib.attribution.extremal_perturbation import extremal_perturbation
from course_lib.attribution.grad_cam import grad_cam
from course_lib.attribution.gradient import gradient
from course_lib.attribution.guided_backprop import guided_backprop
from course_lib.attribution.rise import rise
from course_lib.benchmark import get_example_data
from course_lib.figures.plotting import Panel, Picture, gallery
from course_lib.world.examples import example_scene
from course_lib.world.scenes import CLASSES

Method = Callable[[nn.Module, Tensor, int], Tensor]

METHODS: dict[str, Method] = {
    "gradient": gradient,
    "guided backprop": guided_backprop,
    "Grad-CAM": lambda model, x, c: grad_cam(model, x, c, saliency_layer="features.16"),
    "contrastive excitation": lambda model, x, c: contrastive_excitation_backprop(
        model, x, c, saliency_layer="features.9", contrast_layer="features.18"
    ),
    "RISE": lambda model, x, c: above_lowest(rise(model, x, c, num_masks=4000)),
    "extremal perturbation": lambda model, x, c: extremal_perturbation(model, x, c, areas=0.1)[0],
}


def above_lowest(s: Tensor) -> Tensor:
    """RISE's map stands on a plateau, the score of an average mask: what rises above it is news."""
    return s - s.min()


def draw() -> Picture:
    """The picture: a row for each object of the example, a column for each method."""
    model, x, *classes = get_example_data("tiny_vgg")
    masks = example_scene().masks
    rows = []
    for i, c in enumerate(classes):
        row = [Panel("image", x, "" if i else "scene", outlines=masks, focus=c)]
        for name, method in METHODS.items():
            s = method(model, x, c)
            row.append(Panel("heat", s, "" if i else name, outlines=masks, focus=c))
        rows.append(row)
    return gallery(
        rows,
        row_labels=[f"{CLASSES[c]}?" for c in classes],
        column_width=4 / 3,
        caption="Where does the network look when it says ring, and when it says heart?",
        alt="A scene with two objects and a map by each of six methods, once for each object.",
    )


if __name__ == "__main__":
    draw().save(Path(__file__).with_name("readme.png"))
