"""One network, one image, and a slider over its layers: where does the evidence appear?"""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from inspect import signature
from typing import TYPE_CHECKING, Any, Literal

import ipywidgets
import numpy as np
import torch
from torch import nn

from course_lib.attribution.maps.grids import channels_second
from course_lib.attribution.methods import Method, methods
from course_lib.attribution.network.layers import named_layers
from course_lib.attribution.network.preserved import preserved
from course_lib.attribution.saliency import layer_gradients

from . import canvas
from .bars import ClassBars
from .view import (
    CONTROL,
    LABELLED,
    LABELLED_SLIDER,
    SLIDER,
    News,
    Screen,
    class_chooser,
    class_names,
    explorer_box,
    in_colours,
    opacity_slider,
    scores_of,
    static_and_live,
)
from .words import LAYER, SCORE, explained, legend

if TYPE_CHECKING:
    from course_lib.figures.plotting import Picture

TILES = 2
"""The image and the map."""

SHEET_COLUMNS = 6

CLASSIFIERS = (nn.Linear, nn.Conv2d)


METHODS: Mapping[str, Method] = {
    m.title: m
    for m in sorted(methods().values(), key=lambda m: (m.title != "Grad-CAM", m.title))
    if m.layer != "no"
}
"""The methods that make a map from any layer, by the names that people read."""


def layer_map(
    method: Method, model: nn.Module, x: torch.Tensor, target: int, layer: str
) -> np.ndarray:
    """A method's map for class `target` at `layer`, shape (h, w).

    Raises:
        ValueError: the method is not defined for this network, or at this layer.
    """
    more = {}
    if "contrast_layer" in signature(method.function).parameters:
        more["contrast_layer"] = contrast_layer(model, x)
    found = method.function(model, x, target, saliency_layer=layer, **more)
    return found[0, 0].float().cpu().numpy()


@dataclass(frozen=True)
class LayerState:
    """All that the picture of one step shows.

    Args:
        image: shape (3, H, W), in [0, 1].
        map: shape (h, w); None where it could not be made.
        signed: whether the map has two signs.
        method, class_name, layer: their names.
        score: the network's score for the class.
        inside: share of the map's positive values inside the class's object, None if unknown.
        overlay: the objects' outlines.
        opacity: of the map over the image, 0 to 1.
    """

    image: np.ndarray
    map: np.ndarray | None
    signed: bool
    method: str
    class_name: str
    layer: str
    score: float
    inside: float | None
    overlay: canvas.Overlay
    opacity: float = 1.0


def render(state: LayerState) -> bytes:
    """The picture of a state, as PNG: the image, and the layer's map over the same frame."""
    picture = canvas.image_pixels(state.image)
    name, paint = state.class_name, canvas.signed_pixels if state.signed else canvas.heat_pixels
    if state.map is None:
        right = canvas.Tile(canvas.blank_pixels(), f"no {state.method}\n{name}, {state.layer}")
    else:
        height, width = state.map.shape
        right = canvas.Tile(
            state.overlay.over(canvas.blended(paint(state.map), picture, state.opacity)),
            f"{state.method}\n{name}, {state.layer}, {height} x {width}",
        )
    left = canvas.Tile(
        state.overlay.over(picture), f"the image\nscore of {name}: {state.score:.1f}"
    )
    return canvas.compose([left, right])


def describe(state: LayerState) -> str:
    """The picture of a state in words: class, layer, score, and where the map is."""
    score = f"the network's score for {state.class_name} is {state.score:.1f}."
    what = f"{state.method} for {state.class_name} at layer {state.layer}"
    if state.map is None:
        return f"There is no map: {what} could not be computed; {score}"
    height, width = state.map.shape
    where = ""
    if not state.map.any():
        where = " The map is 0 everywhere."
    elif state.inside is not None:
        where = f" {100 * state.inside:.0f} % of the map is inside the {state.class_name}."
    return f"{what}, {height} x {width} cells; {score}{where}"


@dataclass(frozen=True)
class Run:
    """A layer of a network that ran.

    Args:
        name: the layer's name.
        layer: the layer.
        is_map: whether what it gave can be read as N x C x H x W, with more than one position,
            and the scores read it there.
    """

    name: str
    layer: nn.Module
    is_map: bool


