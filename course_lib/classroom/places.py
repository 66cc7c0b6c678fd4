"""Where the course keeps its lessons: in a clone, or inside the installed wheel."""

from __future__ import annotations

import os
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent.parent
CARRIED = PACKAGE / "classroom" / "notebooks"


def repository() -> Path | None:
    """Return the clone that this package is imported from, or None for an installed wheel."""
    root = PACKAGE.parent
    return root if (root / "pyproject.toml").is_file() and (root / "solutions").is_dir() else None


def lesson_folder() -> Path:
    """Return the folder of the notebooks that learners get a copy of.

    Raises:
        ValueError: the installation carries none.
    """
    root = repository()
    folder = root / "notebooks" if root else CARRIED
    if not folder.is_dir():
        raise ValueError(f"There are no lessons in {folder}: install the course again.")
    return folder


def make_folder(folder: Path) -> Path:
    """Make a folder, with those above it, where it is missing, and return it.

    Raises:
        ValueError: a file is in its place, or it can't be made or written to.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError):
        file = next(path for path in (folder, *folder.parents) if path.exists())
        raise ValueError(f"{file} is a file; name a folder.") from None
    except OSError as error:
        raise ValueError(f"{folder} can't be made: {error.strerror}.") from None
    if not os.access(folder, os.W_OK):
        raise ValueError(f"{folder} can't be written to.")
    return folder


def lesson_files(folder: Path) -> list[Path]:
    """Return the lessons in a folder, `NN_name.ipynb`, in order."""
    return sorted(folder.glob("[0-9][0-9]_*.ipynb"))
