"""A photograph by itself, with its author."""

from __future__ import annotations

from torch import Tensor

from .plotting import Panel, Picture, gallery


def photograph(image: Tensor, title: str, credit: str) -> Picture:
    """Show a photo, 3 x H x W in [0, 1].

    Args:
        title: what a network says it shows.
        credit: who took the photo, and its licence.
    """
    return gallery(
        [[Panel("image", image, title)]],
        caption=f"A photo, and what a network trained on photos says it shows. {credit}",
        alt=f"A photograph. The network says: {title}.",
    )
