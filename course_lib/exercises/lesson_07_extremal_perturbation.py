"""Exercises of lesson 07: the smooth mask of a given area that keeps the score highest."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from course_lib.exercises.exercise import Exercise, Lesson
from course_lib.exercises.probes import call, rand, randint

LESSON = Lesson(
    id="07_extremal_perturbation",
    title="How little is enough: extremal perturbation",
    minutes=60,
    difficulty=3,
    summary="smooth masks of a given area, optimised; the score-area curve; the area slider",
)

Outcome = dict[str, Any]
Objective = Callable[[Tensor], Tensor]


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


def probe_perturb(answer: Callable[..., Any], rng: torch.Generator) -> Outcome:
    """Masks between levels and exactly on them; the gradient with respect to the mask."""
    # float32, so that an answer may start from torch.zeros
    pyramid = rand(rng, 4, 3, 4, 5, low=0, dtype=torch.float32)
    masks = rand(rng, 2, 1, 4, 5, low=0.02, high=0.98, dtype=torch.float32).requires_grad_()
    images = call(answer, pyramid, masks)
    outcome: Outcome = {"images": images.detach() if isinstance(images, Tensor) else images}
    whole = call(answer, pyramid, torch.ones(1, 1, 4, 5))
    outcome["a mask of ones shows the last level"] = torch.allclose(whole[0], pyramid[-1])
    nothing = call(answer, pyramid, torch.zeros(1, 1, 4, 5))
    outcome["a mask of zeros shows the first level"] = torch.allclose(nothing[0], pyramid[0])
    weights = rand(rng, *images.shape, dtype=torch.float32)
    if images.requires_grad:
        (outcome["gradient at the masks"],) = torch.autograd.grad((images * weights).sum(), masks)
    else:
        outcome["gradient at the masks"] = None
    return outcome


def _nearest_level(pyramid, masks):
    level = (masks * (len(pyramid) - 1)).round().long()
    return sum((level == k) * pyramid[k] for k in range(len(pyramid)))


def _upside_down(pyramid, masks):
    return perturb(pyramid, 1 - masks)


def _two_ends(pyramid, masks):
    return (1 - masks) * pyramid[0] + masks * pyramid[-1]


def _shares_swapped(pyramid, masks):
    levels = len(pyramid)
    place = masks * (levels - 1)
    lower = place.floor().clamp(max=levels - 2)
    share = place - lower
    return sum(
        (lower == k) * (share * pyramid[k] + (1 - share) * pyramid[k + 1])
        for k in range(levels - 1)
    )


def _top_is_missing(pyramid, masks):
    levels = len(pyramid)
    place = masks * (levels - 1)
    share = place - place.floor()
    return sum(
        (place.floor() == k) * ((1 - share) * pyramid[k] + share * pyramid[k + 1])
        for k in range(levels - 1)
    )


def _pairs(pyramid, masks, *, steps=None, clamp=True, pairs=None):
    """The mixtures of the neighbouring levels, each where it counts."""
    place = masks * (len(pyramid) - 1 if steps is None else steps)
    lower = place.floor().clamp(max=len(pyramid) - 2) if clamp else place.floor()
    share = place - lower
    for k in range(len(pyramid) - 1 if pairs is None else pairs):
        yield lower == k, (1 - share) * pyramid[k] + share * pyramid[k + 1]


def _one_level_too_far(pyramid, masks):
    return sum(here * mixed for here, mixed in _pairs(pyramid, masks, steps=len(pyramid)))


def _above_the_last_level(pyramid, masks):
    pairs = _pairs(pyramid, masks, clamp=False, pairs=len(pyramid))
    return sum(here * mixed for here, mixed in pairs)


def _every_pair_everywhere(pyramid, masks):
    return sum(mixed for _, mixed in _pairs(pyramid, masks))


def _last_pair_alone(pyramid, masks):
    for here, mixed in _pairs(pyramid, masks):
        images = here * mixed
    return images


def _lower_level_alone(pyramid, masks):
    lower = (masks * (len(pyramid) - 1)).floor()
    return sum((lower == k) * pyramid[k] for k in range(len(pyramid)))


def _levels_as_indices(pyramid, masks):
    place = masks * (len(pyramid) - 1)
    lower = place.floor().long().clamp(max=len(pyramid) - 2)
    share = place - lower
    return (1 - share) * pyramid[lower] + share * pyramid[lower + 1]


def _cut_off(pyramid, masks):
    return perturb(pyramid, masks.detach())


def smooth_maximum(values: Tensor, coldness: float = 20.0) -> Tensor:
    """Mean over the last dimension, weighted by softmax(coldness * values)."""
    weights = (coldness * values).softmax(-1)
    return (weights * values).sum(-1)


def probe_smooth_maximum(answer: Callable[..., Any], rng: torch.Generator) -> Outcome:
    """Random values at two temperatures, and values that would overflow a plain exponential."""
    values = rand(rng, 3, 4, 6, low=0)
    outcome = {
        "smooth maximum": call(answer, values),
        "smooth maximum with coldness 3": call(answer, values, 3.0),
    }
    large = call(answer, 100 * values)
    if isinstance(large, Tensor):
        # two results with NaN are never equal, so this mistake could not be named
        outcome["it is finite, for large values too"] = bool(torch.isfinite(large).all())
        large = large.nan_to_num(posinf=0, neginf=0)
    outcome["smooth maximum of large values"] = large
    return outcome


def _overflows(values, coldness=20.0):
    weights = torch.exp(coldness * values)
    return (weights * values).sum(-1) / weights.sum(-1)


def area_term(masks: Tensor, areas: Tensor) -> Tensor:
    """Mean squared distance of each mask's sorted values to zeros followed by ones."""
    values = masks.flatten(1).sort(1).values
    size = values.shape[1]
    zeros = ((1 - areas) * size).long()
    wanted = (torch.arange(size) >= zeros[:, None]).to(values)
    return (values - wanted).square().mean(1)


