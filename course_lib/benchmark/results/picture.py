"""The table as a picture: each mean with its interval, a panel for each protocol."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

from ..protocols import protocols
from .summary import Line, ordered


def save_picture(lines: Sequence[Line], path: Path) -> None:
    """Draw the lines and save them as PNG, PDF or SVG; nothing is drawn of no lines.

    Each dot is a mean, the bar its 95 % interval; the best stand at the top. A dot without a bar is
    one image's.
    """
    import matplotlib.pyplot as plt

    panels = [(protocol, ordered(lines, protocol)) for protocol in protocols().values()]
    panels = [(protocol, chosen) for protocol, chosen in panels if chosen]
    if not panels:
        return
    heights = [len(chosen) + 2 for _, chosen in panels]
    figure, axes = plt.subplots(
        len(panels),
        1,
        figsize=(8, 0.3 * sum(heights)),
        height_ratios=heights,
        squeeze=False,
        layout="constrained",
    )
    for axis, (protocol, chosen) in zip(axes[:, 0], panels, strict=True):
        places = range(len(chosen))
        known = [math.isfinite(line.low) for line in chosen]
        spread = [line.high - line.mean if k else 0 for line, k in zip(chosen, known, strict=True)]
        axis.errorbar([line.mean for line in chosen], places, xerr=spread, fmt="o", capsize=3)
        names = [f"{x.method} · {x.network} (n = {x.n} {x.subset})" for x in chosen]
        axis.set_yticks(places, names, fontsize=8)
        axis.set_ylim(len(chosen) - 0.4, -0.6)
        axis.set_title(f"{protocol.title} ({protocol.best} is good)", fontsize=10, loc="left")
        axis.grid(axis="x", alpha=0.3)
    figure.savefig(path)
    plt.close(figure)
