"""The small card that a verdict, a hint or a solution is shown as."""

from __future__ import annotations

import html
import sys
import textwrap
from dataclasses import dataclass
from typing import Any, Literal

from . import markup
from .grids import Grid, html_of, text_of

Tone = Literal["right", "wrong", "not attempted", "error", "hint", "solution"]

# White on each of these has a contrast of at least 5:1, on light and on dark pages.
_COLOURS: dict[Tone, str] = {
    "right": "#1a7f37",
    "wrong": "#9a5b00",
    "not attempted": "#5b6570",
    "error": "#b3261e",
    "hint": "#0b61a4",
    "solution": "#6639ba",
}
_SYMBOLS: dict[Tone, str] = {
    "right": "✓",
    "wrong": "✗",
    "not attempted": "○",
    "error": "!",
    "hint": "?",
    "solution": "=",
}


@dataclass(frozen=True)
class Block:
    """A part of a card: running text with markup, text as it is, Python source, or small grids."""

    content: str = ""
    kind: Literal["text", "preformatted", "python", "grids"] = "text"
    label: str = ""
    grids: tuple[Grid, ...] = ()


@dataclass(frozen=True)
class Card:
    """A card.

    Attributes:
        tone: what it is about; gives colour and symbol.
        word: the verdict in words: `not yet`.
        title: the exercise.
        aside: what stands behind the title: `2 points`.
        blocks: what it says.
        foot: a last line in small print, with markup.
    """

    tone: Tone
    word: str
    title: str
    aside: str = ""
    blocks: tuple[Block, ...] = ()
    foot: str = ""

    def __str__(self) -> str:
        """The card as plain text."""
        heading = f"{_SYMBOLS[self.tone]} {self.word} · {self.title}"
        lines = [f"{heading} · {self.aside}" if self.aside else heading]
        for block in self.blocks:
            indent = "  "
            if block.label:
                lines.append(f"  {block.label}")
            if block.kind != "text":
                indent = "    "
            content = text_of(block.grids) if block.kind == "grids" else block.content
            lines.append(textwrap.indent(content.strip("\n"), indent))
        if self.foot:
            lines.append(f"  {self.foot}")
        return "\n".join(lines)

    __repr__ = __str__

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        return {"text/html": self.html(), "text/plain": str(self)}

    def html(self) -> str:
        """The card as HTML, legible on light and dark pages."""
        colour = _COLOURS[self.tone]
        word = html.escape(self.word)
        title = html.escape(self.title)
        aside = (
            f'<span style="opacity:0.8">&nbsp;· {html.escape(self.aside)}</span>'
            if self.aside
            else ""
        )
        body = "".join(_block(block) for block in self.blocks)
        foot = (
            f'<div style="margin-top:8px;font-size:0.92em;opacity:0.8">{markup.inline(self.foot)}'
            "</div>"
            if self.foot
            else ""
        )
        return (
            f'<div role="status" aria-label="{word}: {html.escape(self.title)}" '
            'style="margin:4px 0;padding:9px 14px 10px;max-width:52em;line-height:1.5;'
            "border:1px solid var(--jp-border-color2, rgba(128,128,128,0.4));"
            f"border-left:5px solid {colour};border-radius:5px;"
            'color:var(--jp-content-font-color1, inherit)">'
            f'<div><span style="background:{colour};color:#ffffff;font-weight:600;padding:2px 9px;'
            'border-radius:10px;white-space:nowrap;font-size:0.94em">'
            f'<span aria-hidden="true">{_SYMBOLS[self.tone]}</span> {word}</span>&ensp;'
            f"<strong>{title}</strong>{aside}</div>{body}{foot}</div>"
        )


def show(card: Card) -> None:
    """Display the card: drawn in a notebook, as text elsewhere."""
    ipython = sys.modules.get("IPython")
    if ipython is not None and ipython.get_ipython() is not None:
        from IPython.display import display

        display(card)
        return
    try:
        print(card)
    except UnicodeEncodeError:
        encoding = sys.stdout.encoding or "ascii"
        print(str(card).encode(encoding, errors="replace").decode(encoding))


def _block(block: Block) -> str:
    label = (
        f'<div style="margin-top:8px;font-size:0.92em;opacity:0.8">{html.escape(block.label)}</div>'
        if block.label
        else ""
    )
    match block.kind:
        case "text":
            return label + markup.paragraphs(block.content)
        case "preformatted":
            return label + markup.preformatted(block.content)
        case "python":
            return label + markup.python(block.content)
        case "grids":
            return label + html_of(block.grids)
