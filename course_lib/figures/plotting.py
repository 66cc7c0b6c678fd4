"""The course's figures: images, relevance maps, signed maps and grids of numbers, in one style.

A lesson's figures go through `gallery` (a grid of panels) or `show` (any matplotlib figure). Both
return a `Picture`: an HTML figure with its own white background, alt text and a caption.

matplotlib is loaded on first use, so that importing the course stays cheap.
"""

from __future__ import annotations

import base64
import html
import io
import sys
import textwrap
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

RELEVANCE_CMAP = "magma"
"""Colour map of every relevance map (>= 0): perceptually uniform, black is no relevance."""

SIGNED_CMAP = "RdBu_r"
"""Colour map of every signed map: white is zero, red is positive, blue is negative."""

DPI = 144
VISIBLE = 8
_CSS_DPI = 96
_INK = "#1a1a1a"
_QUIET = "#6b6b6b"

# Paul Tol's "light" scheme, ordered so that neighbours differ: distinct for the colour-blind, and
# bright enough to be seen on a dark relevance map.
_CLASS_COLOURS = (
    "#77AADD",
    "#EE8866",
    "#EEDD88",
    "#44BB99",
    "#FFAABB",
    "#99DDFF",
    "#BBCC33",
    "#DDDDDD",
)

STYLE: dict[str, Any] = {
    "font.family": "DejaVu Sans",
    "font.size": 12,
    "mathtext.fontset": "dejavusans",
    "text.color": _INK,
    "axes.labelcolor": _INK,
    "axes.edgecolor": _QUIET,
    "axes.linewidth": 0.8,
    "axes.titlesize": 12.5,
    "axes.titlepad": 7,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.prop_cycle": "cycler('color', ['#0072B2', '#D55E00', '#009E73', '#CC79A7', '#E69F00'])",
    "xtick.color": _QUIET,
    "ytick.color": _QUIET,
    "xtick.labelcolor": _INK,
    "ytick.labelcolor": _INK,
    "lines.linewidth": 2,
    "legend.frameon": False,
    "figure.facecolor": "white",
    "axes.facecolor": "white",
}


def class_colour(i: int) -> str:
    """The outline colour of class `i`, as a hex string; the eight colours repeat."""
    return _CLASS_COLOURS[i % len(_CLASS_COLOURS)]


class Picture:
    """A finished figure: PNG bytes, a caption and alt text; Jupyter shows it as an HTML figure."""

    def __init__(self, png: bytes, *, caption: str, alt: str, width: int) -> None:
        self.png = png
        self.caption = caption
        self.alt = alt
        self.width = width

    def save(self, path: str | Path) -> None:
        """Write the PNG to `path`."""
        Path(path).write_bytes(self.png)

    def __repr__(self) -> str:
        return self.alt

    def _repr_html_(self) -> str:
        source = base64.b64encode(self.png).decode("ascii")
        return (
            '<figure style="margin:0.8em 0">'
            f'<img alt="{html.escape(self.alt)}" src="data:image/png;base64,{source}" '
            f'style="width:{self.width}px;max-width:100%;height:auto;background:#fff">'
            f'<figcaption style="max-width:{max(self.width, 480)}px;margin-top:0.4em;'
            f'font-size:0.95em;line-height:1.4">{html.escape(self.caption)}</figcaption></figure>'
        )


@dataclass(frozen=True)
class Panel:
    """One cell of a `gallery`.

    Args:
        kind: "image" (3xHxW in [0, 1]), "heat" (map >= 0), "signed" (map around zero) or
            "numbers" (small matrix).
        data: tensor or array; leading dimensions of size 1 are dropped.
        title: written above the panel.
        outlines: KxHxW masks, drawn as thin contours in the class colours.
        focus: class that the panel is about: its outline is solid, the others are dotted.
        vmax: for maps, the value at the end of the colour map (see `heat`).
        mark: (row, column) of a pixel to be marked with a small cross.
    """

    kind: Literal["image", "heat", "signed", "numbers"]
    data: Any
    title: str = ""
    outlines: Any = None
    focus: int | None = None
    vmax: float | None = None
    mark: tuple[int, int] | None = None


def picture(ax: Axes, x: Any, outlines: Any = None, *, focus: int | None = None) -> None:
    """Draw an image on `ax`.

    Args:
        ax: matplotlib axes.
        x: image, shape (3, H, W) or (1, 3, H, W), values in [0, 1].
        outlines: masks, shape (K, H, W); class k's contour is drawn in `class_colour(k)`.
        focus: class whose outline is solid while the others are dotted.

    Raises:
        ValueError: if `x` is not one image.
    """
    image = _squeeze(x, 3)
    if image.shape[0] != 3:
        raise ValueError(f"an image has shape (3, H, W), this one has {tuple(image.shape)}.")
    _imshow(ax, np.clip(image.transpose(1, 2, 0), 0, 1), outlines, focus)


