"""Extremal perturbation: the mask of a given area that the network answers most strongly to."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import nn

from .inputs.checks import (
    as_number,
    check_callable,
    check_choice,
    check_image,
    check_model,
    check_scores,
    exact_dtype,
    finite_number,
    whole_number,
)
from .inputs.targets import parse_target
from .maps.imaging import check_resize, imsmooth, resize_saliency
from .masks.area import area_penalty, fit_area
from .masks.ascent import Each, ascend
from .masks.generator import MaskGenerator, generator_for
from .masks.perturbation import (
    BLUR_PERTURBATION,
    BORDERS,
    FADE_PERTURBATION,
    PERTURBATIONS,
    Perturbation,
)
from .masks.rewards import (
    DELETE_VARIANT,
    DUAL_VARIANT,
    PRESERVE_VARIANT,
    VARIANTS,
    Reward,
    check_reward,
    contrastive_reward,
    simple_reward,
)
from .methods import method
from .network.fast import run_fast
from .network.preserved import current_autocast, explaining

__all__ = [
    "BLUR_PERTURBATION",
    "DELETE_VARIANT",
    "DUAL_VARIANT",
    "FADE_PERTURBATION",
    "PRESERVE_VARIANT",
    "ExtremalMasks",
    "MaskGenerator",
    "Perturbation",
    "contrastive_reward",
    "extremal_perturbation",
    "simple_reward",
]


@dataclass(frozen=True)
class ExtremalMasks:
    """Masks and how they were found; unpacks as TorchRay's ``(masks, history)``.

    The M = N x K x A rows of each tensor are ordered by image, then target, then area:
    `masks.unflatten(0, shape)` is N x K x A x 1 x H x W.

    Attributes:
        masks: M x 1 x H x W; values in [0, 1], beyond which only a bicubic `resize` goes.
        history: M x 2 x T: reward and (negative) weighted area penalty in each iteration.
        reward: M rewards of the masks before `resize` and `smooth`, on the image as given, not
            flipped.
        area: M areas of these masks, as `area_on` counts.
        covered: M shares of the image that they cover, their mean values on the image: less than
            `area` for a mask that hangs over the image's edge.
        areas: the A areas asked for.
        shape: (N, K, A).

    >>> masks = torch.tensor([[[[0.0, 1.0]]], [[[1.0, 1.0]]]])
    >>> share = masks.mean((1, 2, 3))
    >>> found = ExtremalMasks(masks, torch.zeros(2, 2, 5), torch.tensor([0.5, 0.9]), share, share,
    ...                       (0.5, 1.0), (1, 1, 2))
    >>> masks, history = found
    >>> masks.unflatten(0, found.shape).shape, history.shape
    (torch.Size([1, 1, 2, 1, 1, 2]), torch.Size([2, 2, 5]))
    """

    masks: torch.Tensor
    history: torch.Tensor
    reward: torch.Tensor
    area: torch.Tensor
    covered: torch.Tensor
    areas: tuple[float, ...]
    shape: tuple[int, int, int]

    def __iter__(self) -> Iterator[torch.Tensor]:
        return iter((self.masks, self.history))

    def __len__(self) -> int:
        return 2

    def __getitem__(self, index: int) -> torch.Tensor:
        return (self.masks, self.history)[index]


@method("Extremal perturbation", layer="no", passes="max_iter x (forward + backward)")
def extremal_perturbation(
    model: nn.Module,
    input: torch.Tensor,
    target: Any,
    areas: Sequence[float] | float = (0.1,),
    perturbation: str = BLUR_PERTURBATION,
    max_iter: int = 100,
    num_levels: int = 8,
    step: int | None = None,
    sigma: float | None = None,
    jitter: bool = True,
    variant: str = PRESERVE_VARIANT,
    print_iter: int | None = None,
    debug: bool = False,
    reward_func: Reward = simple_reward,
    resize: bool | tuple[int, int] = False,
    resize_mode: str = "bilinear",
    smooth: float = 0,
    *,
    area_on: str = "mass",
    border: str = "edge",
    progress: bool = False,
    callback: Callable[[int, int], object] | None = None,
    watch: Callable[[torch.Tensor], object] | None = None,
) -> ExtremalMasks:
    r"""Find, for each area, the smooth mask that keeps the target's score highest.

    .. math:: m_a = \operatorname*{argmax}_{m \in \mathcal M}\;
              \Phi(m \otimes x) - \lambda\, R_a(m),

    where M are the masks of a `MaskGenerator`, m (*) x blurs the image where m is small, by up to
    20 pixels, or fades it (`Perturbation`), Phi is the reward, and R_a says how far the mask is
    from one of zeros and ones of area a (`area_penalty`). The mask begins with ones and climbs by
    the paper's gradient ascent, whose weight of the area grows (`ascend`). Paper: Fong, Patrick and
    Vedaldi, "Understanding deep networks via extremal perturbations and smooth masks" (2019), arXiv
    1910.08485.

    Images, targets and areas are optimised in one batch, each mask by itself. Unlike in
    TorchRay: the 800 iterations are compressed into `max_iter`; `step` and `sigma` go with the
    image's size; the blurred image has no dark border (`border`); the area is that of the image,
    where TorchRay counts the margin around it too, so that a mask asked to cover 0.05 of a small
    image covers three times that (`area_on`); and the rewards of different masks never mix.
    TorchRay's own: ``max_iter=800, step=7, sigma=21, area_on="padded", border="zeros"``.

    Args:
        model: the network, from images to N x C or N x C x H x W scores.
        input: images, N x C x H x W, of any size.
        target: an int; one class per image, or several (N x K); or a floating tensor of the
            scores' shape, by which they are weighted.
        areas: A shares in (0, 1), in any order, or one share. A mask of an area smaller than that
            of a single disc (`MaskGenerator.disc_area`; 0.033 by default) can show nothing whole.
        perturbation: "blur" or "fade".
        max_iter: the number of iterations. Whatever it is, the masks go through the paper's
            schedule from end to end; docs/extremal.md compares numbers.
        num_levels: levels of the pyramid.
        step: pixels between the mask's parameters; by default 7 for an image whose shorter side has
            224 pixels, and in proportion for others.
        sigma: reach of the mask's kernel, in pixels; by default 21, in the same proportion.
        jitter: flip the perturbed image left-right in iterations 0, 2, 4, ....
        variant: "preserve" the score with what the mask keeps, "delete" it by taking that away (the
            image is perturbed by 1 - m), or "dual", both (the network is given all images perturbed
            by m, then all perturbed by 1 - m).
        print_iter: print the rewards and area terms every so many iterations.
        debug: print them in every iteration.
        reward_func: `simple_reward`, `contrastive_reward`, or a function of (scores, target,
            variant=...) that gives one reward per mask, or M x ... of which the mean over all but
            the first dimension is taken. target is the int given when there is one image and one
            target, and otherwise a tensor with one entry per mask.
        resize: False, True (the image's size) or (width, height), for the masks returned.
        resize_mode: how to interpolate then.
        smooth: blur the resized masks by this share of their shorter side (the standard deviation
            of `imsmooth`); they are 0 outside.
        area_on: the masks are made with a margin, so that a disc's rim may lie beyond the image.
            "mass": the area is the sum of all that over the number of the image's pixels, so that a
            disc at the edge costs as much as one inside; in the end, rims are made steeper or
            flatter until it is the area asked for (`fit_area`). "padded": over the number of all
            pixels, the margin's too, as in TorchRay, and masks are left as they come.
        border: beyond the image the blur sees "edge", the values at its edge, or "zeros", as in
            TorchRay.
        progress: show a progress bar.
        callback: called after each iteration with its number, from 1, and the number of all. What
            it raises ends the optimisation, and all is as before.
        watch: called in each iteration with the masks as they are, M x 1 x H x W, without a graph.

    Returns:
        `ExtremalMasks`, which unpacks as (masks, history). The masks are those after the last step,
        so one step on from the last entry of the history.

    Raises:
        TypeError, ValueError: an argument is not as above, the network gives no such scores, or has
            gradient checkpoints that can't be passed, or a score or reward becomes infinite or not
            a number, or has no gradient. The model is as before.

    >>> class Corner(torch.nn.Module):
    ...     def forward(self, x):
    ...         return x[:, :, :8, :8].mean((2, 3))
    >>> x = torch.rand(1, 3, 28, 28)
    >>> masks, history = extremal_perturbation(Corner(), x, 0, areas=[0.2], perturbation="fade")
    >>> masks.shape
    torch.Size([1, 1, 28, 28])
    >>> bool(masks[0, 0, 4, 4] > 0.8), bool(masks[0, 0, 24, 24] < 0.2)
    (True, True)
    """
    check_model(model)
    check_image(input)
    wanted = check_areas(areas)
    check_choice("perturbation", perturbation, PERTURBATIONS)
    check_choice("variant", variant, VARIANTS)
    check_choice("area_on", area_on, ("mass", "padded"))
    check_choice("border", border, BORDERS)
    max_iter = whole_number("max_iter", max_iter)
    spread = finite_number("smooth", smooth)
    check_resize(resize, resize_mode)
    check_callable("reward_func", reward_func)
    if callback is not None:
        check_callable("callback", callback)
    if watch is not None:
        check_callable("watch", watch)

    with ExitStack() as stack:
        stack.enter_context(explaining(model, input))
        images = (input.clone() if input.is_inference() else input).detach()
        forward = partial(run_fast, model)
        with torch.no_grad():
            targets = parse_target(target, check_scores(forward(images), len(images)))
        # Masks are made in full precision, whatever the caller lets the network run in.
        setting = current_autocast(images.device)
        stack.enter_context(torch.autocast(images.device.type, enabled=False))

        generator = generator_for(images.shape[2:], step, sigma).to(images.device)
        pyramid = Perturbation(images, num_levels, type=perturbation, border=border)
        each_image = 1 if targets.is_floating_point() else targets.shape[1]
        shape = (len(images), each_image, len(wanted))
        of_image, of_target = _per_mask(targets, shape)
        all_areas = wanted * (len(of_image) // len(wanted))
        # What areas are shares of.
        pixels = math.prod(generator.shape_out if area_on == "padded" else generator.shape)

        def phi(mask: torch.Tensor, flipped: bool, when: str) -> torch.Tensor:
            """The rewards of all masks."""
            kept = [1 - mask] if variant == DELETE_VARIANT else [mask]
            if variant == DUAL_VARIANT:
                kept.append(1 - mask)
            x = pyramid.apply(torch.cat(kept), of_image.repeat(len(kept)))
            with setting():
                scores = check_scores(forward(x.flip(3) if flipped else x), len(x))
            return check_reward(reward_func(scores, of_target, variant=variant), len(mask), when)

        def terms(parameters: torch.Tensor, t: int) -> tuple[torch.Tensor, torch.Tensor]:
            """Phi(m (*) x) and R_a(m)."""
            mask, full = generator.generate(parameters)
            if watch is not None:
                watch(mask.detach())
            reward = phi(mask, jitter and t % 2 == 0, f"in iteration {t + 1}")
            return reward, area_penalty(full, all_areas, pixels)

        start = torch.ones(
            len(of_image),
            1,
            *generator.shape_in,
            device=images.device,
            dtype=exact_dtype(images),
        )
        with _told(max_iter, progress, 1 if debug else print_iter, callback) as each:
            parameters, history = ascend(start, terms, max_iter, each)
        with torch.no_grad():
            masks, full = generator.generate(parameters)
            if area_on == "mass":
                full = fit_area(full, all_areas, pixels)
                masks = generator.cut(full)
            reward = phi(masks, False, "of the masks found")
            area, covered = full.flatten(1).sum(1) / pixels, masks.mean((1, 2, 3))
            masks = resize_saliency(images, masks, resize, resize_mode)
            if spread:
                masks = imsmooth(masks, sigma=spread * min(masks.shape[2:]))
    return ExtremalMasks(
        masks, history, reward.detach(), area, covered, areas=tuple(wanted), shape=shape
    )


def _per_mask(
    targets: torch.Tensor, shape: tuple[int, int, int]
) -> tuple[torch.Tensor, int | torch.Tensor]:
    """The image of each mask, and its target: an int when there is one class in all."""
    images, each_image, areas = shape
    of_image = torch.arange(images, device=targets.device).repeat_interleave(each_image * areas)
    if targets.is_floating_point():
        return of_image, targets.repeat_interleave(areas, dim=0)
    if targets.numel() == 1:
        # Reward functions written for TorchRay index the scores' columns by an int.
        return of_image, int(targets)
    return of_image, targets.flatten().repeat_interleave(areas)


@contextmanager
def _told(
    max_iter: int,
    progress: bool,
    print_iter: int | None,
    callback: Callable[[int, int], object] | None,
) -> Iterator[Each]:
    """What tells how the ascent goes: a progress bar, lines now and then, a caller's function."""
    with ExitStack() as stack:
        bar = None
        if progress:
            from tqdm.auto import tqdm

            bar = stack.enter_context(tqdm(total=max_iter, desc="Extremal masks", unit="step"))

        def each(t: int, reward: torch.Tensor, area: torch.Tensor) -> None:
            if bar is not None:
                bar.update()
            if print_iter and t % print_iter == 0:
                pairs = zip(reward.tolist(), area.tolist(), strict=True)
                print(f"[{t + 1:4d}/{max_iter}]", *(f"{r:.2f}/{a:.2f}" for r, a in pairs))
            if callback is not None:
                callback(t + 1, max_iter)

        yield each


def check_areas(areas: Any) -> list[float]:
    """The areas, or the one area, as floats; an error unless they are shares in (0, 1)."""
    alone = as_number(areas)
    try:
        given = list(areas) if alone is None else [alone]
    except TypeError:
        given = [None]
    shares = [share for share in map(as_number, given) if share is not None]
    if len(shares) < len(given):
        raise TypeError(f"areas must be numbers in (0, 1), not {areas!r}.")
    if not shares:
        raise ValueError("There must be at least one area.")
    for share in shares:
        if not 0 < share < 1:
            raise ValueError(f"Every area must be a share between 0 and 1, but one is {share}.")
    return shares
