"""The page of `course explore`: a network, a picture, and the explorers for both."""

from __future__ import annotations

import html
import random
from contextlib import suppress
from dataclasses import replace
from functools import lru_cache, partial
from typing import Any

import ipywidgets
import torch
from torch import Tensor, nn
from traitlets import TraitError, link

from course_lib.world.efficientnet_lite import LITE
from course_lib.world.examples import (
    EXAMPLE_PHOTO,
    EXAMPLE_SEED,
    get_example_data,
    to_image,
)
from course_lib.world.images import read_image
from course_lib.world.networks import NETWORKS
from course_lib.world.photographs import PHOTOS, photos
from course_lib.world.scenes import draw_scene

from .address import GIVEN, OWN, PageState, read_query
from .area import AreaExplorer
from .layer import LayerExplorer
from .pictures import LAST_SCENE, Pictures, read_upload
from .rise import COUNTS, RiseExplorer
from .runners import InProcess
from .style import styled
from .view import CONTROL, LABELLED, News

REAL = next(iter(LITE))
"""The network that knows photographs."""

OPACITY = 60
"""Per cent of the maps' opacity that the page begins with."""

PRIVATE = (
    "A photo may also be pasted or dropped on the page. Nothing leaves this machine: it goes to "
    "the program that serves this page, no further."
)

UPLOAD_AGAIN = "The photo that this address showed was uploaded and isn't kept: upload it again."


