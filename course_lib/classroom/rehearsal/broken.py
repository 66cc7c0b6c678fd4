"""Submissions that are broken in the ways in which files break, and what each should get."""

from __future__ import annotations

import json
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass

from course_lib.exercises import Exercise

from .notebooks import Notebook, as_bytes, blank, solved, with_answer, with_cell

Make = Callable[[str, Exercise], bytes]


@dataclass(frozen=True)
class Broken:
    """A broken submission.

    Attributes:
        name: what is the matter with it.
        make: (lesson, its first exercise) -> the file.
        target: what it should get for the lesson's first exercise; empty where nothing in the
            file can be graded.
        others: what it should get for all others.
    """

    name: str
    make: Make
    target: str = "right"
    others: str = "right"


def _corrupt(lesson: str, first: Exercise) -> bytes:
    return as_bytes(solved(lesson))[:-200]


def _deep(lesson: str, first: Exercise) -> bytes:
    return b"[" * 200_000 + b"]" * 200_000


def _no_cells(lesson: str, first: Exercise) -> bytes:
    return as_bytes({**solved(lesson), "cells": []})


def _no_answer(lesson: str, first: Exercise) -> bytes:
    notebook = solved(lesson)
    notebook["cells"] = [c for c in notebook["cells"] if c["id"] != f"answer-{first.name}"]
    return as_bytes(notebook)


def _answers_alone(lesson: str, first: Exercise) -> bytes:
    notebook = solved(lesson)
    notebook["cells"] = [c for c in notebook["cells"] if c["id"].startswith("answer-")]
    return as_bytes(notebook)


def _twice(lesson: str, first: Exercise) -> bytes:
    """The first copy is wrong, the last one right."""
    notebook = with_answer(solved(lesson), first.name, f"{first.answer} = None")
    notebook["cells"] += [c for c in solved(lesson)["cells"] if c["id"] == f"answer-{first.name}"]
    return as_bytes(notebook)


def _twice_and_empty(lesson: str, first: Exercise) -> bytes:
    """The last copy is as it was handed out."""
    notebook = solved(lesson)
    notebook["cells"] += [c for c in blank(lesson)["cells"] if c["id"] == f"answer-{first.name}"]
    return as_bytes(notebook)


def _everything_twice(lesson: str, first: Exercise) -> bytes:
    notebook = solved(lesson)
    notebook["cells"] += deepcopy(notebook["cells"])
    return as_bytes(notebook)


def _reordered(lesson: str, first: Exercise) -> bytes:
    notebook = solved(lesson)
    notebook["cells"].reverse()
    return as_bytes(notebook)


def _retyped(lesson: str, first: Exercise) -> bytes:
    notebook = solved(lesson)
    for cell in notebook["cells"]:
        if cell["id"].startswith("answer-"):
            cell["cell_type"] = "raw"
    return as_bytes(notebook)


def _renamed(lesson: str, first: Exercise) -> bytes:
    source = "".join(
        "".join(cell["source"])
        for cell in solved(lesson)["cells"]
        if cell["id"] == f"answer-{first.name}"
    )
    renamed = source.replace(first.answer, f"my_{first.answer}")
    return as_bytes(with_answer(solved(lesson), first.name, renamed))


def _edited_checks(lesson: str, first: Exercise) -> bytes:
    """Locked cells say that all is right, and are worth a thousand points each."""
    notebook = blank(lesson)
    for cell in notebook["cells"]:
        if cell["id"].startswith("check-"):
            cell["source"] = "print('✓ right')"
            cell["metadata"]["nbgrader"]["points"] = 1000
    return as_bytes(notebook)


def _forged_ids(lesson: str, first: Exercise) -> bytes:
    """Every cell says that it is the first answer's."""
    notebook = solved(lesson)
    for cell in notebook["cells"]:
        if cell["cell_type"] == "markdown":
            cell["id"] = f"answer-{first.name}"
            cell["metadata"]["nbgrader"] = {"grade_id": f"answer-{first.name}", "points": 1000}
    return as_bytes(notebook)


