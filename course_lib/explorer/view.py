"""What both explorers share: a picture that can be read aloud, a line of news, errors in sight."""

from __future__ import annotations

import base64
import html
import traceback
from collections.abc import Callable, Sequence
from typing import Any

import ipywidgets
import numpy as np
import torch
from torch import nn

from course_lib.attribution.network.preserved import preserved

from . import canvas
from .style import styled

CONTROL = ipywidgets.Layout(width="23em", max_width="100%")
"""Controls are measured in the reader's own type size, so that they grow with the page's zoom."""

SLIDER = ipywidgets.Layout(width="100%", max_width="46em")

ROOT = 16
"""Size of the usual text, in CSS pixels."""

TILES_ON_A_NARROW_SCREEN = 2
"""As many tiles as can be read side by side there."""

LABELLED = {"description_width": "6em"}

LABELLED_SLIDER = {**LABELLED, "handle_color": "#0072b2"}
"""A handle that stands out from its rail in a light and in a dark theme."""

ON_PICTURE = (
    "const view = this.closest('.course-explorer');"
    "for (const slider of view ? view.querySelectorAll('.widget-hslider') : []) {"
    "const [handle, label, readout] = ['[role=slider]', 'label', '.widget-readout'].map("
    "name => slider.querySelector(name));"
    "handle.setAttribute('aria-label', label.textContent);"
    "handle.setAttribute('aria-valuetext', readout.textContent);"
    "readout.setAttribute('contenteditable', 'false');}"
    "this.parentElement.style.setProperty('--course-picture', `url(${this.src})`);"
)
"""Runs in the browser when a picture is there, and tells screen readers what the sliders are.

It also hands the picture to the style sheet, which shows it in tiles where there is little room.

ipywidgets gives a slider's handle neither its label nor its value in words, and lets the keyboard
stop at the readout, where nothing can be entered.
"""


class Screen(ipywidgets.HTML):
    """A picture with alt text. `ipywidgets.Image` has no alt text, hence an `<img>` in HTML."""

    def picture(self, png: bytes, alt: str, tiles: int) -> None:
        """Show `png`, described by `alt`, half as wide as it is: crisp on a fine display.

        For text larger than usual the picture is larger too.

        Args:
            png: what `canvas.compose` made.
            alt: the picture in words.
            tiles: how many tiles it has.
        """
        width = tiles * canvas.TILE + (tiles - 1) * canvas.GAP
        measures = {
            "--course-width": f"{width / 2 / ROOT:g}rem",
            "--course-tiles": f"{100 * width / canvas.TILE:g}%",
            "--course-tile": f"{canvas.TILE} / {canvas.TITLE + canvas.TILE}",
        }
        style = ";".join(f"{name}:{value}" for name, value in measures.items())
        parts = "".join(
            f'<span class="course-tile" style="background-position-x:{100 * i / (tiles - 1):g}%">'
            "</span>"
            for i in range(tiles if tiles > TILES_ON_A_NARROW_SCREEN else 0)
        )
        source = base64.b64encode(png).decode("ascii")
        self.value = (
            f'<div class="course-picture" style="{style}">'
            f'<img alt="{html.escape(alt)}" src="data:image/png;base64,{source}" '
            f'onload="{html.escape(ON_PICTURE)}">{parts}</div>'
        )


class News(ipywidgets.HTML):
    """One line of text under the picture, read aloud when it changes; errors stand out."""

    def say(self, text: str) -> None:
        """Show `text`; an empty one clears the line."""
        self.value = f'<span role="status">{html.escape(text)}</span>' if text else ""

    def error(self, error: BaseException, meanwhile: str) -> None:
        """Show what went wrong in one line, the details on request, and what is there meanwhile."""
        details = "".join(traceback.format_exception(error))
        self.value = (
            '<div role="alert" style="border-left:4px solid #d55e00;padding:.4em .8em;'
            'background:rgba(213,94,0,.12)">'
            f"<strong>✗ {html.escape(type(error).__name__)}</strong> "
            f"{html.escape(str(error))}<details><summary>details</summary>"
            f'<pre style="white-space:pre-wrap">{html.escape(details)}</pre></details></div>'
            f"<div>{html.escape(meanwhile)}</div>"
        )


def explorer_box(children: Sequence[ipywidgets.Widget]) -> ipywidgets.VBox:
    """An explorer's controls, picture and news, one below the other."""
    box = styled(ipywidgets.VBox(children))
    box.add_class("course-explorer")
    return box


def scores_of(model: nn.Module, x: torch.Tensor, target: int) -> torch.Tensor:
    """The model's scores for the one image that an explorer shows, shape (classes,).

    Raises:
        ValueError: for more than one image, or a target out of range.
    """
    if x.dim() != 4 or x.shape[0] != 1:
        raise ValueError(f"the explorer shows one image, shape (1, C, H, W), not {tuple(x.shape)}.")
    with preserved(model), torch.no_grad():
        scores = model(x)[0].float().cpu()
    if not 0 <= target < len(scores):
        raise ValueError(f"target {target} is out of range: the model has {len(scores)} classes.")
    return scores


def in_colours(images: Any) -> np.ndarray:
    """Images as they are drawn: three channels are red, green and blue; others become one grey.

    Args:
        images: a tensor or array (N, C, H, W) of any float type. Where C is not 3, the mean over
            the channels is drawn.

    Returns:
        Array (N, 3, H, W), float32.
    """
    values = torch.as_tensor(images).detach().float().cpu()
    if values.shape[1] != 3:
        values = values.mean(1, keepdim=True).expand(-1, 3, -1, -1)
    return values.numpy()


def opacity_slider(opacity: float) -> ipywidgets.IntSlider:
    """The control that says how much of the image shows through the map, in per cent."""
    return ipywidgets.IntSlider(
        value=round(100 * opacity),
        step=5,
        description="Opacity, %",
        style=LABELLED_SLIDER,
        layout=SLIDER,
    )


def class_chooser(names: Sequence[str], target: int) -> ipywidgets.Dropdown:
    """The control that chooses a class by its name, beginning with class `target`."""
    return ipywidgets.Dropdown(
        options=[(name, i) for i, name in enumerate(names)],
        value=target,
        description="Class",
        style=LABELLED,
        layout=CONTROL,
    )


def class_names(number: int, names: Sequence[str] | None) -> list[str]:
    """Names of `number` classes: those given, the scenes' or ImageNet's own, else "class 0", ...

    Raises:
        ValueError: if there are not as many names as classes.
    """
    from course_lib.world.names import class_names as known

    if names is None:
        names = known(number) or [f"class {i}" for i in range(number)]
    if len(names) != number:
        raise ValueError(f"the model has {number} classes, but there are {len(names)} names.")
    return list(names)


def static_and_live(
    live: ipywidgets.DOMWidget, still: Callable[[], Any], **options: Any
) -> dict[str, Any]:
    """A widget's MIME bundle with a picture for readers without a kernel (GitHub, print).

    Args:
        live: the widget.
        still: draws the picture; called once, when the bundle is asked for.
    """
    bundle = dict(live._repr_mimebundle_(**options))
    picture = still()
    bundle["text/plain"] = picture.alt
    bundle["text/html"] = picture._repr_html_()
    return bundle
