"""From gradients to maps.

- `grids`: channels in the second place, tokens on their grid
- `imaging`: resize and smooth
"""
