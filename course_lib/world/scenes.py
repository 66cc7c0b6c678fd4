"""Scenes: small pictures of one to three shapes, with the exact truth of where each one is.

A scene is a pure function of its integer seed. NumPy alone draws it, from the raw 64-bit words of
PCG64 (the part of NumPy's random numbers whose stream never changes) and from distance functions
without hard thresholds, so that every platform and every version draws the same picture to 1e-6.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from torch import Tensor

Array = NDArray[np.float64]

CLASSES = ("circle", "square", "triangle", "star", "cross", "ring", "heart", "crescent")
"""The eight kinds of object, in the order of a network's logits."""

SIZE = 96
"""Side of a scene in pixels, unless the caller asks for another."""

MINIMUM_SIZE = 32
RADIUS = (0.11, 0.20)
MAXIMUM_TURN = 0.5
GAP = 0.03
RIM = 0.017
RIM_SHADE = 0.72
OBJECT_SCALE = 0.45
"""How much finer an object's texture is than the background's."""
NOISE = 0.035
SHARE_OF_COUNT = (0.25, 0.45, 0.30)


@dataclass(frozen=True, eq=False)
class Scene:
    """A picture and its truth.

    Attributes:
        image: (3, H, W) float32 in [0, 1].
        masks: (8, H, W) float32 in [0, 1]: the share of each pixel that each class covers.
        labels: (8,) float32: 1 for the classes that are present, else 0.
        seed: what the scene was drawn from.
    """

    image: NDArray[np.float32]
    masks: NDArray[np.float32]
    labels: NDArray[np.float32]
    seed: int

    @property
    def x(self) -> Tensor:
        """The image as a network takes it: a (1, 3, H, W) float32 tensor of its own."""
        import torch

        return torch.from_numpy(self.image.copy())[None]

    @property
    def objects(self) -> list[int]:
        """Indices of the classes that are present, ascending."""
        return [int(index) for index in np.flatnonzero(self.labels)]

    @property
    def names(self) -> list[str]:
        """Names of the classes that are present, in the order of `objects`."""
        return [CLASSES[index] for index in self.objects]


class Placed(NamedTuple):
    """One object: its class, and its centre, radius (shorter sides) and turn (radians)."""

    category: int
    row: float
    column: float
    radius: float
    turn: float


class Draws:
    """Uniform random numbers from the raw words of PCG64."""

    def __init__(self, seed: int) -> None:
        self._bits = np.random.PCG64(seed)

    def array(self, *shape: int) -> Array:
        """Numbers in [0, 1), in the given shape."""
        words = self._bits.random_raw(int(np.prod(shape)))
        fractions: Array = (words >> np.uint64(11)).astype(np.float64) * 2.0**-53
        return fractions.reshape(shape)

    def number(self, low: float = 0.0, high: float = 1.0) -> float:
        """One number in [low, high)."""
        return low + (high - low) * ((int(self._bits.random_raw()) >> 11) * 2.0**-53)

    def below(self, count: int) -> int:
        """One whole number from 0 to count - 1."""
        return int(self.number() * count)


def draw_scene(
    seed: int, size: int | tuple[int, int] = SIZE, *, without: int | None = None
) -> Scene:
    """Draw the scene of a seed.

    One to three objects of distinct classes, at a random place, size and turn, without overlap.
    Each object and the background have a texture of their own (flat, stripes, checks or smooth
    noise), independent of the class.

    Args:
        seed: any whole number from 0 on; the same one always gives the same scene.
        size: side in pixels, or (height, width); at least 32.
        without: a class whose object is left out, while all else stays as it is.

    Returns:
        A `Scene`.

    Raises:
        TypeError: the seed or the size is not a whole number.
        ValueError: the seed is negative, the size too small, or there is no such object.

    >>> scene = draw_scene(7)
    >>> scene.image.shape, scene.masks.shape, bool((scene.image <= 1).all())
    ((3, 96, 96), (8, 96, 96), True)
    """
    seed = _whole("seed", seed)
    if seed < 0:
        raise ValueError(f"The seed of a scene is a whole number from 0 on, not {seed}.")
    height, width = _height_and_width(size)
    draws = Draws(seed)
    objects = _place(draws, height, width)
    if without is not None and without not in [placed.category for placed in objects]:
        raise ValueError(f"The scene of seed {seed} has no object of class {without!r} to omit.")
    shorter = min(height, width)

    rows = (np.arange(height) + 0.5) / shorter
    columns = (np.arange(width) + 0.5) / shorter
    dark, ground = _ground_colours(draws)
    image = _texture(draws, ground, rows, columns, shorter, scale=1.0)
    masks = np.zeros((len(CLASSES), height, width))
    for placed in objects:
        colours = _object_colours(draws, dark)
        region = _bounding_box(placed, height, width, shorter)
        cover, shade = cover_and_shade(placed, rows[region[0]], columns[region[1]], shorter)
        fill = _texture(
            draws, colours, rows[region[0]], columns[region[1]], shorter, scale=OBJECT_SCALE
        )
        fill *= shade
        if placed.category == without:
            continue
        patch = image[(slice(None), *region)]
        patch += cover * (fill - patch)
        masks[(placed.category, *region)] = cover
    image += NOISE * (draws.array(3, height, width) - draws.array(3, height, width))

    labels = np.zeros(len(CLASSES), dtype=np.float32)
    labels[[placed.category for placed in objects if placed.category != without]] = 1.0
    return Scene(
        image=np.clip(image, 0.0, 1.0).astype(np.float32),
        masks=masks.astype(np.float32),
        labels=labels,
        seed=seed,
    )


