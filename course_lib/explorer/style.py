"""How the explorers' controls look in a light and in a dark theme, at every zoom."""

from __future__ import annotations

import ipywidgets

from .bars import BAR_STYLE

CONTROLS = "course-controls"
"""The class that a box's controls are styled by."""

STYLE = (
    BAR_STYLE
    + """
.course-controls .course-bars { display: flex; flex-wrap: wrap; overflow: visible; }
.course-controls .course-bar {
  flex: 0 0 14em;
  max-width: calc(50% - 4px);
  text-align: left;
  background-color: transparent;
  color: inherit;
  border: 1px solid var(--jp-border-color1, #bdbdbd);
  background-image: linear-gradient(
    90deg, rgba(0, 114, 178, .38) var(--course-bar, 0%), transparent 0);
}
.course-controls .course-asked { border: 2px solid currentColor; font-weight: 600; }
.course-controls .course-thumbnail {
  width: 8em;
  height: 8.2em;
  padding: 6.5em .2em 0;
  font-size: .8em;
  line-height: 1.5;
  overflow: hidden;
  text-overflow: ellipsis;
  color: inherit;
  background-color: transparent;
  background-repeat: no-repeat;
  background-position: center .4em;
  background-size: 6em;
  border: 2px solid transparent;
}
.course-controls .course-thumbnail.course-asked { border-color: currentColor; }
.course-controls .course-colours {
  display: inline-block;
  width: 9em;
  height: .9em;
  vertical-align: -.1em;
  border: 1px solid #888;
}
.course-controls .course-help { max-width: 44rem; }
.course-controls .course-help p { margin: .3em 0 .6em; }
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
)
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