def heat(
    ax: Axes,
    s: Any,
    outlines: Any = None,
    vmax: float | None = None,
    *,
    focus: int | None = None,
) -> None:
    """Draw a relevance map (>= 0) on `ax`: black is 0, the brightest colour is `vmax`.

    Args:
        ax: matplotlib axes.
        s: map, shape (H, W), (1, H, W) or (1, 1, H, W); one coarser than `outlines` is drawn in
            larger pixels over the same frame.
        outlines: masks, shape (K, H, W).
        vmax: value of the brightest colour; by default the one that 0.5 % of the pixels exceed, and
            at least a quarter of the maximum.
        focus: class whose outline is solid while the others are dotted.

    Raises:
        ValueError: if `s` is not one map, or has negative values.
    """
    values = _squeeze(s, 2)
    if values.size and values.min() < 0:
        raise ValueError(
            f"a relevance map has no negative values, this one goes down to {values.min():.3g}: "
            "use signed()."
        )
    top = _strongest(values) if vmax is None else vmax
    _imshow(ax, values, outlines, focus, cmap=RELEVANCE_CMAP, vmin=0, vmax=top or 1.0)


def signed(
    ax: Axes,
    s: Any,
    outlines: Any = None,
    vmax: float | None = None,
    *,
    focus: int | None = None,
) -> None:
    """Draw a signed map on `ax`: white is 0, red is positive, blue is negative.

    Args:
        ax: matplotlib axes.
        s: map, shape (H, W), (1, H, W) or (1, 1, H, W).
        outlines: masks, shape (K, H, W).
        vmax: magnitude of the strongest colours; by default the one that 0.5 % of the pixels
            exceed, and at least a quarter of the largest.
        focus: class whose outline is solid while the others are dotted.

    Raises:
        ValueError: if `s` is not one map.
    """
    values = _squeeze(s, 2)
    top = _strongest(np.abs(values)) if vmax is None else vmax
    _imshow(ax, values, outlines, focus, cmap=SIGNED_CMAP, vmin=-(top or 1.0), vmax=top or 1.0)


def numbers(ax: Axes, grid: Any, *, vmax: float | None = None, decimals: int | None = None) -> None:
    """Write a small matrix out, its cells coloured: red positive, blue negative, white zero.

    Args:
        ax: matplotlib axes.
        grid: matrix, shape (H, W); NaN leaves a cell empty.
        vmax: magnitude of the strongest colours; the largest magnitude by default.
        decimals: digits after the point; by default none for whole numbers, else one.

    Raises:
        ValueError: if `grid` is not a matrix.
    """
    import matplotlib

    values = _squeeze(grid, 2)
    known = values[np.isfinite(values)]
    if decimals is None:
        decimals = 0 if np.array_equal(known, np.round(known)) else 1
    top = (float(np.abs(known).max()) if known.size else 1.0) if vmax is None else vmax
    # the far ends of the map are too dark for black digits, and half the range tells values apart
    scale = 2.0 * (top or 1.0)
    _imshow(ax, values, None, None, cmap=matplotlib.colormaps[SIGNED_CMAP], vmin=-scale, vmax=scale)
    rows, columns = values.shape
    for y in np.arange(-0.5, rows):
        ax.axhline(y, color="#bdbdbd", linewidth=0.8, clip_on=False)
    for x in np.arange(-0.5, columns):
        ax.axvline(x, color="#bdbdbd", linewidth=0.8, clip_on=False)
    inches = ax.get_window_extent().width / ax.figure.dpi
    size = min(15.0, 24.0 * inches / columns)
    for (y, x), value in np.ndenumerate(values):
        if np.isfinite(value):
            # adding 0.0 turns a rounded -0.0 into 0.0
            text = f"{round(float(value), decimals) + 0.0:.{decimals}f}".replace(
                "-", "\N{MINUS SIGN}"
            )
            shade = "#9a9a9a" if value == 0 else _INK
            ax.text(x, y, text, ha="center", va="center", fontsize=size, color=shade)


@contextmanager
def style() -> Iterator[None]:
    """Draw in the course's style, whatever matplotlib settings the notebook has."""
    import matplotlib.style

    with matplotlib.style.context(STYLE):
        yield


