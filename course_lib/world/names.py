"""What the classes of a network are called."""

from __future__ import annotations

from collections.abc import Sequence

from .scenes import CLASSES

IMAGENET = 1000
"""How many classes ImageNet has."""


def class_names(number: int) -> Sequence[str] | None:
    """Names of a network's classes: the scenes' for 8, ImageNet's for 1,000, None for others.

    >>> class_names(8)[0], class_names(1000)[967], class_names(20)
    ('circle', 'espresso', None)
    """
    if number == len(CLASSES):
        return CLASSES
    if number != IMAGENET:
        return None
    from torchvision.models import ResNet18_Weights

    return ResNet18_Weights.DEFAULT.meta["categories"]
