"""Views with sliders: for the layer, the area, and the number of RISE's masks."""

from .area import AreaExplorer
from .layer import LayerExplorer
from .rise import RiseExplorer

__all__ = ["AreaExplorer", "LayerExplorer", "RiseExplorer"]
