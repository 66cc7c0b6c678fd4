"""How an image is taken away: through a pyramid of blurred or faded versions of it."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch.autograd.function import once_differentiable

from ..inputs.checks import check_choice, check_pixels, whole_number
from ..maps.imaging import imsmooth

BLUR_PERTURBATION = "blur"
"""Level l of the pyramid is the image blurred by max_blur * (1 - l / (num_levels - 1)) pixels."""

FADE_PERTURBATION = "fade"
"""Level l of the pyramid is the image times l / (num_levels - 1)."""

PERTURBATIONS = (BLUR_PERTURBATION, FADE_PERTURBATION)

BORDERS = {"edge": "replicate", "zeros": "constant"}
"""How an image goes on beyond its edge while it is blurred, and `imsmooth`'s word for it."""


class Perturbation:
    r"""Perturbs images by masks: 1 keeps a place as it is, 0 perturbs it entirely.

    A pyramid of L levels holds ever less perturbed versions of the image :math:`x_0, \dots, x_{L-1}
    = x`: level l is the image blurred by `imsmooth` with sigma = max_blur (1 - l / (L - 1)), or,
    for "fade", l / (L - 1) times the image. A mask value m picks a place between two neighbouring
    levels,

    .. math:: (m \otimes x)(u) = (1 - w)\, x_k(u) + w\, x_{k+1}(u), \qquad k + w = (L - 1)\, m(u),

    so that the result is continuous in m and cheap for any m: the pyramid is made once per image.
    Paper: Fong, Patrick and Vedaldi (2019), arXiv 1910.08485, section 3.

    Args:
        input: images, float tensor (N, C, H, W).
        num_levels: L, at least 2.
        max_blur: standard deviation in pixels of the strongest blur, > 0.
        type: ``"blur"`` or ``"fade"`` (towards 0).
        border: beyond the image the blur sees ``"edge"``, the values at its edge, or ``"zeros"``,
            as in TorchRay, where the borders of the blurred image are dark.

    Attributes:
        pyramid: (L, C, H, W) for one image, (N, L, C, H, W) for several; from most perturbed to the
            image itself.

    Raises:
        ValueError: input, num_levels, max_blur, type or border is not as above.

    >>> x = torch.ones(1, 3, 8, 8)
    >>> fade = Perturbation(x, type="fade")
    >>> float(fade.apply(torch.full((1, 1, 8, 8), 0.25)).mean())
    0.25
    """

    def __init__(
        self,
        input: torch.Tensor,
        num_levels: int = 8,
        max_blur: float = 20,
        type: str = BLUR_PERTURBATION,
        border: str = "edge",
    ) -> None:
        if input.dim() != 4:
            raise ValueError(
                f"The images to perturb must have shape (N, C, H, W), but got {tuple(input.shape)}."
            )
        if not input.is_floating_point():
            raise ValueError(
                f"The images to perturb must be of a floating dtype, but got {input.dtype}."
            )
        check_pixels("max_blur", max_blur)
        check_choice("The perturbation", type, PERTURBATIONS)
        check_choice("border", border, BORDERS)
        self.type = type
        self.num_levels = whole_number("num_levels", num_levels, least=2)
        self.max_blur = max_blur
        with torch.no_grad():
            image = input.detach()
            levels = []
            shares = torch.linspace(0, 1, self.num_levels, device="cpu", dtype=torch.float32)
            for share in shares.tolist():
                if type == FADE_PERTURBATION:
                    levels.append(image * share)
                else:
                    blur = (1 - share) * max_blur
                    levels.append(imsmooth(image, blur, padding_mode=BORDERS[border]))
            self._levels = torch.stack(levels, dim=1)
        self._table = _level_table(self._levels)

    @property
    def pyramid(self) -> torch.Tensor:
        return self._levels[0] if len(self._levels) == 1 else self._levels

    def apply(self, mask: torch.Tensor, images: torch.Tensor | None = None) -> torch.Tensor:
        """The images perturbed by ``mask``; differentiable in ``mask``.

        Args:
            mask: float tensor with values in [0, 1], (M, 1, H, W).
            images: long tensor (M,), the image of each mask. By default M must be a multiple of the
                number N of images, and each image gets M / N consecutive masks.

        Returns:
            Tensor (M, C, H, W). At a mask of exactly 1 there is no level above, and the gradient is
            0.

        Raises:
            ValueError: ``mask`` has another shape, or M is no multiple of N.
        """
        count, height, width = len(self._levels), *self._levels.shape[3:]
        if mask.dim() != 4 or mask.shape[1:] != (1, height, width):
            raise ValueError(
                f"A mask for these images must have shape (M, 1, {height}, {width}), but got "
                f"{tuple(mask.shape)}."
            )
        if images is None:
            if len(mask) % count:
                raise ValueError(
                    f"The number of masks must be a multiple of the number of images, {count}, "
                    f"but got {len(mask)}."
                )
            images = torch.arange(count, device=mask.device)
            images = images.repeat_interleave(len(mask) // count)
        rows = _Interpolate.apply(mask, self._table, images, self.num_levels)
        return rows.squeeze(1).permute(0, 3, 1, 2)

    def to(self, device: torch.device | str) -> Perturbation:
        """Moves the pyramid to ``device`` and returns the perturbation itself."""
        self._levels = self._levels.to(device)
        self._table = self._table.to(device)
        return self

    def __str__(self) -> str:
        return (
            f"Perturbation:\n- type: {self.type}\n- num_levels: {self.num_levels}\n"
            f"- pyramid shape: {list(self.pyramid.shape)}"
        )


def _level_table(levels: torch.Tensor) -> torch.Tensor:
    """A row per (image, level, place): the level's C values, then the C steps to the next level."""
    steps = torch.zeros_like(levels)
    steps[:, :-1] = levels[:, 1:] - levels[:, :-1]
    return torch.cat((levels, steps), dim=2).permute(0, 1, 3, 4, 2).flatten(0, 3).contiguous()


class _Interpolate(torch.autograd.Function):
    """Rows of a level table at fractional levels; the gradient goes to the mask alone."""

    @staticmethod
    def forward(
        ctx: Any, mask: torch.Tensor, table: torch.Tensor, images: torch.Tensor, levels: int
    ) -> torch.Tensor:
        place = mask * (levels - 1)
        level = place.floor().clamp_(0, levels - 1)
        share = (place - level).to(table.dtype)
        first = images.view(-1, 1, 1, 1) * levels
        pixels = mask[0].numel()
        within = torch.arange(pixels, device=mask.device).view(mask.shape[1:])
        rows = F.embedding((first + level.long()) * pixels + within, table)
        value, step = rows.chunk(2, dim=-1)
        ctx.save_for_backward(step)
        ctx.levels, ctx.dtype = levels, mask.dtype
        return torch.addcmul(value, step, share.unsqueeze(-1))

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *upstreams: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        (step,) = ctx.saved_tensors
        slope = (upstreams[0] * step).sum(-1).to(ctx.dtype) * (ctx.levels - 1)
        return slope, None, None, None