def layers_run(model: nn.Module, x: torch.Tensor) -> list[Run]:
    """The layers that run for an input, inner and outer ones, in the order in which they end."""
    ran: list[tuple[str, nn.Module, Any]] = []

    def record(name: str) -> Callable[..., None]:
        return lambda module, inputs, output: ran.append((name, module, output))

    handles = [
        layer.register_forward_hook(record(name)) for name, layer in named_layers(model) if name
    ]
    try:
        with preserved(model), torch.no_grad():
            model(x)
    finally:
        for handle in handles:
            handle.remove()
    with preserved(model):
        return [Run(name, layer, _is_map(y, layer, model, x)) for name, layer, y in ran]


def _is_map(y: Any, layer: nn.Module, model: nn.Module, x: torch.Tensor) -> bool:
    if not isinstance(y, torch.Tensor) or not y.is_floating_point() or len(y) != len(x):
        return False
    try:
        turned = channels_second(y, layer, model, x, "the layer")(y)
        if y.dim() == 3:
            # Behind a transformer's last attention its patches are read by nothing any more.
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                layer_gradients(model, x, 0, layer)
    except ValueError:
        return False
    return turned.dim() == 4 and turned.shape[2] * turned.shape[3] > 1


def _maps(runs: Sequence[Run]) -> list[Run]:
    """The layers among `runs` that ran once and gave a map."""
    times = Counter(run.name for run in runs)
    return [run for run in runs if times[run.name] == 1 and run.is_map]


def spatial_layers(model: nn.Module, x: torch.Tensor) -> list[str]:
    """Names of the layers that a map can be made from, in the order in which they run.

    Those are the innermost layers that run once, and whose output can be read as N x C x H x W
    with more than one position (`channels_second`); of a transformer's tokens not those behind its
    last attention, of which it reads the class token alone.

    Args:
        model: the network.
        x: input, shape (N, C, H, W).

    Raises:
        ValueError: if there is no such layer.
    """
    maps = _maps(layers_run(model, x))
    names = [run.name for run in maps if not any(True for _ in run.layer.children())]
    if not names:
        raise ValueError("the model has no layer with a map: none gives a tensor N x C x H x W.")
    return names


def contrast_layer(model: nn.Module, x: torch.Tensor) -> str:
    """Name of the layer for contrastive excitation backprop to form its difference at.

    That is the last one with a map before the classifier, which is the last linear layer or
    convolution. A whole block counts as a layer: what goes around its inner layers goes through it.

    Args:
        model: the network.
        x: input, shape (N, C, H, W).

    Raises:
        ValueError: if there is no such layer.
    """
    runs = layers_run(model, x)
    classifiers = [i for i, run in enumerate(runs) if isinstance(run.layer, CLASSIFIERS)]
    maps = _maps(runs[: classifiers[-1]]) if classifiers else []
    if not maps:
        raise ValueError(
            "contrastive excitation backprop is not defined for this network: it needs a linear "
            "layer or a convolution as the classifier, and a layer with a map before it."
        )
    return maps[-1].name


