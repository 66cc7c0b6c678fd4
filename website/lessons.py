"""A lesson's page: its executed notebook, with the solutions behind a fold."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from course_lib.classroom.lesson import STUB

from .repository import open_elsewhere

# Where the pictures lie in the folder of sources; Sphinx copies `static` to `_static`.
PICTURES = "static/lessons"
_REGION = re.compile(
    r"^(?P<indent>[ \t]*)### BEGIN SOLUTION\n.*?^[ \t]*### END SOLUTION[^\n]*$", re.M | re.S
)
_MARKER = re.compile(r"^[ \t]*### (?:BEGIN|END) SOLUTION[^\n]*\n?", re.M)
_DATA = re.compile(r'src="data:image/png;base64,([A-Za-z0-9+/=\s]+)"')


def write_lessons(solutions: Path, folder: Path) -> list[str]:
    """Write the notebook of each lesson's page, and its pictures.

    Args:
        solutions: where the executed notebooks are.
        folder: the site's sources; lessons go into `lessons` inside.

    Returns:
        The names of the lessons' files, in order.
    """
    (folder / "lessons").mkdir()
    (folder / PICTURES).mkdir(parents=True)
    sources = sorted(solutions.glob("[0-9][0-9]_*.ipynb"))
    for source in sources:
        notebook = nbformat.read(source, as_version=4)
        page = lesson_page(notebook, source.name)
        for cell in page.cells:
            _move_pictures(cell, folder / PICTURES, source.stem[:2])
        nbformat.write(page, folder / "lessons" / source.name)
    return [source.name for source in sources]


def lesson_page(notebook: NotebookNode, name: str) -> NotebookNode:
    """Return the notebook of a lesson's page.

    The cell that looks for the course is left out. A cell to fill in comes twice: as learners get
    it, and, folded, as it is solved.

    Args:
        notebook: the executed one; its cells are changed.
        name: its file.
    """
    cells = list(notebook.cells)
    first, *others = [cell for cell in cells if cell.get("id") != "kernel"]
    line = open_elsewhere(name)
    notebook.cells = [first]
    if line:
        notebook.cells.append(nbformat.v4.new_markdown_cell(line))
    for cell in others:
        notebook.cells.extend(_shown(cell))
    return notebook


def _shown(cell: NotebookNode) -> Iterator[NotebookNode]:
    """Yield what stands on the page for a cell."""
    if cell.cell_type == "code" and _REGION.search(cell.source):
        yield nbformat.v4.new_code_cell(_REGION.sub(rf"\g<indent>{STUB}", cell.source))
        cell.source = _MARKER.sub("", cell.source)
        cell.metadata = NotebookNode(tags=["hide-input"])
    yield cell


def _move_pictures(cell: NotebookNode, folder: Path, lesson: str) -> None:
    """Write the pictures inside a cell's HTML outputs as files, to be loaded when they are seen."""

    def move(match: re.Match[str]) -> str:
        path = folder / f"{lesson}-{len(list(folder.glob(f'{lesson}-*'))) + 1:02}.png"
        path.write_bytes(base64.b64decode(match[1]))
        return f'loading="lazy" src="../_static/lessons/{path.name}"'

    for output in cell.get("outputs", []):
        if html := output.get("data", {}).get("text/html"):
            output.data["text/html"] = _DATA.sub(move, html)