def _fake_kernel(lesson: str, first: Exercise) -> bytes:
    notebook = solved(lesson)
    notebook["metadata"]["kernelspec"] = {"name": "bash; rm -rf /", "argv": ["/bin/sh"]}
    return as_bytes(notebook)


def _syntax_error(lesson: str, first: Exercise) -> bytes:
    return as_bytes(with_answer(solved(lesson), first.name, f"def {first.answer}(:\n    pass"))


def _own_cells(lesson: str, first: Exercise) -> bytes:
    notebook = with_cell(solved(lesson), "def my_helper(x):\n    return x\n\nmy_helper(1)")
    notebook = with_cell(notebook, "1 / 0", 5)
    return as_bytes(with_cell(notebook, "%%time\nimport math", -1))


def _version_3(lesson: str, first: Exercise) -> bytes:
    """As IPython 2 saved it: worksheets, `input` instead of `source`, no ids."""
    cells = [_old(cell) for cell in solved(lesson)["cells"]]
    notebook = {
        "metadata": {"name": lesson},
        "nbformat": 3,
        "nbformat_minor": 0,
        "worksheets": [{"cells": cells, "metadata": {}}],
    }
    return json.dumps(notebook).encode()


def _old(cell: Notebook) -> Notebook:
    if cell["cell_type"] != "code":
        return {"cell_type": "markdown", "metadata": cell["metadata"], "source": cell["source"]}
    return {
        "cell_type": "code",
        "collapsed": False,
        "input": cell["source"],
        "language": "python",
        "metadata": cell["metadata"],
        "outputs": [],
    }


def _colab(lesson: str, first: Exercise) -> bytes:
    """As Colab saves it: format 4.0, ids of its own in the metadata."""
    notebook = solved(lesson)
    notebook["nbformat_minor"] = 0
    notebook["metadata"]["colab"] = {"provenance": []}
    for number, cell in enumerate(notebook["cells"]):
        del cell["id"]
        cell["metadata"]["id"] = f"Xy{number:010}"
    return as_bytes(notebook)


def _bare(lesson: str, first: Exercise) -> bytes:
    """As some editors save it: no ids, no metadata, and Windows' line ends."""
    notebook = solved(lesson)
    notebook["nbformat_minor"] = 2
    for cell in notebook["cells"]:
        del cell["id"]
        cell["metadata"] = {}
        cell["source"] = "".join(cell["source"]).replace("\n", "\r\n")
    return b"\xef\xbb\xbf" + json.dumps(notebook).encode()


ALL = [
    Broken("corrupt JSON", _corrupt, ""),
    Broken("an empty file", lambda lesson, first: b"", ""),
    Broken("JSON that is no notebook", lambda lesson, first: b'{"cells": 3, "a": [1]}', ""),
    Broken("a list instead of a notebook", lambda lesson, first: b"[1, 2]", ""),
    Broken("brackets without end", _deep, ""),
    Broken("no text at all", lambda lesson, first: bytes(range(256)) * 64, ""),
    Broken("a notebook without a cell", _no_cells, "not attempted", "not attempted"),
    Broken("a missing answer", _no_answer, "not attempted"),
    Broken("answers alone", _answers_alone),
    Broken("an answer twice", _twice),
    Broken("an answer twice, the copy empty", _twice_and_empty),
    Broken("everything twice", _everything_twice),
    Broken("everything in reverse", _reordered),
    Broken("retyped cells", _retyped),
    Broken("another name", _renamed, "not attempted"),
    Broken("edited checks and points", _edited_checks, "not attempted", "not attempted"),
    Broken("forged ids", _forged_ids),
    Broken("a kernel that does not exist", _fake_kernel),
    Broken("a syntax error", _syntax_error, "error"),
    Broken("cells of its own", _own_cells),
    Broken("format 3", _version_3),
    Broken("saved by Colab", _colab),
    Broken("saved without metadata", _bare),
]
