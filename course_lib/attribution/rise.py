"""RISE: which places raise the score on average, from the outside of the network alone."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

from .inputs.checks import (
    as_number,
    check_callable,
    check_finite,
    check_image,
    check_model,
    check_scores,
    exact_dtype,
    generator,
    height_and_width,
    shape_text,
    what_it_is,
    whole_number,
)
from .inputs.notices import warn
from .inputs.targets import parse_target
from .maps.imaging import check_resize, resize_saliency
from .methods import method
from .network.fast import pieces, run_fast
from .network.preserved import current_autocast, preserved

# Random numbers are drawn for this many masks at a time, whatever the batch: the masks are
# TorchRay's for its default batch, and the same for every other.
_DRAWN_TOGETHER = 32


class RiseMasks:
    r"""The random masks of RISE: a sequence that holds their grids and makes the masks on demand.

    A mask begins as a grid of c x c cells, each 1 with probability p and otherwise 0. The grid gets
    one cell more on each side, reflected without repeating the border cell (numpy.pad's "reflect";
    a single cell is repeated). It is enlarged as `torch.nn.functional.interpolate` does (bilinear,
    align_corners off), so that a cell is ceil((H + h) / c) x ceil((W + w) / c) pixels with h, w =
    ceil(H / c), ceil(W / c), and cut to H x W: the mask begins r rows and s columns after the
    corner of the original grid, 0 <= r < h, 0 <= s < w, drawn evenly and apart for each mask.
    Enlarging is separable: for mask k with the shifts r and s,

    .. math:: m_k = A_{r_k}\, G_k\, B_{s_k}^\top,

    with one small matrix for each shift, so that a mask costs two small matrix products. Masks are
    read by slices only.

    Args:
        shape: (height, width) in pixels.
        num_masks: how many, at least 1.
        num_cells: c, cells along each side, at least 1.
        p: probability that a cell is kept (is 1), in (0, 1].
        seed: of the random numbers, an int; the global random state is neither used nor changed.
        device: where the masks are made.
        dtype: floating dtype of the masks.

    Raises:
        ValueError: a number is outside its range.
        TypeError: the seed is no int, or masks are read by something else than a slice.

    >>> masks = RiseMasks((6, 8), num_masks=100, num_cells=3)
    >>> len(masks), masks[:4].shape
    (100, torch.Size([4, 1, 6, 8]))
    """

    def __init__(
        self,
        shape: Sequence[int],
        num_masks: int = 8000,
        num_cells: int = 7,
        p: float = 0.5,
        seed: int = 0,
        device: torch.device | str = "cpu",
        dtype: torch.dtype = torch.float32,
    ) -> None:
        num_masks = whole_number("num_masks", num_masks)
        num_cells = whole_number("num_cells", num_cells)
        share = as_number(p)
        if share is None or not 0 < share <= 1:
            raise ValueError(f"p must be a probability in (0, 1], not {p!r}.")
        self.shape = height_and_width(shape)
        shifts = [math.ceil(side / num_cells) for side in self.shape]
        drawn: Any = {"generator": generator(seed), "device": "cpu"}
        # The grids must not depend on the default dtype.
        evenly: Any = {**drawn, "dtype": torch.float32}
        grids, rows, columns = [], [], []
        for start in range(0, num_masks, _DRAWN_TOGETHER):
            count = min(_DRAWN_TOGETHER, num_masks - start)
            grids.append(torch.rand(count, 1, num_cells, num_cells, **evenly) < share)
            rows.append(torch.randint(0, shifts[0], (count,), **drawn))
            columns.append(torch.randint(0, shifts[1], (count,), **drawn))
        self._grids = torch.cat(grids).squeeze(1).to(device)
        self._rows = torch.cat(rows).to(device)
        self._columns = torch.cat(columns).to(device)
        self._enlarge_rows, self._enlarge_columns = (
            _enlargement(num_cells, side).to(device=device, dtype=dtype) for side in self.shape
        )

    def __len__(self) -> int:
        return len(self._grids)

    def __getitem__(self, index: slice) -> torch.Tensor:
        """The masks of a slice: (k, 1, H, W), values in [0, 1]."""
        if not isinstance(index, slice):
            raise TypeError(f"The masks are read by slices, such as masks[:4], not by {index!r}.")
        rows = self._enlarge_rows[self._rows[index]]
        columns = self._enlarge_columns[self._columns[index]]
        grids = self._grids[index].to(rows.dtype)
        with torch.autocast(rows.device.type, enabled=False):
            return (rows @ grids @ columns.transpose(1, 2)).unsqueeze(1)


def _enlargement(num_cells: int, side: int) -> torch.Tensor:
    """For each shift, the weights of the grid's cells at each pixel: (shifts, side, num_cells)."""
    shifts = math.ceil(side / num_cells)
    # So that a mask that is shifted as far as can be still lies on the grid.
    cell = math.ceil((side + shifts) / num_cells)
    cells = torch.eye(num_cells, device="cpu", dtype=torch.float32).unsqueeze(1)
    # A single cell has nothing to reflect.
    cells = F.pad(cells, (1, 1), mode="reflect" if num_cells > 1 else "replicate")
    size = cell * (num_cells + 2)
    line = F.interpolate(cells, size=size, mode="linear", align_corners=False).squeeze(1)
    return torch.stack([line[:, cell + i : cell + i + side].t() for i in range(shifts)])


