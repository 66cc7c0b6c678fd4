"""Draw the explorers' pictures: tiles side by side, in the course's colours, in milliseconds.

Everything here is a pure function of its arguments. Pillow draws, since a matplotlib figure takes
longer than the tenth of a second that a slider may take.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from course_lib.figures.plotting import RELEVANCE_CMAP, SIGNED_CMAP, class_colour

if TYPE_CHECKING:
    from PIL import ImageDraw
    from PIL.ImageFont import FreeTypeFont

TILE = 480
"""Side of a tile in pixels of the PNG; shown at half that width it is crisp on a fine display."""

GAP = 24
TITLE = 88
TITLE_SIZE = 26
INK = (26, 26, 26)
QUIET = (107, 107, 107)
ACCENT = (0, 114, 178)
WARM = (213, 94, 0)
BLANK = (232, 232, 232)
DASH = 9
"""Length of a dotted outline's pieces in pixels, and of what lies between them."""


@dataclass(frozen=True)
class Tile:
    """One square of a picture.

    Args:
        pixels: colours, shape (TILE, TILE, 3), uint8.
        title: written above it, in at most two lines separated by a newline.
    """

    pixels: np.ndarray
    title: str = ""


@cache
def font(size: int) -> FreeTypeFont:
    """The course's typeface at `size` pixels: the one that matplotlib carries."""
    import matplotlib
    from PIL import ImageFont

    return ImageFont.truetype(
        str(Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf"), size
    )


def compose(tiles: Sequence[Tile]) -> bytes:
    """Tiles side by side with their titles above, as PNG bytes.

    Args:
        tiles: at least one.
    """
    from PIL import Image, ImageDraw

    width = len(tiles) * TILE + (len(tiles) - 1) * GAP
    sheet = Image.new("RGB", (width, TITLE + TILE), "white")
    draw = ImageDraw.Draw(sheet)
    for i, tile in enumerate(tiles):
        left = i * (TILE + GAP)
        draw.multiline_text(
            (left + TILE / 2, TITLE - 14),
            tile.title,
            fill=INK,
            font=font(_fitting(draw, tile.title, TITLE_SIZE)),
            anchor="md",
            align="center",
            spacing=8,
        )
        sheet.paste(Image.fromarray(tile.pixels), (left, TITLE))
    buffer = io.BytesIO()
    sheet.save(buffer, format="PNG", compress_level=1)
    return buffer.getvalue()


def image_pixels(x: Any) -> np.ndarray:
    """An image as the pixels of a tile, each of its own pixels a sharp square.

    Args:
        x: array (3, H, W); values outside [0, 1] are cut.
    """
    rgb = np.clip(np.asarray(x, dtype=np.float64), 0, 1).transpose(1, 2, 0)
    return _enlarge((rgb * 255).round().astype(np.uint8))


def blank_pixels() -> np.ndarray:
    """A tile with nothing on it, where a map will be, or could not be made."""
    return np.full((TILE, TILE, 3), BLANK, dtype=np.uint8)


def heat_pixels(s: Any, vmax: float | None = None) -> np.ndarray:
    """A relevance map (H, W), >= 0, in the course's colours for relevance: black is 0."""
    values = np.asarray(s, dtype=np.float64)
    return _coloured(values, 0.0, _top(values.max() if vmax is None else vmax), RELEVANCE_CMAP)


def blended(over: np.ndarray, under: np.ndarray, opacity: float) -> np.ndarray:
    """A tile laid over another one: 1 shows `over` alone, 0 shows `under` alone."""
    mixed = opacity * over.astype(np.float32) + (1 - opacity) * under.astype(np.float32)
    return mixed.round().astype(np.uint8)


def thumbnail(image: Any, side: int) -> bytes:
    """The middle square of an image (3, H, W) in [0, 1] with `side` pixels, as PNG bytes."""
    from PIL import Image, ImageOps

    rgb = (np.clip(np.asarray(image, dtype=np.float32), 0, 1) * 255).round().astype(np.uint8)
    square = ImageOps.fit(Image.fromarray(rgb.transpose(1, 2, 0)), (side, side))
    buffer = io.BytesIO()
    square.save(buffer, format="PNG")
    return buffer.getvalue()


def signed_pixels(s: Any, vmax: float | None = None) -> np.ndarray:
    """A signed map (H, W) in the course's diverging colours: white is 0, red positive."""
    values = np.asarray(s, dtype=np.float64)
    top = _top(np.abs(values).max() if vmax is None else vmax)
    return _coloured(values, -top, top, SIGNED_CMAP)


@dataclass(frozen=True)
class Overlay:
    """Outlines ready to be laid over any tile: which pixels they cover, and in which colours.

    Args:
        covered: shape (TILE, TILE), bool.
        colours: shape (TILE, TILE, 3), uint8.
    """

    covered: np.ndarray
    colours: np.ndarray

    def over(self, pixels: np.ndarray) -> np.ndarray:
        """`pixels` with the outlines on top; `pixels` itself stays as it is."""
        return np.where(self.covered[..., None], self.colours, pixels)


def outlines(masks: Any, focus: int) -> Overlay:
    """The outline of every mask, thin, in its class's colour on a dark edge.

    Args:
        masks: array (K, H, W) in [0, 1]; mask k is drawn in `class_colour(k)`. None draws nothing.
        focus: the class asked for: its outline is solid, the others are dotted.
    """
    from PIL import Image, ImageColor

    covered = np.zeros((TILE, TILE), dtype=bool)
    colours = np.zeros((TILE, TILE, 3), dtype=np.uint8)
    for k, mask in enumerate([] if masks is None else np.asarray(masks, dtype=np.float32)):
        if mask.max() < 0.5:
            continue
        large = _enlarge((mask * 255).astype(np.uint8), Image.Resampling.BILINEAR)
        inside = large >= 128
        for grow, shrink, colour in ((4, 2, "#141414"), (2, 1, class_colour(k))):
            line = _grown(inside, grow) & _grown(~inside, shrink)
            if k != focus:
                line &= _dashes(inside)
            covered |= line
            colours[line] = ImageColor.getrgb(colour)
    return Overlay(covered, colours)


class Outlines:
    """The outlines of masks for each class that may be asked for, drawn once each.

    Args:
        masks: as for `outlines`.
    """

    def __init__(self, masks: Any) -> None:
        self._masks = None if masks is None else np.asarray(masks, dtype=np.float32)
        self._drawn: dict[int, Overlay] = {}

    def of(self, focus: int) -> Overlay:
        """The outlines when class `focus` is asked for."""
        if focus not in self._drawn:
            self._drawn[focus] = outlines(self._masks, focus)
        return self._drawn[focus]


def curve_pixels(
    x: Sequence[float], y: Sequence[float], here: int, *, x_label: str, y_label: str, level: float
) -> np.ndarray:
    """A curve through points with one of them marked, and a dashed level to compare it with.

    Args:
        x: positions, increasing and above 0; drawn on a logarithmic axis, written in per cent.
        y: heights.
        here: index of the marked point.
        x_label, y_label: what the axes show.
        level: height of the dashed line.
    """
    from PIL import Image, ImageDraw

    canvas = Image.new("RGB", (TILE, TILE), "white")
    draw = ImageDraw.Draw(canvas)
    left, right, top, bottom = 74, TILE - 26, 70, TILE - 84
    low, high = min(0.0, *y, level), max(*y, level)
    span = (high - low) or 1.0
    logs = np.log(np.asarray(x, dtype=np.float64))
    reach = (logs[-1] - logs[0]) or 1.0

    def place(i: int) -> tuple[float, float]:
        return (
            left + (logs[i] - logs[0]) / reach * (right - left),
            bottom - (y[i] - low) / span * (bottom - top),
        )

    small = font(22)
    draw.line([(left, top - 8), (left, bottom), (right + 8, bottom)], fill=QUIET, width=2)
    draw.text((left - 60, 8), y_label, fill=INK, font=small)
    draw.text(((left + right) / 2, TILE - 8), x_label, fill=INK, font=small, anchor="ms")
    for value in (low, high):
        at = bottom - (value - low) / span * (bottom - top)
        draw.text((left - 10, at), f"{value:.3g}", fill=INK, font=small, anchor="rm")
    at = bottom - (level - low) / span * (bottom - top)
    for start in range(left, right, 18):
        draw.line([(start, at), (min(start + 9, right), at)], fill=WARM, width=3)
    draw.text((right, 32), "- - whole image", fill=WARM, font=small, anchor="ra")
    points = [place(i) for i in range(len(x))]
    draw.line(points, fill=ACCENT, width=5, joint="curve")
    last_label = -np.inf
    for i, (px, py) in enumerate(points):
        draw.ellipse([px - 6, py - 6, px + 6, py + 6], fill=ACCENT)
        if px - last_label > 52:
            text = f"{100 * x[i]:.3g}"
            draw.text((px, bottom + 12), text, fill=INK, font=small, anchor="ma")
            last_label = px
    px, py = points[here]
    draw.line([(px, py), (px, bottom)], fill=QUIET, width=2)
    draw.ellipse([px - 13, py - 13, px + 13, py + 13], outline=INK, width=4, fill=ACCENT)
    return np.asarray(canvas)


def _fitting(draw: ImageDraw.ImageDraw, text: str, size: int) -> int:
    """The largest size of type, at most `size`, in which no line is wider than a tile."""
    widest = max(draw.textlength(line, font=font(size)) for line in text.split("\n"))
    return size if widest <= TILE else int(size * TILE / widest)


def _top(value: float) -> float:
    return float(value) if value > 0 else 1.0


def _coloured(values: np.ndarray, low: float, high: float, cmap: str) -> np.ndarray:
    index = np.clip((values - low) / (high - low) * 255, 0, 255).round().astype(np.uint8)
    return _enlarge(_table(cmap)[index])


@cache
def _table(cmap: str) -> np.ndarray:
    import matplotlib

    colours = matplotlib.colormaps[cmap](np.arange(256) / 255)[:, :3]
    return (colours * 255).round().astype(np.uint8)


def _grown(inside: np.ndarray, radius: int) -> np.ndarray:
    """A region and all that is at most `radius` pixels away from it, diagonals counting as one."""
    for axis in (0, 1):
        wide = inside.copy()
        for shift in range(1, radius + 1):
            ahead, behind = [slice(None)] * 2, [slice(None)] * 2
            ahead[axis], behind[axis] = slice(shift, None), slice(None, -shift)
            wide[tuple(ahead)] |= inside[tuple(behind)]
            wide[tuple(behind)] |= inside[tuple(ahead)]
        inside = wide
    return inside


def _dashes(inside: np.ndarray) -> np.ndarray:
    """Sectors around a region's middle that leave every other piece of its outline away."""
    rows, columns = np.nonzero(inside)
    y, x = np.mgrid[:TILE, :TILE]
    angle = np.arctan2(y - rows.mean(), x - columns.mean()) / (2 * np.pi) + 0.5
    around = int((inside & _grown(~inside, 1)).sum())
    pieces = 2 * max(1, round(around / (2 * DASH)))
    return (np.floor(angle * pieces) % 2).astype(bool)


def _enlarge(pixels: np.ndarray, resampling: Any = None) -> np.ndarray:
    """`pixels`, (H, W) or (H, W, 3), as large as fits a tile, centred; sharp squares by default."""
    from PIL import Image

    height, width = pixels.shape[:2]
    scale = TILE / max(height, width)
    size = (round(width * scale), round(height * scale))
    sampling = Image.Resampling.NEAREST if resampling is None else resampling
    large = Image.fromarray(pixels).resize(size, sampling)
    if size == (TILE, TILE):
        return np.asarray(large)
    tile = Image.new(large.mode, (TILE, TILE), 0 if large.mode == "L" else "white")
    tile.paste(large, ((TILE - size[0]) // 2, (TILE - size[1]) // 2))
    return np.asarray(tile)
