"""`make lab TORCH=cpu` asks uv for PyTorch's build without CUDA, with everything else pinned."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

pytestmark = pytest.mark.skipif(shutil.which("make") is None, reason="there is no make")


def make(folder: Path, *arguments: str) -> str:
    """What make says in a folder in which the installer seems to be there already."""
    for name in ("Makefile", "constraints.txt", "pyproject.toml"):
        shutil.copy(ROOT / name, folder)
    uv = folder / ".venv" / "bin" / "uv"
    uv.parent.mkdir(parents=True)
    uv.touch()
    return subprocess.run(
        ["make", *arguments], cwd=folder, capture_output=True, text=True, check=True
    ).stdout


def test_only_the_hashes_of_torch_and_torchvision_are_left_out(tmp_path: Path) -> None:
    make(tmp_path, ".venv/constraints.txt", "TORCH=cpu")
    pinned = (ROOT / "constraints.txt").read_text().replace(" \\\n", " ").splitlines()
    found = (tmp_path / ".venv/constraints.txt").read_text().replace(" \\\n", " ").splitlines()
    expected = [
        line.split(" ")[0] if line.startswith(("torch==", "torchvision==")) else line
        for line in pinned
    ]
    assert found == expected
    assert sum("--hash" not in line for line in found) == 2


@pytest.mark.parametrize(
    ("arguments", "asked"),
    [
        ([], "pip install --constraints constraints.txt"),
        (["TORCH=cpu"], "pip install --constraints .venv/constraints.txt --torch-backend cpu"),
    ],
)
def test_uv_is_asked_for_the_build(tmp_path: Path, arguments: list[str], asked: str) -> None:
    assert asked in make(tmp_path, "-n", "lab", *arguments)
