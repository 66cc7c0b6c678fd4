"""A network for which attribution outside one cell is impossible: each cell is seen alone."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from course_lib.attribution.inputs.checks import shape_text
from course_lib.attribution.rules.calls import operation_name
from course_lib.world.grids import CELLS, cells_of, joined

LOOKING_AROUND = frozenset({"conv2d", "max_pool2d", "avg_pool2d"})
"""Operations in which a pixel sees its neighbours."""

POOLING_ALL = frozenset({"adaptive_avg_pool2d"})
"""Operations that end the image: from there on there is one row of numbers for each cell."""


class DisconnectedGrid(nn.Module):
    r"""Classify each cell of a 2 x 2 grid by itself, with one network for all.

    Score number 4 C cells: the scores of cell k are phi(x_k), at the places k C to (k + 1) C - 1,
    so the target of class c in cell k is k C + c. No operation crosses a cell's border, neither
    convolutions nor pooling, and so the gradient of such a score is exactly 0 outside its cell, at
    the input and at each layer. Whatever a method puts there is the method's own doing. Between its
    layers the grid stays whole, so that maps at layers cover all cells: *DiFull* of S. Rao,
    M. Böhle, B. Schiele: Towards Better Understanding Attribution Methods. CVPR 2022.

    Args:
        model: a network of convolutions, pooling and operations on single pixels, that ends in a
            global average: all of the course's. Its layers are found under "model.".

    Raises:
        ValueError: in the first pass, when the network turns out to join cells in another way.

    >>> from course_lib.world.networks import load_network
    >>> grid = DisconnectedGrid(load_network("tiny_vgg"))
    >>> grid(torch.rand(1, 3, 192, 192)).shape
    torch.Size([1, 32])
    """

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model
        self.train(model.training)

    def forward(self, x: Tensor) -> Tensor:
        """Scores of all cells: N x 3 x 2h x 2w to N x 4 C."""
        return _scores_of_cells(self.model, x, type(self.model).__name__)


def disconnected(model: nn.Module) -> nn.Module:
    """A copy of a network that does what `DisconnectedGrid` does, with the layers' names unchanged.

    For code that looks for `features.21` and would not find it under `model.features.21`.

    >>> from course_lib.world.networks import load_network
    >>> grid = disconnected(load_network("tiny_vgg"))
    >>> type(grid.features[21]).__name__, grid(torch.rand(1, 3, 192, 192)).shape
    ('ReLU', torch.Size([1, 32]))
    """
    network = copy.deepcopy(model)
    name, run = type(model).__name__, network.forward
    network.forward = lambda x: _scores_of_cells(run, x, name)
    return network


def _scores_of_cells(run: Callable[[Tensor], Tensor], x: Tensor, name: str) -> Tensor:
    with _CellByCell():
        scores = run(x)
    if scores.dim() != 2 or len(scores) != CELLS * len(x):
        raise ValueError(
            f"{name} does not end in a global average of its cells: it gives "
            f"{shape_text(scores)} for {len(x)} grids."
        )
    return torch.cat(scores.split(len(x)), 1)


class _CellByCell(TorchFunctionMode):
    """Runs operations that look around on each cell alone."""

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        kwargs = kwargs or {}
        name = operation_name(func)
        if name not in LOOKING_AROUND | POOLING_ALL or args[0].dim() != 4:
            return func(*args, **kwargs)
        cells = func(torch.cat(cells_of(args[0])), *args[1:], **kwargs)
        return cells if name in POOLING_ALL else joined(list(cells.chunk(CELLS)))
