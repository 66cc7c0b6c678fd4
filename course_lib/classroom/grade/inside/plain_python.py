"""Python out of a cell: IPython's own syntax is taken away or made harmless."""

from __future__ import annotations

import ast
import re
import warnings
from typing import Any

HUGE = 20_000
"""The most characters of a cell that is looked into; a longer one is run as it is."""

_MOST_MAGICS = 50
"""The most lines of IPython's own in a cell that is translated; its time grows with the square."""

_MAGIC = re.compile(r"^\s*[%!?]|\?\s*$", re.MULTILINE)
_RUNS_ITS_BODY = re.compile(r"\A\s*%%(time|timeit|capture|prun)\b[^\n]*\n")


def plain_python(source: str) -> str:
    """The cell's text as Python; unchanged when it is Python already.

    `%%time` and its like go, other magics and `!commands` become calls of `get_ipython()`.
    """
    if len(source) > HUGE or parse(source) is not None:
        return source
    body = _RUNS_ITS_BODY.sub("\n", source)
    if parse(body) is not None:
        return body
    if len(_MAGIC.findall(body)) > _MOST_MAGICS:
        return source
    from IPython.core.inputtransformer2 import TransformerManager

    try:
        return str(TransformerManager().transform_cell(body))
    except Exception:  # it is not IPython's syntax either, which running it will say
        return source


def parse(source: str) -> ast.Module | None:
    """The syntax tree, or None where there is none, or too much of it."""
    if len(source) > HUGE:
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return ast.parse(source)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return None


class NoIPython:
    """Stands for `get_ipython()`: magics and commands do nothing in a grading run."""

    def __getattr__(self, name: str) -> Any:
        """Give a function that does nothing."""
        return lambda *args, **kwargs: None