def subplots(
    rows: int = 1, columns: int = 1, *, width: float = 7.0, height: float = 3.6, **options: Any
) -> tuple[Figure, Any]:
    """A figure in the course's style and its axes, for curves and bars; sizes in inches.

    Finish it with `show`. `options` go to matplotlib's `Figure.subplots`.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    with style():
        figure = Figure(figsize=(width, height), layout="constrained")
        FigureCanvasAgg(figure)
        return figure, figure.subplots(rows, columns, **options)


def show(fig: Figure, *, caption: str, alt: str) -> Picture:
    """Finish a matplotlib figure: close it and return it as a `Picture`.

    Args:
        fig: the figure; it can't be drawn on afterwards.
        caption: the figure's one message, printed under it.
        alt: what one sees, for readers who can't see it.

    Raises:
        ValueError: if the caption or the alt text is empty.
    """
    return _finish(fig, caption=caption, alt=alt, tight=True)


def gallery(
    rows: Sequence[Sequence[Panel | None]],
    *,
    caption: str,
    alt: str,
    row_labels: Sequence[str] | None = None,
    column_width: float | None = None,
) -> Picture:
    """Draw a grid of panels.

    Args:
        rows: the panels, row by row; None leaves a gap.
        caption: the figure's one message, printed under it.
        alt: what one sees, for readers who can't see it.
        row_labels: one label per row, written at its left.
        column_width: width of a panel in inches; by default it follows from the number of columns.

    Raises:
        ValueError: if there is no panel, the labels don't match the rows, or the caption or the
            alt text is empty.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    if not any(panel is not None for row in rows for panel in row):
        raise ValueError("a gallery needs at least one panel.")
    if row_labels is not None and len(row_labels) != len(rows):
        raise ValueError(f"{len(row_labels)} row labels for {len(rows)} rows: give one per row.")
    columns = max(len(row) for row in rows)
    width = column_width or _column_width(columns)
    gap, title_size = 0.14, 12.5
    margin_left = 0.42 if row_labels else 0.06
    line_height = 1.25 * title_size / 72
    characters = max(8, int(width * 72 / (0.56 * title_size)))

    titles = [[_wrap(panel.title, characters) if panel else "" for panel in row] for row in rows]
    heads = [_head(row, line_height) for row in titles]
    heights = [max((_aspect(p) for p in row if p is not None), default=1.0) * width for row in rows]
    total_width = margin_left + columns * width + (columns - 1) * gap + 0.06
    total_height = sum(heads) + sum(heights) + (len(rows) - 1) * gap + 0.12

    with style():
        figure = Figure(figsize=(total_width, total_height))
        FigureCanvasAgg(figure)
        top = total_height - 0.06
        for r, row in enumerate(rows):
            top -= heads[r] + heights[r]
            if row_labels:
                figure.text(
                    0.2 / total_width,
                    (top + heights[r] / 2) / total_height,
                    _wrap(row_labels[r], max(8, int(heights[r] * 72 / (0.56 * title_size)))),
                    rotation=90,
                    ha="center",
                    va="center",
                    fontsize=title_size,
                )
            for c, panel in enumerate(row):
                if panel is None:
                    continue
                left = margin_left + c * (width + gap)
                height = _aspect(panel) * width
                ax = figure.add_axes(
                    (
                        left / total_width,
                        (top + heights[r] - height) / total_height,
                        width / total_width,
                        height / total_height,
                    )
                )
                ax.set_title(titles[r][c], fontsize=title_size, pad=5)
                _draw(ax, panel)
            top -= gap
    return _finish(figure, caption=caption, alt=alt, tight=False)


def _draw(ax: Axes, panel: Panel) -> None:
    if panel.kind == "image":
        picture(ax, panel.data, panel.outlines, focus=panel.focus)
    elif panel.kind == "heat":
        heat(ax, panel.data, panel.outlines, panel.vmax, focus=panel.focus)
    elif panel.kind == "signed":
        signed(ax, panel.data, panel.outlines, panel.vmax, focus=panel.focus)
    elif panel.kind == "numbers":
        numbers(ax, panel.data, vmax=panel.vmax)
    else:
        raise ValueError(
            f"a panel's kind is 'image', 'heat', 'signed' or 'numbers', not {panel.kind!r}."
        )
    if panel.mark is not None:
        from matplotlib import patheffects

        row, column = panel.mark
        ax.plot(
            column,
            row,
            marker="+",
            markersize=11,
            markeredgewidth=1.8,
            color="white",
            path_effects=[patheffects.withStroke(linewidth=4, foreground="black")],
        )