def cover_and_shade(
    placed: Placed, rows: Array, columns: Array, shorter: int
) -> tuple[Array, Array]:
    """The share of each pixel that an object covers, and how bright it is there: dark at its rim.

    Args:
        placed: the object.
        rows, columns: the pixels' centres, in shorter sides.
        shorter: the shorter side of the picture in pixels.

    Returns:
        Two arrays, (rows, columns), in [0, 1].
    """
    distance = _distance(placed, rows, columns) * shorter
    rim = np.clip(distance / (RIM * shorter) + 1.5, 0.0, 1.0)
    return np.clip(0.5 - distance, 0.0, 1.0), 1.0 - (1.0 - RIM_SHADE) * rim


def two_object_scenes(
    count: int, start: int = 0, size: int | tuple[int, int] = SIZE
) -> Iterator[Scene]:
    """The first `count` scenes with exactly two objects among the seeds start, start + 1, ...

    >>> [scene.seed for scene in two_object_scenes(2)] == [
    ...     seed for seed in range(20) if draw_scene(seed).labels.sum() == 2][:2]
    True
    """
    seed = start
    while count > 0:
        if number_of_objects(seed) == 2:
            yield draw_scene(seed, size)
            count -= 1
        seed += 1


def number_of_objects(seed: int) -> int:
    """How many objects the scene of a seed has, without drawing it."""
    return _count(Draws(seed))


def _count(draws: Draws) -> int:
    point = draws.number()
    return 1 + int(np.searchsorted(np.cumsum(SHARE_OF_COUNT)[:-1], point, side="right"))


def _whole(name: str, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int | np.integer):
        raise TypeError(f"The {name} of a scene is a whole number, not {value!r}.")
    return int(value)


def _height_and_width(size: Any) -> tuple[int, int]:
    pair = tuple(size) if isinstance(size, tuple | list) else (size, size)
    if len(pair) != 2:
        raise ValueError(f"The size of a scene is one number or (height, width), not {size!r}.")
    height, width = (_whole("size", side) for side in pair)
    if min(height, width) < MINIMUM_SIZE:
        raise ValueError(
            f"A scene is at least {MINIMUM_SIZE} pixels high and wide, not {height} x {width}."
        )
    return height, width


def _place(draws: Draws, height: int, width: int) -> list[Placed]:
    """Choose classes, sizes, turns and centres so that no two objects touch."""
    count = _count(draws)
    categories = np.argsort(draws.array(len(CLASSES)), kind="stable")[:count]
    radii = RADIUS[0] + (RADIUS[1] - RADIUS[0]) * draws.array(count)
    turns = MAXIMUM_TURN * (2.0 * draws.array(count) - 1.0)
    shorter = min(height, width)
    sides = np.array([height / shorter, width / shorter])
    while True:
        reach = 1.1 * radii[:, None] + GAP / 2
        centres = reach + draws.array(count, 2) * (sides - 2 * reach)
        offsets = centres[:, None] - centres[None]
        needed = reach + reach.T
        apart = (offsets**2).sum(-1) >= needed**2
        if apart[np.triu_indices(count, 1)].all():
            break
        radii = radii * 0.99
    return [
        Placed(int(category), float(row), float(column), float(radius), float(turn))
        for category, (row, column), radius, turn in zip(
            categories, centres, radii, turns, strict=True
        )
    ]


