"""The pointing game as TorchRay published it, to stand beside the course's own numbers.

Accuracies in per cent, with a tolerance of 15 pixels: the means over the classes of VOC 2007 test
and COCO 2014 val, on VGG-16 and ResNet-50, for all images and for the difficult ones. (R. Fong,
M. Patrick, A. Vedaldi: Understanding Deep Networks via Extremal Perturbations and Smooth Masks.
ICCV 2019, and the library that came with it, https://github.com/facebookresearch/TorchRay.)
"""

from __future__ import annotations

import csv
from functools import lru_cache
from importlib.resources import files


@lru_cache(maxsize=1)
def published_pointing() -> dict[str, dict[str, float]]:
    """Published accuracies, by the column "voc2007_vgg16_all" and the method's name in code.

    >>> published_pointing()["voc2007_vgg16_all"]["centre"]
    69.6
    """
    text = files(__package__).joinpath("published.csv").read_text(encoding="utf-8")
    rows = list(csv.DictReader(text.splitlines()))
    columns = [name for name in rows[0] if name != "method"]
    return {name: {row["method"]: float(row[name]) for row in rows} for name in columns}
