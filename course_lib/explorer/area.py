"""One image, one class, and a slider over areas: how little of the image is enough?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import ipywidgets
import numpy as np
import torch
from torch import nn

from course_lib.attribution.masks.generator import generator_for
from course_lib.attribution.masks.perturbation import BLUR_PERTURBATION
from course_lib.attribution.masks.rewards import VARIANTS

from . import canvas
from .jobs import FoundMasks, find_masks
from .runners import Background, InThread, Runner
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
    scores_of,
)
from .words import AREA, explained, legend

if TYPE_CHECKING:
    from course_lib.figures.plotting import Picture

AREAS = (0.04, 0.06, 0.1, 0.15, 0.25, 0.4)
"""The areas on the slider by default, as shares of the image."""

LEAST_COVERED = 1e-3
"""The curve's logarithmic axis has no zero."""

TILES = 3
"""What is seen, the mask, and the curve."""

WHAT_THE_MASK_DOES = {
    "preserve": "only the mask is kept",
    "delete": "the mask is blurred away",
    "dual": "only the mask is kept",
}

HOW_IT_COUNTS = {"preserve": "with", "delete": "without", "dual": "with"}


@dataclass(frozen=True)
class Masks:
    """The masks of all areas for one class and one variant.

    Args:
        masks: shape (A, H, W), in [0, 1].
        seen: what the network saw of the image under each mask, shape (A, 3, H, W).
        scores: the network's score for the class on each, shape (A,).
        covered: share of the image that each mask covers, shape (A,).
    """

    masks: np.ndarray
    seen: np.ndarray
    scores: np.ndarray
    covered: np.ndarray


@dataclass(frozen=True)
class AreaState:
    """All that the picture of one step shows.

    Args:
        areas: shares of the image, increasing.
        here: index of the area on show.
        found: the masks of all areas; None as long as there are none.
        growing: the mask of the area on show as it is while it is optimised, (H, W); else None.
        image: the image, shape (3, H, W), in [0, 1].
        variant: "preserve", "delete" or "dual".
        class_name: name of the class.
        whole: the network's score for the whole image.
        overlay: the objects' outlines.
    """

    areas: tuple[float, ...]
    here: int
    found: Masks | None
    image: np.ndarray
    variant: str
    class_name: str
    whole: float
    overlay: canvas.Overlay
    growing: np.ndarray | None = None


def render(state: AreaState) -> bytes:
    """The picture of a state, as PNG: what the network sees, the mask, score against area."""
    found, here, name = state.found, state.here, state.class_name
    the_mask, share = f"the mask for {name}", f"{_percent(state.areas[here])} of the image"
    the_curve = f"score {HOW_IT_COUNTS[state.variant]} the mask"
    if found is None:
        blank = canvas.blank_pixels()
        image = state.overlay.over(canvas.image_pixels(state.image))
        middle = canvas.Tile(blank, f"{the_mask}\n{share}: not there yet")
        if state.growing is not None:
            heat = state.overlay.over(canvas.heat_pixels(state.growing, vmax=1.0))
            middle = canvas.Tile(heat, f"{the_mask}\n{share}: on its way")
        return canvas.compose(
            [
                canvas.Tile(image, f"the image\nscore of {name}: {state.whole:.1f}"),
                middle,
                canvas.Tile(blank, f"{the_curve}\nat each area: not there yet"),
            ]
        )
    curve = canvas.curve_pixels(
        found.covered.clip(min=LEAST_COVERED).tolist(),
        found.scores.tolist(),
        here,
        x_label="covered by the mask, % of the image",
        y_label=f"score of {name}",
        level=state.whole,
    )
    return canvas.compose(
        [
            canvas.Tile(
                canvas.image_pixels(found.seen[here]),
                f"{WHAT_THE_MASK_DOES[state.variant]}\nscore of {name}: {found.scores[here]:.1f}",
            ),
            canvas.Tile(
                state.overlay.over(canvas.heat_pixels(found.masks[here], vmax=1.0)),
                f"{the_mask}\n{share}",
            ),
            canvas.Tile(curve, f"{the_curve}\nat each area"),
        ]
    )


def describe(state: AreaState) -> str:
    """The picture of a state in words: class, variant, area, score."""
    mask = (
        f"{state.variant} mask for {state.class_name} with an area of "
        f"{_percent(state.areas[state.here])} of the image"
    )
    score = f"the network's score for {state.class_name}"
    if state.found is None:
        return f"There is no {mask} yet; {score} is {state.whole:.1f} for the whole image."
    return (
        f"{mask[0].upper()}{mask[1:]}; {score} when {WHAT_THE_MASK_DOES[state.variant]} is "
        f"{state.found.scores[state.here]:.1f}, and {state.whole:.1f} for the whole image."
    )


