"""Python out of a cell: IPython's own syntax is taken away or made harmless."""

from __future__ import annotations

import ast
import re
import warnings
from typing import Any

_RUNS_ITS_BODY = re.compile(r"\A\s*%%(time|timeit|capture|prun)\b[^\n]*\n")


def plain_python(source: str) -> str:
    """The cell's text as Python; unchanged when it is Python already.

    `%%time` and its like go, other magics and `!commands` become calls of `get_ipython()`.
    """
    if parse(source) is not None:
        return source
    body = _RUNS_ITS_BODY.sub("\n", source)
    if parse(body) is not None:
        return body
    from IPython.core.inputtransformer2 import TransformerManager

    try:
        return str(TransformerManager().transform_cell(body))
    except Exception:  # it is not IPython's syntax either, which running it will say
        return source


def parse(source: str) -> ast.Module | None:
    """The syntax tree, or None where there is none."""
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
