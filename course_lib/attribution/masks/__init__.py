"""Smooth masks of a given area, and what they earn."""
