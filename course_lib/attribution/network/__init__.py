"""Run somebody's network, and leave it as it was found.

- `preserved`: modes, flags, gradients and random state as before, also after an exception
- `layers`: find a layer by its name
- `probe`: see what passes a layer, and its gradient
- `attention`: what each token of a transformer reads from each
- `fast`: the layout and batch size in which a network runs fastest
"""
