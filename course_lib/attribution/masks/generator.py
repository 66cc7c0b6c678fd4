"""Smooth masks from a few parameters: a convolution whose sum is a smooth maximum."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
import torch.nn.functional as F

from ..inputs.checks import check_pixels, is_whole
from .smooth_maximum import smooth_maximum

POOLING_METHODS = ("softmax", "sum", "sigmoid")


def smooth_kernel(z: torch.Tensor) -> torch.Tensor:
    """The mask's profile exp(-2 max(0, z - 1/2)^2): 1 up to half a sigma, then falling.

    Args:
        z: distance in units of sigma, any shape.

    Returns:
        Tensor of the shape of ``z`` with values in (0, 1].

    >>> smooth_kernel(torch.tensor([0.0, 0.5, 1.0, 1.5]))
    tensor([1.0000, 1.0000, 0.6065, 0.1353])
    """
    return torch.exp(-2 * (z - 0.5).clamp(min=0) ** 2)


class MaskGenerator:
    r"""Turns a small map of parameters into a smooth mask of the image's size.

    Parameters sit on a grid with one point every ``step`` pixels: point (i, j) lies at pixel (step
    i, step j) of the image. The mask at pixel u is the smooth maximum over the grid points v near
    u,

    .. math:: m(u) = \operatorname{smax}_v\; k(\lVert u - v \rVert / \sigma)\; \bar m(v),
              \qquad k(z) = e^{-2 \max(0, z - 1/2)^2},

    where smax is the softmax-weighted mean with coldness 20 (:func:`smooth_maximum`). A maximum,
    unlike a sum, does not brighten where parameters are close together, so that one parameter at 1
    makes a full disc and a hundred make a flat region with a smooth rim. Paper: Fong, Patrick and
    Vedaldi (2019), "Understanding deep networks via extremal perturbations and smooth masks", arXiv
    1910.08485, section 3.

    Near are K = (2 radius + 1)^2 points: with u counted in the full mask, which begins ``margin``
    pixels above and left of the image, the neighbours along each axis are

    .. math:: i = \lfloor u / step \rfloor - \lceil margin / step \rceil + d,
              \qquad |d| \le radius.

    Points outside the grid have the parameter 0, and count in the smooth maximum. The kernel
    depends on u only through u's place in its grid cell, so it is held as (K, step * step) numbers,
    not as K masks.

    Args:
        shape: (height, width) of the mask in pixels.
        step: pixels between grid points, an int >= 1.
        sigma: reach of the kernel in pixels, > 0; also the margin computed around the mask.
        clamp: limit the result to [0, 1].
        pooling_method: ``"softmax"`` (the smooth maximum), ``"sum"`` (an ordinary convolution) or
            ``"sigmoid"`` (logistic function of coldness * sum - 3).

    Attributes:
        coldness: of the smooth maximum, 20; ``float("inf")`` for the plain maximum.
        shape_in: (rows, columns) of the parameter grid, ceil(shape / step).
        margin: ceil(sigma), pixels of the full mask above and left of the image.
        radius: 1 + ceil(sigma / step).
        shape_out: (height, width) of the full mask, step (shape_in + 2 ceil(margin / step) - 1) +
            1; what is right of the image and below follows from it.

    Raises:
        ValueError: shape, step, sigma or pooling_method is not as above.

    >>> generator = MaskGenerator((28, 35), step=7, sigma=14)
    >>> generator.shape_in
    (4, 5)
    >>> mask, full = generator.generate(torch.ones(2, 1, 4, 5))
    >>> mask.shape
    torch.Size([2, 1, 28, 35])
    """

    def __init__(
        self,
        shape: Sequence[int],
        step: int,
        sigma: float,
        clamp: bool = True,
        pooling_method: str = "softmax",
    ) -> None:
        if len(shape) != 2 or not all(is_whole(side, least=1) for side in shape):
            raise ValueError(
                f"The mask's shape must be (height, width), both at least 1, but got "
                f"{tuple(shape)}."
            )
        if not is_whole(step, least=1):
            raise ValueError(
                f"step must be a whole number of pixels, at least 1, but got {step!r}."
            )
        check_pixels("sigma", sigma)
        if pooling_method not in POOLING_METHODS:
            raise ValueError(
                f"pooling_method must be one of {', '.join(POOLING_METHODS)}, "
                f"but got {pooling_method!r}."
            )
        self.shape = (int(shape[0]), int(shape[1]))
        self.step = int(step)
        self.sigma = sigma
        self.clamp = clamp
        self.pooling_method = pooling_method
        self.coldness = 20.0
        self.kernel: Callable[[torch.Tensor], torch.Tensor] = smooth_kernel
        self.margin = math.ceil(sigma)
        cells = math.ceil(self.margin / self.step)
        # The kernel reaches as many cells as the margin, and u lies anywhere in its own.
        self.radius = 1 + cells
        self.padding = self.radius + cells
        rows, columns = (math.ceil(side / self.step) for side in self.shape)
        self.shape_in = (rows, columns)
        extra = 2 * (self.padding - self.radius)
        self.shape_mid = (rows + extra, columns + extra)
        self.shape_up = (self.step * self.shape_mid[0], self.step * self.shape_mid[1])
        self.shape_out = (self.shape_up[0] - self.step + 1, self.shape_up[1] - self.step + 1)
        self.weights = self._kernel_weights()

    def _kernel_weights(self) -> torch.Tensor:
        """(K, step * step): each neighbour's kernel at each pixel of a grid cell."""
        # On the CPU, whatever the default device is: not every device has float64.
        exact: Any = {"dtype": torch.float64, "device": "cpu"}
        reach = torch.arange(2 * self.radius + 1, **exact) - self.padding
        within = torch.arange(self.step, **exact)
        offset = within[None, :] - self.margin - self.step * reach[:, None]
        distance = (offset[:, None, :, None] ** 2 + offset[None, :, None, :] ** 2).sqrt()
        neighbours = (2 * self.radius + 1) ** 2
        return self.kernel(distance / self.sigma).reshape(neighbours, self.step**2).float()

    def generate(self, mask_in: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """The masks of some parameters, cut to the image and with their margin.

        Args:
            mask_in: float tensor (N, 1, *shape_in), normally in [0, 1].

        Returns:
            ``(mask, full)``: (N, 1, *shape) and (N, 1, *shape_out); ``mask`` is the part of
            ``full`` that begins at (margin, margin).

        Raises:
            ValueError: ``mask_in`` has another shape.
        """
        full = self._pool(mask_in, 0, self.shape_out[0], 0, self.shape_out[1])
        m, (height, width) = self.margin, self.shape
        return full[:, :, m : m + height, m : m + width], full

    def crop(self, mask_in: torch.Tensor) -> torch.Tensor:
        """The mask of :meth:`generate` without its margin, (N, 1, *shape), for half the work."""
        m, (height, width) = self.margin, self.shape
        return self._pool(mask_in, m, m + height, m, m + width)

    def _pool(
        self, mask_in: torch.Tensor, top: int, bottom: int, left: int, right: int
    ) -> torch.Tensor:
        """Pixels [top, bottom) x [left, right) of the full mask."""
        if mask_in.dim() != 4 or mask_in.shape[1:] != (1, *self.shape_in):
            raise ValueError(
                f"A mask of shape {self.shape} needs parameters of shape "
                f"(N, 1, {self.shape_in[0]}, {self.shape_in[1]}), but got {tuple(mask_in.shape)}."
            )
        if mask_in.dtype in (torch.float16, torch.bfloat16):
            mask_in = mask_in.float()
        step, side = self.step, 2 * self.radius + 1
        first_row, first_column = top // step, left // step
        rows = -(-bottom // step) - first_row
        columns = -(-right // step) - first_column
        padded = F.pad(mask_in, (self.padding,) * 4)[
            :,
            :,
            first_row : first_row + rows + side - 1,
            first_column : first_column + columns + side - 1,
        ]
        count = len(mask_in)
        neighbours = F.unfold(padded, (side, side)).transpose(0, 1).reshape(side * side, -1)
        pooled = self._pool_neighbours(neighbours)
        pooled = pooled.view(step, step, count, rows, columns).permute(2, 3, 0, 4, 1)
        pooled = pooled.reshape(count, 1, rows * step, columns * step)
        pooled = pooled[
            :,
            :,
            top - first_row * step : bottom - first_row * step,
            left - first_column * step : right - first_column * step,
        ]
        return pooled.clamp(0, 1) if self.clamp else pooled

    def _pool_neighbours(self, neighbours: torch.Tensor) -> torch.Tensor:
        self.to(neighbours.device)
        if self.pooling_method == "softmax":
            return smooth_maximum(neighbours, self.weights, self.coldness)
        total = self.weights.to(neighbours.dtype).t() @ neighbours
        if self.pooling_method == "sum":
            return total
        return torch.sigmoid(self.coldness * total - 3)

    def to(self, device: torch.device | str) -> MaskGenerator:
        """Moves the kernel to ``device`` and returns the generator itself."""
        self.weights = self.weights.to(device)
        return self
