r"""The pointing game: does a map's largest value lie on the object?

A point p hits a mask M with tolerance r when min over q in M of |p - q| < r, in pixels. The
accuracy of a class is hits / (hits + misses) over the images that have it, the accuracy of a method
the mean over the classes. (J. Zhang, Z. Lin, J. Brandt, X. Shen, S. Sclaroff: Top-down Neural
Attention by Excitation Backprop. ECCV 2016.)

`PointingGame` and `PointingGameBenchmark` have TorchRay's names, arguments and conventions: points
are (column, row), the tolerance is 15 pixels and strict. Where pixels of a map tie for the largest
value, `pointing_hits` counts their mean, so that a constant map scores what chance does.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F

from course_lib.attribution.inputs.checks import as_number, whole_number

from .maps import check_truth, fit, largest, mean_where
from .protocols import protocol

TOLERANCE = 15
"""Pixels by which a point may miss photographs' boxes and outlines, which are drawn by hand."""

DIFFICULT_AREA = 1 / 4
"""Objects of difficult images cover less of them."""


class PointingGame:
    """Counts hits and misses, a class at a time.

    Args:
        num_classes: how many classes the data set has.
        tolerance: a point hits where it is less than so many pixels from the object; up to 1, where
            it lies on it. (TorchRay's 0 lets no point hit at all.)

    Attributes:
        hits: (num_classes,) float64; parts of a hit come from maps whose largest pixels tie.
        misses: likewise.

    Raises:
        ValueError: an argument is not as above.

    >>> game = PointingGame(num_classes=2)
    >>> mask = torch.zeros(64, 64)
    >>> mask[10:20, 30:40] = 1
    >>> game.accumulate(game.evaluate(mask, point=(30, 33)), class_id=1)
    >>> game.accumulate(game.evaluate(mask, point=(30, 34)), class_id=1)
    >>> print(game)
    pointing game, tolerance 15: 50.0 % over 1 class, 2 points
    """

    def __init__(self, num_classes: int, tolerance: float = TOLERANCE) -> None:
        self.num_classes = whole_number("num_classes", num_classes)
        self.tolerance = _check_tolerance(tolerance)
        self.reset()

    def reset(self) -> None:
        """Forget all hits and misses."""
        self.hits = torch.zeros(self.num_classes, dtype=torch.float64)
        self.misses = torch.zeros(self.num_classes, dtype=torch.float64)

    def evaluate(self, mask: torch.Tensor, point: Sequence[Any] | torch.Tensor) -> int:
        """Whether a point hits the object: +1 for a hit, -1 for a miss.

        Args:
            mask: where the object is, H x W.
            point: (column, row), from (0, 0) on.

        Raises:
            ValueError: the mask is empty or has another shape, or the point lies outside of it.
        """
        (where,) = check_truth(mask)
        column, row = _check_point(point, where)
        rows, columns = where.nonzero().unbind(1)
        distances = (rows - row) ** 2 + (columns - column) ** 2
        return 1 if bool((distances < max(self.tolerance, 1) ** 2).any()) else -1

    def aggregate(self, hit: int, class_id: int) -> None:
        """Count what `evaluate` said of one image: 1, -1, or 0 for one that does not count.

        Raises:
            ValueError: it is something else, or there is no such class.
        """
        if hit not in (-1, 0, 1):
            raise ValueError(f"A point is a hit (1), a miss (-1) or skipped (0), not {hit!r}.")
        if hit != 0:
            self.count((int(hit) + 1) / 2, class_id)

    accumulate = aggregate

    def count(self, share: float | torch.Tensor, class_id: int) -> None:
        """Count what `pointing_hits` said of one image: a hit of 0 to 1.

        Raises:
            ValueError: it is no such number, or there is no such class.
        """
        part = as_number(share)
        if part is None or not 0 <= part <= 1:
            raise ValueError(f"A hit is a number from 0 to 1, not {share!r}.")
        class_id = whole_number("class_id", class_id, least=0)
        if class_id >= self.num_classes:
            raise ValueError(f"There is no class {class_id}: they are 0 to {self.num_classes - 1}.")
        self.hits[class_id] += part
        self.misses[class_id] += 1 - part

    @property
    def class_accuracies(self) -> torch.Tensor:
        """The share of hits of each class, (num_classes,); NaN for one that was never asked for."""
        return self.hits / (self.hits + self.misses)

    @property
    def accuracy(self) -> torch.Tensor:
        """The mean over the classes that were asked for. (TorchRay counts the others as 0.)"""
        return self.class_accuracies.nanmean()

    def __str__(self) -> str:
        asked = self.hits + self.misses
        classes, points = int((asked > 0).sum()), round(float(asked.sum()))
        return (
            f"pointing game, tolerance {self.tolerance:g}: {100 * float(self.accuracy):.1f} % over "
            f"{classes} class{'' if classes == 1 else 'es'}, {points} points"
        )


