"""The small card that a verdict or a hint is shown as: HTML in Jupyter, plain text elsewhere."""

from __future__ import annotations

import sys
from dataclasses import dataclass


@dataclass(frozen=True)
class Card:
    """A heading and paragraphs."""

    heading: str
    paragraphs: tuple[str, ...] = ()

    def __str__(self) -> str:
        """The card as plain text."""
        return "\n".join([self.heading, *self.paragraphs])


def show(card: Card) -> None:
    """Display the card where one is looking."""
    print(card, file=sys.stdout)
