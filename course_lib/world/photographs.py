"""Photographs to try methods on, out of the package scikit-image: nothing is downloaded.

Name the author where you show one: `photos()["cat"].credit`.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

PHOTOS = {
    "cat": ("chelsea.png", "Photo: Stefan van der Walt, CC0."),
    "coffee": ("coffee.png", "Photo: Rachel Michetti, courtesy of Pikolo Espresso Bar, CC0."),
    "photographer": ("camera.png", "Photo: Lav Varshney, CC0."),
    # scikit-image names the authors and no licence.
    "motorcycle": (
        "motorcycle_left.png",
        "Photo: D. Scharstein et al., Middlebury Stereo Datasets, GCPR 2014.",
    ),
    "rocket": ("rocket.jpg", "Photo: SpaceX, public domain."),
}


@dataclass(frozen=True)
class Photo:
    """A photograph.

    Args:
        name: what is on it.
        path: its file.
        credit: who took it, and its licence as scikit-image states it.
    """

    name: str
    path: Path
    credit: str


def photos() -> dict[str, Photo]:
    """The photographs by name; `get_example_data` takes a name as its `image`.

    Raises:
        FileNotFoundError: scikit-image is not installed.

    >>> list(photos())
    ['cat', 'coffee', 'photographer', 'motorcycle', 'rocket']
    """
    found = find_spec("skimage")
    if found is None or found.origin is None:
        raise FileNotFoundError("The photos are not there: install the package scikit-image.")
    folder = Path(found.origin).parent / "data"
    return {name: Photo(name, folder / file, credit) for name, (file, credit) in PHOTOS.items()}
