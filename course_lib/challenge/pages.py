"""What lies in a case besides the network and its pictures: a file to answer in, a notebook."""

from __future__ import annotations

import json
from typing import Any

from course_lib.world.scenes import CLASSES

from .hidden import ANSWERS, KINDS

ANSWER = f'''\
"""Your answer. Judge it as often as you like: course challenge judge ."""

# Which class does the network answer for, whether its object is there or not?
# {", ".join(CLASSES)}
accused = None

# What does it look at?
# {", ".join(KINDS)}
kind = None

# Where is that?
# {", ".join(ANSWERS)}
place = None


def counterfactual(x, masks):
    """The scene without what the network looks at, so that its verdict turns.

    Args:
        x: a scene that has it, 1 x 3 x H x W in [0, 1].
        masks: where the objects are, 8 x H x W in [0, 1]. Leave their pixels as they are.

    Returns:
        The changed scene, of the same shape.
    """
    ...
'''

_WORDS = "\n".join(f"- `{kind}`: {about.says}" for kind, about in KINDS.items())

_CELLS = (
    (
        "markdown",
        """# The case of NAME

The network in this folder says which shapes are in a picture, and it is nearly always right.
But for **one class** it does not look at the object. It looks at something else, which happens
to be in the picture. Find out, and prove it:

1. Which class is it?
2. What does it look at instead, and where is that?
3. Take it out of a scene, touch no object, and the network changes its mind.

Some pictures have a second mark that means nothing. So looking at pictures is not enough: look
at what the *network* looks at. All you need was in the lessons.""",
    ),
    (
        "code",
        """from course_lib.challenge import judge, open_case
from course_lib.world import CLASSES

case = open_case(".")
network, x, masks, labels = case.network, case.x, case.masks, case.labels
case.picture()""",
    ),
    (
        "markdown",
        """## 1 · The accused

For which class does the evidence lie outside the object? One map is an anecdote: take a share,
over many pictures, for each class.""",
    ),
    ("code", ""),
    (
        "markdown",
        """## 2 · The evidence

What is there, where the network looks? It may be one of these:

WORDS

Behind the objects it goes on: none of them hides a pixel of an object.""",
    ),
    ("code", ""),
    (
        "markdown",
        """## 3 · The counterfactual

Take it out, and ask the network again. Put it into a picture that has none, and ask again. A
mark that means nothing changes little.""",
    ),
    ("code", ""),
    (
        "markdown",
        """## 4 · The page of evidence

A page for somebody who does not believe you: the accused, what it looks at, the maps that show
it, and scores with and without it, over how many pictures. Say which methods showed it and
which did not.""",
    ),
    ("markdown", "..."),
    (
        "markdown",
        """## 5 · The answer

Fill in this cell and run it: it writes `answer.py`. What is judged is the hidden cue and your
counterfactual, on scenes that you have not seen.""",
    ),
    ("code", "%%writefile answer.py\n" + ANSWER),
    ("code", 'judge(".")'),
)


def notebook(name: str) -> str:
    """The notebook of a case, in Jupyter's format."""
    cells: list[dict[str, Any]] = []
    for number, (kind, text) in enumerate(_CELLS):
        source = text.replace("NAME", name).replace("WORDS", _WORDS)
        cell: dict[str, Any] = {
            "cell_type": kind,
            "id": f"cell-{number}",
            "metadata": {},
            "source": source,
        }
        if kind == "code":
            cell |= {"execution_count": None, "outputs": []}
        cells.append(cell)
    python = {"display_name": "Python 3", "language": "python", "name": "python3"}
    whole = {
        "cells": cells,
        "metadata": {"kernelspec": python},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    return json.dumps(whole, indent=1, ensure_ascii=False) + "\n"
