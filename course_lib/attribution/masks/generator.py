"""Smooth masks from a few parameters: a convolution whose sum is a smooth maximum."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
import torch.nn.functional as F

from ..inputs.checks import check_choice, check_pixels, height_and_width, whole_number
from .smooth_maximum import smooth_maximum

POOLING_METHODS = ("softmax", "sum", "sigmoid")

# The side of the images, in pixels, for which the paper chose its step and sigma.
_PAPER_SIDE, _PAPER_STEP, _PAPER_SIGMA = 224, 7, 21


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
        self.shape = height_and_width(shape)
        self.step = whole_number("step", step)
        check_pixels("sigma", sigma)
        check_choice("pooling_method", pooling_method, POOLING_METHODS)
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
        if mask_in.dim() != 4 or mask_in.shape[1:] != (1, *self.shape_in):
            raise ValueError(
                f"A mask of shape {self.shape} needs parameters of shape "
                f"(N, 1, {self.shape_in[0]}, {self.shape_in[1]}), but got {tuple(mask_in.shape)}."
            )
        if mask_in.dtype in (torch.float16, torch.bfloat16):
            mask_in = mask_in.float()
        count, side, step = len(mask_in), 2 * self.radius + 1, self.step
        neighbours = F.unfold(F.pad(mask_in, (self.padding,) * 4), side)
        pooled = self._pool_neighbours(neighbours.transpose(0, 1).reshape(side * side, -1))
        # Each column is a grid cell, each row a pixel in it: put the pixels in their places.
        pooled = pooled.view(step, step, count, *self.shape_mid).permute(2, 3, 0, 4, 1)
        full = pooled.reshape(count, 1, *self.shape_up)
        full = full[:, :, : self.shape_out[0], : self.shape_out[1]]
        if self.clamp:
            full = full.clamp(0, 1)
        return self.cut(full), full

    def cut(self, full: torch.Tensor) -> torch.Tensor:
        """The image's part, (N, 1, *shape), of a full mask."""
        m, (height, width) = self.margin, self.shape
        return full[:, :, m : m + height, m : m + width]

    def crop(self, mask_in: torch.Tensor) -> torch.Tensor:
        """The mask of :meth:`generate` without its margin, (N, 1, *shape)."""
        return self.generate(mask_in)[0]

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

    def disc_area(self) -> float:
        """The least that a mask can show whole: the sum of one parameter's disc, in pixels.

        >>> round(MaskGenerator((96, 96), 3, 9).disc_area() / 96**2, 3)
        0.033
        """
        one = torch.zeros(1, 1, *self.shape_in, device=self.weights.device)
        one[0, 0, self.shape_in[0] // 2, self.shape_in[1] // 2] = 1
        return float(self.generate(one)[1].sum())


def generator_for(
    shape: Sequence[int], step: int | None = None, sigma: float | None = None
) -> MaskGenerator:
    """A generator in the paper's proportions: step 7, sigma 21 for a shorter side of 224 pixels.

    Args:
        shape: (height, width) of the image.
        step, sigma: other ones, in pixels.

    >>> generator = generator_for((96, 128))
    >>> generator.step, generator.sigma, generator.shape_in
    (3, 9.0, (32, 43))
    """
    share = min(shape) / _PAPER_SIDE
    return MaskGenerator(
        shape,
        max(1, round(_PAPER_STEP * share)) if step is None else step,
        _PAPER_SIGMA * share if sigma is None else sigma,
    )