class LayerExplorer:
    """A picture of one method's map, with a slider over the layers of the network.

    Show it as the last line of a cell. Without a kernel a contact sheet of all layers stands in.

    Args:
        model: the network; output N x classes.
        x: one image, shape (1, C, H, W).
        target: index of the class to begin with.
        image: what to draw, shape (3, H, W) in [0, 1]; by default `x` itself, as `in_colours` shows
            it.
        masks: exact masks of the objects, (classes, H, W), to draw outlines from; optional.
        names: the classes' names; the scenes' own by default.
        layers: names of the layers on the slider, among them whole blocks; by default the innermost
            ones that have a map.
        methods: names among `METHODS`; all by default.
        opacity: of the map over the image, 0 to 1.

    Raises:
        ValueError: for more than one image, a target out of range, an unknown layer or method.

    Attributes:
        method, target, layer, opacity: the controls (ipywidgets); set their `value` to move them.
        bars: the classes with the highest scores, which can be pressed.
        screen, news: the picture and the line under it.
    """

    def __init__(
        self,
        model: nn.Module,
        x: torch.Tensor,
        target: int,
        *,
        image: Any = None,
        masks: Any = None,
        names: Sequence[str] | None = None,
        layers: Sequence[str] | None = None,
        methods: Sequence[str] | None = None,
        opacity: float = 1.0,
    ) -> None:
        self._scores = scores_of(model, x, target)
        if layers is None:
            known = layers = spatial_layers(model, x)
        else:
            known = [run.name for run in _maps(layers_run(model, x))]
        layers = list(layers)
        methods = list(METHODS if methods is None else methods)
        for given, choice, kind in ((layers, known, "layer"), (methods, METHODS, "method")):
            unknown = [name for name in given if name not in choice]
            if unknown:
                raise ValueError(
                    f"no {kind} called {unknown[0]!r} to show; there are {', '.join(choice)}."
                )
        self._model, self._x = model, x.detach()
        self._image = in_colours(x if image is None else torch.as_tensor(image)[None])[0]
        self._masks = None if masks is None else np.asarray(masks, dtype=np.float32)
        self._outlines = canvas.Outlines(self._masks)
        self._names = class_names(len(self._scores), names)
        self._states: dict[tuple[str, int, str], LayerState] = {}

        self.method = ipywidgets.Dropdown(
            options=methods, description="Method", style=LABELLED, layout=CONTROL
        )
        self.target = class_chooser(self._names, target)
        self.layer = ipywidgets.SelectionSlider(
            options=layers,
            value=layers[-1],
            description="Layer",
            style=LABELLED_SLIDER,
            layout=SLIDER,
            continuous_update=True,
        )
        self.opacity = opacity_slider(opacity)
        self.bars = ClassBars(self.target, self._names, self._scores)
        self.screen, self.news = Screen(), News()
        self._legend = ipywidgets.HTML()
        self.view = explorer_box(
            [
                ipywidgets.HBox(
                    [self.method, self.target], layout=ipywidgets.Layout(flex_flow="row wrap")
                ),
                self.bars,
                ipywidgets.HTML(explained(SCORE, "What is a score?")),
                self.layer,
                self.opacity,
                self.screen,
                self._legend,
                ipywidgets.HTML(explained(LAYER, "What is a layer?")),
                self.news,
            ]
        )
        for control in (self.method, self.target, self.layer, self.opacity):
            control.observe(self._update, names="value")
        self._update()

    def state(self, method: str, target: int, layer: str) -> LayerState:
        """What the picture shows for these settings; computed once."""
        key = (method, target, layer)
        if key not in self._states:
            values = layer_map(METHODS[method], self._model, self._x, target, layer)
            self._states[key] = replace(
                self.state_without_map(method, target, layer),
                map=values,
                inside=self._share_inside(values, target),
            )
        return self._states[key]

    def state_without_map(self, method: str, target: int, layer: str) -> LayerState:
        """What the picture shows for these settings when the map could not be made."""
        return LayerState(
            image=self._image,
            map=None,
            signed=METHODS[method].signed,
            method=method,
            class_name=self._names[target],
            layer=layer,
            score=float(self._scores[target]),
            inside=None,
            overlay=self._outlines.of(target),
        )

    def contact_sheet(self) -> Picture:
        """The maps of all layers on the slider, for the chosen method and class, in one picture."""
        from course_lib.figures.plotting import Panel, gallery

        method, target = self.method.value, self.target.value
        kind: Literal["signed", "heat"] = "signed" if METHODS[method].signed else "heat"
        panels: list[Panel | None] = [
            Panel("image", self._image, "the image", self._masks, focus=target),
            *(
                Panel(kind, self.state(method, target, layer).map, layer, self._masks, focus=target)
                for layer in self.layer.options
            ),
        ]
        rows = [panels[i : i + SHEET_COLUMNS] for i in range(0, len(panels), SHEET_COLUMNS)]
        first, last = self.layer.options[0], self.layer.options[-1]
        name = self._names[target]
        return gallery(
            rows,
            column_width=4 / 3,
            caption=f"{method} for {name} at {len(self.layer.options)} layers, from {first} to "
            f"{last}. With a running kernel a slider goes through them.",
            alt=f"Contact sheet: {method} for {name} at {len(self.layer.options)} layers. "
            + describe(self.state(method, target, last)),
        )

    def _share_inside(self, values: np.ndarray, target: int) -> float | None:
        if self._masks is None or self._masks[target].max() < 0.5:
            return None
        positive = torch.from_numpy(np.maximum(values, 0))[None, None]
        full = nn.functional.interpolate(positive, self._masks.shape[1:], mode="nearest")[0, 0]
        total = float(full.sum())
        return float((full.numpy() * self._masks[target]).sum()) / total if total > 0 else 0.0

    def _update(self, change: Any = None) -> None:
        settings = (self.method.value, self.target.value, self.layer.value)
        self._legend.value = legend(METHODS[self.method.value].signed, self._masks is not None)
        try:
            state = self.state(*settings)
        except Exception as error:  # an exception in a callback would vanish without a trace
            state = self.state_without_map(*settings)
            self.news.error(error, describe(state))
        else:
            self.news.say(describe(state))
        state = replace(state, opacity=self.opacity.value / 100)
        self.screen.picture(render(state), describe(state), TILES)

    def _repr_mimebundle_(self, **options: Any) -> dict[str, Any]:
        return static_and_live(self.view, self.contact_sheet, **options)
