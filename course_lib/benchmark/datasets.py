"""Data sets of photographs by TorchRay's names: VOC, COCO, and folders of images.

Each class is torchvision's, with what benchmarks ask of a label besides: the classes, the image's
size and name, and a mask of each class. The functions `voc_as_...` and `coco_as_...` do the same by
themselves. Nothing is downloaded unless you say `download=True`; what is missing is named, with the
place where it was looked for.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any

import torch
import torchvision
from torch.utils.data import default_collate
from torchvision.models import ResNet18_Weights
from torchvision.models.detection import FasterRCNN_ResNet50_FPN_Weights
from torchvision.models.segmentation import FCN_ResNet50_Weights

from course_lib.attribution.inputs.checks import is_whole
from course_lib.utils import get_config

__all__ = [
    "COCO_CLASSES",
    "IMAGENET_CLASSES",
    "VOC_CLASSES",
    "CocoDetection",
    "ImageFolder",
    "VOCDetection",
    "coco_as_class_ids",
    "coco_as_image_name",
    "coco_as_image_size",
    "coco_as_mask",
    "collate",
    "get_dataset",
    "voc_as_class_ids",
    "voc_as_image_name",
    "voc_as_image_size",
    "voc_as_mask",
]

VOC_CLASSES: list[str] = FCN_ResNet50_Weights.DEFAULT.meta["categories"][1:]
"""The 20 classes of PASCAL VOC, in alphabetical order."""

_BY_CATEGORY: list[str] = FasterRCNN_ResNet50_FPN_Weights.DEFAULT.meta["categories"]
"""COCO's names by their category, a number from 1 to 90 of which ten stand for nothing."""

_COCO_CATEGORIES = [
    category for category, name in enumerate(_BY_CATEGORY) if name not in ("__background__", "N/A")
]

COCO_CLASSES: list[str] = [_BY_CATEGORY[category] for category in _COCO_CATEGORIES]
"""The 80 classes of COCO, in the order of their categories."""

IMAGENET_CLASSES: list[str] = ResNet18_Weights.DEFAULT.meta["categories"]
"""The 1,000 classes of ImageNet."""

_CLASS_OF_CATEGORY = {category: number for number, category in enumerate(_COCO_CATEGORIES)}

_YEARS = ("2007", "2008", "2009", "2010", "2011", "2012")

Label = dict[str, Any]


def voc_as_class_ids(label: Label) -> list[int]:
    """The classes in a VOC label, ascending, each once: numbers in `VOC_CLASSES`.

    Objects that the annotators marked as difficult count as all others.

    >>> voc_as_class_ids({"annotation": {"object": [{"name": "dog"}, {"name": "cat"}]}})
    [7, 11]
    """
    return sorted({VOC_CLASSES.index(thing["name"]) for thing in label["annotation"]["object"]})


def voc_as_image_size(label: Label) -> tuple[int, int]:
    """The size of a VOC label's image: (width, height) in pixels."""
    size = label["annotation"]["size"]
    return int(size["width"]), int(size["height"])


def voc_as_image_name(label: Label) -> str:
    """The file name of a VOC label's image."""
    return label["annotation"]["filename"]


def voc_as_mask(label: Label, class_id: int) -> torch.Tensor:
    """The boxes of a class in a VOC label: H x W booleans.

    A box goes from xmin to xmax and from ymin to ymax, both included and counted from 1.
    """
    width, height = voc_as_image_size(label)
    mask = torch.zeros(height, width, dtype=torch.bool)
    for thing in label["annotation"]["object"]:
        if VOC_CLASSES.index(thing["name"]) == class_id:
            left, top, right, bottom = (
                # Some boxes of VOC 2011 and later have fractions.
                round(float(thing["bndbox"][side]))
                for side in ("xmin", "ymin", "xmax", "ymax")
            )
            mask[top - 1 : bottom, left - 1 : right] = True
    return mask


def coco_as_class_ids(label: Sequence[Label]) -> list[int]:
    """The classes in a COCO label, ascending, each once: numbers in `COCO_CLASSES`.

    >>> coco_as_class_ids([{"category_id": 90}, {"category_id": 1}, {"category_id": 13}])
    [0, 11, 79]
    """
    return sorted({_CLASS_OF_CATEGORY[thing["category_id"]] for thing in label})


def coco_as_image_size(dataset: CocoDetection, label: Sequence[Label]) -> tuple[int, int]:
    """The size of a COCO label's image: (width, height) in pixels."""
    image = _coco_image(dataset, label)
    return image["width"], image["height"]


