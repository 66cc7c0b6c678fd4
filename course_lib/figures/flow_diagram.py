"""The diagram of lesson 05: a small network of units, and what flows along its links."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from torch import Tensor

from . import plotting

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_EXCITES = "#D55E00"
_INHIBITS = "#0072B2"
_FAINT = "#c4c9d1"
_WIDEST = 11.0


def contributions(
    values: Sequence[Tensor], weights: Sequence[Tensor], *, caption: str, alt: str
) -> plotting.Picture:
    """Draw a network of units with its weights, and how much each input contributes.

    Args:
        values: for each layer, bottom to top, the values of its units, (J,).
        weights: for each pair of layers the weights between them, (I, J).
        caption: the figure's one message.
        alt: what one sees.
    """
    links = [weight * below for weight, below in zip(weights, values, strict=False)]
    fig, ax = plotting.subplots(width=5.2, height=4.0)
    _network(ax, values, links, labels=weights)
    return plotting.show(fig, caption=caption, alt=alt)


def relevance_flow(
    relevance: Sequence[Tensor], flows: Sequence[Tensor], *, caption: str, alt: str
) -> plotting.Picture:
    """Draw a network of units with the relevance of each, and what flows along each link.

    Args:
        relevance: for each layer, bottom to top, the relevance of its units, (J,).
        flows: for each pair of layers the relevance that passes from above to below, (I, J).
        caption: the figure's one message.
        alt: what one sees.
    """
    fig, ax = plotting.subplots(width=5.2, height=4.0)
    _network(ax, relevance, flows, labels=None)
    for level, p in enumerate(relevance):
        ax.text(2.6, 1.6 * level, f"sum {float(p.sum()):.2f}", va="center", fontsize=11)
    return plotting.show(fig, caption=caption, alt=alt)


def _network(
    ax: Axes,
    values: Sequence[Tensor],
    links: Sequence[Tensor],
    labels: Sequence[Tensor] | None,
) -> None:
    ax.set_axis_off()
    ax.set_xlim(-0.5, 3.2 if labels is None else 2.5)
    ax.set_ylim(-0.45, 1.6 * (len(values) - 1) + 0.45)
    places = [
        [(1.0 + j - (len(layer) - 1) / 2, 1.6 * level) for j in range(len(layer))]
        for level, layer in enumerate(values)
    ]
    for level, matrix in enumerate(links):
        strongest = float(matrix.abs().max())
        for i, above in enumerate(places[level + 1]):
            for j, below in enumerate(places[level]):
                strength = float(matrix[i, j])
                _link(ax, below, above, strength / strongest)
                if labels is not None:
                    # not a third of the way up, where links cross
                    x = below[0] + 0.22 * (above[0] - below[0])
                    y = below[1] + 0.22 * (above[1] - below[1])
                    ax.text(
                        x, y, f"{float(labels[level][i, j]):g}", ha="center", va="center",
                        fontsize=10, bbox={"boxstyle": "round,pad=0.1", "fc": "white", "lw": 0},
                    )  # fmt: skip
    for layer, row in zip(values, places, strict=True):
        for value, (x, y) in zip(layer, row, strict=True):
            ax.scatter(x, y, s=1500, facecolor="#eef1f5", edgecolor="#1a1a1a", zorder=4)
            ax.text(x, y, f"{float(value):.3g}", ha="center", va="center", fontsize=11, zorder=5)


def _link(
    ax: Axes, below: tuple[float, float], above: tuple[float, float], strength: float
) -> None:
    if strength == 0:
        ax.plot(*zip(below, above, strict=True), color=_FAINT, linewidth=1, linestyle=":")
        return
    ax.plot(
        *zip(below, above, strict=True),
        color=_EXCITES if strength > 0 else _INHIBITS,
        linewidth=max(1.0, _WIDEST * abs(strength)),
        linestyle="-" if strength > 0 else (0, (1.2, 0.6)),
        alpha=0.55,
        solid_capstyle="butt",
    )
