"""VOC, COCO and folders of images, on small ones that are drawn here."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.utils.data import DataLoader
from torchvision.transforms.functional import to_tensor

from course_lib.benchmark.datasets import (
    COCO_CLASSES,
    IMAGENET_CLASSES,
    VOC_CLASSES,
    CocoDetection,
    ImageFolder,
    VOCDetection,
    coco_as_class_ids,
    get_dataset,
    voc_as_class_ids,
    voc_as_mask,
)
from course_lib.benchmark.pointing_game import PointingGameBenchmark
from tests.benchmark.drawn import COCO_NAMES, HEIGHT, SCENES, WIDTH, draw_coco, draw_voc

# pycocotools 2.0.11 speaks to NumPy 2 as to NumPy 1.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

needs_pycocotools = pytest.mark.skipif(
    find_spec("pycocotools") is None, reason="pycocotools is not installed"
)


def box_mask(name: str, category: str) -> torch.Tensor:
    """Where a class is in a drawn image."""
    mask = torch.zeros(HEIGHT, WIDTH, dtype=torch.bool)
    for kind, (left, upper, right, lower) in SCENES[name]:
        if kind == category:
            mask[upper:lower, left:right] = True
    return mask


@pytest.fixture
def voc(tmp_path: Path) -> VOCDetection:
    draw_voc(tmp_path)
    return get_dataset("voc_2007", "test", dataset_dir=tmp_path, transform=to_tensor)


@pytest.fixture
def coco(tmp_path: Path) -> CocoDetection:
    pytest.importorskip("pycocotools")
    _, annotations = draw_coco(tmp_path)
    return get_dataset(
        "coco", "val2014", tmp_path, annotation_dir=annotations.parent, transform=to_tensor
    )


def test_classes_have_the_data_sets_names_and_order() -> None:
    assert (len(VOC_CLASSES), len(COCO_CLASSES), len(IMAGENET_CLASSES)) == (20, 80, 1000)
    assert sorted(VOC_CLASSES) == VOC_CLASSES
    assert (VOC_CLASSES[0], VOC_CLASSES[14], VOC_CLASSES[19]) == (
        "aeroplane",
        "person",
        "tvmonitor",
    )
    assert (COCO_CLASSES[0], COCO_CLASSES[79]) == ("person", "toothbrush")
    assert len(set(COCO_CLASSES)) == 80
    for name, category in COCO_NAMES.items():
        assert COCO_CLASSES[coco_as_class_ids([{"category_id": category}])[0]] == name


def test_voc(voc: VOCDetection) -> None:
    assert len(voc) == 3
    for (image, label), (name, objects) in zip(voc, SCENES.items(), strict=True):
        assert image.shape == (3, HEIGHT, WIDTH)
        names = {category for category, _ in objects}
        assert voc.as_class_ids(label) == voc_as_class_ids(label)
        assert {VOC_CLASSES[number] for number in voc.as_class_ids(label)} == names
        assert voc.as_image_size(label) == (WIDTH, HEIGHT)
        assert voc.as_image_name(label) == f"{name}.jpg"
        for category in names:
            number = VOC_CLASSES.index(category)
            assert torch.equal(voc.as_mask(label, number), box_mask(name, category))
            assert torch.equal(voc_as_mask(label, number), box_mask(name, category))
        assert not voc.as_mask(label, VOC_CLASSES.index("train")).any()


def test_coco(coco: CocoDetection) -> None:
    assert len(coco) == 3
    for (image, label), (name, objects) in zip(coco, SCENES.items(), strict=True):
        assert image.shape == (3, HEIGHT, WIDTH)
        names = {category for category, _ in objects}
        assert {COCO_CLASSES[number] for number in coco.as_class_ids(label)} == names
        assert coco.as_image_size(label) == (WIDTH, HEIGHT)
        assert coco.as_image_name(label) == f"{name}.jpg"
        for category in names:
            mask = coco.as_mask(label, COCO_CLASSES.index(category))
            assert torch.equal(mask, box_mask(name, category))
    with pytest.raises(ValueError, match="without objects"):
        coco.as_image_size([])


def test_coco_prints_nothing(coco: CocoDetection, capsys: pytest.CaptureFixture[str]) -> None:
    assert capsys.readouterr().out == ""


def test_without_pycocotools_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    images, annotations = draw_coco(tmp_path)
    monkeypatch.setitem(sys.modules, "pycocotools", None)
    monkeypatch.setitem(sys.modules, "pycocotools.coco", None)
    with pytest.raises(ModuleNotFoundError, match=r"pip install 'course-lib\[benchmark\]'"):
        CocoDetection(images, annotations)


def test_a_loader_gets_batches(voc: VOCDetection) -> None:
    loader: Any = DataLoader(voc, batch_size=2, collate_fn=voc.collate)
    (images, labels), (rest, last) = loader
    assert images.shape == (2, 3, HEIGHT, WIDTH)
    assert rest.shape == (1, 3, HEIGHT, WIDTH)
    assert [voc.as_image_name(label) for label in [*labels, *last]] == [f"{n}.jpg" for n in SCENES]
    sizes, _ = voc.collate([(torch.zeros(3, 4, 5), {}), (torch.zeros(3, 4, 6), {})])
    assert [image.shape[2] for image in sizes] == [5, 6]


def test_a_limiter_leaves_the_first_images_or_those_named(tmp_path: Path) -> None:
    draw_voc(tmp_path)

    def names(limiter: Any) -> list[str]:
        data = get_dataset("voc", "test", tmp_path, limiter=limiter)
        return [data.as_image_name(label) for _, label in data]

    assert names(2) == ["000001.jpg", "000002.jpg"]
    assert names(["000003.jpg", "000001.jpg"]) == ["000003.jpg", "000001.jpg"]
    with pytest.raises(ValueError, match=r"no image 'cat.jpg'"):
        names(["cat.jpg"])
    with pytest.raises(ValueError, match="a number of images or a list of names"):
        names("000001.jpg")


def test_a_folder_of_images(tmp_path: Path) -> None:
    source = draw_voc(tmp_path / "voc") / "JPEGImages"
    for number, file in enumerate(sorted(source.iterdir())):
        place = tmp_path / "imagenet" / "val" / f"class_{number}"
        place.mkdir(parents=True)
        file.rename(place / file.name)
    data = get_dataset("imagenet", "val", tmp_path / "imagenet", limiter=2, transform=to_tensor)
    assert isinstance(data, ImageFolder)
    assert [label for _, label in data] == data.targets == [0, 1]
    assert data.as_class_ids(data[1][1]) == [1]


def test_what_is_missing_is_named_with_its_place(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"VOC 2007 test is missing: .*no folder .*VOC2007"):
        get_dataset("voc_2007", "test", tmp_path)
    with pytest.raises(FileNotFoundError, match=r"no file .*instances_val2014\.json"):
        get_dataset("coco", "val2014", tmp_path, tmp_path)
    with pytest.raises(FileNotFoundError, match=r"no folder .*val"):
        get_dataset("imagenet", "val", tmp_path)
    folder = draw_voc(tmp_path)
    with pytest.raises(FileNotFoundError, match=r"no list of images .*Main/train\.txt"):
        get_dataset("voc_2007", "train", tmp_path)
    (folder / "Annotations" / "000003.xml").unlink()
    (folder / "JPEGImages" / "000002.jpg").unlink()
    with pytest.raises(FileNotFoundError, match=r"2 of 6 files are missing, .*000002\.jpg"):
        get_dataset("voc_2007", "test", tmp_path)
    assert len(get_dataset("voc_2007", "test", tmp_path, limiter=1)) == 1


@needs_pycocotools
def test_a_coco_half_downloaded_is_named(tmp_path: Path) -> None:
    images, annotations = draw_coco(tmp_path)
    (images / "000002.jpg").unlink()
    with pytest.raises(FileNotFoundError, match=r"1 of 3 files are missing, .*000002\.jpg"):
        CocoDetection(images, annotations)
    annotations.write_text(annotations.read_text()[:200])
    with pytest.raises(ValueError, match=r"instances_val2014\.json are damaged"):
        CocoDetection(images, annotations)


def test_an_unknown_data_set_is_refused() -> None:
    for name in ("pets", "voc_1999"):
        with pytest.raises(ValueError, match="give voc_2007 to voc_2012, coco or imagenet"):
            get_dataset(name, "test")


@pytest.mark.parametrize("kind", ["voc", "coco"])
def test_the_benchmark_on_a_data_set(kind: str, request: pytest.FixtureRequest) -> None:
    data = request.getfixturevalue(kind)
    everything = PointingGameBenchmark(data, tolerance=3)
    difficult = PointingGameBenchmark(data, tolerance=3, difficult=True)
    for _, label in data:
        for class_id in data.as_class_ids(label):
            # A point on one of the boxes of the first image's dog.
            for game in (everything, difficult):
                game.accumulate(game.evaluate(label, class_id, (6, 6)), class_id)
    names = data.classes
    asked = {names[n] for n in (everything.hits + everything.misses).nonzero().flatten().tolist()}
    assert asked == {"dog", "cat", "person", "boat", "bird"}
    asked = {names[n] for n in (difficult.hits + difficult.misses).nonzero().flatten().tolist()}
    assert asked == {"dog", "boat", "bird"}
    assert {names[n] for n in everything.hits.nonzero().flatten().tolist()} == {"dog", "person"}
    assert float(everything.accuracy) == pytest.approx(2 / 5)
    assert float(difficult.accuracy) == pytest.approx(1 / 3)


def test_a_list_of_difficult_pairs_overrides(voc: VOCDetection, tmp_path: Path) -> None:
    listed = tmp_path / "difficult.csv"
    listed.write_text("000001.jpg,cat\n000002.jpg,14\n")
    game = PointingGameBenchmark(voc, difficult=listed)
    pairs = [
        (name, VOC_CLASSES[number])
        for (_, label), name in zip(voc, SCENES, strict=True)
        for number in voc.as_class_ids(label)
        if game.evaluate(label, number, (6, 6)) != 0
    ]
    assert pairs == [("000001", "cat"), ("000002", "person")]
    for wrong in ("000001.jpg", "000001.jpg,unicorn", "000001.jpg,20"):
        listed.write_text(f"000001.jpg,cat\n{wrong}\n")
        with pytest.raises(ValueError, match=r"Line 2 of .* is not 'image,class'"):
            PointingGameBenchmark(voc, difficult=listed)
    with pytest.raises(FileNotFoundError, match=r"nowhere\.csv is not there"):
        PointingGameBenchmark(voc, difficult=tmp_path / "nowhere.csv")


def test_an_image_without_the_class_is_refused(voc: VOCDetection) -> None:
    with pytest.raises(ValueError, match="mask is empty"):
        PointingGameBenchmark(voc).evaluate(voc[0][1], VOC_CLASSES.index("train"), (0, 0))
    with pytest.raises(TypeError, match="must be a VOCDetection or CocoDetection"):
        PointingGameBenchmark([1, 2, 3])
