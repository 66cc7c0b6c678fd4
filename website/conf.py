"""Sphinx's settings for the site."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from sphinx.builders.html import StandaloneHTMLBuilder

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from course_lib import __version__  # noqa: E402
from website import docstrings, formulas  # noqa: E402

project = "The attribution course"
author = "The attribution course authors"
copyright = "2026, The attribution course authors. Code: MIT. Texts of the lessons: CC BY 4.0"
release = __version__
language = "en-GB"

extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 3
nb_execution_mode = "off"
nb_code_prompt_show = "Show a solution"
nb_code_prompt_hide = "Hide the solution"

# What torch says of its own methods is in its own reference.
autodoc_inherit_docstrings = False
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
python_use_unqualified_type_names = True
maximum_signature_line_length = 88
napoleon_numpy_docstring = False
napoleon_use_rtype = False

html_theme = "furo"
# Every browser shows the moving picture of the front page; Sphinx asks for another format.
StandaloneHTMLBuilder.supported_image_types = [
    *StandaloneHTMLBuilder.supported_image_types,
    "image/webp",
]
html_title = "The attribution course"
html_css_files = ["site.css"]
html_math_renderer = "mathml"
html_copy_source = False
# A page opened as a file may not read the others, which summaries are cut from.
html_show_search_summary = False


def setup(app: Any) -> None:
    """Register the formulas and the docstrings."""
    app.add_html_math_renderer(
        "mathml", inline_renderers=(formulas.inline, None), block_renderers=(formulas.block, None)
    )
    app.connect("autodoc-process-docstring", docstrings.process_docstring, priority=400)
    app.connect("autodoc-process-signature", docstrings.process_signature)
    app.connect("autodoc-skip-member", docstrings.skip_long_list)
