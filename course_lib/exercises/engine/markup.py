"""Turns the little markup of hints and explanations, and Python source, into HTML."""

from __future__ import annotations

import html
import re

_PYTHON_COLOURS = {
    "Token.Keyword": "--jp-mirror-editor-keyword-color, #2e8b57",
    "Token.Operator.Word": "--jp-mirror-editor-keyword-color, #2e8b57",
    "Token.Comment": "--jp-mirror-editor-comment-color, #5f8f8f",
    "Token.Literal.String": "--jp-mirror-editor-string-color, #cc5555",
    "Token.Literal.Number": "--jp-mirror-editor-number-color, #3c9a3c",
    "Token.Operator": "--jp-mirror-editor-operator-color, #9a5fd0",
    "Token.Name.Function": "--jp-mirror-editor-def-color, #4a86e8",
    "Token.Name.Class": "--jp-mirror-editor-def-color, #4a86e8",
}
_BLOCK = (
    "margin:6px 0 2px;padding:8px 10px;border-radius:4px;overflow-x:auto;white-space:pre-wrap;"
    # JupyterLab's own style breaks words anywhere, also where a space is near
    "word-break:normal;overflow-wrap:anywhere;"
    "line-height:1.45;background:var(--jp-cell-editor-background, rgba(128,128,128,0.14));"
    "color:var(--jp-content-font-color1, inherit)"
)


def inline(text: str) -> str:
    """One paragraph as HTML: `code`, *emphasis* and **strong** drawn, everything else escaped."""
    parts = re.split(r"(`[^`]+`)", html.escape(" ".join(text.split()), quote=False))
    for i in range(0, len(parts), 2):
        parts[i] = re.sub(r"\*\*(?=\S)(.+?)(?<=\S)\*\*", r"<strong>\1</strong>", parts[i])
        parts[i] = re.sub(r"(?<!\w)\*(?=[^\s*])([^*]+?)(?<=\S)\*(?!\w)", r"<em>\1</em>", parts[i])
    for i in range(1, len(parts), 2):
        parts[i] = f"<code>{parts[i][1:-1]}</code>"
    return "".join(parts)


def paragraphs(text: str) -> str:
    """Paragraphs as HTML; those whose lines are all indented by four spaces are Python code."""
    rendered = []
    for paragraph in re.split(r"\n\s*\n", text.strip("\n")):
        lines = paragraph.splitlines()
        if lines and all(line.startswith("    ") for line in lines):
            rendered.append(python("\n".join(line[4:] for line in lines)))
        else:
            rendered.append(f'<div style="margin-top:6px">{inline(paragraph)}</div>')
    return "".join(rendered)


def preformatted(text: str) -> str:
    """Text as it is, escaped, in a box."""
    return f'<pre style="{_BLOCK}">{html.escape(text, quote=False)}</pre>'


def python(source: str) -> str:
    """Python source in a box, coloured as in the editor when Pygments is there."""
    try:
        from pygments.lexers import PythonLexer
    except ImportError:
        return preformatted(source)
    spans = []
    for kind, text in PythonLexer(ensurenl=False).get_tokens(source.rstrip("\n")):
        colour = _colour(str(kind))
        escaped = html.escape(text, quote=False)
        spans.append(f'<span style="color:var({colour})">{escaped}</span>' if colour else escaped)
    return f'<pre style="{_BLOCK}">{"".join(spans)}</pre>'


def _colour(token: str) -> str | None:
    while token:
        if token in _PYTHON_COLOURS:
            return _PYTHON_COLOURS[token]
        token = token.rpartition(".")[0]
    return None
