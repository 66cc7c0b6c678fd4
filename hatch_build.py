"""The project's page on a package index: README, with links that lead somewhere from there too.

A page on an index knows no files beside it. Where the build knows the repository's address, as in
GitHub's workflows, links and pictures get it in front; elsewhere a link becomes its text, and a
picture is left out.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface

_PICTURE = re.compile(r"!\[([^\]]*)\]\((?![a-z]+:|#)([^)]+)\)\n*")
_CAPTION = re.compile(rf"{_PICTURE.pattern}(?:\*[^*]+\*\n*)?")
_LINK = re.compile(r"(?<!!)\[([^\]]*)\]\((?![a-z]+:|#)([^)]+)\)")


class PageHook(MetadataHookInterface):
    """Fills in what `pyproject.toml` calls dynamic: the page and the repository's address."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Add `readme` and, where the address is known, `urls`."""
        address = repository_address()
        readme = Path(self.root, "README.md").read_text(encoding="utf-8")
        metadata["readme"] = {"content-type": "text/markdown", "text": page(readme, address)}
        metadata["urls"] = {"Source": address} if address else {}


def repository_address() -> str:
    """Return the address that GitHub's workflows give in their environment; empty elsewhere."""
    server, name = (os.environ.get(f"GITHUB_{key}", "") for key in ("SERVER_URL", "REPOSITORY"))
    return f"{server}/{name}" if server and name else ""


def page(readme: str, address: str) -> str:
    """Return a README without relative links.

    Args:
        readme: its Markdown.
        address: of the repository; empty where it is not known.
    """
    if not address:
        return _LINK.sub(r"*\1*", _CAPTION.sub("", readme))
    with_pictures = _PICTURE.sub(rf"![\1]({address}/raw/HEAD/\2)\n\n", readme)
    return _LINK.sub(rf"[\1]({address}/blob/HEAD/\2)", with_pictures)