def probe_area_term(answer: Callable[..., Any], rng: torch.Generator) -> Outcome:
    """Area terms of random masks and of perfect ones, and the gradient."""
    # float32, so that an answer may start from torch.zeros
    masks = rand(rng, 3, 1, 4, 5, low=0, dtype=torch.float32).requires_grad_()
    # no whole numbers of the 20 pixels, which rounding might turn into one less
    areas = torch.tensor([0.12, 0.37, 0.83])
    terms = call(answer, masks, areas)
    outcome: Outcome = {"area terms": terms.detach() if isinstance(terms, Tensor) else terms}
    perfect = torch.zeros(1, 1, 4, 5)
    perfect.view(-1)[torch.randperm(20, generator=rng)[:5]] = 1
    quarter = torch.tensor([0.25])
    outcome["term of a mask of zeros and ones with the right area"] = call(answer, perfect, quarter)
    if terms.requires_grad:
        weights = rand(rng, 3, dtype=torch.float32)
        (outcome["gradient at the masks"],) = torch.autograd.grad((terms * weights).sum(), masks)
    else:
        outcome["gradient at the masks"] = None
    return outcome


def _term_with(masks, areas, *, descending=False, swap=False, total=False, size_only=False):
    values = masks.flatten(1).sort(1, descending=descending).values
    size = values.shape[1]
    zeros = ((areas if swap else 1 - areas) * size).long()
    wanted = (torch.arange(size) >= zeros[:, None]).to(values)
    distance = (values - wanted).square()
    return distance.sum(1) if total else distance.mean(1)


def _wanted(masks, areas):
    size = masks[0].numel()
    return (torch.arange(size) >= ((1 - areas) * size).long()[:, None]).to(masks)


def _ones_rounded_down(masks, areas):
    size = masks[0].numel()
    ones = (areas * size).long()
    wanted = (torch.arange(size) >= size - ones[:, None]).to(masks)
    return (masks.flatten(1).sort(1).values - wanted).square().mean(1)


def _sorted_together(masks, areas):
    values = masks.flatten().sort().values
    wanted = torch.arange(len(values)) >= ((1 - areas) * len(values)).long()[:, None]
    return (values - wanted.to(values)).square().mean(1)


def _sorted_rows(masks, areas):
    return (masks.sort(-1).values.flatten(1) - _wanted(masks, areas)).square().mean(1)


def _sort_with_places(masks, areas):
    return (masks.flatten(1).sort(1).shape[1] - _wanted(masks, areas)).square().mean(1)


def _wanted_as_booleans(masks, areas):
    values = masks.flatten(1).sort(1).values
    return (values - (_wanted(masks, areas) > 0)).square().mean(1)


def _one_area_for_all(masks, areas):
    return torch.zeros(int((1 - areas) * masks[0].numel()))


