"""The methods, one module each, and behind five doors what they are made of.

- `saliency`: the toolkit of the methods that go backward: observe, gradients, finish
- `methods`: the table in which each method is entered
- `common`: the names that TorchRay's users import

- `inputs`: what may be asked, and plain sentences about what may not
- `network`: run somebody's network, see its layers, and leave it as it was found
- `rules`: how operations go backward
- `maps`: from gradients to maps: on a grid, resized, smoothed
- `masks`: smooth masks of a given area, and what they earn

This package imports torch and nothing of ours but itself.
"""
