"""How the explorers' controls look in a light and in a dark theme, at every zoom."""

from __future__ import annotations

import ipywidgets

CONTROLS = "course-controls"
"""The class that a box's controls are styled by."""

STYLE = """
.course-controls select {
  background-image:
    linear-gradient(45deg, transparent 50%, currentColor 50%),
    linear-gradient(135deg, currentColor 50%, transparent 50%);
  background-position: right .8em center, right .45em center;
  background-size: .36em .36em;
  background-repeat: no-repeat;
}
[data-jp-theme-light="false"] .course-controls { color-scheme: dark; }
.course-controls :is(select, input, button, summary, .noUi-handle):focus-visible {
  outline: 3px solid var(--jp-brand-color1, #1976d2) !important;
  outline-offset: -3px;
}
.course-controls .noUi-handle:focus-visible { outline-offset: 2px; }
.course-controls .widget-hslider .widget-readout { margin-left: .7em; }
.course-controls .widget-html-content { line-height: 1.5; }
.course-controls .course-picture { position: relative; max-width: var(--course-width); }
.course-controls .course-picture img {
  display: block;
  width: 100%;
  height: auto;
  background: #fff;
  border-radius: 4px;
}
.course-controls .course-tile { display: none; }
@media (max-width: 36rem) {
  .course-controls .course-picture:has(.course-tile) {
    display: flex;
    flex-wrap: wrap;
    gap: .75rem;
    max-width: none;
  }
  .course-controls .course-picture:has(.course-tile) img { position: absolute; opacity: 0; }
  .course-controls .course-tile {
    display: block;
    width: 15rem;
    max-width: 100%;
    aspect-ratio: var(--course-tile);
    background: var(--course-picture) 0 0 / var(--course-tiles) auto;
    border-radius: 4px;
  }
}
"""
"""ipywidgets draws a drop-down's arrow in black, a slider without a sign that it has the focus,
and the other controls with a pale line that hardly shows on white.

On a narrow screen three tiles beside each other would be too small to read, so there the picture is
shown as its tiles, each a part of it, that stand below each other.
"""


def styled(box: ipywidgets.Box) -> ipywidgets.Box:
    """Give a box's controls the course's style, and return the box."""
    box.add_class(CONTROLS)
    sheet = ipywidgets.HTML(f"<style>{STYLE}</style>", layout=ipywidgets.Layout(display="none"))
    box.children = (*box.children, sheet)
    return box
