"""Gathers what the site is made of into one folder, with links that hold there."""

from __future__ import annotations

import posixpath
import re
import shutil
from collections.abc import Mapping
from pathlib import Path

from course_lib.exercises.engine.registry import find_lesson

from .lessons import write_lessons
from .reference import write_reference
from .repository import file_address

# Files of the repository that become pages: where they stand there, and here.
PAGES = {
    "README.md": "index.md",
    "docs/instructors.md": "instructors.md",
    "docs/torchray.md": "torchray.md",
    "docs/benchmark.md": "benchmark.md",
    "docs/extremal.md": "extremal.md",
    "docs/league.md": "league.md",
    "docs/challenge.md": "challenge.md",
    "docs/speed.md": "speed.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changes.md",
}
TREE = """
```{toctree}
:hidden:
:caption: Without installing

playground
```

```{toctree}
:hidden:
:caption: Lessons

LESSONS
```

```{toctree}
:hidden:
:caption: The library

reference/index
torchray
speed
benchmark
league
extremal
```

```{toctree}
:hidden:
:caption: Use and change it

challenge
instructors
contributing
changes
```
"""
_LINK = re.compile(r"(!?)\[([^\]]*)\]\((?![a-z]+:|#)([^)#]+)(#[^)]*)?\)")


def gather(root: Path, folder: Path) -> None:
    """Write the site's sources.

    Args:
        root: of the repository.
        folder: where they go; made here.
    """
    folder.mkdir(parents=True)
    lessons = write_lessons(root / "solutions", folder)
    write_reference(folder / "reference")
    pages = {**PAGES, **{f"notebooks/{name}": f"lessons/{name}" for name in lessons}}
    for source, target in PAGES.items():
        text = (root / source).read_text(encoding="utf-8")
        for picture in _pictures(text):
            shutil.copy(root / posixpath.dirname(source) / picture, folder / Path(picture).name)
        (folder / target).write_text(relinked(text, source, pages), encoding="utf-8")
    with (folder / "index.md").open("a", encoding="utf-8") as front:
        front.write(TREE.replace("LESSONS", "\n".join(_entry(name) for name in lessons)))


def relinked(text: str, source: str, pages: Mapping[str, str]) -> str:
    """Return a page's Markdown with its links as they are on the site.

    A link to another page leads there, a picture lies beside its page, and a link to any other
    file leads to the repository, or becomes text where its address is not known.

    Args:
        text: the Markdown.
        source: where it stands in the repository.
        pages: files of the repository that are pages, and their places on the site.
    """

    def link(match: re.Match[str]) -> str:
        picture, words, target, anchor = match.groups(default="")
        if picture:
            return f"![{words}]({Path(target).name})"
        path = posixpath.normpath(posixpath.join(posixpath.dirname(source), target))
        if path in pages:
            return f"[{words}]({pages[path]}{anchor})"
        address = file_address(path)
        return f"[{words}]({address})" if address else words

    return _LINK.sub(link, text)


def _entry(lesson: str) -> str:
    """Return a lesson's line in the contents: its number, its title, and its page."""
    found = find_lesson(Path(lesson).stem)
    return f"{found.id[:2]} · {found.title} <lessons/{found.id}>"


def _pictures(text: str) -> list[str]:
    """The pictures that a page shows."""
    return [match[3] for match in _LINK.finditer(text) if match[1]]