def _bounding_box(placed: Placed, height: int, width: int, shorter: int) -> tuple[slice, slice]:
    reach = 1.1 * placed.radius * shorter + 1
    top, left = placed.row * shorter - reach, placed.column * shorter - reach
    bottom, right = placed.row * shorter + reach, placed.column * shorter + reach
    return (
        slice(max(0, int(top)), min(height, int(bottom) + 1)),
        slice(max(0, int(left)), min(width, int(right) + 1)),
    )


def _distance(placed: Placed, rows: Array, columns: Array) -> Array:
    """Signed distance of each pixel to the outline, in shorter sides (inside: negative)."""
    down = (rows[:, None] - placed.row) / placed.radius
    right = (columns[None] - placed.column) / placed.radius
    cosine, sine = np.cos(placed.turn), np.sin(placed.turn)
    x = cosine * right + sine * down
    y = sine * right - cosine * down
    return OUTLINES[CLASSES[placed.category]](x, y) * placed.radius


def _ground_colours(draws: Draws) -> tuple[bool, Array]:
    """A quiet pair of colours, (2, 3), dark or light."""
    dark = draws.number() < 0.5
    lightness = draws.number(0.30, 0.44) if dark else draws.number(0.80, 0.92)
    step = draws.number(0.05, 0.10)
    hue, turn = draws.number(0.0, 2 * np.pi), draws.number(-0.9, 0.9)
    chroma = draws.number(0.02, 0.06)
    return dark, two_colours(lightness, step if dark else -step, chroma, hue, turn)


def _object_colours(draws: Draws, on_dark: bool) -> Array:
    """A vivid pair of colours, (2, 3), that stands out from a dark or from a light ground."""
    lightness = draws.number(0.68, 0.84) if on_dark else draws.number(0.50, 0.64)
    step = draws.number(0.09, 0.16) * (1.0 if draws.number() < 0.5 else -1.0)
    hue, turn = draws.number(0.0, 2 * np.pi), draws.number(-0.8, 0.8)
    chroma = draws.number(0.11, 0.17)
    return two_colours(lightness, step, chroma, hue, turn)


def two_colours(lightness: float, step: float, chroma: float, hue: float, turn: float) -> Array:
    """A pair of sRGB colours, (2, 3), the second that much lighter and turned in hue (radians)."""
    return np.stack(
        [_colour(lightness, chroma, hue), _colour(lightness + step, chroma, hue + turn)]
    )


def _colour(lightness: float, chroma: float, hue: float) -> Array:
    """The sRGB colour, (3,), of a lightness, chroma and hue of the Oklab colour space."""
    lab = np.array([lightness, chroma * np.cos(hue), chroma * np.sin(hue)])
    linear = np.clip(LINEAR_FROM_CUBES @ (CUBE_ROOTS_FROM_LAB @ lab) ** 3, 0.0, 1.0)
    return np.where(linear > 0.0031308, 1.055 * linear ** (1 / 2.4) - 0.055, 12.92 * linear)


def _texture(
    draws: Draws, colours: Array, rows: Array, columns: Array, shorter: int, scale: float
) -> Array:
    """A (3, rows, columns) picture that mixes two colours by a random pattern."""
    share = TEXTURES[draws.below(len(TEXTURES))](draws, rows, columns, shorter, scale)
    first, second = colours[:, :, None, None]
    return first + share * (second - first)


# Each texture gives the share of the second colour, (rows, columns), in [0, 1].
# Their edges are soft, because a hard threshold would turn a rounding error into another picture.


def _flat(draws: Draws, rows: Array, columns: Array, shorter: int, scale: float) -> Array:
    return np.full((rows.size, columns.size), 0.25)


def _stripes(draws: Draws, rows: Array, columns: Array, shorter: int, scale: float) -> Array:
    angle = draws.number(0.0, np.pi)
    down, across = np.sin(angle) * rows, np.cos(angle) * columns
    return 0.5 + 0.5 * _wave(draws, down[:, None] + across[None], shorter, scale)


def _checks(draws: Draws, rows: Array, columns: Array, shorter: int, scale: float) -> Array:
    angle = draws.number(0.0, np.pi / 2)
    sine, cosine = np.sin(angle), np.cos(angle)
    period = _period(draws, scale)
    one = _soft_square(sine * rows[:, None] + cosine * columns[None], period, shorter)
    other = _soft_square(cosine * rows[:, None] - sine * columns[None], period, shorter)
    return 0.5 + 0.5 * one * other


def _smooth_noise(draws: Draws, rows: Array, columns: Array, shorter: int, scale: float) -> Array:
    spacing = 0.14 * scale
    first_row, first_column = rows[0] - 2 * spacing, columns[0] - 2 * spacing
    tall = int(np.ceil((rows[-1] - first_row) / spacing)) + 2
    wide = int(np.ceil((columns[-1] - first_column) / spacing)) + 2
    grid = draws.array(tall, wide)
    down = _bumps((rows - first_row) / spacing, tall)
    across = _bumps((columns - first_column) / spacing, wide)
    return np.clip(0.5 + 2.2 * (down @ grid @ across.T - 0.5), 0.0, 1.0)


