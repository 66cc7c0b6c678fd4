"""docs/torchray.md: each name that it lists imports, and none of the benchmark's is missing."""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path

import pytest

PAGE = (Path(__file__).parents[1] / "docs" / "torchray.md").read_text(encoding="utf-8")


def listed() -> list[tuple[str, str]]:
    """Module and name of everything in the page's tables."""
    found, module = [], ""
    for line in PAGE.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if not line.startswith("|") or cells[0] == "module" or cells[0].startswith(":"):
            continue
        module = cells[0].strip("`") or module
        found += [(module, name) for name in re.findall(r"`(\w+)`", cells[1])]
    return found


@pytest.mark.parametrize(("module", "name"), listed(), ids=".".join)
def test_each_name_imports(module: str, name: str) -> None:
    assert hasattr(import_module(f"course_lib.{module}"), name)


def test_the_table_is_read_whole() -> None:
    names = {name for _, name in listed()}
    assert len(listed()) > 70
    assert {"Patch", "collate", "mongo_save", "xmkdir", "BLUR_PERTURBATION"} <= names


@pytest.mark.parametrize("module", ["datasets", "models", "logging"])
def test_what_the_benchmark_offers_is_listed(module: str) -> None:
    offered = set(import_module(f"course_lib.benchmark.{module}").__all__)
    own = {"voc_as_image_name", "coco_as_image_name"}
    assert offered - own == {n for m, n in listed() if m == f"benchmark.{module}"}
