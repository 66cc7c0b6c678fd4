"""Docstrings as reStructuredText: they are written to be read as they are, in plain text.

Names in single backticks become code, signs that mean something in reStructuredText, such as the
bars of |x|, stay what they are, and what stands indented under a paragraph is shown as it stands.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

# A role, such as :math:`x^2`, is left to Sphinx.
_CODE = re.compile(r"(?P<role>:\w+:)?(?P<ticks>``?)(?P<code>[^`]+)(?P=ticks)")
_MARKUP = re.compile(r"[*|\\]|(?<=\w)_(?!\w)")
# A summary that begins with a formula: `s = max_c |dphi/dx_c|: explain a score by its gradient.`
_FORMULA = re.compile(r"^([\w']+ = [^`]+?): (?=[a-z])")
_FUNCTION = re.compile(r"<function (?:[\w.]+\.)?(\w+)(?: at 0x[0-9a-f]+)?>")
_CLASS = re.compile(r"<class '(?:[\w.]+\.)?(\w+)'>")

_LONG = 50


def to_restructured_text(lines: Sequence[str]) -> list[str]:
    """Return a docstring's lines in reStructuredText."""
    if lines:
        lines = [_FORMULA.sub(r"`\1`: ", lines[0]), *lines[1:]]
    converted: list[str] = []
    for kind, part in _parts(lines):
        if kind == "text":
            part = _text("\n".join(part)).split("\n")
        elif kind == "as it stands":
            converted += ["::", ""]
        converted += part
    return converted


def _parts(lines: Sequence[str]) -> Iterator[tuple[str, list[str]]]:
    """Yield the docstring's parts: text, examples, and what is shown as it stands."""
    kind, part, above = "text", [], 0
    for number, line in enumerate(lines):
        indent = len(line) - len(line.lstrip())
        now = kind
        if line.lstrip().startswith(">>>"):
            now = "example"
        elif not line.strip():
            now = "text" if kind == "example" else kind
        elif kind == "as it stands":
            now = kind if indent > above else "text"
        elif kind == "text" and number and not lines[number - 1].strip() and indent > above:
            now = "as it stands"
        if now != kind:
            yield kind, part
            kind, part = now, []
        part.append(line)
        if line.strip() and kind == "text":
            above = indent
    yield kind, part


def _text(text: str) -> str:
    """Return text with its code as code and its other signs as they are."""
    parts, end = [], 0
    for match in _CODE.finditer(text):
        code = match[0] if match["role"] else f"``{match['code']}``"
        parts += [_MARKUP.sub(r"\\\g<0>", text[end : match.start()]), code]
        end = match.end()
        # reStructuredText wants a gap after code, if of no width: "`names`s".
        if text[end : end + 1].isalnum():
            parts.append("\\ ")
    return "".join([*parts, _MARKUP.sub(r"\\\g<0>", text[end:])])


def process_docstring(
    _app: Any, _what: str, _name: str, _object: Any, _options: Any, lines: list[str]
) -> None:
    """Sphinx's event `autodoc-process-docstring`."""
    lines[:] = to_restructured_text(lines)


def process_signature(
    _app: Any,
    _what: str,
    _name: str,
    _object: Any,
    _options: Any,
    signature: str | None,
    returned: str | None,
) -> tuple[str | None, str | None]:
    """Sphinx's event `autodoc-process-signature`: functions and classes by their names."""
    if signature is not None:
        signature = _CLASS.sub(r"\1", _FUNCTION.sub(r"\1", signature))
    return signature, returned


def skip_long_list(
    _app: Any, _what: str, _name: str, member: Any, _skipped: bool, _options: Any
) -> bool | None:
    """Sphinx's event `autodoc-skip-member`: nobody reads a thousand names of classes."""
    return True if isinstance(member, list) and len(member) > _LONG else None
