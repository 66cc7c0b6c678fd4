"""Views with sliders: one for the layer, one for the area."""
