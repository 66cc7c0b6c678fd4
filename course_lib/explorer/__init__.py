"""Views with sliders: `LayerExplorer` for the layer, `AreaExplorer` for the area."""

from .area import AreaExplorer
from .layer import LayerExplorer

__all__ = ["AreaExplorer", "LayerExplorer"]