class PointingGameBenchmark(PointingGame):
    """The pointing game on a data set of photographs, in all images or the difficult ones.

    A pair of image and class is difficult when the class's boxes (of COCO: its outlines) cover less
    than a quarter of the image, and another class is there too (Zhang et al. 2016).

    Args:
        dataset: one of `datasets.VOCDetection` and `datasets.CocoDetection`.
        tolerance: as in `PointingGame`.
        difficult: False for all images; True for the difficult ones, found from the annotations; or
            a file that lists them, a line "image,class" each: the image's file name, and the
            class's name or number.

    Raises:
        TypeError: the data set can't say where its objects are.
        FileNotFoundError, ValueError: the file is not there, or not as above.
    """

    def __init__(
        self, dataset: Any, tolerance: float = TOLERANCE, difficult: bool | str | Path = False
    ) -> None:
        if not all(hasattr(dataset, name) for name in ("classes", "as_mask", "as_class_ids")):
            raise TypeError(
                "The data set must be a VOCDetection or CocoDetection of "
                f"course_lib.benchmark.datasets, not {type(dataset).__name__}."
            )
        super().__init__(len(dataset.classes), tolerance)
        self.dataset = dataset
        self.difficult = bool(difficult)
        self._listed: set[tuple[str, int]] | None = None
        if not isinstance(difficult, bool):
            self._listed = _read_pairs(Path(difficult), dataset.classes)

    def evaluate(self, label: Any, class_id: int, point: Any) -> int:  # type: ignore[override]
        """Whether a point hits the class's objects: +1, -1, or 0 for a pair that does not count.

        Args:
            label: of one image, as the data set gives it.
            class_id: number of the class.
            point: (column, row) in the original image's pixels.

        Raises:
            ValueError: the image has no such object, or the point lies outside of it.
        """
        if self.difficult and not self.is_difficult(label, class_id):
            return 0
        return super().evaluate(self.dataset.as_mask(label, class_id), point)

    def is_difficult(self, label: Any, class_id: int) -> bool:
        """Whether a pair of image and class belongs to the difficult ones."""
        if self._listed is not None:
            return (self.dataset.as_image_name(label), class_id) in self._listed
        if len(self.dataset.as_class_ids(label)) < 2:
            return False
        return float(self.dataset.as_mask(label, class_id).float().mean()) < DIFFICULT_AREA


def _read_pairs(path: Path, classes: Sequence[str]) -> set[tuple[str, int]]:
    if not path.is_file():
        raise FileNotFoundError(f"The list of difficult images {path} is not there.")
    numbers = {name: number for number, name in enumerate(classes)}
    pairs = set()
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        image, _, name = line.strip().rpartition(",")
        index = int(name) if name.isdigit() else numbers.get(name, len(classes))
        if not image or index >= len(classes):
            raise ValueError(f"Line {number} of {path} is not 'image,class': {line!r}.")
        pairs.add((image, index))
    return pairs


def pointing_hits(
    saliency: torch.Tensor, truth: torch.Tensor, tolerance: float = 0
) -> torch.Tensor:
    """Whether the largest pixel of each map hits the object.

    Where several pixels tie for the largest value, the share of them that hit.

    Args:
        saliency: maps, N x 1 x h x w.
        truth: where the object is, N x H x W or one H x W for all.
        tolerance: as in `PointingGame`; up to 1, the pixel has to lie on the object.

    Returns:
        N numbers from 0 to 1: 1 for the truth itself, 0 for its negative, and for a constant map
        the share of the image that hits.

    Raises:
        TypeError, ValueError: a map is not finite, a mask is empty, or shapes do not fit.

    >>> pointing_hits(torch.ones(1, 1, 4, 4), torch.eye(4)).item()
    0.25
    """
    maps, masks = fit(saliency, truth)
    return mean_where(near(masks, tolerance), largest(maps))


def near(masks: torch.Tensor, tolerance: float) -> torch.Tensor:
    """The pixels that are less than so many pixels from the masks, both N x H x W booleans.

    >>> near(torch.eye(3, dtype=torch.bool)[None], 1.1).sum().item()
    7
    """
    radius = _check_tolerance(tolerance)
    reach = math.ceil(radius)
    height = masks.shape[1]
    found = masks.clone()
    values = masks[:, None].float()
    for down in range(min(reach, height)):
        across = max(a for a in range(reach) if a**2 + down**2 < radius**2)
        wide = F.max_pool2d(values, (1, 2 * across + 1), 1, (0, across))[:, 0] > 0
        found[:, down:] |= wide[:, : height - down]
        found[:, : height - down] |= wide[:, down:]
    return found


@protocol("pointing game")
def pointing_game(
    model: Any, x: Any, target: Any, saliency: torch.Tensor, truth: torch.Tensor
) -> torch.Tensor:
    """`pointing_hits` where the truth is exact to the pixel: the largest pixel lies on the object.

    Chance is the object's share of the image.
    """
    return pointing_hits(saliency, truth)


@protocol("pointing game, tolerance 15")
def pointing_game_15(
    model: Any, x: Any, target: Any, saliency: torch.Tensor, truth: torch.Tensor
) -> torch.Tensor:
    """`pointing_hits` with the tolerance that photographs' hand-made boxes and outlines get."""
    return pointing_hits(saliency, truth, TOLERANCE)


def _check_tolerance(tolerance: Any) -> float:
    pixels = as_number(tolerance)
    if pixels is None or not 0 <= pixels < math.inf:
        raise ValueError(f"tolerance must be a number of pixels from 0 on, not {tolerance!r}.")
    return pixels


def _check_point(point: Any, mask: torch.Tensor) -> tuple[float, float]:
    if len(point) != 2:
        raise ValueError(f"A point is (column, row), not {point!r}.")
    column, row = (as_number(number) for number in point)
    height, width = mask.shape
    inside = column is not None and row is not None and 0 <= column < width and 0 <= row < height
    if column is None or row is None or not inside:
        raise ValueError(
            f"The point (column, row) must lie in the image, {width} pixels wide and {height} "
            f"high, but is {tuple(point)!r}."
        )
    return column, row