@method("RISE", layer="no", passes="num_masks forward")
def rise(
    model: nn.Module,
    input: torch.Tensor,
    target: Any = None,
    seed: int = 0,
    num_masks: int = 8000,
    num_cells: int = 7,
    filter_masks: torch.Tensor | None = None,
    batch_size: int = 32,
    p: float = 0.5,
    resize: bool | tuple[int, int] = False,
    resize_mode: str = "bilinear",
    *,
    activation: Callable[[torch.Tensor], torch.Tensor] | None = torch.sigmoid,
    progress: bool = False,
) -> torch.Tensor:
    r"""Weigh random masks by the score that the network gives to what they leave of the image.

    .. math:: s(u) = \frac{1}{K} \sum_{k=1}^{K} f(\phi(m_k \odot x))\, m_k(u),

    with random smooth masks m_k (see `RiseMasks`), the network phi and the activation f. Only the
    network's answers are used, no gradient. The masks depend on `seed`, `num_masks`, `num_cells`,
    `p` and the image's size, not on `batch_size`. Masks, activated scores and their sum are held in
    float32 (float64 for float64 images), also for images of half precision and under
    `torch.autocast`, which holds for the network alone. Paper: Petsiuk, Das and Saenko, "RISE:
    Randomized Input Sampling for Explanation of Black-box Models" (2018), arXiv 1806.07421.

    Unlike in TorchRay, the maps are those of `target`, when there is one, and no others are
    computed.

    Args:
        model: the network, from images to N x C scores (N x C x H x W scores are averaged over
            positions). It runs in eval mode and comes back as it was.
        input: images, N x C x H x W.
        target: an int, one or several classes per image, or a floating N x C tensor of weights of
            the activated scores; None for all classes.
        seed: of the masks.
        num_masks: K.
        num_cells: cells along each side of a mask's grid.
        filter_masks: masks to use instead of random ones, K x 1 x H x W or K x H x W.
        batch_size: how many masked images the network gets at once: at most this many on a CPU,
            exactly this many elsewhere (but for the last batch).
        p: the probability that a cell is kept.
        resize: False, True (the image's size, which the maps have anyway) or (width, height).
        resize_mode: how to interpolate then.
        activation: f, from N x C scores to as many numbers; the logistic function by default, None
            for the scores themselves.
        progress: show a progress bar.

    Returns:
        Maps, N x T x H x W, of the images' dtype: T is the number of classes, or of targets per
        image, and 1 for weights. They carry no graph.

    Raises:
        TypeError, ValueError: an argument is not as above, or the network's output is not finite.

    Warns:
        UserWarning: the activation flattens the scores of the target, as the logistic function does
            with large ones: all masks then count the same, and the map is noise.

    >>> class Centre(torch.nn.Module):
    ...     def forward(self, x):
    ...         return x[:, :, 8, 8]
    >>> saliency = rise(Centre(), torch.ones(1, 3, 16, 16), target=2, num_masks=500)
    >>> saliency.shape
    torch.Size([1, 1, 16, 16])
    >>> bool(saliency[0, 0, 8, 8] > saliency[0, 0, 0, 0])
    True
    """
    check_model(model)
    check_image(input)
    batch_size = whole_number("batch_size", batch_size)
    if activation is not None:
        check_callable("activation", activation)
    check_resize(resize, resize_mode)
    images = input.detach().contiguous(memory_format=torch.channels_last)
    dtype = exact_dtype(images)
    if filter_masks is None:
        masks: RiseMasks | torch.Tensor = RiseMasks(
            images.shape[2:], num_masks, num_cells, p, seed, images.device, dtype
        )
    else:
        masks = _check_masks(filter_masks, images, dtype)
    run = _under_autocast(partial(run_fast, model), images.device)
    wanted: torch.Tensor | None = None
    totals: list[torch.Tensor] = []
    plain, activated = _Spread(), _Spread()
    full_precision = torch.autocast(images.device.type, enabled=False)
    with (
        preserved(model, input),
        torch.no_grad(),
        full_precision,
    ):
        for chunk in _batches(len(masks), batch_size, progress):
            mask = masks[chunk]
            for n, image in enumerate(images.split(1)):
                scores = _in_pieces(run, image, mask)
                if target is not None and wanted is None:
                    wanted = parse_target(target, scores[:1].expand(len(images), -1))
                asked = None if wanted is None else wanted[n]
                weights = _of_target(_activated(scores, activation), asked)
                plain.add(n, _of_target(scores, asked))
                activated.add(n, weights)
                share = weights.t() @ mask.flatten(1)
                if chunk.start == 0:
                    totals.append(share)
                else:
                    totals[n] += share
    if activation is not None and activated.is_flat_beside(plain):
        warn(
            "RISE's activation flattens the scores, so that all masks count the same and the map "
            "is noise: give activation=lambda scores: scores.softmax(1), or None for the scores "
            "themselves."
        )
    saliency = torch.stack(totals).div_(len(masks)).unflatten(2, images.shape[2:])
    return resize_saliency(input, saliency, resize, resize_mode).to(images.dtype)