def _not_sorted(masks, areas):
    values = masks.flatten(1)
    zeros = ((1 - areas) * values.shape[1]).long()
    wanted = (torch.arange(values.shape[1]) >= zeros[:, None]).to(values)
    return (values - wanted).square().mean(1)


def one_step(parameters: Tensor, objective: Objective, optimiser: torch.optim.Optimizer) -> Tensor:
    """One step up: the objective's values (N,), after which the parameters have changed."""
    optimiser.zero_grad()
    values = objective(parameters)
    (-values.sum()).backward()
    optimiser.step()
    with torch.no_grad():
        parameters.clamp_(0, 1)
    return values.detach()


def _hill(rng: torch.Generator) -> tuple[Tensor, Objective]:
    """Parameters, and an objective whose top lies partly outside of [0, 1]."""
    top = rand(rng, 3, 1, 2, 2, low=-0.5, high=1.5)
    start = rand(rng, 3, 1, 2, 2, low=0.05, high=0.95).requires_grad_()
    return start, lambda p: 1 - (p - top).square().sum((1, 2, 3))


def probe_one_step(answer: Callable[..., Any], rng: torch.Generator) -> Outcome:
    """Three steps of gradient ascent on a hill."""
    parameters, objective = _hill(rng)
    start = parameters.detach().clone()
    optimiser = torch.optim.SGD([parameters], lr=0.4)
    outcome: Outcome = {}
    for step in range(1, 4):
        # called directly: the parameters are meant to change
        values = answer(parameters, objective, optimiser)
        outcome[f"values returned by step {step}"] = values
        outcome[f"parameters after step {step}"] = parameters.detach().clone()
    outcome["the values carry no graph"] = not (isinstance(values, Tensor) and values.requires_grad)
    outcome["the parameters have moved"] = not torch.equal(start, parameters.detach())
    return outcome


def _steps_down(parameters, objective, optimiser):
    optimiser.zero_grad()
    values = objective(parameters)
    values.sum().backward()
    optimiser.step()
    with torch.no_grad():
        parameters.clamp_(0, 1)
    return values.detach()


def _piles_up(parameters, objective, optimiser):
    values = objective(parameters)
    (-values.sum()).backward()
    optimiser.step()
    with torch.no_grad():
        parameters.clamp_(0, 1)
    return values.detach()


def _averages(parameters, objective, optimiser):
    optimiser.zero_grad()
    values = objective(parameters)
    (-values.mean()).backward()
    optimiser.step()
    with torch.no_grad():
        parameters.clamp_(0, 1)
    return values.detach()


def _clamps_a_copy(parameters, objective, optimiser):
    optimiser.zero_grad()
    values = objective(parameters)
    (-values.sum()).backward()
    optimiser.step()
    parameters = parameters.clamp(0, 1)
    return values.detach()


def _keeps_the_graph(parameters, objective, optimiser):
    optimiser.zero_grad()
    values = objective(parameters)
    (-values.sum()).backward()
    optimiser.step()
    with torch.no_grad():
        parameters.clamp_(0, 1)
    return values


def _step_with(
    *,
    returned: Callable[..., Any] = lambda values, objective, parameters: values.detach(),
    loss: Callable[[Tensor], Tensor] = lambda values: -values.sum(),
    step: bool = True,
    recorded: bool = False,
) -> Callable[..., Any]:
    """The step with one thing changed."""

    def one_step(parameters, objective, optimiser):
        optimiser.zero_grad()
        values = objective(parameters)
        loss(values).backward()
        if step:
            optimiser.step()
        with torch.set_grad_enabled(recorded):
            parameters.clamp_(0, 1)
        with torch.no_grad():
            return returned(values, objective, parameters)

    return one_step


def extremal_masks(
    score: Objective,
    render: Objective,
    parameters: Tensor,
    areas: Tensor,
    steps: int,
) -> Tensor:
    """Masks of the given areas with a high score, found in `steps` steps of Adam."""
    parameters = parameters.detach().clone().requires_grad_()
    optimiser = torch.optim.Adam([parameters], lr=0.05)
    for t in range(steps):
        weight = 100 * 1.06**t

        def objective(p: Tensor, weight: float = weight) -> Tensor:
            masks = render(p)
            return score(masks) - weight * area_term(masks, areas)

        one_step(parameters, objective, optimiser)
    return render(parameters).detach()


