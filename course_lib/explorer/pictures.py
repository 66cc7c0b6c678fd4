"""The pictures that the explorers' page offers: scenes, photographs, and the reader's own."""

from __future__ import annotations

import base64
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import ipywidgets
from torch import Tensor

from course_lib.world.examples import EXAMPLE_SEED
from course_lib.world.images import read_image, resized
from course_lib.world.photographs import photos
from course_lib.world.scenes import draw_scene

from . import canvas
from .style import styled
from .view import LABELLED

SCENES = (EXAMPLE_SEED, 5, 12, 31, 47, 60)
"""The scenes that are shown small; any other may be asked for by its number."""

LAST_SCENE = 9999
"""The highest number on the page's chooser of scenes."""

SIDE = 72
"""Pixels of a thumbnail; shown at the size of the reader's type it stays crisp enough."""

KEPT_SIDE = 640
"""An uploaded photo is kept with so many pixels on its shorter side: more than networks take."""


class Pictures:
    """A row of thumbnails that can be pressed, the number of a scene, and a place for a photo.

    Args:
        choose: called with the picture's name in the address, such as "scene-12" or "photo-cat".
        upload: called with the content of an uploaded file and the file's name.
        more: further pictures, by their names, each with its label and what to draw, (3, H, W).

    Attributes:
        scene, another, file: the controls (ipywidgets).
        pasted: out of sight; the browser writes a picture into it, as a data URL, that was pasted
            or dropped on the page.
        thumbnails: buttons by the pictures' names.
        view: all of it.
    """

    def __init__(
        self,
        choose: Callable[[str], None],
        upload: Callable[[bytes, str], None],
        more: dict[str, tuple[str, Any]] | None = None,
    ) -> None:
        offered = dict(more or {})
        for seed in SCENES:
            offered[f"scene-{seed}"] = (f"scene {seed}", draw_scene(seed).image)
        for name, photo in photos().items():
            offered[f"photo-{name}"] = (name, read_image(photo.path)[0].numpy())
        self.thumbnails: dict[str, ipywidgets.Button] = {}
        row = ipywidgets.Layout(flex_flow="row wrap")
        self._strip, self._rules = ipywidgets.HBox(layout=row), ipywidgets.HTML()
        self._strip.add_class("course-thumbnails")
        self._drawn: dict[str, str] = {}
        self._choose, self._upload = choose, upload
        for name, (label, image) in offered.items():
            self.offer(name, label, image)
        self.scene = ipywidgets.BoundedIntText(
            EXAMPLE_SEED,
            max=LAST_SCENE,
            description="Scene",
            style=LABELLED,
            layout=ipywidgets.Layout(width="12em"),
        )
        self.another = ipywidgets.Button(description="Another scene", icon="random")
        self.file = ipywidgets.FileUpload(
            accept="image/*", description="Your own photo", layout=ipywidgets.Layout(width="14em")
        )
        self.pasted = ipywidgets.Textarea(
            continuous_update=False, layout=ipywidgets.Layout(display="none")
        )
        self.pasted.add_class("course-pasted")
        self._following = False
        self.scene.observe(self._number, names="value")
        self.file.observe(self._uploaded, names="value")
        self.pasted.observe(self._paste, names="value")
        self.view = styled(
            ipywidgets.VBox(
                [
                    self._strip,
                    ipywidgets.HBox([self.scene, self.another, self.file], layout=row),
                    self.pasted,
                    self._rules,
                ]
            )
        )

    def offer(self, name: str, label: str, image: Any) -> None:
        """Show a picture small among those to choose from, in the place of one of this name.

        Args:
            name: the picture's name in the address.
            label: what stands below it.
            image: what to draw, (3, H, W) in [0, 1].
        """
        if name not in self.thumbnails:
            button = ipywidgets.Button(description=label, tooltip=f"Show {label}")
            button.add_class("course-thumbnail")
            button.add_class(f"course-thumbnail-{name}")
            button.on_click(lambda _: self._choose(name))
            self.thumbnails[name] = button
            self._strip.children = tuple(self.thumbnails.values())
        png = base64.b64encode(canvas.thumbnail(image, SIDE)).decode("ascii")
        self._drawn[name] = (
            f".course-thumbnail-{name}{{background-image:url(data:image/png;base64,{png})}}"
        )
        self._rules.value = f"<style>{''.join(self._drawn.values())}</style>"

    def mark(self, picture: str, seed: int | None) -> None:
        """Show which picture is chosen."""
        for name, button in self.thumbnails.items():
            others = [c for c in button._dom_classes if c != "course-asked"]
            button._dom_classes = (*others, *(["course-asked"] if name == picture else []))
        if seed is not None:
            self._following = True
            self.scene.value = seed
            self._following = False

    def _number(self, change: Any) -> None:
        if not self._following:
            self._choose(f"scene-{self.scene.value}")

    def _uploaded(self, change: Any) -> None:
        for file in change.new:
            self._upload(bytes(file["content"]), str(file["name"]))
        self.file.value = ()  # the same photo may come again

    def _paste(self, change: Any) -> None:
        if change.new:
            self._upload(base64.b64decode(change.new.partition(",")[2]), "pasted")
            self.pasted.value = ""


def read_upload(content: bytes, name: str) -> Tensor:
    """An uploaded picture as (1, 3, H, W) in [0, 1], made smaller where it is large.

    Raises:
        ValueError: as `read_image`, with the file's own name.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / (Path(name).name or "picture")
        path.write_bytes(content)
        try:
            picture = read_image(path)
        except ValueError as error:
            raise ValueError(str(error).replace(f"{folder}/", "").replace(folder, "")) from None
    side = min(picture.shape[-2:])
    return resized(picture, KEPT_SIDE) if side > KEPT_SIDE else picture
