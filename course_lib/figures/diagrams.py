"""Diagrams of the lessons: which name stands for what, and which thread does what when."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from . import plotting

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_NAME = {"boxstyle": "round,pad=0.45", "facecolor": "#eef1f5", "edgecolor": "#8a94a3"}
_FUNCTION = {"boxstyle": "square,pad=0.5", "facecolor": "white", "edgecolor": "#1a1a1a"}
_MONO = "DejaVu Sans Mono"
_PLAIN = "#6b6b6b"
_CHANGED = "#D55E00"


def signposts(
    panels: Sequence[tuple[str, Mapping[str, str]]],
    *,
    changed: Sequence[str] = (),
    caption: str,
    alt: str,
) -> plotting.Picture:
    """Draw names, functions, and an arrow from each name to the function it stands for.

    Args:
        panels: (title, {name: function}), one per moment, left to right.
        changed: functions that are replacements; arrows to them stand out.
        caption: the figure's one message.
        alt: what one sees.
    """
    functions = list(dict.fromkeys(f for _, arrows in panels for f in arrows.values()))
    names = list(dict.fromkeys(name for _, arrows in panels for name in arrows))
    rows = max(len(names), len(functions))
    fig, axes = plotting.subplots(
        1, len(panels), width=3.3 * len(panels), height=0.55 + 0.75 * rows, squeeze=False
    )
    for ax, (title, arrows) in zip(axes[0], panels, strict=True):
        ax.set_title(title)
        _empty(ax, (0, 1), (-0.6, rows - 0.4))
        for name, function in arrows.items():
            _arrow(
                ax,
                (0.36, _height(names.index(name), len(names), rows)),
                (0.72, _height(functions.index(function), len(functions), rows)),
                _CHANGED if function in changed else _PLAIN,
            )
        for i, name in enumerate(names):
            y = _height(i, len(names), rows)
            ax.text(0.33, y, name, ha="right", va="center", fontsize=11, bbox=_NAME, family=_MONO)
        for i, function in enumerate(functions):
            edge = {"edgecolor": _CHANGED} if function in changed else {}
            y = _height(i, len(functions), rows)
            box = {**_FUNCTION, **edge}
            ax.text(0.86, y, function, ha="center", va="center", fontsize=11, bbox=box)
    return plotting.show(fig, caption=caption, alt=alt)


def timeline(
    lanes: Sequence[tuple[str, Sequence[tuple[float, float, str]]]],
    *,
    shade: tuple[float, float, str] | None = None,
    caption: str,
    alt: str,
) -> plotting.Picture:
    """Draw who does what when: one lane per thread, time from left to right.

    Args:
        lanes: (thread, [(start, end, what it does), ...]), top to bottom; time is in steps.
        shade: (start, end, label) of a stretch of time that concerns every lane.
        caption: the figure's one message.
        alt: what one sees.
    """
    end = max(stop for _, bars in lanes for _, stop, _ in bars)
    fig, ax = plotting.subplots(width=9.0, height=0.9 + 0.8 * len(lanes))
    _empty(ax, (-1.1, end + 0.2), (-0.6, len(lanes) - 0.1 + 0.35))
    if shade is not None:
        start, stop, label = shade
        ax.axvspan(start, stop, color=_CHANGED, alpha=0.16, linewidth=0)
        ax.text((start + stop) / 2, len(lanes) - 0.2, label, ha="center", color="#a34700")
    for i, (thread, bars) in enumerate(lanes):
        y = len(lanes) - 1 - i
        ax.text(-0.15, y, thread, ha="right", va="center", fontweight="bold")
        ax.plot((0, end), (y, y), color="#c4c9d1", linewidth=1, zorder=0)
        for start, stop, text in bars:
            ax.barh(y, stop - start, left=start, height=0.5, color="#eef1f5", edgecolor="#8a94a3")
            ax.text((start + stop) / 2, y, text, ha="center", va="center", fontsize=11)
    ax.annotate(
        "time", (end + 0.15, -0.5), (end - 0.75, -0.5), va="center", color=_PLAIN,
        arrowprops={"arrowstyle": "->", "color": _PLAIN},
    )  # fmt: skip
    return plotting.show(fig, caption=caption, alt=alt)


def _height(i: int, count: int, rows: int) -> float:
    return (rows - 1) / 2 + (count - 1) / 2 - i


def _empty(ax: Axes, x: tuple[float, float], y: tuple[float, float]) -> None:
    ax.set_axis_off()
    ax.set_xlim(*x)
    ax.set_ylim(*y)


def _arrow(ax: Axes, start: tuple[float, float], end: tuple[float, float], colour: str) -> None:
    ax.annotate(
        "",
        end,
        start,
        arrowprops={"arrowstyle": "-|>", "color": colour, "linewidth": 2, "shrinkA": 4},
    )
