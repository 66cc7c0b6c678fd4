"""Images between the levels of a pyramid: mask 0 is the first level, 1 the last."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from ..engine.exercise import Exercise, Mistakes, Outcome
from ..engine.probes import call, close, rand
from . import LESSON


def perturb(pyramid: Tensor, masks: Tensor) -> Tensor:
    """Images between the levels of a pyramid: mask 0 is the first level, 1 the last."""
    levels = len(pyramid)
    place = masks * (levels - 1)
    lower = place.floor().clamp(max=levels - 2)
    share = place - lower
    result = torch.zeros(())
    for level in range(levels - 1):
        between = (1 - share) * pyramid[level] + share * pyramid[level + 1]
        result = result + (lower == level) * between
    return result


def _slope_at(answer: Callable[..., Any], pyramid: Tensor, value: float) -> bool:
    """Whether a gradient leads back to masks that have one value everywhere."""
    masks = torch.full((1, 1, *pyramid.shape[2:]), value, requires_grad=True)
    images = call(answer, pyramid, masks)
    if not images.requires_grad:
        return False
    (slope,) = torch.autograd.grad(images.sum(), masks)
    return bool((slope != 0).any())


def probe_perturb(answer: Callable[..., Any], rng: torch.Generator) -> Outcome:
    """Masks between levels and exactly on them; the gradient with respect to the mask.

    At a level the gradients from below and from above differ, and either is right.
    """
    # float32, so that an answer may start from torch.zeros
    pyramid = rand(rng, 4, 3, 4, 5, low=0, dtype=torch.float32)
    masks = rand(rng, 2, 1, 4, 5, low=0.02, high=0.98, dtype=torch.float32).requires_grad_()
    images = call(answer, pyramid, masks)
    outcome: Outcome = {"images": images.detach() if isinstance(images, Tensor) else images}
    whole = call(answer, pyramid, torch.ones(1, 1, 4, 5))
    outcome["a mask of ones shows the last level"] = close(whole[0], pyramid[-1])
    nothing = call(answer, pyramid, torch.zeros(1, 1, 4, 5))
    outcome["a mask of zeros shows the first level"] = close(nothing[0], pyramid[0])
    on_levels = torch.arange(20).remainder(5).view(1, 1, 4, 5) / 4
    outcome["images of masks that lie exactly on five levels"] = call(
        answer, rand(rng, 5, 3, 4, 5, low=0, dtype=torch.float32), on_levels
    )
    outcome["images between two levels"] = call(answer, pyramid[:2], masks.detach())
    weights = rand(rng, *images.shape, dtype=torch.float32)
    if images.requires_grad:
        (outcome["gradient at the masks"],) = torch.autograd.grad((images * weights).sum(), masks)
    else:
        outcome["gradient at the masks"] = None
    outcome["there is a slope where the mask is 1"] = _slope_at(answer, pyramid, 1.0)
    outcome["there is a slope where the mask is 0"] = _slope_at(answer, pyramid, 0.0)
    return outcome


HINTS = [
    "Where between the levels is a pixel? At `place = masks * (len(pyramid) - 1)`: 2.25 "
    "means a quarter of the way from level 2 to level 3.",
    "`lower = place.floor().clamp(max=len(pyramid) - 2)`, and `share = place - lower`.",
    "For each pair of levels k and k + 1: `(1 - share) * pyramid[k] + share * pyramid[k + 1]`.",
    "That pair counts only where `lower == k`. Multiply with that, and add over k.",
]

mistake = Mistakes()


@mistake(
    "You take the nearest level. Then the image jumps from level to level as the mask "
    "grows, and there is no gradient to follow. Mix the two levels on "
    "either side."
)
def _nearest_level(pyramid, masks):
    level = (masks * (len(pyramid) - 1)).round().long()
    return sum((level == k) * pyramid[k] for k in range(len(pyramid)))


@mistake(
    "Your masks work the wrong way round: 1 is to show the image, the last level, and 0 "
    "the strongest blur."
)
def _upside_down(pyramid, masks):
    return perturb(pyramid, 1 - masks)


@mistake(
    "You mix the two ends of the pyramid, the image and its strongest blur. That looks "
    "like a ghost over fog. Mix the two neighbouring levels."
)
def _two_ends(pyramid, masks):
    return (1 - masks) * pyramid[0] + masks * pyramid[-1]


@mistake(
    "The two levels are the right ones, but their shares have changed places: the nearer "
    "a place is to a level, the more of it."
)
def _shares_swapped(pyramid, masks):
    levels = len(pyramid)
    place = masks * (levels - 1)
    lower = place.floor().clamp(max=levels - 2)
    share = place - lower
    return sum(
        (lower == k) * (share * pyramid[k] + (1 - share) * pyramid[k + 1])
        for k in range(levels - 1)
    )


@mistake(
    "Where the mask is exactly 1 you show nothing: there is no level above the last one. "
    "Keep the lower level at most at `len(pyramid) - 2`."
)
def _top_is_missing(pyramid, masks):
    levels = len(pyramid)
    place = masks * (levels - 1)
    share = place - place.floor()
    return sum(
        (place.floor() == k) * ((1 - share) * pyramid[k] + share * pyramid[k + 1])
        for k in range(levels - 1)
    )


@mistake(
    "The images are right, but where the mask is 1 they don't change with it, so there is no slope "
    "to come down from a mask that shows everything. There the two levels are the last but one "
    "and the last: keep the lower level at most at `len(pyramid) - 2`."
)
def _flat_at_the_top(pyramid, masks):
    last = len(pyramid) - 1
    place = masks * last
    low = place.floor()
    high, share = (low + 1).clamp(max=last), place - low
    return sum(
        ((low == k) * (1 - share) + (high == k) * share) * pyramid[k] for k in range(last + 1)
    )


@mistake(
    "The images are right, but where the mask is exactly 0 or 1 they don't change with it, so "
    "there is no slope to climb. So it is at the corners of `clamp`, `abs` and `relu`: mix each "
    "pair of levels with `share = place - lower`, and choose the pair by `lower == k`."
)
def _flat_at_both_ends(pyramid, masks):
    place = masks * (len(pyramid) - 1)
    return sum((1 - (place - k).abs()).relu() * level for k, level in enumerate(pyramid))


@mistake(
    "A pixel that lies exactly on a level is shown by neither of the two pairs beside it. Let one "
    "of them count there, `lower == k`."
)
def _nothing_on_a_level(pyramid, masks):
    place = masks * (len(pyramid) - 1)
    return sum(
        ((place > k) & (place < k + 1)) * ((k + 1 - place) * pyramid[k] + (place - k) * above)
        for k, above in enumerate(pyramid[1:])
    )


@mistake(
    "A pixel that lies exactly on a level is shown twice, by both pairs beside it. Let one of "
    "them count there, `lower == k`."
)
def _twice_on_a_level(pyramid, masks):
    place = masks * (len(pyramid) - 1)
    return sum(
        ((place >= k) & (place <= k + 1)) * ((k + 1 - place) * pyramid[k] + (place - k) * above)
        for k, above in enumerate(pyramid[1:])
    )


@mistake(
    "You mix by the mask itself. The share of the upper level is how far the pixel lies above the "
    "lower one: `share = place - lower`."
)
def _mixed_by_the_mask(pyramid, masks):
    lower = (masks * (len(pyramid) - 1)).floor().clamp(max=len(pyramid) - 2)
    return sum(
        (lower == k) * ((1 - masks) * pyramid[k] + masks * pyramid[k + 1])
        for k in range(len(pyramid) - 1)
    )


@mistake("You count on eight levels. Another pyramid may have more or fewer: `len(pyramid)`.")
def _always_eight_levels(pyramid, masks):
    pairs = _pairs(pyramid, masks, steps=7, clamp=False)
    return sum(here * mixed for here, mixed in pairs)


@mistake(
    "The images are right, but no gradient leads back to the masks: somewhere you "
    "`detach` them, or compute inside `no_grad`."
)
def _cut_off(pyramid, masks):
    return perturb(pyramid, masks.detach())


def _pairs(pyramid, masks, *, steps=None, clamp=True, pairs=None):
    """The mixtures of the neighbouring levels, each where it counts."""
    place = masks * (len(pyramid) - 1 if steps is None else steps)
    lower = place.floor().clamp(max=len(pyramid) - 2) if clamp else place.floor()
    share = place - lower
    for k in range(len(pyramid) - 1 if pairs is None else pairs):
        yield lower == k, (1 - share) * pyramid[k] + share * pyramid[k + 1]


@mistake(
    "Level 0 to the last level are one step fewer than there are levels: `place = masks * "
    "(len(pyramid) - 1)`."
)
def _one_level_too_far(pyramid, masks):
    return sum(here * mixed for here, mixed in _pairs(pyramid, masks, steps=len(pyramid)))


@mistake(
    "Above the last level there is none to mix it with. Go through the pairs (k, k + 1), "
    "one fewer than levels, and keep the lower level at most at `len(pyramid) - "
    "2`."
)
def _above_the_last_level(pyramid, masks):
    pairs = _pairs(pyramid, masks, clamp=False, pairs=len(pyramid))
    return sum(here * mixed for here, mixed in pairs)


@mistake(
    "You add up the mixtures of all pairs of levels. A pair counts only where the pixel "
    "lies between its two levels: multiply it by `lower == k`."
)
def _every_pair_everywhere(pyramid, masks):
    return sum(mixed for _, mixed in _pairs(pyramid, masks))


@mistake("Each pair of levels overwrites the one before. Add them up.")
def _last_pair_alone(pyramid, masks):
    for here, mixed in _pairs(pyramid, masks):
        images = here * mixed
    return images


@mistake(
    "You show the lower level and leave the upper one out. Mix the two by how far between "
    "them the pixel is."
)
def _lower_level_alone(pyramid, masks):
    lower = (masks * (len(pyramid) - 1)).floor()
    return sum((lower == k) * pyramid[k] for k in range(len(pyramid)))


@mistake(
    "`pyramid[lower]` takes whole images out of the pyramid. Here each pixel has a level "
    "of its own: go through the levels in a loop, and take each pair where `lower == "
    "k`."
)
def _levels_as_indices(pyramid, masks):
    place = masks * (len(pyramid) - 1)
    lower = place.floor().long().clamp(max=len(pyramid) - 2)
    share = place - lower
    return (1 - share) * pyramid[lower] + share * pyramid[lower + 1]


EXERCISE = Exercise(
    name="perturb",
    lesson=LESSON.id,
    points=2,
    answer="perturb",
    reference=perturb,
    probe=probe_perturb,
    mistakes=mistake,
    hints=HINTS,
)
