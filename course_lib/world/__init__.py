"""What there is to explain: scenes with exact truth, the trained networks, torchvision networks."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .examples import example_scene as example_scene
    from .examples import get_example_data as get_example_data
    from .grids import photo_grids as photo_grids
    from .images import read_image as read_image
    from .networks import NETWORKS as NETWORKS
    from .networks import build_network as build_network
    from .networks import load_network as load_network
    from .networks import verify as verify
    from .photographs import photos as photos
    from .scenes import CLASSES as CLASSES
    from .scenes import Scene as Scene
    from .scenes import draw_scene as draw_scene
    from .scenes import two_object_scenes as two_object_scenes
    from .training import measure as measure
    from .training import train as train

_HOME = {
    "CLASSES": "scenes",
    "NETWORKS": "networks",
    "Scene": "scenes",
    "build_network": "networks",
    "draw_scene": "scenes",
    "example_scene": "examples",
    "get_example_data": "examples",
    "load_network": "networks",
    "measure": "training",
    "photo_grids": "grids",
    "photos": "photographs",
    "read_image": "images",
    "train": "training",
    "two_object_scenes": "scenes",
    "verify": "networks",
}

__all__ = sorted(_HOME)


def __getattr__(name: str) -> Any:
    """Load each name's module on first use, so that `import course_lib.world` stays cheap."""
    if name not in _HOME:
        raise AttributeError(f"module 'course_lib.world' has no attribute {name!r}")
    return getattr(import_module(f".{_HOME[name]}", __name__), name)