def _large_enough(
    areas: tuple[float, ...], x: torch.Tensor, step: int | None, sigma: float | None
) -> tuple[float, ...]:
    """The areas that a disc of the masks fits in; ValueError if there are none."""
    disc = generator_for(x.shape[2:], step, sigma).disc_area() / (x.shape[2] * x.shape[3])
    found = tuple(area for area in areas if area >= disc)
    if not found:
        raise ValueError(
            f"A single disc of the masks covers {_percent(disc)} of the image, so areas must be "
            f"at least that, not {list(areas)}: give larger ones, or a smaller sigma."
        )
    return found


def _percent(area: float) -> str:
    return f"{100 * area:.3g} %"


class AreaExplorer:
    """Extremal perturbation for several areas at once, with a slider over the areas.

    Show it as the last line of a cell: the masks are then optimised together in the background,
    with a progress bar and a Cancel button. `wait()` blocks until they are there;
    `contact_sheet()` shows all of them side by side, for readers without a kernel.

    Args:
        model: the network; output N x classes.
        x: one image, shape (1, C, H, W).
        target: index of the class to begin with.
        areas: shares of the image, increasing, each between 0 and 1. Those smaller than a single
            disc of the masks are not offered: such a mask could show nothing whole.
        image: how to show an input, a function of (N, 3, H, W) giving values in [0, 1]; the input
            itself by default, as `in_colours` shows it. Needed for networks that take normalised
            images.
        masks: exact masks of the objects, (classes, H, W), to draw outlines from; optional.
        names: the classes' names; the scenes' own by default.
        perturbation: "blur" or "fade".
        runner: where the masks are optimised; in a thread by default.
        options: further arguments of `extremal_perturbation`.

    Raises:
        ValueError: for more than one image, a target out of range, or areas not as above, or all
            smaller than a disc.

    Attributes:
        variant, target, area, cancel, again: the controls (ipywidgets).
        progress, screen, news: the bar, the picture and the line under it.
    """

    def __init__(
        self,
        model: nn.Module,
        x: torch.Tensor,
        target: int,
        *,
        areas: Sequence[float] = AREAS,
        image: Any = None,
        masks: Any = None,
        names: Sequence[str] | None = None,
        perturbation: str = BLUR_PERTURBATION,
        runner: Runner | None = None,
        **options: Any,
    ) -> None:
        areas = tuple(float(area) for area in areas)
        if not areas or list(areas) != sorted(set(areas)) or not 0 < areas[0] <= areas[-1] < 1:
            raise ValueError(
                f"areas are shares of the image between 0 and 1, each larger than the one before, "
                f"not {list(areas)}."
            )
        self._scores = scores_of(model, x, target)
        areas = _large_enough(areas, x, options.get("step"), options.get("sigma"))
        self._x, self._areas = x.detach(), areas
        self._background = Background(InThread(model) if runner is None else runner, "Optimise")
        self._perturbation, self._options = perturbation, options
        self._image = image
        self._shown = self._show(x)[0]
        self._outlines = canvas.Outlines(masks)
        self._names = class_names(len(self._scores), names)
        self._found: dict[tuple[int, str], Masks] = {}
        self._growing: np.ndarray | None = None
        self._wanted = False

        self.variant = ipywidgets.Dropdown(
            options=VARIANTS, description="Variant", style=LABELLED, layout=CONTROL
        )
        self.target = class_chooser(self._names, target)
        self.area = ipywidgets.SelectionSlider(
            options=[(_percent(area), i) for i, area in enumerate(areas)],
            value=len(areas) // 2,
            description="Area",
            style=LABELLED_SLIDER,
            layout=SLIDER,
            continuous_update=True,
            disabled=True,
        )
        self.progress = ipywidgets.IntProgress(
            description="Optimising", style=LABELLED, layout=CONTROL
        )
        self.cancel = ipywidgets.Button(description="Cancel", icon="stop", disabled=True)
        self.again = ipywidgets.Button(description="Optimise", icon="play")
        self.screen, self.news = Screen(), News()
        row = ipywidgets.Layout(flex_flow="row wrap", align_items="center")
        self.view = explorer_box(
            [
                ipywidgets.HBox([self.variant, self.target], layout=row),
                ipywidgets.HBox([self.again, self.cancel, self.progress], layout=row),
                self.area,
                self.screen,
                ipywidgets.HTML(
                    legend(False, outlined=masks is not None)
                    + explained(AREA, "What are areas, masks and the curve?")
                ),
                self.news,
            ]
        )
        self.variant.observe(self._switch, names="value")
        self.target.observe(self._switch, names="value")
        self.area.observe(lambda _: self._update(), names="value")
        self.cancel.on_click(lambda _: self.stop())
        self.again.on_click(lambda _: self.start())
        self._update()

    def start(self) -> None:
        """Optimise the masks of the chosen class and variant in the background."""
        if self._background.running:
            return
        self._wanted = True
        key = (self.target.value, self.variant.value)
        self._busy(True)
        self._update(f"Optimising the masks of all {len(self._areas)} areas.")
        self._background.start(
            find_masks,
            self._tell,
            partial(self._keep, key),
            partial(self._ended, key),
            x=self._x,
            target=key[0],
            areas=self._areas,
            variant=key[1],
            perturbation=self._perturbation,
            options=self._options,
        )

    def stop(self) -> None:
        """End the optimisation that runs in the background."""
        self._background.stop()

    def wait(self) -> AreaExplorer:
        """Block until the masks of the chosen class and variant are there, and return the explorer.

        Raises:
            RuntimeError: if they could not be made, or were cancelled.
        """
        key = (self.target.value, self.variant.value)
        if key not in self._found:
            self.start()
            self._background.join()
        if key not in self._found:
            raise RuntimeError(
                f"there are no masks for {self._names[key[0]]}: the optimisation was stopped."
            )
        return self

    def state(self, here: int) -> AreaState:
        """What the picture shows at area number `here`, for the chosen class and variant.

        Its `found` is None as long as there are no masks.
        """
        target, variant = self.target.value, self.variant.value
        return AreaState(
            areas=self._areas,
            here=here,
            found=self._found.get((target, variant)),
            image=self._shown,
            variant=variant,
            class_name=self._names[target],
            whole=float(self._scores[target]),
            overlay=self._outlines.of(target),
            growing=None if self._growing is None else self._growing[here],
        )

    def contact_sheet(self) -> Picture:
        """The masks of all areas, and what the network sees under them, in one picture."""
        from course_lib.figures.plotting import Panel, gallery

        self.wait()
        found = self._found[self.target.value, self.variant.value]
        name, last = self._names[self.target.value], self.state(len(self._areas) - 1)
        return gallery(
            [
                [
                    Panel("heat", mask, _percent(area), vmax=1.0)
                    for area, mask in zip(self._areas, found.masks, strict=True)
                ],
                [
                    Panel("image", seen, f"score {score:.1f}")
                    for seen, score in zip(found.seen, found.scores, strict=True)
                ],
            ],
            row_labels=["mask", WHAT_THE_MASK_DOES[self.variant.value]],
            column_width=4 / 3,
            caption=f"{self.variant.value.capitalize()} masks for {name} at {len(self._areas)} "
            "areas, and what the network sees. With a running kernel a slider goes through them.",
            alt=f"Contact sheet of {len(self._areas)} areas. {describe(last)}",
        )

    def _keep(self, key: tuple[int, str], found: FoundMasks) -> None:
        self._found[key] = Masks(
            masks=found.masks.numpy(),
            seen=self._show(found.seen),
            scores=found.scores.numpy(),
            covered=found.covered.numpy(),
        )

    def _ended(self, key: tuple[int, str], news: str | Exception) -> None:
        self._growing = None
        self._busy(False)
        if key == (self.target.value, self.variant.value):
            self._update(news)

    def _tell(self, iteration: int, total: int, masks: torch.Tensor) -> None:
        """Show how far the masks are."""
        self.progress.max, self.progress.value = total, iteration
        self._growing = masks.numpy()
        state = self.state(self.area.value)
        self.screen.picture(render(state), describe(state), TILES)

    def _show(self, x: torch.Tensor) -> np.ndarray:
        """Inputs of the network as images in [0, 1], shape (N, 3, H, W)."""
        return in_colours(x if self._image is None else self._image(x))

    def _busy(self, busy: bool) -> None:
        self.cancel.disabled = not busy
        self.again.disabled = busy
        if busy:
            self.progress.value = 0
        ready = (self.target.value, self.variant.value) in self._found
        self.area.disabled = not (busy or ready)

    def _switch(self, change: Any = None) -> None:
        if (self.target.value, self.variant.value) in self._found:
            self._busy(self._background.running)
            self._update()
            return
        if self._background.running:
            self.stop()
            self._background.join()
        if self._wanted:
            self.start()
        else:
            self._update()

    def _update(self, news: str | Exception = "") -> None:
        """Draw the state, and say it, after `news` if there is any."""
        state = self.state(self.area.value)
        try:
            picture = render(state)
        except Exception as error:  # an exception in a callback would vanish without a trace
            state, news = replace(state, found=None), error
            picture = render(state)
        words = describe(state)
        self.screen.picture(picture, words, TILES)
        if isinstance(news, Exception):
            self.news.error(news, words)
        else:
            self.news.say(f"{news} {words}".strip())

    def _repr_mimebundle_(self, **options: Any) -> dict[str, Any]:
        if (self.target.value, self.variant.value) not in self._found:
            self.start()
        bundle = dict(self.view._repr_mimebundle_(**options))
        bundle["text/plain"] = f"AreaExplorer, {len(self._areas)} areas"
        return bundle
