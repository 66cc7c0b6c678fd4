"""How an image is taken away: through a pyramid of blurred or faded versions of it."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch.autograd.function import once_differentiable

from ..inputs.checks import check_pixels, is_whole
from ..maps.imaging import imsmooth

BLUR_PERTURBATION = "blur"
"""Level l of the pyramid is the image blurred by max_blur * (1 - l / (num_levels - 1)) pixels."""

FADE_PERTURBATION = "fade"
"""Level l of the pyramid is the image times l / (num_levels - 1)."""

PERTURBATIONS = (BLUR_PERTURBATION, FADE_PERTURBATION)


class Perturbation:
    r"""Perturbs images by masks: 1 keeps a place as it is, 0 perturbs it entirely.

    A pyramid of L levels holds ever less perturbed versions of the image :math:`x_0, \dots, x_{L-1}
    = x`: level l is the image blurred by `imsmooth` with sigma = max_blur (1 - l / (L - 1)), taken
    as zero outside (so that borders darken), or, for "fade", l / (L - 1) times the image. A mask
    value m picks a place between two neighbouring levels,

    .. math:: (m \otimes x)(u) = (1 - w)\, x_k(u) + w\, x_{k+1}(u), \qquad k + w = (L - 1)\, m(u),

    so that the result is continuous in m and cheap for any m: the pyramid is made once per image.
    Paper: Fong, Patrick and Vedaldi (2019), arXiv 1910.08485, section 3.

    Args:
        input: float tensor (N, C, H, W): images, or any layer's activations.
        num_levels: L, at least 2.
        max_blur: standard deviation in pixels of the strongest blur, > 0.
        type: ``"blur"`` or ``"fade"`` (towards 0).

    Attributes:
        pyramid: (L, C, H, W) for one image, (N, L, C, H, W) for several; from most perturbed to the
            image itself.

    Raises:
        ValueError: input, num_levels, max_blur or type is not as above.

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
    ) -> None:
        if input.dim() != 4:
            raise ValueError(
                f"The images to perturb must have shape (N, C, H, W), but got {tuple(input.shape)}."
            )
        if not input.is_floating_point():
            raise ValueError(
                f"The images to perturb must be of a floating dtype, but got {input.dtype}."
            )
        if not is_whole(num_levels, least=2):
            raise ValueError(
                f"num_levels must be a whole number, at least 2, but got {num_levels!r}."
            )
        check_pixels("max_blur", max_blur)
        if type not in PERTURBATIONS:
            raise ValueError(
                f"The perturbation must be one of {', '.join(PERTURBATIONS)}, but got {type!r}."
            )
        self.type = type
        self.num_levels = int(num_levels)
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
                    levels.append(imsmooth(image, sigma=blur) if blur > 0 else image.clone())
            self._levels = torch.stack(levels, dim=1)
        self._tables: dict[str, torch.Tensor] = {}

    @property
    def pyramid(self) -> torch.Tensor:
        return self._levels[0] if len(self._levels) == 1 else self._levels

    def apply(self, mask: torch.Tensor, images: torch.Tensor | None = None) -> torch.Tensor:
        """The images perturbed by ``mask``; differentiable in ``mask``.

        Args:
            mask: float tensor with values in [0, 1]: (M, 1, H, W), one value per place, or (M, C,
                1, 1), one value per channel.
            images: long tensor (M,), the image of each mask. By default M must be a multiple of the
                number N of images, and each image gets M / N consecutive masks.

        Returns:
            Tensor (M, C, H, W). At a mask of exactly 1 there is no level above, and the gradient is
            0.

        Raises:
            ValueError: ``mask`` fits neither shape, or M is no multiple of N.
        """
        count, levels, channels, height, width = self._levels.shape
        per_place = tuple(mask.shape[1:]) == (1, height, width)
        if not per_place and tuple(mask.shape[1:]) != (channels, 1, 1):
            raise ValueError(
                f"A mask for these images must have shape (M, 1, {height}, {width}) or "
                f"(M, {channels}, 1, 1), but got {tuple(mask.shape)}."
            )
        if images is None:
            if len(mask) % count:
                raise ValueError(
                    f"The number of masks must be a multiple of the number of images, {count}, "
                    f"but got {len(mask)}."
                )
            images = torch.arange(count, device=mask.device)
            images = images.repeat_interleave(len(mask) // count)
        if not per_place:
            table = self._table("channel")
            within = torch.arange(channels, device=mask.device)[:, None, None]
            rows = _Interpolate.apply(mask, table, images, levels, within, channels)
            return rows.reshape(len(mask), channels, height, width)
        table = self._table("place")
        within = torch.arange(height * width, device=mask.device).view(height, width)
        rows = _Interpolate.apply(mask, table, images, levels, within, height * width)
        return rows.squeeze(1).permute(0, 3, 1, 2)

    def _table(self, unit: str) -> torch.Tensor:
        """A row per (image, level, unit): the level's values, then the steps to the next."""
        if unit not in self._tables:
            step = torch.zeros_like(self._levels)
            step[:, :-1] = self._levels[:, 1:] - self._levels[:, :-1]
            if unit == "place":
                both = torch.cat((self._levels, step), dim=2).permute(0, 1, 3, 4, 2)
                rows = both.reshape(-1, both.shape[-1])
            else:
                both = torch.cat((self._levels.flatten(3), step.flatten(3)), dim=3)
                rows = both.reshape(-1, both.shape[-1])
            self._tables[unit] = rows.contiguous()
        return self._tables[unit]

    def to(self, device: torch.device | str) -> Perturbation:
        """Moves the pyramid to ``device`` and returns the perturbation itself."""
        self._levels = self._levels.to(device)
        self._tables = {unit: rows.to(device) for unit, rows in self._tables.items()}
        return self

    def __str__(self) -> str:
        return (
            f"Perturbation:\n- type: {self.type}\n- num_levels: {self.num_levels}\n"
            f"- pyramid shape: {list(self.pyramid.shape)}"
        )


class _Interpolate(torch.autograd.Function):
    """Rows of a level table at fractional levels; the gradient goes to the mask alone."""

    @staticmethod
    def forward(
        ctx: Any,
        mask: torch.Tensor,
        table: torch.Tensor,
        images: torch.Tensor,
        levels: int,
        within: torch.Tensor,
        units: int,
    ) -> torch.Tensor:
        place = mask * (levels - 1)
        level = place.floor().clamp_(0, levels - 1)
        share = (place - level).to(table.dtype)
        first = images.view(-1, 1, 1, 1) * levels
        rows = F.embedding((first + level.long()) * units + within, table)
        value, step = rows.chunk(2, dim=-1)
        ctx.save_for_backward(step)
        ctx.levels, ctx.dtype = levels, mask.dtype
        return torch.addcmul(value, step, share.unsqueeze(-1))

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *upstreams: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        (step,) = ctx.saved_tensors
        slope = (upstreams[0] * step).sum(-1).to(ctx.dtype) * (ctx.levels - 1)
        return slope, None, None, None, None, None