def _imshow(ax: Axes, values: np.ndarray, outlines: Any, focus: int | None, **options: Any) -> None:
    masks = None if outlines is None else _squeeze(outlines, 3)
    height, width = values.shape[:2] if masks is None else masks.shape[1:]
    ax.imshow(
        values,
        interpolation="nearest",
        extent=(-0.5, width - 0.5, height - 0.5, -0.5),
        **options,
    )
    if masks is not None:
        _outline(ax, masks, focus)
    ax.set_xlim(-0.5, width - 0.5)
    ax.set_ylim(height - 0.5, -0.5)
    ax.set_axis_off()


def _outline(ax: Axes, masks: np.ndarray, focus: int | None) -> None:
    from matplotlib import patheffects

    for k, mask in enumerate(masks):
        if mask.max() < 0.5:
            continue
        dotted = focus is not None and k != focus
        ax.contour(
            mask,
            levels=[0.5],
            colors=[class_colour(k)],
            linewidths=1.3,
            linestyles=[(0, (1.2, 1.6))] if dotted else ["solid"],
        ).set_path_effects(
            # a dark edge keeps the bright line visible on bright pixels
            [patheffects.withStroke(linewidth=2.3, foreground=(0, 0, 0, 0.6))]
        )


def _squeeze(data: Any, dimensions: int) -> np.ndarray:
    """`data` as a float array without leading dimensions of size 1 beyond `dimensions`."""
    if hasattr(data, "detach"):
        data = data.detach().cpu().float().numpy()
    values = np.asarray(data, dtype=np.float64)
    while values.ndim > dimensions and values.shape[0] == 1:
        values = values[0]
    if values.ndim != dimensions:
        raise ValueError(f"expected {dimensions} dimensions to draw, got shape {values.shape}.")
    return values


def _strongest(magnitudes: np.ndarray) -> float:
    # a few pixels of a gradient tower over all others and would leave the rest of the map black
    return float(max(np.quantile(magnitudes, 0.995), magnitudes.max() / 4))


def _aspect(panel: Panel) -> float:
    source = panel.data if panel.outlines is None else panel.outlines
    height, width = tuple(np.shape(source))[-2:]
    return height / width


def _column_width(columns: int) -> float:
    # multiples of 96 px at 144 dpi, so that every pixel of a scene becomes a square of whole pixels
    return {1: 10 / 3, 2: 8 / 3, 3: 8 / 3}.get(columns, 2.0)


def _wrap(title: str, characters: int) -> str:
    return "\n".join(
        line for part in title.split("\n") for line in textwrap.wrap(part, characters) or [""]
    )


def _head(titles: Sequence[str], line_height: float) -> float:
    lines = max((title.count("\n") + 1 for title in titles if title), default=0)
    return lines * line_height + 0.12 if lines else 0.0


def _finish(fig: Figure, *, caption: str, alt: str, tight: bool) -> Picture:
    if not caption.strip() or not alt.strip():
        raise ValueError("a figure needs a caption and an alt text.")
    for ax in fig.axes:
        legend = ax.get_legend()
        if legend is not None:
            legend.set_frame_on(False)
    buffer = io.BytesIO()
    options: dict[str, Any] = {"bbox_inches": "tight", "pad_inches": 0.06} if tight else {}
    with style():
        fig.savefig(buffer, format="png", dpi=DPI, facecolor="white", **options)
    pyplot = sys.modules.get("matplotlib.pyplot")
    if pyplot is not None:
        pyplot.close(fig)
    png, pixels = _shrink(buffer.getvalue())
    return Picture(png, caption=caption, alt=alt, width=round(pixels * _CSS_DPI / DPI))


def _shrink(png: bytes) -> tuple[bytes, int]:
    """A smaller PNG whose colours differ by too little to be seen, and its width in pixels."""
    from PIL import Image

    image = Image.open(io.BytesIO(png)).convert("RGB")
    pixels = np.asarray(image).astype(np.int16)
    palette = image.quantize(256, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    error = np.abs(np.asarray(palette.convert("RGB")) - pixels).max(axis=2)
    if np.quantile(error, 0.999) <= VISIBLE:
        smaller = palette
    else:
        # textures have too many colours for a palette: drop the noise in their last bits
        step = VISIBLE // 2
        rounded = np.minimum((pixels + step // 2) // step * step, 255).astype(np.uint8)
        smaller = Image.fromarray(np.where(pixels == 255, 255, rounded).astype(np.uint8))
    buffer = io.BytesIO()
    smaller.save(buffer, format="PNG", optimize=True)
    small = buffer.getvalue()
    return (small if len(small) < len(png) else png), image.width
