"""One image, one class, and a slider over the number of masks: how sure is a map of RISE?"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import ipywidgets
import numpy as np
import torch
from torch import Tensor, nn

from course_lib.attribution.rise import RiseMasks

from . import canvas
from .jobs import masked_scores
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
    opacity_slider,
    scores_of,
)
from .words import RANDOM_MASKS, explained, legend

COUNTS = (10, 25, 50, 100, 200, 400, 800)
"""The numbers of masks on the slider by default."""

TILES = 3
"""A masked image, the map, and its standard error."""

MASKS_TOGETHER = 32
"""How many masks are weighed at once."""


@dataclass(frozen=True)
class RiseState:
    """All that the picture of one step shows.

    Args:
        count: how many masks the map is made from.
        image: the image, shape (3, H, W), in [0, 1].
        seen: the image under mask number `count`, as `image`; None as long as there is no map.
        map: mean of score x mask over the masks, shape (H, W); None as long as there is none.
        error: its standard error, shape (H, W); None as long as there is no map.
        weight: what the network answered to `seen`, for the class.
        class_name: name of the class.
        opacity: of the map over the image, 0 to 1.
        overlay: the objects' outlines.
    """

    count: int
    image: np.ndarray
    seen: np.ndarray | None
    map: np.ndarray | None
    error: np.ndarray | None
    weight: float
    class_name: str
    opacity: float
    overlay: canvas.Overlay

    @property
    def share(self) -> float:
        """The mean standard error, as a share of the map's range; 0 where there is no map."""
        if self.map is None or self.error is None:
            return 0.0
        return float(self.error.mean()) / (float(np.ptp(self.map)) or 1.0)


def render(state: RiseState) -> bytes:
    """The picture of a state, as PNG: a masked image, the map, the map's standard error."""
    picture = canvas.image_pixels(state.image)
    if state.map is None or state.error is None or state.seen is None:
        blank = canvas.blank_pixels()
        return canvas.compose(
            [
                canvas.Tile(state.overlay.over(picture), "the image"),
                canvas.Tile(blank, f"RISE for {state.class_name}\n{state.count} masks: not yet"),
                canvas.Tile(blank, "standard error\nnot yet"),
            ]
        )
    values = state.map - state.map.min()
    heat = canvas.blended(canvas.heat_pixels(values), picture, state.opacity)
    return canvas.compose(
        [
            canvas.Tile(
                canvas.image_pixels(state.seen),
                f"mask {state.count}\nanswer for {state.class_name}: {state.weight:.2f}",
            ),
            canvas.Tile(
                state.overlay.over(heat),
                f"RISE for {state.class_name}\nmean of {state.count} masks",
            ),
            canvas.Tile(
                canvas.heat_pixels(state.error, vmax=float(values.max())),
                f"standard error, same colours\n{100 * state.share:.0f} % of the map's range",
            ),
        ]
    )


def describe(state: RiseState) -> str:
    """The picture of a state in words: class, number of masks, standard error."""
    if state.map is None:
        return f"There is no map of RISE for {state.class_name} from {state.count} masks yet."
    return (
        f"RISE for {state.class_name} from {state.count} masks; its standard error is "
        f"{100 * state.share:.0f} % of the map's range, on average."
    )


