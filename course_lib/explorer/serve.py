"""Serve the explorers as a page of their own, with Voila and without looking for the internet."""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nbformat import NotebookNode

FIRST_PORT = 8866

TITLE = "Where does a neural network look?"

INTRODUCTION = """\
# {title}

Choose a network and a picture, ask for a class, and see which places of the picture speak for it.
Sliders move with the arrow keys once they have the focus; the address of this page says what it
shows. It is there [in light](?theme=light) and [in dark colours](?theme=dark).
"""

LAYERS = """\
## From layer to layer

Which evidence for a class does each layer hold, and where? Later layers see more of the image in
each cell, and draw a coarser map.
"""

RISE = """\
## From the outside

What can be learned of a network without looking into it? Cover parts of the picture, and ask again.
"""

AREAS = """\
## How little is enough?

For each area the network's score is pushed as high as a mask of just that area allows. *Preserve*
keeps what is under the mask, *delete* takes it away, *dual* asks for both at once.
"""


def serve(
    arch: str = "tiny_vgg",
    image: str | None = None,
    *,
    port: int | None = None,
    browser: bool = True,
    say: Callable[[str], None] = print,
) -> None:
    """Show both explorers on a page in the browser; returns when the server is stopped.

    Args:
        arch: the network: one of the course's, or torchvision's by name.
        image: an image of the reader's own, a path or URL, or the name of a photo; the network's
            example if None.
        port: where the page is served; the first free one from 8866 on by default.
        browser: whether a browser is opened; where there is no display, none is.
        say: where the lines for the reader go.

    Raises:
        ValueError: an unknown network, an image or weights that can't be had, or a port in use.
    """
    warnings.simplefilter("ignore", DeprecationWarning)
    from course_lib.classroom.lab import has_browser
    from course_lib.classroom.ports import check_port, free_port
    from course_lib.world.examples import get_example_data
    from course_lib.world.photographs import PHOTOS

    from .voila_page import voila_server

    if image is not None and "://" not in image and image not in PHOTOS:
        image = str(Path(image).expanduser().resolve())
    if port is None:
        port = free_port(FIRST_PORT)
    else:
        check_port(port)
    say("Preparing the page ...")
    try:
        get_example_data(arch, image=image)
    except OSError as error:
        raise ValueError(str(error)) from error
    opened = browser and has_browser()
    address = f"http://localhost:{port}/"
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "explore.ipynb"
        write_page(path, arch, image)
        server = voila_server(path, port=port, browser=opened)
        say(
            f"The explorers open in your browser; if they do not, go to {address}"
            if opened
            else f"Open this address in a browser: {address}"
        )
        say("To stop, press Ctrl-C here.")
        server.start()


def page_notebook(arch: str, image: str | None) -> NotebookNode:
    """The page as a notebook: headings, and a cell for each of the page's parts."""
    from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

    prepare = (
        "import os\n"
        "from course_lib.explorer.page import Page\n"
        f"page = Page({arch!r}, image={image!r}, query=os.environ.get('QUERY_STRING', ''))\n"
        "page.chooser"
    )
    cells = [
        new_markdown_cell(INTRODUCTION.format(title=TITLE)),
        new_code_cell(prepare),
        new_markdown_cell(LAYERS),
        new_code_cell("page.layers"),
        new_markdown_cell(RISE),
        new_code_cell("page.rise"),
        new_markdown_cell(AREAS),
        new_code_cell("page.areas"),
    ]
    for number, cell in enumerate(cells):
        cell.id = f"explore-{number}"
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return new_notebook(cells=cells, metadata={"title": TITLE, "kernelspec": kernel})


def write_page(path: Path, arch: str, image: str | None) -> None:
    """Write the page's notebook; the same arguments give the same bytes."""
    import nbformat

    nbformat.write(page_notebook(arch, image), path)
