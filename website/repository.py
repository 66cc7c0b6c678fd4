"""Addresses in the public repository, where the build knows it: in GitHub's workflows."""

from __future__ import annotations

import os


def repository() -> str:
    """Return `owner/name`, empty where there is none."""
    return os.environ.get("GITHUB_REPOSITORY", "")


def file_address(path: str) -> str:
    """Return the address of a file of the repository; empty where there is none."""
    return f"https://github.com/{repository()}/blob/HEAD/{path}" if repository() else ""


def open_elsewhere(notebook: str) -> str:
    """Return the Markdown line that opens a lesson without installing; empty without a repository.

    Args:
        notebook: the lesson's file, `00_start_here.ipynb`.
    """
    name = repository()
    if not name:
        return ""
    binder = f"https://mybinder.org/v2/gh/{name}/HEAD?urlpath=lab/tree/work/{notebook}"
    colab = f"https://colab.research.google.com/github/{name}/blob/HEAD/notebooks/{notebook}"
    return (
        f"Without installing: [open in Binder]({binder}), or [in Colab]({colab}), there with "
        f"`%pip install git+https://github.com/{name}` in a cell above the first."
    )