class RiseExplorer:
    """RISE for one image, with a slider over the number of masks.

    Press *Run* to give the network the masked images, in the background; the map grows meanwhile.
    All classes' answers are kept, so another class is there at once. `wait()` blocks until all
    masks are done.

    Args:
        model: the network; output N x classes.
        x: one image, shape (1, C, H, W).
        target: index of the class to begin with.
        activation: from scores (K, classes) to the answers that weigh the masks, as for `rise`.
        counts: the numbers of masks on the slider, increasing, each at least 2.
        seed: of the masks.
        image: how to show an input, a function of (N, C, H, W) giving values in [0, 1]; the input
            itself by default, as `in_colours` shows it.
        masks: exact masks of the objects, (classes, H, W), to draw outlines from; optional.
        names: the classes' names; those of the scenes or of ImageNet by default.
        opacity: of the map over the image, 0 to 1.
        runner: where the network runs; in a thread by default.

    Raises:
        ValueError: for more than one image, a target out of range, or counts not as above.

    Attributes:
        target, count, opacity, run, cancel: the controls (ipywidgets).
        progress, screen, news: the bar, the picture and the line under it.
    """

    def __init__(
        self,
        model: nn.Module,
        x: Tensor,
        target: int,
        *,
        activation: Callable[[Tensor], Tensor] = torch.sigmoid,
        counts: Sequence[int] = COUNTS,
        seed: int = 0,
        image: Any = None,
        masks: Any = None,
        names: Sequence[str] | None = None,
        opacity: float = 1.0,
        runner: Runner | None = None,
    ) -> None:
        if not counts or list(counts) != sorted(set(counts)) or counts[0] < 2:
            raise ValueError(
                "counts are numbers of masks, at least 2, each larger than the one before, not "
                f"{list(counts)}."
            )
        scores = scores_of(model, x, target)
        self._x, self._counts, self._seed = x.detach(), tuple(counts), seed
        self._background = Background(InThread(model) if runner is None else runner, "Run")
        self._activation, self._image = activation, image
        self._shown = self._show(x)[0]
        self._outlines = canvas.Outlines(masks)
        self._names = class_names(len(scores), names)
        self._masks = RiseMasks(x.shape[2:], counts[-1], seed=seed, device=x.device)
        self._scores: Tensor | None = None
        self._maps: dict[tuple[int, int], tuple[np.ndarray, np.ndarray]] = {}

        self.target = class_chooser(self._names, target)
        self.count = ipywidgets.SelectionSlider(
            options=list(counts),
            value=counts[-1],
            description="Masks",
            style=LABELLED_SLIDER,
            layout=SLIDER,
            disabled=True,
        )
        self.opacity = opacity_slider(opacity)
        self.progress = ipywidgets.IntProgress(
            description="Running", max=counts[-1], style=LABELLED, layout=CONTROL
        )
        self.run = ipywidgets.Button(description="Run", icon="play")
        self.cancel = ipywidgets.Button(description="Cancel", icon="stop", disabled=True)
        self.screen, self.news = Screen(), News()
        row = ipywidgets.Layout(flex_flow="row wrap", align_items="center")
        self.view = explorer_box(
            [
                self.target,
                ipywidgets.HBox([self.run, self.cancel, self.progress], layout=row),
                self.count,
                self.opacity,
                self.screen,
                ipywidgets.HTML(
                    legend(False, outlined=masks is not None)
                    + explained(RANDOM_MASKS, "What are the masks and the standard error?")
                ),
                self.news,
            ]
        )
        for control in (self.target, self.count, self.opacity):
            control.observe(lambda _: self._update(), names="value")
        self.run.on_click(lambda _: self.start())
        self.cancel.on_click(lambda _: self.stop())
        self._update()

    def start(self) -> None:
        """Give the network all masked images, in the background."""
        if self._background.running:
            return
        self._scores = None
        self._maps.clear()
        self._busy(True)
        self.progress.value, self.count.value = 0, self._counts[0]
        self._update(f"Running the network on {self._counts[-1]} masked images.")
        self._background.start(
            masked_scores,
            self._tell,
            lambda scores: self._tell(scores, len(scores)),
            self._ended,
            x=self._x,
            num_masks=self._counts[-1],
            seed=self._seed,
        )

    def stop(self) -> None:
        """End what runs in the background."""
        self._background.stop()

    def wait(self) -> RiseExplorer:
        """Block until all masks are done, and return the explorer.

        Raises:
            RuntimeError: if it was stopped, or failed.
        """
        if self._done < self._counts[-1]:
            self.start()
            self._background.join()
        if self._done < self._counts[-1]:
            raise RuntimeError("there is no map of RISE: it was stopped.")
        return self

    def state(self, count: int) -> RiseState:
        """What the picture shows for `count` masks and the chosen class."""
        target = self.target.value
        seen = found = error = None
        weight = 0.0
        if self._scores is not None and count <= self._done:
            found, error = self._map(target, count)
            seen = self._show(self._x * self._masks[count - 1 : count].to(self._x.dtype))[0]
            weight = float(self._answers(target)[count - 1])
        return RiseState(
            count=count,
            image=self._shown,
            seen=seen,
            map=found,
            error=error,
            weight=weight,
            class_name=self._names[target],
            opacity=self.opacity.value / 100,
            overlay=self._outlines.of(target),
        )

    @property
    def _done(self) -> int:
        return 0 if self._scores is None else len(self._scores)

    def _answers(self, target: int) -> Tensor:
        assert self._scores is not None
        return self._activation(self._scores)[:, target]

    def _map(self, target: int, count: int) -> tuple[np.ndarray, np.ndarray]:
        """The mean of score x mask over the first masks, and its standard error."""
        if (target, count) not in self._maps:
            answers = self._answers(target)[:count].double()
            total = squares = torch.zeros((), dtype=torch.float64)
            for start in range(0, count, MASKS_TOGETHER):
                some = slice(start, min(start + MASKS_TOGETHER, count))
                weighed = answers[some].view(-1, 1, 1) * self._masks[some][:, 0].cpu()
                total, squares = total + weighed.sum(0), squares + weighed.square().sum(0)
            variance = (squares - total.square() / count).clamp(min=0) / (count - 1)
            error = (variance / count).sqrt()
            self._maps[target, count] = ((total / count).numpy(), error.numpy())
        return self._maps[target, count]

    def _show(self, x: Tensor) -> np.ndarray:
        return in_colours(x if self._image is None else self._image(x))

    def _ended(self, news: str | Exception) -> None:
        self._busy(False)
        self._update(news)

    def _tell(self, scores: Tensor, total: int) -> None:
        """Keep the scores so far, and go on to the largest number of masks that is done."""
        before, self._scores = self._done, scores
        self.progress.value = len(scores)
        reached = [count for count in self._counts if before < count <= len(scores)]
        if reached:
            self.count.value = reached[-1]
            self._update(f"Running the network on {total} masked images.")

    def _busy(self, busy: bool) -> None:
        self.cancel.disabled, self.run.disabled = not busy, busy
        self.count.disabled = busy or self._done < self._counts[0]

    def _update(self, news: str | Exception = "") -> None:
        state = self.state(self.count.value)
        words = describe(state)
        self.screen.picture(render(state), words, TILES)
        if isinstance(news, Exception):
            self.news.error(news, words)
        else:
            self.news.say(f"{news} {words}".strip())

    def _repr_mimebundle_(self, **options: Any) -> dict[str, Any]:
        bundle = dict(self.view._repr_mimebundle_(**options))
        bundle["text/plain"] = f"RiseExplorer, up to {self._counts[-1]} masks"
        return bundle
