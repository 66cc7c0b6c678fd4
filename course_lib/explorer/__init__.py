"""Views with sliders: `LayerExplorer` for the layer, `AreaExplorer` for the area."""

from course_lib.explorer.area import AreaExplorer
from course_lib.explorer.layer import LayerExplorer

__all__ = ["AreaExplorer", "LayerExplorer"]