def _search(rng: torch.Generator) -> tuple[Objective, Objective, Tensor, Tensor]:
    worth = 40 * rand(rng, 1, 1, 4, 4)
    start = rand(rng, 2, 1, 4, 4, low=0.4, high=0.6)
    areas = torch.tensor([0.25, 0.5], dtype=torch.float64)
    return (
        lambda masks: (masks * worth).sum((1, 2, 3)),
        lambda p: p.square(),
        start,
        areas,
    )


def probe_extremal_masks(answer: Callable[..., Any], rng: torch.Generator) -> Outcome:
    """A short search on a 4 x 4 image whose cells have known worths."""
    score, render, start, areas = _search(rng)
    steps = randint(rng, 6, 9)
    masks = call(answer, score, render, start, areas, steps)
    return {"masks": masks, "the masks carry no graph": not masks.requires_grad}


def _search_with(
    *, rate: float = 0.05, growth: float = 1.06, sign: float = -1.0, render_last: bool = True
) -> Callable[..., Tensor]:
    """The search with one thing changed."""

    def search(score, render, parameters, areas, steps):
        parameters = parameters.detach().clone().requires_grad_()
        optimiser = torch.optim.Adam([parameters], lr=rate)
        for t in range(steps):
            weight = sign * 100 * growth**t

            def objective(p, weight=weight):
                masks = render(p)
                return score(masks) + weight * area_term(masks, areas)

            one_step(parameters, objective, optimiser)
        return (render(parameters) if render_last else parameters).detach()

    return search


def _climb(objective_at, optimiser=torch.optim.Adam, first=0, copy=None):
    """The search with another objective, objective_at(t, p, score, render, areas)."""

    def search(score, render, parameters, areas, steps):
        parameters = parameters.detach().clone().requires_grad_(copy is None)
        climber = optimiser([parameters], lr=0.05)
        for t in range(first, steps):

            def objective(p, t=t):
                return objective_at(t, p, score, render, areas)

            one_step(parameters, objective, climber)
        return render(parameters).detach()

    return search


def _price(t, masks, areas):
    return 100 * 1.06**t * area_term(masks, areas)


def _right_objective(t, p, score, render, areas):
    masks = render(p)
    return score(masks) - _price(t, masks, areas)


def _renders_once(score, render, parameters, areas, steps):
    parameters = parameters.detach().clone().requires_grad_()
    optimiser = torch.optim.Adam([parameters], lr=0.05)
    masks = render(parameters)
    for t in range(steps):

        def objective(p, t=t):
            return score(masks) - _price(t, masks, areas)

        one_step(parameters, objective, optimiser)
    return render(parameters).detach()


def _values_for_a_function(score, render, parameters, areas, steps):
    parameters = parameters.detach().clone().requires_grad_()
    optimiser = torch.optim.Adam([parameters], lr=0.05)
    one_step(parameters, _right_objective(0, parameters, score, render, areas), optimiser)


def _optimiser_of_a_tensor(score, render, parameters, areas, steps):
    return torch.optim.Adam(parameters.detach().clone().requires_grad_(), lr=0.05)


def _masks_with_a_graph(score, render, parameters, areas, steps):
    masks = extremal_masks(score, render, parameters, areas, steps)
    return masks.requires_grad_()


def _new_optimiser_each_step(score, render, parameters, areas, steps):
    parameters = parameters.detach().clone().requires_grad_()
    for t in range(steps):
        optimiser = torch.optim.Adam([parameters], lr=0.05)
        weight = 100 * 1.06**t

        def objective(p, weight=weight):
            masks = render(p)
            return score(masks) - weight * area_term(masks, areas)

        one_step(parameters, objective, optimiser)
    return render(parameters).detach()


def smallest_area(
    areas: Sequence[float], scores: Sequence[float], whole: float, share: float = 0.9
) -> float | None:
    """The smallest area whose score reaches `share` of the whole image's; None if none does."""
    enough = [a for a, s in zip(areas, scores, strict=True) if s >= share * whole]
    return min(enough) if enough else None


