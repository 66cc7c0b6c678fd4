"""The small card that a verdict, a hint or a solution is shown as."""

from __future__ import annotations

import html
import sys
import textwrap
from dataclasses import dataclass
from typing import Any, Literal

from . import markup
from .grids import Grid, html_of, text_of

Tone = Literal[
    "right", "wrong", "not attempted", "error", "hint", "solution", "question", "answer", "record"
]

# White on each of these has a contrast of at least 5:1, on light and on dark pages.
_COLOURS: dict[Tone, str] = {
    "right": "#1a7f37",
    "wrong": "#9a5b00",
    "not attempted": "#5b6570",
    "error": "#b3261e",
    "hint": "#0b61a4",
    "solution": "#6639ba",
    "question": "#0b61a4",
    "answer": "#5b6570",
    "record": "#1a7f37",
}
_SYMBOLS: dict[Tone, str] = {
    "right": "✓",
    "wrong": "✗",
    "not attempted": "○",
    "error": "!",
    "hint": "?",
    "solution": "=",
    "question": "?",
    "answer": "→",
    "record": "★",
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

    @property
    def colour(self) -> str:
        """The colour of its tone."""
        return _COLOURS[self.tone]

    def heading_html(self) -> str:
        """Its first line as HTML: symbol, word, title, aside."""
        aside = (
            f'<span style="opacity:0.8">&nbsp;· {html.escape(self.aside)}</span>'
            if self.aside
            else ""
        )
        return (
            f'<div><span style="background:{self.colour};color:#ffffff;font-weight:600;'
            'padding:2px 9px;border-radius:10px;white-space:nowrap;font-size:0.94em">'
            f'<span aria-hidden="true">{_SYMBOLS[self.tone]}</span> {html.escape(self.word)}'
            f"</span>&ensp;<strong>{html.escape(self.title)}</strong>{aside}</div>"
        )

    def html(self) -> str:
        """The card as HTML, legible on light and dark pages."""
        word, title = html.escape(self.word), html.escape(self.title)
        body = "".join(_block(block) for block in self.blocks)
        foot = (
            f'<div style="margin-top:8px;font-size:0.92em;opacity:0.8">{markup.inline(self.foot)}'
            "</div>"
            if self.foot
            else ""
        )
        return (
            f'<div role="status" aria-label="{word}: {title}" '
            'style="margin:4px 0;padding:9px 14px 10px;max-width:52em;line-height:1.5;'
            "border:1px solid var(--jp-border-color2, rgba(128,128,128,0.4));"
            f"border-left:5px solid {self.colour};border-radius:5px;"
            'color:var(--jp-content-font-color1, inherit)">'
            f"{self.heading_html()}{body}{foot}</div>"
        )


def shell() -> Any:
    """The IPython that runs this code; None in plain Python."""
    ipython = sys.modules.get("IPython")
    return None if ipython is None else ipython.get_ipython()


def show(card: Card) -> None:
    """Display the card: drawn in a notebook, as text elsewhere."""
    if shell() is not None:
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
