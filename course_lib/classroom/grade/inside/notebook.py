"""Read a submitted notebook: whoever saved it, in whatever format, as far as it can be read."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

CELLS = 5000
"""The most cells that are read."""


class Unreadable(ValueError):
    """A file that is no notebook; the message is a sentence for the student."""


@dataclass(frozen=True)
class Cell:
    """A cell of a submission: its place, the ids it carries, whether it is code, its text."""

    place: int
    ids: tuple[str, ...]
    is_code: bool
    source: str


def read_notebook(content: bytes) -> list[Cell]:
    """The cells of a notebook, format 2 to 4, complete or not.

    Args:
        content: the file.

    Raises:
        Unreadable: it is no notebook.
    """
    if not content.strip():
        raise Unreadable("The file is empty.")
    try:
        notebook = json.loads(content.decode("utf-8-sig"))
    except (ValueError, RecursionError, MemoryError):
        raise Unreadable(
            "The file is damaged: it is not JSON, as every notebook is. Save it again from "
            "JupyterLab and hand that in."
        ) from None
    if not isinstance(notebook, dict):
        raise Unreadable("The file is JSON but no notebook: it has no cells.")
    found = notebook.get("cells")
    if not isinstance(found, list):
        sheets = notebook.get("worksheets")
        if not isinstance(sheets, list):
            raise Unreadable("The file is JSON but no notebook: it has no cells.")
        found = [
            cell
            for sheet in sheets
            if isinstance(sheet, dict) and isinstance(sheet.get("cells"), list)
            for cell in sheet["cells"]
        ]
    cells = [_cell(place, cell) for place, cell in enumerate(found[:CELLS]) if type(cell) is dict]
    return [cell for cell in cells if cell.source.strip()]


def _cell(place: int, cell: dict[str, Any]) -> Cell:
    source = cell.get("source", cell.get("input", ""))
    if isinstance(source, list):
        source = "".join(line for line in source if isinstance(line, str))
    metadata = cell.get("metadata")
    metadata = metadata if isinstance(metadata, dict) else {}
    nbgrader = metadata.get("nbgrader")
    nbgrader = nbgrader if isinstance(nbgrader, dict) else {}
    # nbgrader's id stays when Colab or an old Jupyter gives the cell another one
    ids = [nbgrader.get("grade_id"), cell.get("id"), metadata.get("id")]
    return Cell(
        place,
        tuple(dict.fromkeys(i for i in ids if isinstance(i, str))),
        cell.get("cell_type") == "code",
        source if isinstance(source, str) else "",
    )
