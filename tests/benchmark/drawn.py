"""Small data sets in the layouts of VOC and COCO, drawn for the tests."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import numpy as np
from PIL import Image

WIDTH, HEIGHT = 60, 40

SCENES: dict[str, list[tuple[str, tuple[int, int, int, int]]]] = {
    # Name of an image: its objects, each a class of VOC and a box of columns and rows from 0 on,
    # the last ones not included.
    "000001": [("dog", (5, 5, 15, 15)), ("cat", (20, 0, 60, 40))],
    "000002": [("person", (0, 0, 10, 10)), ("person", (50, 30, 60, 40))],
    "000003": [("boat", (10, 10, 30, 20)), ("bird", (30, 20, 40, 30))],
}
"""In the first, the dog is difficult and the cat, on two thirds of the image, is not; in the
second there is one class alone; in the third both are difficult."""

COCO_NAMES = {"dog": 18, "cat": 17, "person": 1, "boat": 9, "bird": 16}
"""Categories of COCO."""


def _picture(name: str) -> Image.Image:
    pixels = np.random.default_rng(int(name)).integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8)
    return Image.fromarray(pixels)


def draw_voc(root: Path, year: str = "2007", subset: str = "test") -> Path:
    """Draw VOCdevkit below a folder, and return the folder of that year."""
    folder = root / "VOCdevkit" / f"VOC{year}"
    for name in ("JPEGImages", "Annotations", "ImageSets/Main"):
        (folder / name).mkdir(parents=True)
    (folder / "ImageSets" / "Main" / f"{subset}.txt").write_text("\n".join(SCENES) + "\n")
    for name, objects in SCENES.items():
        _picture(name).save(folder / "JPEGImages" / f"{name}.jpg")
        top = ET.Element("annotation")
        ET.SubElement(top, "filename").text = f"{name}.jpg"
        size = ET.SubElement(top, "size")
        for tag, value in (("width", WIDTH), ("height", HEIGHT), ("depth", 3)):
            ET.SubElement(size, tag).text = str(value)
        for category, (left, upper, right, lower) in objects:
            thing = ET.SubElement(top, "object")
            ET.SubElement(thing, "name").text = category
            ET.SubElement(thing, "difficult").text = "0"
            box = ET.SubElement(thing, "bndbox")
            edges = {"xmin": left + 1, "ymin": upper + 1, "xmax": right, "ymax": lower}
            for tag, value in edges.items():
                ET.SubElement(box, tag).text = str(value)
        ET.ElementTree(top).write(folder / "Annotations" / f"{name}.xml")
    return folder


def draw_coco(root: Path, subset: str = "val2014") -> tuple[Path, Path]:
    """Draw a folder of images and a file of annotations, and return both."""
    images = root / subset
    images.mkdir(parents=True)
    (root / "annotations").mkdir()
    described: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for name, objects in SCENES.items():
        _picture(name).save(images / f"{name}.jpg")
        described.append(
            {"id": int(name), "file_name": f"{name}.jpg", "width": WIDTH, "height": HEIGHT}
        )
        for category, (left, upper, right, lower) in objects:
            corners = [left, upper, right, upper, right, lower, left, lower]
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": int(name),
                    "category_id": COCO_NAMES[category],
                    "segmentation": [corners],
                    "bbox": [left, upper, right - left, lower - upper],
                    "area": (right - left) * (lower - upper),
                    "iscrowd": 0,
                }
            )
    categories = [{"id": number, "name": name} for name, number in COCO_NAMES.items()]
    file = root / "annotations" / f"instances_{subset}.json"
    file.write_text(
        json.dumps({"images": described, "annotations": annotations, "categories": categories})
    )
    return images, file
