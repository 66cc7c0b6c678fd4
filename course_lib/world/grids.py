"""Grids of photographs: the second world with exact truth.

Four photos of four different classes lie in the cells of a 2 x 2 grid, and one of the classes is
asked for: what speaks for it lies in its cell, whatever the photo shows. (M. Böhle, M. Fritz,
B. Schiele: Convolutional Dynamic Alignment Networks for Interpretable Classifications. CVPR 2021;
S. Rao, M. Böhle, B. Schiele: Towards Better Understanding Attribution Methods. CVPR 2022.)
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import torch
from torch import Tensor, nn

from .examples import _preset_of, _pretrained
from .images import read_image, resized
from .photographs import photos
from .scenes import Draws

CELLS = 4
"""How many cells a grid has: two rows of two, counted row by row."""

SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff"})
SMALLEST_CROP = 0.7
CROPS_TO_TRY = 20


@dataclass(frozen=True, eq=False)
class Grid:
    """Four pictures in one, and which of them is asked for.

    Attributes:
        image: (3, H, W) float32 in [0, 1].
        x: the image as the network takes it, (1, 3, H, W).
        classes: the class of each cell, row by row.
        asked: the cell that is asked for, 0 to 3.
        pictures: what each cell shows: a photo's name, or the seed of a scene.
        seed: what the grid was drawn from.
    """

    image: Tensor
    x: Tensor
    classes: tuple[int, ...]
    asked: int
    pictures: tuple[str, ...]
    seed: int

    @property
    def target(self) -> int:
        """The class that is asked for."""
        return self.classes[self.asked]

    @property
    def truth(self) -> Tensor:
        """Where its cell is, (H, W) booleans."""
        mask = torch.zeros(self.image.shape[1:], dtype=torch.bool)
        cells_of(mask)[self.asked].fill_(True)
        return mask


def cells_of(image: Tensor) -> list[Tensor]:
    """The four cells of an image ... x H x W, row by row, as views.

    >>> [cell.tolist() for cell in cells_of(torch.arange(4).view(2, 2))]
    [[[0]], [[1]], [[2]], [[3]]]
    """
    height, width = (side // 2 for side in image.shape[-2:])
    return [
        image[..., rows, columns]
        for rows in (slice(height), slice(height, None))
        for columns in (slice(width), slice(width, None))
    ]


def joined(cells: list[Tensor]) -> Tensor:
    """Four images ... x h x w as the cells of one: what `cells_of` takes apart.

    >>> image = torch.rand(3, 4, 6)
    >>> torch.equal(joined(cells_of(image)), image)
    True
    """
    upper, lower = (torch.cat(pair, -1) for pair in (cells[:2], cells[2:]))
    return torch.cat([upper, lower], -2)


def photo_grids(
    count: int,
    seed: int = 0,
    *,
    folder: str | Path | None = None,
    arch: str = "efficientnet_lite0",
    side: int = 224,
) -> Iterator[Grid]:
    """Grids of four photos, each a pure function of its seed: seed, seed + 1, ...

    A cell shows a square out of a photo, at least 0.7 of its shorter side, perhaps flipped, that
    the network gives the same class as the whole photo. Five photos come with the course: grids of
    them differ in crops, places and the class asked for, but they are no more than five photos, and
    intervals over many grids are narrower than what other photos would give.

    Args:
        count: how many grids.
        seed: where to begin.
        folder: a folder of photos of your own, of four classes at least; subfolders count too.
        arch: the network that names the classes: "efficientnet_lite0" or torchvision's by name.
        side: pixels on a side of a cell; the grid has twice as many.

    Raises:
        ValueError: the photos are of fewer than four classes, or of none that the network
            recognises in parts.
        FileNotFoundError: there is no such folder, or it holds no photos.
        OSError: the network's weights can't be had.

    >>> grid = next(photo_grids(1))
    >>> grid.x.shape, len(set(grid.classes)), grid.truth.float().mean().item()
    (torch.Size([1, 3, 448, 448]), 4, 0.25)
    """
    files = _files(folder)
    by_class: dict[int, list[str]] = {}
    for name, path in files.items():
        by_class.setdefault(_class_of(path, arch), []).append(name)
    if len(by_class) < CELLS:
        raise ValueError(
            f"A grid needs photos of {CELLS} classes, and {arch} sees {len(by_class)} in the "
            f"{len(files)} photos {'that come with the course' if folder is None else folder}."
        )
    for number in range(seed, seed + count):
        yield _grid(number, files, by_class, arch, side)


def _grid(
    seed: int, files: dict[str, Path], by_class: dict[int, list[str]], arch: str, side: int
) -> Grid:
    draws = Draws(seed)
    waiting = sorted(by_class)
    cells: list[Tensor] = []
    classes: list[int] = []
    pictures: list[str] = []
    while len(cells) < CELLS:
        if not waiting:
            raise ValueError(
                f"Only {len(cells)} of the photos' classes are recognised by {arch} in cells of "
                f"{side} x {side} pixels, and a grid needs {CELLS}; give a larger side."
            )
        category = waiting.pop(draws.below(len(waiting)))
        names = by_class[category]
        name = names[draws.below(len(names))]
        crop = _recognised_crop(files[name], category, draws, arch, side)
        if crop is not None:
            cells.append(crop)
            classes.append(category)
            pictures.append(name)
    image = joined(cells)
    return Grid(
        image=image,
        x=_as_input(image[None], arch),
        classes=tuple(classes),
        asked=draws.below(CELLS),
        pictures=tuple(pictures),
        seed=seed,
    )


def _recognised_crop(
    path: Path, category: int, draws: Draws, arch: str, side: int
) -> Tensor | None:
    picture = _picture(path)
    for _ in range(CROPS_TO_TRY):
        crop = _crop(picture, draws, side)
        if _best_class(_as_input(crop, arch), arch) == category:
            return crop[0]
    return None


def _crop(picture: Tensor, draws: Draws, side: int) -> Tensor:
    height, width = picture.shape[2:]
    cut = round(min(height, width) * draws.number(SMALLEST_CROP, 1.0))
    top, left = draws.below(height - cut + 1), draws.below(width - cut + 1)
    crop = resized(picture[..., top : top + cut, left : left + cut], (side, side))
    return crop.flip(-1) if draws.below(2) else crop


def _files(folder: str | Path | None) -> dict[str, Path]:
    if folder is None:
        return {name: photo.path for name, photo in photos().items()}
    place = Path(folder).expanduser()
    if not place.is_dir():
        raise FileNotFoundError(f"The folder of photos {place} is not there.")
    found = sorted(path for path in place.rglob("*") if path.suffix.lower() in SUFFIXES)
    if not found:
        raise FileNotFoundError(f"There are no photos in {place}: {', '.join(sorted(SUFFIXES))}.")
    return {path.relative_to(place).as_posix(): path for path in found}


@lru_cache(maxsize=16)
def _picture(path: Path) -> Tensor:
    return read_image(path)


@lru_cache(maxsize=1)
def _network(arch: str) -> nn.Module:
    return _pretrained(arch, None)


@lru_cache(maxsize=4096)
def _class_of(path: Path, arch: str) -> int:
    return _best_class(_preset_of(arch)(_picture(path)), arch)


def _best_class(x: Tensor, arch: str) -> int:
    with torch.inference_mode():
        return int(_network(arch)(x)[0].argmax())


def _as_input(picture: Tensor, arch: str) -> Tensor:
    preset = _preset_of(arch)
    mean, std = (torch.tensor(values).view(1, 3, 1, 1) for values in (preset.mean, preset.std))
    return (picture - mean) / std