def probe_smallest_area(answer: Callable[..., Any], rng: torch.Generator) -> Outcome:
    """Curves that rise, that wobble, and that stay too low."""
    wobble = 0.2 * float(rand(rng, 1, low=0))
    return {
        "a rising curve": call(answer, [0.02, 0.05, 0.1, 0.2], [1.0, 4.0, 9.5, 10.0], 10.0),
        "another share": call(answer, [0.02, 0.05, 0.1, 0.2], [1.0, 5.2, 9.5, 10.0], 10.0, 0.5),
        "exactly enough": call(answer, [0.05, 0.1], [4.5, 5.0], 5.0),
        "a curve that falls again": call(
            answer, [0.02, 0.05, 0.1, 0.2], [1.0, 9.6, 8.0 + wobble, 9.9], 10.0
        ),
        "areas in another order": call(answer, [0.2, 0.1, 0.05], [9.9, 9.2, 3.0], 10.0),
        "a curve that stays too low": call(answer, [0.1, 0.2], [2.0, 3.0], 10.0),
    }


def _first_that_reaches(areas, scores, whole, share=0.9):
    return next((a for a, s in zip(areas, scores, strict=True) if s >= share * whole), None)


def _closest(areas, scores, whole, share=0.9):
    return min(zip(areas, scores, strict=True), key=lambda pair: abs(pair[1] - share * whole))[0]


def _absolute(areas, scores, whole, share=0.9):
    enough = [a for a, s in zip(areas, scores, strict=True) if s >= share]
    return min(enough) if enough else None


def _fails_when_none(areas, scores, whole, share=0.9):
    return min(a for a, s in zip(areas, scores, strict=True) if s >= share * whole)


def _must_exceed(areas, scores, whole, share=0.9):
    enough = [a for a, s in zip(areas, scores, strict=True) if s > share * whole]
    return min(enough) if enough else None


def _a_score(areas, scores, whole, share=0.9):
    enough = [s for s in scores if s >= share * whole]
    return min(enough) if enough else None


def _a_place(areas, scores, whole, share=0.9):
    enough = [i for i, s in enumerate(scores) if s >= share * whole]
    return min(enough) if enough else None


def _area_of_the_best(areas, scores, whole, share=0.9):
    return max(zip(scores, areas, strict=True))[1]


def _or_else(
    instead: float,
) -> Callable[..., float]:
    """The smallest area that is enough, or this number."""

    def answer(areas, scores, whole, share=0.9):
        found = smallest_area(areas, scores, whole, share)
        return instead if found is None else found

    return answer


def _always_nine_tenths(areas, scores, whole, share=0.9):
    return smallest_area(areas, scores, whole)


def _largest(areas, scores, whole, share=0.9):
    enough = [a for a, s in zip(areas, scores, strict=True) if s >= share * whole]
    return max(enough) if enough else None


