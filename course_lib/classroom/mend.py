"""`course mend`: give copied cells of a submission ids of their own, as nbgrader insists on."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any


def mend(submission: Path, say: Callable[[str], None] = print) -> list[Path]:
    """Make the ids of cells unique in a notebook, or in all notebooks of a folder.

    Of several cells with one id the last keeps it, since its answer is the one that counts; the
    others stay as ordinary cells. The notebook as it was is kept beside it, as `NAME.ipynb.bak`.

    Args:
        submission: a notebook or a folder.
        say: where a line for each notebook goes.

    Returns:
        The notebooks that were changed.

    Raises:
        ValueError: there is no such file, or one that is no notebook.
    """
    if not submission.exists():
        raise ValueError(f"There is no notebook or folder {submission}.")
    if submission.is_dir():
        paths = sorted(
            path
            for path in submission.rglob("*.ipynb")
            if ".ipynb_checkpoints" not in path.parts and path.is_file() and not path.is_symlink()
        )
    else:
        paths = [submission]
    changed = []
    for path in paths:
        try:
            content = path.read_bytes()
            notebook = json.loads(content.decode("utf-8-sig"))
            count = _make_unique(notebook["cells"])
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
            if path == submission:
                raise ValueError(f"{path} is no notebook that can be mended.") from None
            say(f"{path}: no notebook that can be mended")
            continue
        if count:
            path.with_name(f"{path.name}.bak").write_bytes(content)
            mended = json.dumps(notebook, indent=1, ensure_ascii=False) + "\n"
            # half a character is an escape in JSON, and nothing in UTF-8
            path.write_bytes(mended.encode("utf-8", "backslashreplace"))
            changed.append(path)
            say(f"{path}: {count} cop{'y' if count == 1 else 'ies'} of cells got new ids")
    if not changed:
        say("No cell is there twice.")
    return changed


def _make_unique(cells: list[dict[str, Any]]) -> int:
    """Give earlier copies new ids and take nbgrader's metadata from them; return their number."""
    ids: set[str] = set()
    graded: set[str] = set()
    count = 0
    for cell in reversed(cells):
        nbgrader = cell.get("metadata", {}).get("nbgrader", {})
        grade_id = nbgrader.get("grade_id")
        copied = grade_id is not None and grade_id in graded
        if copied:
            del cell["metadata"]["nbgrader"]
            for lock in ("deletable", "editable"):
                cell["metadata"].pop(lock, None)
        elif grade_id is not None:
            graded.add(grade_id)
        if copied or cell.get("id") in ids:
            count += 1
            if "id" in cell:
                cell["id"] = secrets.token_hex(4)
        if "id" in cell:
            ids.add(cell["id"])
    return count
