"""Build the site."""

from __future__ import annotations

import argparse
import shutil
import sys
from pathlib import Path

from sphinx.cmd.build import main as sphinx_build

from .engine import install_engine
from .playground import STATIC, write_playground
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
    without = install_engine(ROOT / "build" / "engine", source / STATIC / "engine")
    write_playground(source, without)
    status = render(source, pages)
    if status == 0:
        print(f"The site is in {pages}; open index.html.")
        if without:
            print(f"Its playground comes without the engine that runs the network: {without}")
        else:
            print(f"Its playground needs a server: python -m http.server --directory {pages}")
    return status


def render(source: Path, pages: Path) -> int:
    """Let Sphinx make pages of the sources; return its exit status."""
    return sphinx_build(
        [
            *("-b", "html", "-c", str(ROOT / "website"), "-d", str(source.parent / "doctrees")),
            *("-D", f"html_static_path={ROOT / 'website' / 'static'},{source / 'static'}"),
            *("--quiet", "--fail-on-warning"),
            *(str(source), str(pages)),
        ]
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m website", description=__doc__)
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "site", metavar="FOLDER")
    sys.exit(build(parser.parse_args().out.resolve()))