EXERCISES = [
    Exercise(
        name="perturb",
        lesson="07_extremal_perturbation",
        points=2,
        answer="perturb",
        reference=perturb,
        probe=probe_perturb,
        mistakes={
            "You take the nearest level. Then the image jumps from level to level as the mask "
            "grows, and there is no gradient to follow. Mix the two levels on "
            "either side.": _nearest_level,
            "Your masks work the wrong way round: 1 is to show the image, the last level, and 0 "
            "the strongest blur.": _upside_down,
            "You mix the two ends of the pyramid, the image and its strongest blur. That looks "
            "like a ghost over fog. Mix the two neighbouring levels.": _two_ends,
            "The two levels are the right ones, but their shares have changed places: the nearer "
            "a place is to a level, the more of it.": _shares_swapped,
            "Where the mask is exactly 1 you show nothing: there is no level above the last one. "
            "Keep the lower level at most at `len(pyramid) - 2`.": _top_is_missing,
            "The images are right, but no gradient leads back to the masks: somewhere you "
            "`detach` them, or compute inside `no_grad`.": _cut_off,
            "Level 0 to the last level are one step fewer than there are levels: `place = masks * "
            "(len(pyramid) - 1)`.": _one_level_too_far,
            "Above the last level there is none to mix it with. Go through the pairs (k, k + 1), "
            "one fewer than levels, and keep the lower level at most at `len(pyramid) - "
            "2`.": _above_the_last_level,
            "You add up the mixtures of all pairs of levels. A pair counts only where the pixel "
            "lies between its two levels: multiply it by `lower == k`.": _every_pair_everywhere,
            "Each pair of levels overwrites the one before. Add them up.": _last_pair_alone,
            "You show the lower level and leave the upper one out. Mix the two by how far between "
            "them the pixel is.": _lower_level_alone,
            "`pyramid[lower]` takes whole images out of the pyramid. Here each pixel has a level "
            "of its own: go through the levels in a loop, and take each pair where `lower == "
            "k`.": _levels_as_indices,
        },
        hints=[
            "Where between the levels is a pixel? At `place = masks * (len(pyramid) - 1)`: 2.25 "
            "means a quarter of the way from level 2 to level 3.",
            "`lower = place.floor().clamp(max=len(pyramid) - 2)`, and `share = place - lower`.",
            "For each pair of levels k and k + 1: `(1 - share) * pyramid[k] + share * pyramid[k + "
            "1]`.",
            "That pair counts only where `lower == k`. Multiply with that, and add over k.",
        ],
    ),
    Exercise(
        name="smooth_maximum",
        lesson="07_extremal_perturbation",
        points=1,
        answer="smooth_maximum",
        reference=smooth_maximum,
        probe=probe_smooth_maximum,
        mistakes={
            "This is the plain maximum. Only its one winner gets "
            "a gradient.": lambda values, coldness=20.0: values.amax(-1),
            "This is the plain mean: the coldness doesn't enter. Weight the values by "
            "`softmax(coldness * values)`.": lambda values, coldness=20.0: values.mean(-1),
            "You forgot the coldness: `softmax(values)` is nearly even, so you get nearly the "
            "mean.": lambda values, coldness=20.0: (values.softmax(-1) * values).sum(-1),
            "`logsumexp / coldness` is another smooth maximum, and always above the largest "
            "value. Here it is a mean, weighted by the softmax.": lambda values, coldness=20.0: (
                (coldness * values).logsumexp(-1) / coldness
            ),
            "`exp` of a large number is infinite, and infinite divided by infinite is no number. "
            "`softmax` knows how to avoid that: it subtracts the largest value "
            "first.": _overflows,
            "The weights add up to 1 already. You divide by the number of values once more: a sum, "
            "not a mean.": lambda values, coldness=20.0: (
                (coldness * values).softmax(-1) * values
            ).mean(-1),
            "You divide by the coldness. The larger it is, the closer to the maximum: "
            "multiply.": lambda values, coldness=20.0: (
                (values / coldness).softmax(-1) * values
            ).sum(-1),
            "The coldness belongs inside the softmax. Outside it makes everything larger, and no "
            "weight more decided.": lambda values, coldness=20.0: (
                coldness * values.softmax(-1) * values
            ).sum(-1),
            "You always take a coldness of 20. That is what it is when nothing is said; use the "
            "argument.": lambda values, coldness=20.0: ((20 * values).softmax(-1) * values).sum(-1),
            "These are the weights. What is asked for is the mean of the values with these "
            "weights.": lambda values, coldness=20.0: (coldness * values).softmax(-1).amax(-1),
            "The softmax goes over the first dimension; the values that compete stand in the "
            "last.": lambda values, coldness=20.0: ((coldness * values).softmax(0) * values).sum(
                -1
            ),
        },
        hints=[
            "A weighted mean: the larger a value, the (much) larger its weight.",
            "The weights are `(coldness * values).softmax(-1)`; they add up to 1.",
            "Weights times values, summed over the last dimension.",
        ],
    ),
    Exercise(
        name="area_term",
        lesson="07_extremal_perturbation",
        points=2,
        answer="area_term",
        reference=area_term,
        probe=probe_area_term,
        mistakes={
            "You sort from large to small. The wanted values are zeros "
            "first, then ones.": lambda m, a: _term_with(m, a, descending=True),
            "Zeros and ones have changed places: an area of 0.1 means a tenth ones, so `(1 - "
            "area)` zeros first.": lambda m, a: _term_with(m, a, swap=True),
            "You don't sort. Then the ones are wanted at the bottom of the image, and the term "
            "says where the mask should be. It may only say how large.": _not_sorted,
            "You sum over the pixels. The mean makes the term independent of the "
            "image's size.": lambda m, a: _term_with(m, a, total=True),
            "You compare the mean of the mask with the area. A mask that is grey everywhere then "
            "passes; sorted values against "
            "zeros and ones make it decide.": lambda m, a: (m.flatten(1).mean(1) - a).square(),
            "You take magnitudes; squares are asked for.": lambda m, a: (
                (m.flatten(1).sort(1).values - _wanted(m, a)).abs().mean(1)
            ),
            "You don't square. What is too much in one place then makes up for what is too little "
            "in another.": lambda m, a: (m.flatten(1).sort(1).values - _wanted(m, a)).mean(1),
            "You take a root at the end. The term is the mean of the squares as it "
            "is.": lambda m, a: _term_with(m, a).sqrt(),
            "One number for all masks together. Each mask has its own term: the mean goes over "
            "its pixels, dimension 1.": lambda m, a: (
                (m.flatten(1).sort(1).values - _wanted(m, a)).square().mean()
            ),
            "You round the number of ones down. The formula rounds the number of *zeros* down, "
            "`((1 - areas) * P).long()`.": _ones_rounded_down,
            "You sort the pixels of all masks together. Each mask is sorted by itself: "
            "`masks.flatten(1).sort(1)`.": _sorted_together,
            "You sort each row of pixels by itself. Make one long list of each mask first: "
            "`masks.flatten(1)`.": _sorted_rows,
            "`sort` returns two things, the sorted values and where they were. Take the first: "
            "`.sort(1).values`.": _sort_with_places,
            "A comparison gives True and False, and PyTorch doesn't subtract those. Make numbers "
            "of them: `.to(values)`.": _wanted_as_booleans,
            "Each mask has an area of its own, and `int` takes one number. Work with the whole "
            "tensor, `((1 - areas) * P).long()`, or in a loop over the masks.": _one_area_for_all,
        },
        hints=[
            "For each mask: a long list of its values, sorted; and a list of the same length with "
            "zeros, then ones.",
            "`masks.flatten(1).sort(1).values` has the sorted values, (N, P).",
            "The number of zeros is `((1 - areas) * P).long()`, one for each mask. "
            "`torch.arange(P) >= zeros[:, None]` is False for the zeros and True for the ones, "
            "(N, P).",
            "`(values - wanted.to(values)).square().mean(1)`.",
        ],
    ),
    Exercise(
        name="one_step",
        lesson="07_extremal_perturbation",
        points=2,
        answer="one_step",
        reference=one_step,
        probe=probe_one_step,
        mistakes={
            "You go downhill. PyTorch's optimisers minimise; to climb, take the gradient of "
            "*minus* the sum.": _steps_down,
            "The gradients of earlier steps are still there, and each step adds to them. Call "
            "`optimiser.zero_grad()` first.": _piles_up,
            "You average over the masks, so each of them climbs more slowly the more there are. "
            "Sum: then each mask gets the gradient of its own objective.": _averages,
            "The parameters leave [0, 1]. Cut them after the step, in place: "
            "`parameters.clamp_(0, 1)` inside `torch.no_grad()`. Without the underscore, "
            "`parameters.clamp(0, 1)` makes a copy and leaves the one that the optimiser holds "
            "as it is.": _clamps_a_copy,
            "The parameters have not moved. `optimiser.step()` moves them, after `backward()` and "
            "with no `zero_grad()` in between.": _step_with(step=False),
            "The parameters ask for a gradient, so PyTorch wants to record that you cut them, and "
            "can't. Cut them inside `with torch.no_grad():`.": _step_with(recorded=True),
            "`backward()` starts from one number. The masks don't mix, so take the sum: "
            "`(-values.sum()).backward()`.": _step_with(loss=lambda values: -values),
            "You return what the objective gives *after* the step. Keep the values from "
            "before.": _step_with(
                returned=lambda values, objective, parameters: objective(parameters)
            ),
            "You return minus the values. Minus is for the optimiser alone.": _step_with(
                returned=lambda values, objective, parameters: -values.detach()
            ),
            "You return the sum. There is one value for each mask: (N,).": _step_with(
                returned=lambda values, objective, parameters: values.detach().sum()
            ),
            "The values still carry their graph, which keeps all activations in memory. Return "
            "`values.detach()`.": _keeps_the_graph,
        },
        hints=[
            "The usual five lines of a training loop, uphill: zero_grad, values, backward, step; "
            "and then the cut.",
            "`(-values.sum()).backward()`: minus, because optimisers minimise.",
            "`with torch.no_grad(): parameters.clamp_(0, 1)` cuts in place, without PyTorch "
            "recording it.",
            "Return what the objective gave before the step: `values.detach()`.",
        ],
    ),
    Exercise(
        name="extremal_masks",
        lesson="07_extremal_perturbation",
        points=3,
        answer="extremal_masks",
        reference=extremal_masks,
        probe=probe_extremal_masks,
        mistakes={
            "The area term is added; it is a price and must be subtracted.": _search_with(sign=1.0),
            "The weight of the area term stays at 100. It grows from step to step: `100 * 1.06 ** "
            "t`.": _search_with(growth=1.0),
            "You return the parameters. The masks are what `render` makes of them.": _search_with(
                render_last=False
            ),
            "You make a new optimiser in every step. Adam remembers how the gradients were; make "
            "it once, before the loop.": _new_optimiser_each_step,
            "You make one step too few: `range(steps)` begins at 0 and makes all of them.": _climb(
                _right_objective, first=1
            ),
            "The weight has grown before the first step. In step 0 it is 100: let it grow "
            "afterwards.": _climb(
                lambda t, p, score, render, areas: _right_objective(t + 1, p, score, render, areas)
            ),
            "Your weight grows by 6 each time. It grows by 6 % of what it *is*, so that the growth "
            "grows too: `100 * 1.06 ** t`.": _climb(
                lambda t, p, score, render, areas: (
                    score(render(p)) - 100 * (1 + 0.06 * t) * area_term(render(p), areas)
                )
            ),
            "You score the parameters. The network sees masks: first `masks = render(p)`, then the "
            "score and the area term of those.": _climb(
                lambda t, p, score, render, areas: score(p) - _price(t, p, areas)
            ),
            "You hold the parameters to the area. It is the *masks* that have an area: "
            "`area_term(render(p), areas)`.": _climb(
                lambda t, p, score, render, areas: score(render(p)) - _price(t, p, areas)
            ),
            "The optimiser here is Adam. Plain SGD follows the slope as it is, and this one is far "
            "too steep for a rate of 0.05.": _climb(_right_objective, torch.optim.SGD),
            "You render once, before the loop. The parameters change, so the masks must be "
            "rendered anew in every step: inside the objective.": _renders_once,
            "The copy doesn't ask for a gradient: `parameters.detach().clone()."
            "requires_grad_()`.": _climb(_right_objective, copy="plain"),
            "`one_step` takes a *function* of the parameters, and you gave it values: define one "
            "in the loop and hand it over.": _values_for_a_function,
            "An optimiser takes a list of tensors: `torch.optim.Adam([parameters], "
            "lr=0.05)`.": _optimiser_of_a_tensor,
            "The masks still carry their graph. Return `render(parameters)."
            "detach()`.": _masks_with_a_graph,
            "The rate of Adam is 0.05 here, not its usual 0.001: there are only a "
            "few dozen steps.": _search_with(rate=0.001),
        },
        hints=[
            "Before the loop: a copy of the parameters that requires a gradient, and the "
            "optimiser of it. In the loop: the objective for this t, and `one_step`. After it: "
            "render once more.",
            "`parameters = parameters.detach().clone().requires_grad_()`, then "
            "`torch.optim.Adam([parameters], lr=0.05)`.",
            "The objective is a function of p: `masks = render(p)`, then `score(masks) - weight * "
            "area_term(masks, areas)`.",
            "Return `render(parameters).detach()`.",
        ],
    ),
    Exercise(
        name="smallest_area",
        lesson="07_extremal_perturbation",
        points=1,
        answer="smallest_area",
        reference=smallest_area,
        probe=probe_smallest_area,
        mistakes={
            "You take the first area in the list that is enough. The areas may come in any order: "
            "take the smallest one.": _first_that_reaches,
            "You take the area whose score is closest to the bar, also when it lies below. It has "
            "to reach it.": _closest,
            "You compare the score with the share itself. The bar is the share *of the whole "
            "image's score*, `share * whole`.": _absolute,
            "When no area is enough, there is nothing to take a minimum of. "
            "Return None then.": _fails_when_none,
            "This is the largest area that is enough. How *little* is enough?": _largest,
            "A score that meets the bar exactly is enough too: `>=`.": _must_exceed,
            "You return a score. The area that it belongs to is asked for.": _a_score,
            "You return a place in the list. The area there is asked for.": _a_place,
            "You return the area with the highest score. A smaller one may be "
            "enough.": _area_of_the_best,
            "Where no area is enough, 0 would say that nothing at all is. Return None.": _or_else(
                0
            ),
            "Where no area is enough, 1 would claim an area that nobody tried. Return "
            "None.": _or_else(1.0),
            "You always take nine tenths. Use the argument `share`.": _always_nine_tenths,
        },
        hints=[
            "Keep the areas whose score reaches the bar, `share * whole`; then take the smallest "
            "of them.",
            "`zip(areas, scores)` gives them in pairs.",
            "Before you call `min`, see whether there are any: `min(enough) if enough else None`.",
        ],
    ),
]
