"""A class's score as a bar that is a button: a click asks for the class."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import ipywidgets
import torch
from torch import Tensor

MOST = 8
"""As many bars there are at most."""

STEPS = 25
"""So many lengths a bar may have, each a class of the style sheet."""

BAR_STYLE = "".join(
    f".course-bar-{i}{{--course-bar:{100 * i / STEPS:g}%}}" for i in range(STEPS + 1)
)


class ClassBars(ipywidgets.Box):
    """The classes with the highest scores, each a button as long as its score; none below 0.

    The class that is asked for is always among them, and marked.

    Args:
        chooser: the control that holds the class asked for; it follows a click, and is followed.
        names: the classes' names.
        scores: the network's scores for the image, shape (classes,).
    """

    def __init__(self, chooser: ipywidgets.Dropdown, names: Sequence[str], scores: Tensor) -> None:
        self._chooser, self._names, self._scores = chooser, names, scores
        self._classes = torch.topk(scores, min(MOST, len(scores))).indices.tolist()
        self._buttons = [ipywidgets.Button() for _ in self._classes]
        super().__init__(self._buttons)
        self.add_class("course-bars")
        for place, button in enumerate(self._buttons):
            button.add_class("course-bar")
            button.on_click(lambda _, place=place: self._ask(place))
        chooser.observe(self._update, names="value")
        self._update()

    def _ask(self, place: int) -> None:
        self._chooser.value = self._classes[place]

    def _update(self, change: Any = None) -> None:
        asked = self._chooser.value
        if asked not in self._classes:
            self._classes[-1] = asked
        top = max(float(self._scores.max()), 1e-9)
        for index, button in zip(self._classes, self._buttons, strict=True):
            name, score = self._names[index], float(self._scores[index])
            button.description = f"{name} {score:.1f}"
            button.tooltip = f"{name} is asked for" if index == asked else f"Ask for {name}"
            length = round(STEPS * max(0.0, score) / top)
            kept = [
                c for c in button._dom_classes if not c.startswith(("course-bar-", "course-as"))
            ]
            button._dom_classes = (
                *kept,
                f"course-bar-{length}",
                *(["course-asked"] if index == asked else []),
            )
