"""What the explorers say of themselves, at the place where it is seen."""

from __future__ import annotations

import html
from functools import cache

SCORE = (
    "A score is the number that the network gives a class: the larger, the more it found that "
    "speaks for it. The bars show the scores of the whole image; press one to ask for its class."
)

LAYER = (
    "A network computes in steps, its layers. Each one gives grids of numbers, in early layers "
    "with many small cells, in late ones with few large ones. The map shows which of the layer's "
    "cells speak for the class. With less opacity the image shows through."
)

AREA = (
    "All masks are optimised together, each so that the network's score is as high as possible "
    "(for delete: as low) while the mask has just the area asked for. The curve shows what score "
    "each area reaches: where it comes near the dashed line, that much of the image is enough."
)

RANDOM_MASKS = (
    "RISE covers the image at random, again and again, and looks at the answer alone. The map is "
    "the mean of the masks, each weighed by the answer to what it left. Its standard error says "
    "how much the map would change with other masks: four times the masks, half the error."
)

OUTLINES = "Outlines: solid, the class asked for; dotted, other objects."

STOPS = 9
"""So many colours give a legend its gradient."""


def explained(text: str, summary: str) -> str:
    """A text that is shown on request, as HTML."""
    return (
        f'<details class="course-help"><summary>{html.escape(summary)}</summary>'
        f"<p>{html.escape(text)}</p></details>"
    )


def legend(signed: bool, outlined: bool) -> str:
    """What the colours of a map stand for, and its outlines, as HTML."""
    low, high = ("against the class", "for the class") if signed else ("0", "most on this map")
    middle = " · white: 0" if signed else ""
    return (
        f'<div class="course-legend">{low} <span class="course-colours" '
        f'style="background:{_gradient(signed)}"></span> {high}{middle}'
        f"{f'<br>{OUTLINES}' if outlined else ''}</div>"
    )


@cache
def _gradient(signed: bool) -> str:
    import matplotlib

    from course_lib.figures.plotting import RELEVANCE_CMAP, SIGNED_CMAP

    table = matplotlib.colormaps[SIGNED_CMAP if signed else RELEVANCE_CMAP]
    shades = (table(i / (STOPS - 1))[:3] for i in range(STOPS))
    colours = ("#" + "".join(f"{round(255 * value):02x}" for value in shade) for shade in shades)
    return f"linear-gradient(90deg,{','.join(colours)})"