def rise_class(
    model: nn.Module, input: torch.Tensor, target: Any, *args: Any, **kwargs: Any
) -> torch.Tensor:
    """`rise` for a target that must be given: N x 1 x H x W for one class per image.

    Paper: Petsiuk, Das and Saenko (2018), arXiv 1806.07421.

    Args:
        model: the network.
        input: images, N x C x H x W.
        target: an int, or one class per image; or another target of `rise`, with as many maps.
        args, kwargs: the further arguments of `rise`.

    Raises:
        ValueError: target is None; or as for `rise`.

    >>> model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(48, 5))
    >>> rise_class(model, torch.rand(2, 3, 4, 4), target=1, num_masks=8).shape
    torch.Size([2, 1, 4, 4])
    """
    if target is None:
        raise ValueError("rise_class needs a target, such as a class index; rise gives all maps.")
    return rise(model, input, target, *args, **kwargs)


class _Spread:
    """How much the numbers that weigh the masks vary from mask to mask."""

    def __init__(self) -> None:
        self._first: dict[int, torch.Tensor] = {}
        self._sums: dict[int, torch.Tensor] = {}

    def add(self, image: int, weights: torch.Tensor) -> None:
        """Count the weights, k x T, of k more masks for an image."""
        # Distances from the first keep what large numbers of like size would lose by rounding.
        off = weights - self._first.setdefault(image, weights[0])
        sums = torch.stack((torch.ones_like(off), off, off.square())).sum(1)
        self._sums[image] = sums + self._sums[image] if image in self._sums else sums

    def _mean_and_deviation(self) -> tuple[torch.Tensor, torch.Tensor]:
        count, total, squares = torch.stack(list(self._sums.values()), 1)
        off = total / count
        deviation = (squares / count - off.square()).clamp(min=0).sqrt()
        return torch.stack(list(self._first.values())) + off, deviation

    def is_flat_beside(self, other: _Spread) -> bool:
        """Whether these vary by less than a fiftieth of what the others do, and in relation to
        their mean by less than a tenth."""
        (mean, mine), (other_mean, theirs) = self._mean_and_deviation(), other._mean_and_deviation()
        flat = mine < theirs / 50
        return bool((flat & (mine * other_mean.abs() < theirs * mean.abs() / 10)).all())