TEXTURES = (_flat, _stripes, _checks, _smooth_noise)


def _bumps(positions: Array, count: int) -> Array:
    """Weights, (positions, count), of quadratic B-splines standing at 0 .. count - 1."""
    away = np.abs(positions[:, None] - np.arange(count)[None])
    return np.where(away < 0.5, 0.75 - away**2, 0.5 * np.maximum(1.5 - away, 0.0) ** 2)


def _period(draws: Draws, scale: float) -> float:
    return scale * draws.number(0.10, 0.20)


def _wave(draws: Draws, positions: Array, shorter: int, scale: float) -> Array:
    period = _period(draws, scale)
    return _soft_square(positions + draws.number(0.0, period), period, shorter)


def _soft_square(positions: Array, period: float, shorter: int) -> Array:
    """A square wave in [-1, 1] whose steps are about two pixels wide."""
    per_pixel = 2 * np.pi / period / shorter
    return np.clip(np.sin(2 * np.pi / period * positions) / per_pixel, -1.0, 1.0)


# Oklab to linear sRGB, as published by B. Ottosson (2020).
CUBE_ROOTS_FROM_LAB = np.array(
    [
        [1.0, 0.3963377774, 0.2158037573],
        [1.0, -0.1055613458, -0.0638541728],
        [1.0, -0.0894841775, -1.2914855480],
    ]
)
LINEAR_FROM_CUBES = np.array(
    [
        [4.0767416621, -3.3077115913, 0.2309699292],
        [-1.2684380046, 2.6097574011, -0.3413193965],
        [-0.0041960863, -0.7034186147, 1.7076147010],
    ]
)

# The outlines: signed distances with x to the right, y upwards and a radius of about 1.


def _circle(x: Array, y: Array) -> Array:
    return np.sqrt(x * x + y * y) - 0.92


def _square(x: Array, y: Array) -> Array:
    return np.maximum(np.abs(x), np.abs(y)) - 0.76


def _triangle(x: Array, y: Array) -> Array:
    y = y + 0.12
    slanted = np.sqrt(0.75) * np.abs(x) + 0.5 * y
    return np.maximum(slanted, -y) - 0.55


def _star(x: Array, y: Array) -> Array:
    """Fold the plane onto half a point of the star, then measure to that point's edge."""
    outer, inner, tenth = 1.08, 0.46, np.pi / 5
    x = np.abs(x)
    for side in (1.0, -1.0):
        across, up = side * np.cos(tenth), -np.sin(tenth)
        beyond = np.maximum(across * x + up * y, 0.0)
        x, y = x - 2 * beyond * across, y - 2 * beyond * up
    x = np.abs(x)
    run, fall = inner * np.sin(tenth), outer - inner * np.cos(tenth)
    return (x * fall + (y - outer) * run) / np.hypot(run, fall)


def _cross(x: Array, y: Array) -> Array:
    x, y = np.abs(x), np.abs(y)
    long, short = np.maximum(x, y), np.minimum(x, y)
    return np.maximum(long - 0.95, short - 0.31)


def _ring(x: Array, y: Array) -> Array:
    return np.abs(np.sqrt(x * x + y * y) - 0.69) - 0.25


def _heart(x: Array, y: Array) -> Array:
    """A right angle standing on its tip, and two discs on its upper ends."""
    scale = 0.62
    x, y = np.abs(x) * scale, y * scale + 0.55
    disc = np.hypot(x - 0.25, y - 0.75) - np.sqrt(0.125)
    foot = np.maximum(x + y, 0.0) / 2
    cleft = np.minimum(np.hypot(x, y - 1.0), np.hypot(x - foot, y - foot))
    return np.where(x + y > 1.0, disc, np.where(x > y, cleft, -cleft)) / scale


def _crescent(x: Array, y: Array) -> Array:
    outer = np.sqrt(x * x + y * y) - 0.98
    bite = np.sqrt((x - 0.48) ** 2 + y * y) - 0.74
    return np.maximum(outer, -bite)


OUTLINES: dict[str, Callable[[Array, Array], Array]] = {
    "circle": _circle,
    "square": _square,
    "triangle": _triangle,
    "star": _star,
    "cross": _cross,
    "ring": _ring,
    "heart": _heart,
    "crescent": _crescent,
}