def coco_as_image_name(dataset: CocoDetection, label: Sequence[Label]) -> str:
    """The file name of a COCO label's image."""
    return _coco_image(dataset, label)["file_name"]


def coco_as_mask(dataset: CocoDetection, label: Sequence[Label], class_id: int) -> torch.Tensor:
    """The outlines of a class in a COCO label, filled: H x W booleans. Crowds count as well."""
    width, height = coco_as_image_size(dataset, label)
    mask = torch.zeros(height, width, dtype=torch.bool)
    for thing in label:
        if _CLASS_OF_CATEGORY[thing["category_id"]] == class_id:
            mask |= torch.from_numpy(dataset.coco.annToMask(thing)).bool()
    return mask


def _coco_image(dataset: CocoDetection, label: Sequence[Label]) -> dict[str, Any]:
    if not label:
        raise ValueError("A COCO label without objects does not say which image it belongs to.")
    return dataset.coco.imgs[label[0]["image_id"]]


def collate(batch: Sequence[tuple[Any, Any]]) -> tuple[Any, list[Any]]:
    """For a `DataLoader`: images as one tensor where they are of one size, labels as a list.

    Args:
        batch: pairs of an image and its label.

    Returns:
        The images, N x C x H x W, or a list of them where their sizes differ; and the labels.

    >>> images, labels = collate([(torch.zeros(3, 4, 5), ["a"]), (torch.zeros(3, 4, 5), [])])
    >>> images.shape, labels
    (torch.Size([2, 3, 4, 5]), [['a'], []])
    """
    images, labels = [image for image, _ in batch], [label for _, label in batch]
    alike = len({getattr(image, "shape", None) for image in images}) == 1
    stackable = alike and isinstance(images[0], torch.Tensor)
    return (default_collate(images) if stackable else images), labels


