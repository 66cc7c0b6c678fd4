"""The page of `course explore`: both explorers, and a control that chooses the scene."""

from __future__ import annotations

import random
from functools import partial
from typing import Any

import ipywidgets
from torch import Tensor

from course_lib.world.examples import EXAMPLE_SEED, example_credit, get_example_data, to_image
from course_lib.world.networks import NETWORKS
from course_lib.world.scenes import draw_scene

from .area import AreaExplorer
from .layer import LayerExplorer
from .style import styled
from .view import LABELLED

LAST_SCENE = 9999
"""The highest number on the page's chooser of scenes."""


class Page:
    """Both explorers for one image; where the image is a scene, another one can be chosen.

    Args:
        arch: a network's name, as `get_example_data` takes it.
        image: an image of the reader's own, a path or URL, or the name of a photo; if None, a
            scene, or what the network's example is.

    Raises:
        ValueError, OSError: as `get_example_data` does.

    Attributes:
        chooser, layers, areas: the parts of the page (ipywidgets); where the image is no scene,
            the chooser names the author of a photo, or is empty.
        scene: the control with the scene's number.
        layer_explorer, area_explorer: what `layers` and `areas` show.
    """

    layer_explorer: LayerExplorer
    area_explorer: AreaExplorer

    def __init__(self, arch: str = "tiny_vgg", image: str | None = None) -> None:
        self._model, x, target, _ = get_example_data(arch, image=image)
        self._shown = partial(to_image, arch)
        self.layers, self.areas = ipywidgets.VBox(), ipywidgets.VBox()
        self.scene = ipywidgets.BoundedIntText(
            EXAMPLE_SEED,
            max=LAST_SCENE,
            description="Scene",
            style=LABELLED,
            layout=ipywidgets.Layout(width="12em"),
        )
        another = ipywidgets.Button(description="Another scene", icon="random")
        self.chooser = ipywidgets.HBox(layout=ipywidgets.Layout(flex_flow="row wrap"))
        if image is not None or arch not in NETWORKS:
            credit = example_credit(x[0])
            self.chooser.children = [ipywidgets.HTML(credit)] if credit else []
            self._explore(x, target, None)
            return
        self.chooser.children = [self.scene, another]
        styled(self.chooser)
        self.scene.observe(self._show_scene, names="value")
        another.on_click(self._draw_lots)
        self._show_scene()

    def _draw_lots(self, button: Any) -> None:
        self.scene.value = random.randint(0, LAST_SCENE)

    def _show_scene(self, change: Any = None) -> None:
        scene = draw_scene(self.scene.value)
        self._explore(scene.x, scene.objects[0], scene.masks)

    def _explore(self, x: Tensor, target: int, masks: Any) -> None:
        if self.areas.children:
            self.area_explorer.cancel.click()
        layers = LayerExplorer(self._model, x, target, image=self._shown(x)[0], masks=masks)
        areas = AreaExplorer(self._model, x, target, image=self._shown, masks=masks)
        self.layers.children, self.areas.children = [layers.view], [areas.view]
        self.layer_explorer, self.area_explorer = layers, areas
        areas.start()
