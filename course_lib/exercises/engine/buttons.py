"""The buttons of a prediction, for notebooks: one for each choice, reachable by keyboard."""

from __future__ import annotations

import html
from typing import Any

import ipywidgets

from .card import Card
from .predictions import Question


class Buttons:
    """A question with a button for each choice; the chosen one bears a tick.

    Shown without a running kernel, it is the card that says the same in words.
    """

    def __init__(self, question: Question, card: Card) -> None:
        """Make the buttons of a question; the card is shown where there are none."""
        self._question, self._card = question, card
        self._news = ipywidgets.HTML()
        self.buttons = [
            ipywidgets.Button(description=shown, layout={"width": "auto"})
            for shown in question.labels
        ]
        for button, shown in zip(self.buttons, question.labels, strict=True):
            button.tooltip = f"I guess {shown}"
            button.on_click(lambda _, shown=shown: self._guessed(shown))
        row = ipywidgets.Box(self.buttons, layout={"flex_flow": "row wrap"})
        head = ipywidgets.HTML(card.heading_html())
        self.view = ipywidgets.VBox(
            [head, row, self._news],
            layout={
                "border_left": f"5px solid {card.colour}",
                "padding": "4px 14px",
                "margin": "4px 0",
            },
        )
        self._mark()

    def _guessed(self, shown: str) -> None:
        self._say(self._question.guess(shown))
        self._mark()

    def _mark(self) -> None:
        for button, shown in zip(self.buttons, self._question.labels, strict=True):
            chosen = shown == self._question.kept.guess
            button.description = f"✓ {shown}" if chosen else shown
            button.button_style = "primary" if chosen else ""

    def _say(self, text: str) -> None:
        self._news.value = f'<span role="status">{html.escape(text)}</span>'

    def _repr_mimebundle_(self, **options: Any) -> dict[str, Any]:
        return {
            **self.view._repr_mimebundle_(**options),
            "text/html": self._card.html(),
            "text/plain": str(self._card),
        }