class ImageFolder(torchvision.datasets.ImageFolder):
    """A folder with a folder of images for each class, as ImageNet's.

    Args:
        args, kwargs: of torchvision's class.
        limiter: only these images: a number for the first ones, or the names of their files.
    """

    samples: list[tuple[str, int]]
    collate = staticmethod(collate)

    def __init__(self, *args: Any, limiter: Any = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        kept = _kept([Path(path).name for path, _ in self.samples], limiter)
        self.samples = self.imgs = [self.samples[number] for number in kept]
        self.targets = [target for _, target in self.samples]

    def as_class_ids(self, label: int) -> list[int]:
        """The image's one class."""
        return [label]


class VOCDetection(torchvision.datasets.VOCDetection):
    """PASCAL VOC with the boxes of its objects.

    Args:
        args, kwargs: of torchvision's class: root, year, image_set, download, transform.
        limiter: only these images: a number for the first ones, or the names of their files.

    Raises:
        FileNotFoundError: something is missing; the message says what, and where it was looked for.
    """

    images: list[str]
    targets: list[str]
    classes = VOC_CLASSES
    collate = staticmethod(collate)
    as_class_ids = staticmethod(voc_as_class_ids)
    as_image_size = staticmethod(voc_as_image_size)
    as_image_name = staticmethod(voc_as_image_name)
    as_mask = staticmethod(voc_as_mask)

    def __init__(self, *args: Any, limiter: Any = None, **kwargs: Any) -> None:
        try:
            super().__init__(*args, **kwargs)
        except (RuntimeError, FileNotFoundError) as error:
            raise _voc_missing(error, *args, **kwargs) from None
        kept = _kept([Path(path).name for path in self.images], limiter)
        self.images = [self.images[number] for number in kept]
        self.targets = [self.targets[number] for number in kept]
        _check_there("VOC", [*self.images, *self.targets])


class CocoDetection(torchvision.datasets.CocoDetection):
    """COCO with the outlines of its objects.

    Args:
        root: the folder of images.
        annFile: the file of annotations, `instances_val2014.json`.
        args, kwargs: of torchvision's class.
        limiter: only these images: a number for the first ones, or the names of their files.

    Raises:
        FileNotFoundError: something is missing; the message says what, and where it was looked for.
        ModuleNotFoundError: the package pycocotools is not installed.
        ValueError: the annotations are damaged.
    """

    ids: list[int]
    classes = COCO_CLASSES
    collate = staticmethod(collate)
    as_class_ids = staticmethod(coco_as_class_ids)

    def __init__(
        self, root: str | Path, annFile: str | Path, *args: Any, limiter: Any = None, **kwargs: Any
    ) -> None:
        if not Path(annFile).is_file():
            raise FileNotFoundError(f"COCO's annotations are missing: there is no file {annFile}.")
        try:
            with redirect_stdout(StringIO()):
                # pycocotools prints how long it takes.
                super().__init__(root, str(annFile), *args, **kwargs)
        except ModuleNotFoundError as error:
            raise ModuleNotFoundError(
                "COCO is read by the package pycocotools, which is missing: "
                "pip install 'course-lib[benchmark]'.",
                name=error.name,
            ) from None
        except (ValueError, AssertionError) as error:
            raise ValueError(f"COCO's annotations {annFile} are damaged: {error}.") from None
        names = [self.coco.imgs[number]["file_name"] for number in self.ids]
        self.ids = [self.ids[number] for number in _kept(names, limiter)]
        _check_there("COCO", [str(Path(root) / self.coco.imgs[n]["file_name"]) for n in self.ids])

    def as_image_size(self, label: Sequence[Label]) -> tuple[int, int]:
        """`coco_as_image_size`."""
        return coco_as_image_size(self, label)

    def as_image_name(self, label: Sequence[Label]) -> str:
        """`coco_as_image_name`."""
        return coco_as_image_name(self, label)

    def as_mask(self, label: Sequence[Label], class_id: int) -> torch.Tensor:
        """`coco_as_mask`."""
        return coco_as_mask(self, label, class_id)


def get_dataset(
    name: str,
    subset: str,
    dataset_dir: str | Path | None = None,
    annotation_dir: str | Path | None = None,
    transform: Callable[..., Any] | None = None,
    download: bool = False,
    limiter: Any = None,
) -> Any:
    """A data set by its name.

    Args:
        name: "voc_2007" to "voc_2012", "coco", or "imagenet".
        subset: "test", "val", "train", ...; of COCO, "val2014" or "train2014".
        dataset_dir: where it lies; what `utils.get_config` says if None. For VOC the folder with
            VOCdevkit in it, for the others that with a folder of each subset.
        annotation_dir: of COCO, where `instances_val2014.json` lies.
        transform: what is done to each image, as `models.get_transform` gives it.
        download: of VOC: download it if it is not there.
        limiter: only these images: a number for the first ones, or the names of their files.

    Raises:
        ValueError: there is no such data set.
        FileNotFoundError: it is not there, or not all of it.
    """
    places = get_config()["benchmark"]
    kind, _, year = name.partition("_")
    if kind == "voc" and (year or "2007") in _YEARS:
        return VOCDetection(
            dataset_dir or places["voc_dir"],
            year=year or "2007",
            image_set=subset,
            download=download,
            transform=transform,
            limiter=limiter,
        )
    if kind == "coco":
        annotations = Path(annotation_dir or places["coco_anno_dir"])
        return CocoDetection(
            Path(dataset_dir or places["coco_dir"]) / subset,
            annotations / f"instances_{subset}.json",
            transform=transform,
            limiter=limiter,
        )
    if kind == "imagenet":
        folder = Path(dataset_dir or places["imagenet_dir"]) / subset
        if not folder.is_dir():
            raise FileNotFoundError(f"ImageNet is missing: there is no folder {folder}.")
        return ImageFolder(folder, transform=transform, limiter=limiter)
    raise ValueError(f"There is no data set {name!r}: give voc_2007 to voc_2012, coco or imagenet.")


def _kept(names: list[str], limiter: Any) -> Sequence[int]:
    """Which of the images a limiter leaves."""
    if limiter is None:
        return range(len(names))
    if is_whole(limiter, least=1):
        return range(min(int(limiter), len(names)))
    if isinstance(limiter, str) or not all(isinstance(name, str) for name in limiter):
        raise ValueError(f"limiter is a number of images or a list of names, not {limiter!r}.")
    place = {name: number for number, name in enumerate(names)}
    unknown = [name for name in limiter if name not in place]
    if unknown:
        raise ValueError(f"There is no image {unknown[0]!r} in this data set.")
    return [place[name] for name in limiter]


def _check_there(name: str, files: list[str]) -> None:
    missing = [file for file in files if not Path(file).is_file()]
    if missing:
        raise FileNotFoundError(
            f"{name} is not complete: {len(missing)} of {len(files)} files are missing, the first "
            f"of them {missing[0]}."
        )


def _voc_missing(
    error: Exception,
    root: str | Path,
    year: str = "2012",
    image_set: str = "train",
    *args: Any,
    **kwargs: Any,
) -> FileNotFoundError:
    folder = Path(root) / "VOCdevkit" / f"VOC{year}"
    listed = folder / "ImageSets" / "Main" / f"{image_set}.txt"
    what = f"no folder {folder}" if not folder.is_dir() else f"no list of images {listed}"
    return FileNotFoundError(f"VOC {year} {image_set} is missing: there is {what}.")