class Page:
    """The explorers for one network and one picture; others can be chosen.

    Args:
        arch: a network's name, as `get_example_data` takes it.
        image: a picture to begin with, a path or URL, or the name of a photo; if None, a scene, or
            a photo for networks that know photographs.
        query: what stands after the question mark in the page's address; it goes first.

    Raises:
        ValueError, OSError: as `get_example_data` does.

    Attributes:
        chooser, layers, rise, areas: the parts of the page (ipywidgets).
        network, pictures: the controls in `chooser`.
        news: the line under them.
        address: the page's address is written into it, for the browser.
        layer_explorer, rise_explorer, area_explorer: what is shown in the parts.
    """

    layer_explorer: LayerExplorer
    rise_explorer: RiseExplorer
    area_explorer: AreaExplorer

    def __init__(self, arch: str = "tiny_vgg", image: str | None = None, query: str = "") -> None:
        self._own: Tensor | None = None
        self._runners, self._computes_for = _processes(arch), arch
        self._given = None if image is None or image in PHOTOS else read_image(image)
        self.network = ipywidgets.Dropdown(
            options=_networks(arch),
            value=arch,
            description="Network",
            style=LABELLED,
            layout=CONTROL,
        )
        more = {} if self._given is None else {GIVEN: ("image", self._given[0].numpy())}
        self.pictures = Pictures(self._choose, self._upload, more)
        self.news, self.address = News(), ipywidgets.HTML()
        private = ipywidgets.HTML(html.escape(PRIVATE))
        self.chooser = styled(
            ipywidgets.VBox([self.network, self.pictures.view, private, self.news, self.address])
        )
        self.layers, self.rise, self.areas = (ipywidgets.VBox() for _ in range(3))
        self.pictures.another.on_click(self._draw_lots)
        self._begin(read_query(query, self._default(arch, image)))
        self.network.observe(self._switch_network, names="value")

    def state(self) -> PageState:
        """What the page shows."""
        return replace(
            self._state,
            target=self.layer_explorer.target.value,
            method=self.layer_explorer.method.value,
            layer=self.layer_explorer.layer.value,
            opacity=self.layer_explorer.opacity.value,
            variant=self.area_explorer.variant.value,
            area=self.area_explorer.area.value,
            masks=self.rise_explorer.count.value,
        )

    def _default(self, arch: str, image: str | None) -> PageState:
        if image is not None:
            picture = f"photo-{image}" if image in PHOTOS else GIVEN
        else:
            picture = f"scene-{EXAMPLE_SEED}" if arch in NETWORKS else f"photo-{EXAMPLE_PHOTO}"
        return PageState(arch, picture, opacity=OPACITY)

    def _begin(self, state: PageState) -> None:
        """Show what the address names, or what is nearest to it."""
        news = UPLOAD_AGAIN if state.picture == OWN else ""
        if state.network not in [value for _, value in self.network.options]:
            state = replace(state, network=self.network.value)
        if not self._is_there(state):
            example = self._default(state.network, None)
            state = replace(state, picture=example.picture, target=None)
        self._state = state
        self.network.value = state.network
        self._explore(news)

    def _is_there(self, state: PageState) -> bool:
        if state.picture in (OWN, GIVEN):
            return (self._own if state.picture == OWN else self._given) is not None
        return state.photo in PHOTOS or (state.seed is not None and state.seed <= LAST_SCENE)

    def _switch_network(self, change: Any) -> None:
        self._state = replace(self.state(), network=self.network.value, target=None, layer=None)
        self._explore()

    def _choose(self, picture: str) -> None:
        self._state = replace(self.state(), picture=picture, target=None)
        self._explore()

    def _upload(self, content: bytes, name: str) -> None:
        try:
            self._own = read_upload(content, name)
        except ValueError as error:
            self.news.say(str(error))
            return
        self.pictures.offer(OWN, "yours", self._own[0].numpy())
        self._choose(OWN)

    def _draw_lots(self, button: Any) -> None:
        self._choose(f"scene-{random.randint(0, LAST_SCENE)}")

    def _explore(self, news: str = "") -> None:
        """Build the explorers for the state, and stop those that were there."""
        if self.layers.children:
            self.rise_explorer.stop()
            self.area_explorer.stop()
        state = self._state
        model, x, target, masks = self._input()
        shown = partial(to_image, state.network)
        if state.target is not None and state.target < model(x).shape[1]:
            target = state.target
        opacity = (OPACITY if state.opacity is None else min(state.opacity, 100)) / 100
        if state.network != self._computes_for:
            for runner in self._runners:
                runner.close()
            self._runners, self._computes_for = _processes(state.network), state.network
        layers = LayerExplorer(model, x, target, image=shown(x)[0], masks=masks, opacity=opacity)
        rise = RiseExplorer(
            model,
            x,
            target,
            activation=_answers(state.network),
            counts=COUNTS if state.network in NETWORKS else COUNTS[:-1],
            image=shown,
            masks=masks,
            opacity=opacity,
            runner=self._runners[0],
        )
        areas = AreaExplorer(model, x, target, image=shown, masks=masks, runner=self._runners[1])
        for control, value in (
            (layers.method, state.method),
            (layers.layer, state.layer),
            (areas.variant, state.variant),
            (areas.area, state.area),
            (rise.count, state.masks),
        ):
            if value is not None:
                with suppress(TraitError):  # another network has other layers
                    control.value = value
        for explorer in (rise, areas):
            link((layers.target, "value"), (explorer.target, "value"))
        link((layers.opacity, "value"), (rise.opacity, "value"))
        self.layer_explorer, self.rise_explorer, self.area_explorer = layers, rise, areas
        self.layers.children = [layers.view]
        self.rise.children = [rise.view]
        self.areas.children = [areas.view]
        self.pictures.mark(state.picture, state.seed)
        self.news.say(" ".join(filter(None, [news, self._advice()])))
        for control in (
            *(layers.method, layers.target, layers.layer, layers.opacity),
            *(areas.variant, areas.area, rise.count),
        ):
            control.observe(self._write_address, names="value")
        self._write_address()

    def _input(self) -> tuple[nn.Module, Tensor, int, Any]:
        """The network, the picture as it takes it, a class to begin with, the objects' masks."""
        state, model = self._state, _network(self._state.network)
        if state.network in NETWORKS and state.seed is not None:
            scene = draw_scene(state.seed)
            return model, scene.x, scene.objects[0], scene.masks
        image: Any = self._own if state.picture == OWN else self._given
        if state.seed is not None:
            image = draw_scene(state.seed).x
        elif state.photo is not None:
            image = state.photo
        _, x, target, _ = get_example_data(state.network, image=image)
        return model, x, target, None

    def _advice(self) -> str:
        state = self._state
        scene, shapes = state.seed is not None, state.network in NETWORKS
        lines = []
        if state.photo is not None:
            lines.append(photos()[state.photo].credit)
        if shapes and not scene:
            lines.append(f"{state.network} knows the eight shapes only; {REAL} knows photographs.")
        if scene and not shapes:
            lines.append(f"{state.network} knows photographs, and not the names of these shapes.")
        return " ".join(lines)

    def _write_address(self, change: Any = None) -> None:
        query = html.escape(self.state().to_query())
        self.address.value = f'<span class="course-address" data-query="{query}" hidden></span>'


def _networks(arch: str) -> list[tuple[str, str]]:
    """The networks on offer, with what they know."""
    offered = {name: f"{name} (shapes)" for name in NETWORKS} | {REAL: f"{REAL} (photos)"}
    return [(label, name) for name, label in {arch: arch, **offered}.items()]


def _processes(arch: str) -> tuple[InProcess, InProcess]:
    """A process for RISE and one for the areas: each may be stopped while the other one goes on."""
    return InProcess(arch), InProcess(arch)


def _answers(network: str) -> Any:
    """From a network's scores to the answers that weigh RISE's masks, as it was trained."""
    return torch.sigmoid if network in NETWORKS else partial(torch.softmax, dim=1)


@lru_cache(maxsize=2)
def _network(arch: str) -> nn.Module:
    return get_example_data(arch)[0]