def _under_autocast(
    run: Callable[[torch.Tensor], Any], device: torch.device
) -> Callable[[torch.Tensor], Any]:
    """The network, to be called where there is no autocast, in the autocast of now."""
    setting = current_autocast(device)

    def inside(x: torch.Tensor) -> Any:
        with setting():
            return run(x)

    return inside


def _in_pieces(
    run: Callable[[torch.Tensor], Any], image: torch.Tensor, mask: torch.Tensor
) -> torch.Tensor:
    """The network's scores for the image under each mask, k x C, a few at a time on a CPU."""
    some = mask.split(pieces(mask))
    return torch.cat([_scores(run(_masked(image, piece)), piece) for piece in some])


def _masked(image: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """The image (1, C, H, W) under each mask (k, 1, H, W), in the image's layout and dtype."""
    masked = image.permute(0, 2, 3, 1) * mask.permute(0, 2, 3, 1)
    return masked.permute(0, 3, 1, 2).to(image.dtype)


def _scores(output: Any, mask: torch.Tensor) -> torch.Tensor:
    """One number per mask and class, k x C, in the masks' dtype."""
    scores = check_scores(output, len(mask))
    if scores.dim() == 4:
        return scores.mean((2, 3), dtype=mask.dtype)
    # A network may write all its outputs to the same memory.
    return scores.to(mask.dtype, copy=True)


def _activated(
    scores: torch.Tensor, activation: Callable[[torch.Tensor], torch.Tensor] | None
) -> torch.Tensor:
    """The activation of k x C scores, in their dtype."""
    activated: Any = scores if activation is None else activation(scores)
    if not isinstance(activated, torch.Tensor) or activated.shape != scores.shape:
        raise ValueError(
            f"The activation must keep the scores' shape, {tuple(scores.shape)}, but gave "
            f"{what_it_is(activated)}."
        )
    return check_finite(activated.to(scores.dtype), "The activated score")


def _of_target(scores: torch.Tensor, wanted: torch.Tensor | None) -> torch.Tensor:
    """The columns asked for, k x T, of k x C scores; or their weighted sum, k x 1."""
    if wanted is None:
        return scores
    if wanted.is_floating_point():
        return (scores @ wanted)[:, None]
    return scores[:, wanted]


def _batches(count: int, size: int, progress: bool) -> Iterator[slice]:
    starts: Any = range(0, count, size)
    if progress:
        from tqdm.auto import tqdm

        starts = tqdm(starts, desc="RISE", unit="batch")
    for start in starts:
        yield slice(start, min(start + size, count))


def _check_masks(masks: torch.Tensor, images: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    height, width = images.shape[2:]
    wanted = f"K x 1 x {height} x {width}"
    if not isinstance(masks, torch.Tensor):
        raise TypeError(f"filter_masks must be a tensor, {wanted}, not {type(masks).__name__}.")
    given = masks.unsqueeze(1) if masks.dim() == 3 else masks
    if given.dim() != 4 or given.shape[1:] != (1, height, width) or len(given) == 0:
        raise ValueError(
            f"filter_masks must have shape {wanted} for this image, not {shape_text(masks)}."
        )
    return check_finite(given.detach().to(images.device, dtype), "filter_masks")
