"""Build the site."""

from __future__ import annotations

import argparse
import shutil
import sys
from pathlib import Path

from sphinx.cmd.build import main as sphinx_build

from .sources import gather

ROOT = Path(__file__).resolve().parents[1]


def build(folder: Path) -> int:
    """Gather the sources and build the pages; return Sphinx's exit status.

    Args:
        folder: emptied first; the pages come into `html` inside.
    """
    shutil.rmtree(folder, ignore_errors=True)
    source, pages = folder / "source", folder / "html"
    gather(ROOT, source)
    status = sphinx_build(
        [
            *("-b", "html", "-c", str(ROOT / "website"), "-d", str(folder / "doctrees")),
            *("-D", f"html_static_path={ROOT / 'website' / 'static'},{source / 'static'}"),
            *("--quiet", "--fail-on-warning"),
            *(str(source), str(pages)),
        ]
    )
    if status == 0:
        print(f"The site is in {pages}; open index.html.")
    return status


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m website", description=__doc__)
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "site", metavar="FOLDER")
    sys.exit(build(parser.parse_args().out.resolve()))
