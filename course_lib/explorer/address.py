"""The state of the explorers' page, as it stands in the page's address."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields, replace
from urllib.parse import parse_qsl, urlencode

OWN = "own"
"""The picture that the reader uploaded."""

GIVEN = "given"
"""The picture that `course explore --image` names."""


@dataclass(frozen=True)
class PageState:
    """What somebody sees who opens the page at an address; None is what an explorer begins with.

    Args:
        network: its name.
        picture: "scene-12", "photo-cat", `OWN` or `GIVEN`.
        target: index of the class asked for.
        method, layer: by their names in the layer explorer.
        opacity: of the map, in per cent.
        variant: of the masks.
        area: number of the area on the slider, from 0.
        masks: how many of RISE's.
    """

    network: str
    picture: str
    target: int | None = None
    method: str | None = None
    layer: str | None = None
    opacity: int | None = None
    variant: str | None = None
    area: int | None = None
    masks: int | None = None

    @property
    def seed(self) -> int | None:
        """The seed of the picture when it is a scene."""
        kind, _, number = self.picture.partition("-")
        return int(number) if kind == "scene" and number.isdecimal() else None

    @property
    def photo(self) -> str | None:
        """The photo's name when the picture is one."""
        kind, _, name = self.picture.partition("-")
        return name if kind == "photo" else None

    def to_query(self) -> str:
        """The state as the part of an address after the question mark.

        >>> PageState("tiny_vgg", "scene-12", target=5, layer="features.3").to_query()
        'network=tiny_vgg&picture=scene-12&target=5&layer=features.3'
        """
        return urlencode({name: v for name, v in asdict(self).items() if v is not None})


def read_query(query: str, default: PageState) -> PageState:
    """The state that an address names; what it doesn't name, or names wrongly, is as in `default`.

    >>> read_query("picture=photo-cat&target=x&theme=dark", PageState("tiny_vgg", "scene-1"))
    PageState(network='tiny_vgg', picture='photo-cat', target=None, method=None, layer=None, \
opacity=None, variant=None, area=None, masks=None)
    """
    whole = {field.name for field in fields(PageState) if "int" in str(field.type)}
    known = {field.name for field in fields(PageState)}
    named: dict[str, str | int] = {}
    for name, value in parse_qsl(query):
        if name in whole and value.isdecimal():
            named[name] = int(value)
        elif name in known - whole:
            named[name] = value
    return replace(default, **named)  # type: ignore[arg-type]
