"""What a figure says of itself."""

from __future__ import annotations

from course_lib.figures.plotting import Picture


def says(picture: Picture, *words: str) -> bool:
    """Whether its text or its caption has all the words."""
    return all(word in picture.alt + picture.caption for word in words)
