"""Extremal perturbation: the mask of a given area that the network answers most strongly to."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import nn

from .inputs.checks import (
    as_number,
    check_callable,
    check_image,
    check_model,
    check_scores,
    smoothing,
    whole_number,
)
from .inputs.targets import parse_target
from .maps.imaging import check_resize, imsmooth, resize_saliency
from .masks.area import mask_area
from .masks.generator import MaskGenerator
from .masks.layer_replacement import LayerReplacement
from .masks.masked_scores import MaskedScores, Reward
from .masks.optimisation import (
    SCHEDULES,
    Report,
    best_masks,
    shared_out,
    usual_plan,
)
from .masks.perturbation import (
    BLUR_PERTURBATION,
    FADE_PERTURBATION,
    PERTURBATIONS,
    Perturbation,
)
from .masks.rewards import (
    DELETE_VARIANT,
    DUAL_VARIANT,
    PRESERVE_VARIANT,
    VARIANTS,
    contrastive_reward,
    simple_reward,
)
from .masks.search import Problem, check_reward
from .methods import method
from .network.fast import run_fast
from .network.preserved import current_autocast, preserved

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
        masks: M x 1 x H x W, or M x C x 1 x 1 over channels; values in [0, 1], beyond which only a
            bicubic `resize` goes.
        history: M x 2 x T: reward and (negative) weighted area penalty in each iteration, those of
            the fast schedule's searches one after the other; the penalty is 0 while discs are
            placed. A mask that was done earlier than others keeps its last values.
        reward: M rewards of the masks before `resize` and `smooth`, on the image as given, not
            flipped.
        area: M mean values of the masks before `resize` and `smooth`; with the margin for
            `area_on="padded"`.
        iterations: M numbers of iterations.
        areas: the A areas asked for.
        shape: (N, K, A).

    >>> masks = torch.tensor([[[[0.0, 1.0]]], [[[1.0, 1.0]]]])
    >>> found = ExtremalMasks(masks, torch.zeros(2, 2, 5), torch.tensor([0.5, 0.9]),
    ...                       masks.mean((1, 2, 3)), torch.tensor([5, 5]), (0.5, 1.0), (1, 1, 2))
    >>> masks, history = found
    >>> masks.unflatten(0, found.shape).shape, history.shape
    (torch.Size([1, 1, 2, 1, 1, 2]), torch.Size([2, 2, 5]))
    """

    masks: torch.Tensor
    history: torch.Tensor
    reward: torch.Tensor
    area: torch.Tensor
    iterations: torch.Tensor
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
    max_iter: int | None = None,
    num_levels: int = 8,
    step: int = 7,
    sigma: float = 21,
    jitter: bool = True,
    variant: str = PRESERVE_VARIANT,
    print_iter: int | None = None,
    debug: bool = False,
    reward_func: Reward = simple_reward,
    resize: bool | tuple[int, int] = False,
    resize_mode: str = "bilinear",
    smooth: float = 0,
    *,
    schedule: str = "fast",
    tol: float | None = None,
    area_on: str = "image",
    layer: str | nn.Module | None = None,
    over: str = "places",
    progress: bool = False,
    callback: Callable[[int, int], object] | None = None,
) -> ExtremalMasks:
    r"""Find, for each area, the smooth mask that keeps the target's score highest.

    .. math:: m_a = \operatorname*{argmax}_{m \in \mathcal M}\;
              \Phi(m \otimes x) - \lambda\, R_a(m),

    where M are the masks of a `MaskGenerator`, m (*) x blurs the image where m is small, by up to
    20 pixels, or fades it (`Perturbation`), Phi is the reward, and R_a says how far the mask is
    from a flat one of area a (`area_penalty`): with its P values on the image, and r_a, a share
    1 - a of P zeros followed by ones,

    .. math:: R_a(m) = \frac{1}{P} \sum_{i=1}^{P} (\operatorname{sort}(m)_i - r_{a,i})^2.

    Images, targets and areas are optimised in one batch, each mask by itself. Paper: Fong, Patrick
    and Vedaldi, "Understanding deep networks via extremal perturbations and smooth masks" (2019),
    arXiv 1910.08485.

    Other than in TorchRay: several images and targets at once; the area is that of the mask on the
    image, where TorchRay counts the margin around it too (`area_on="padded"`), so that a mask asked
    to cover 0.05 of a small image covers three times that; the rewards of different masks never
    mix; and `schedule="fast"` takes the better of two masks that are put together from discs.

    Args:
        model: the network, from images to N x C or N x C x H x W scores.
        input: images, N x C x H x W, of any size.
        target: an int; one class per image, or several (N x K); or a floating tensor of the
            scores' shape, by which they are weighted.
        areas: A shares in (0, 1), in any order, or one share.
        perturbation: "blur" or "fade".
        max_iter: the largest number of iterations, of all searches of the schedule together; by
            default the schedule's own.
        num_levels: levels of the pyramid.
        step: pixels between the mask's parameters.
        sigma: reach of the mask's kernel, in pixels.
        jitter: flip the perturbed image left-right in iterations 0, 2, 4, ... of an ascent; not
            while discs are placed, and not for a layer's activations.
        variant: "preserve" the score with what the mask keeps, "delete" it by taking that away (the
            image is perturbed by 1 - m), or "dual", both (the network is given all images perturbed
            by m, then all perturbed by 1 - m).
        print_iter: print the rewards and area terms every so many iterations.
        debug: print them in every iteration.
        reward_func: `simple_reward`, `contrastive_reward`, or a function of (scores, target,
            variant=...) that gives one reward per mask, or M x ... of which the mean over all but
            the first dimension is taken. target is the int given when there is one image and one
            target, and otherwise a tensor with one entry per mask. How many masks are asked for in
            one call is up to the schedule.
        resize: False, True (the image's size) or (width, height), for the masks returned; over
            places only.
        resize_mode: how to interpolate then.
        smooth: blur the resized masks by this share of their shorter side (the standard deviation
            of `imsmooth`); they are 0 outside. Over places only.
        schedule: "fast": discs are placed one after another where they raise the reward most, until
            the area is covered, and then moved; one that is too large for the area becomes fainter,
            and as long as it is the only one, what it would earn whole counts a little as well
            (`placement.DiscPlacement`). That is done twice, at most 40 iterations each, with places
            less and more close (once where they can't be closer), and each mask's better is kept
            (`optimisation.best_masks`). Over channels, 40 iterations of Adam
            (`ascents.AdamAscent`).
            "paper": parameters begin at 1. In iteration t = 0, 1, ..., with g the gradient of
            reward - 300 * 1.0035^t R_a(m), v = 0.9 v + 0.1 g (v = g at t = 0), and the parameters
            go 0.01 v uphill and are clamped to [0, 1]; 800 iterations.
            Ascents need a network and reward that are differentiable; placing discs does not.
        tol: end a mask's ascent when no value changed by more than this within ten iterations,
            which is looked at in iterations 10, 20, .... (Discs are no ascent: placing them ends
            when none gains by moving.)
        area_on: "image", or "padded" for the mask with its margin.
        layer: perturb this layer's activations in place of the image, N x C x H x W (N x C for
            channels); of a transformer's layer those of the patches, on their grid, with the class
            token as it is. It must run once. step and sigma then count positions of the layer.
        over: "places", or "channels": one mask value per channel, without smoothness, as in the
            paper's section 4; the area is the share of channels. With a layer only.
        progress: show a progress bar.
        callback: called after each iteration with its number in the plan, from 1, and the number
            of all that are planned; numbers are left out where a search is done early. What it
            raises ends the optimisation, and all is as before.

    Returns:
        `ExtremalMasks`, which unpacks as (masks, history). The masks are those after the last step,
        so one step on from the last entry of an ascent's history.

    Raises:
        TypeError, ValueError: an argument is not as above, the network gives no such scores, or
            has gradient checkpoints that can't be passed, or a score or reward becomes infinite or
            not a number, or has no gradient where an ascent needs it. The model is as before.

    >>> class Corner(torch.nn.Module):
    ...     def forward(self, x):
    ...         return x[:, :, :8, :8].mean((2, 3))
    >>> x = torch.rand(1, 3, 28, 28)
    >>> masks, history = extremal_perturbation(
    ...     Corner(), x, 0, areas=[0.2], perturbation="fade", step=4, sigma=8)
    >>> masks.shape
    torch.Size([1, 1, 28, 28])
    >>> bool(masks[0, 0, 4, 4] > 0.8), bool(masks[0, 0, 24, 24] < 0.2)
    (True, True)
    """
    check_model(model)
    check_image(input)
    wanted = check_areas(areas)
    _check_choice("perturbation", perturbation, PERTURBATIONS)
    _check_choice("variant", variant, VARIANTS)
    _check_choice("schedule", schedule, tuple(SCHEDULES))
    _check_choice("area_on", area_on, ("image", "padded"))
    _check_choice("over", over, ("places", "channels"))
    if over == "channels" and layer is None:
        raise ValueError("Masks over channels need a layer whose channels are perturbed.")
    if max_iter is not None:
        max_iter = whole_number("max_iter", max_iter)
    if tol is not None:
        _check_tolerance(tol)
    _check_finish(over, resize, resize_mode, smooth)
    check_callable("reward_func", reward_func)
    if callback is not None:
        check_callable("callback", callback)

    with ExitStack() as stack:
        stack.enter_context(torch.inference_mode(False))
        stack.enter_context(torch.enable_grad())
        stack.enter_context(preserved(model, input))
        images = (input.clone() if input.is_inference() else input).detach()
        forward = partial(run_fast, model)
        with torch.no_grad():
            scores = check_scores(forward(images), len(images))
        targets = parse_target(target, scores)
        run: Any = forward
        perturbed = images
        if layer is not None:
            run = stack.enter_context(LayerReplacement(model, layer, images))
            perturbed = _activations(run, over)
        # Masks are made in full precision, whatever the caller lets the network run in.
        setting = current_autocast(images.device)
        stack.enter_context(torch.autocast(images.device.type, enabled=False))
        pyramid = Perturbation(perturbed, num_levels, type=perturbation)
        score = MaskedScores(run, pyramid, targets, len(wanted), variant, reward_func, setting)
        shape, render = _renderer(perturbed, over, area_on, step, sigma)
        count, each = score.count, len(wanted)
        all_areas = torch.tensor(wanted, dtype=torch.float64, device="cpu").repeat(count // each)
        problem = Problem(
            start=torch.ones(count, *shape, device=images.device, dtype=_mask_dtype(images.dtype)),
            areas=all_areas,
            render=render,
            reward=score,
            jitter=jitter and layer is None,
            groups=torch.arange(count, device="cpu") // each,
        )
        plan = usual_plan(schedule, over, problem)
        if max_iter is not None:
            plan = shared_out(plan, max_iter)
        total = sum(iterations for _, iterations in plan)
        report = stack.enter_context(Report(total, progress, 1 if debug else print_iter, callback))
        found = best_masks(problem, plan, tol, report)
        with torch.no_grad():
            masks, counted = render(found.parameters)
            everything = torch.arange(count, device=images.device)
            reward = score(masks, everything, False)
            check_reward(reward, count, "of the masks found")
            area = mask_area(counted)
            if over == "places":
                masks = resize_saliency(images, masks, resize, resize_mode)
                if smooth > 0:
                    masks = imsmooth(masks, sigma=smooth * min(masks.shape[2:]))
    return ExtremalMasks(
        masks=masks,
        history=found.history,
        reward=reward.detach(),
        area=area,
        iterations=found.iterations,
        areas=tuple(wanted),
        shape=(len(images), score.targets_per_image, len(wanted)),
    )


def _renderer(
    perturbed: torch.Tensor, over: str, area_on: str, step: int, sigma: float
) -> tuple[tuple[int, ...], Callable[[torch.Tensor], tuple[torch.Tensor, torch.Tensor]]]:
    """The shape of one mask's parameters, and what makes them (mask, part whose area counts)."""
    if over == "channels":
        return (perturbed.shape[1], 1, 1), lambda parameters: (parameters, parameters)
    generator = MaskGenerator(perturbed.shape[2:], step, sigma).to(perturbed.device)

    def on_image(parameters: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        mask = generator.crop(parameters)
        return mask, mask

    return (1, *generator.shape_in), on_image if area_on == "image" else generator.generate


def _activations(run: LayerReplacement, over: str) -> torch.Tensor:
    activations = run.activations
    if not activations.is_floating_point() or activations.dim() not in (2, 4):
        raise ValueError(
            f"The layer {run.name!r} must give N x C x H x W activations to be perturbed, but "
            f"gives the shape {tuple(activations.shape)}."
        )
    if activations.dim() == 4:
        return activations
    if over == "places":
        raise ValueError(
            f"The layer {run.name!r} has no places, its activations are N x C: use over='channels'."
        )
    return activations[:, :, None, None]


def _mask_dtype(dtype: torch.dtype) -> torch.dtype:
    return torch.float64 if dtype == torch.float64 else torch.float32


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


def _check_tolerance(tol: Any) -> None:
    distance = as_number(tol)
    if distance is None or not distance >= 0:
        raise ValueError(f"tol must be at least 0, or None, not {tol!r}.")


def _check_finish(over: str, resize: Any, mode: str, smooth: Any) -> None:
    """ValueError if masks can't be resized and smoothed so in the end."""
    spread = smoothing(smooth)
    check_resize(resize, mode)
    if over == "channels" and (resize or spread):
        raise ValueError("Masks over channels have no places: leave out resize and smooth.")


def _check_choice(name: str, value: Any, choices: Sequence[str]) -> None:
    if value not in choices:
        raise ValueError(f"{name} must be one of {', '.join(choices)}, not {value!r}.")
