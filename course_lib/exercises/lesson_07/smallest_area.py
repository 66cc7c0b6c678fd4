"""The smallest area whose score reaches `share` of the whole image's; None if none does."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from ..engine.exercise import Exercise, Mistakes, Outcome
from ..engine.probes import call, rand
from . import LESSON


def smallest_area(
    areas: Sequence[float], scores: Sequence[float], whole: float, share: float = 0.9
) -> float | None:
    """The smallest area whose score reaches `share` of the whole image's; None if none does."""
    enough = [a for a, s in zip(areas, scores, strict=True) if s >= share * whole]
    return min(enough) if enough else None


def _number(value: Any) -> Any:
    """A number and a tensor that holds one are equally good answers."""
    if isinstance(value, Tensor) and value.ndim == 0:
        return float(value)
    return value


def probe_smallest_area(answer: Callable[..., Any], rng: torch.Generator) -> Outcome:
    """Curves that rise, wobble, stay too low, come out above the whole image, or dip below 0."""
    wobble = 0.2 * float(rand(rng, 1, low=0))
    odd = sorted(rand(rng, 3, low=0).tolist())
    outcome = {
        "a rising curve": call(answer, [0.02, 0.05, 0.1, 0.2], [1.0, 6.0, 9.5, 10.0], 10.0),
        "another share": call(answer, [0.02, 0.05, 0.1, 0.2], [1.0, 5.2, 9.5, 10.0], 10.0, 0.5),
        "exactly enough": call(answer, [0.05, 0.1], [4.5, 5.0], 5.0),
        "a curve that falls again": call(
            answer, [0.02, 0.05, 0.1, 0.2], [1.0, 9.6, 8.0 + wobble, 9.9], 10.0
        ),
        "areas in another order": call(answer, [0.2, 0.1, 0.05], [9.9, 9.2, 3.0], 10.0),
        "a curve that stays too low": call(answer, [0.1, 0.2], [2.0, 3.0], 10.0),
        "a curve that rises above the whole image": call(
            answer, [0.02, 0.05, 0.1, 0.2], [4.0, 9.3, 14.0, 12.0], 10.0
        ),
        "scores below 0": call(answer, [0.02, 0.05, 0.1], [-12.0, 3.0, 9.5], 10.0),
        "a larger area that scores lower, but enough": call(
            answer, [0.1, 0.05, 0.2], [9.5, 9.9, 9.1], 10.0
        ),
        "share=0.25": call(answer, [0.1, 0.2, 0.3], [2.0, 2.5, 9.0], 10.0, share=0.25),
        "the whole image alone is enough": call(answer, [0.5, 1.0], [2.0, 10.0], 10.0),
        "areas that are no round numbers": call(answer, odd, [3.0, 9.5, 9.8], 10.0),
    }
    return {name: _number(value) for name, value in outcome.items()}


HINTS = [
    "Keep the areas whose score reaches the bar, `share * whole`; then take the smallest of them.",
    "`zip(areas, scores)` gives them in pairs.",
    "Before you call `min`, see whether there are any: `min(enough) if enough else None`.",
]

mistake = Mistakes()


@mistake(
    "You take the first area in the list that is enough. The areas may come in any order: "
    "take the smallest one."
)
def _first_that_reaches(areas, scores, whole, share=0.9):
    return next((a for a, s in zip(areas, scores, strict=True) if s >= share * whole), None)


@mistake(
    "You take the area whose score is closest to the bar, also when it lies below. It has "
    "to reach it."
)
def _closest(areas, scores, whole, share=0.9):
    return min(zip(areas, scores, strict=True), key=lambda pair: abs(pair[1] - share * whole))[0]


@mistake(
    "You compare the score with the share itself. The bar is the share *of the whole "
    "image's score*, `share * whole`."
)
def _absolute(areas, scores, whole, share=0.9):
    enough = [a for a, s in zip(areas, scores, strict=True) if s >= share]
    return min(enough) if enough else None


@mistake("When no area is enough, there is nothing to take a minimum of. Return None then.")
def _fails_when_none(areas, scores, whole, share=0.9):
    return min(a for a, s in zip(areas, scores, strict=True) if s >= share * whole)


@mistake("This is the largest area that is enough. How *little* is enough?")
def _largest(areas, scores, whole, share=0.9):
    enough = [a for a, s in zip(areas, scores, strict=True) if s >= share * whole]
    return max(enough) if enough else None


@mistake("A score that meets the bar exactly is enough too: `>=`.")
def _must_exceed(areas, scores, whole, share=0.9):
    enough = [a for a, s in zip(areas, scores, strict=True) if s > share * whole]
    return min(enough) if enough else None


@mistake(
    "Your bar is a share of the best score in the list. It is a share of the *whole image's* "
    "score, `share * whole`; a mask may do better than the whole image."
)
def _share_of_the_best(areas, scores, whole, share=0.9):
    return smallest_area(areas, scores, max(scores), share)


@mistake(
    "Your bar is a share of the last score in the list. It is a share of the *whole image's* "
    "score, `share * whole`."
)
def _share_of_the_last(areas, scores, whole, share=0.9):
    return smallest_area(areas, scores, scores[-1], share)


@mistake(
    "You sort the areas and leave the scores where they are: then they don't belong together any "
    "more. `zip` first."
)
def _sorted_apart(areas, scores, whole, share=0.9):
    return smallest_area(sorted(areas), scores, whole, share)


@mistake("A score below 0 says no, however large it is. Compare the score itself, without `abs`.")
def _magnitudes(areas, scores, whole, share=0.9):
    return smallest_area(areas, [abs(score) for score in scores], whole, share)


@mistake(
    "You stop at the first area, from the largest down, that is not enough. The curve may rise "
    "again below it: look at all areas."
)
def _down_to_the_first_gap(areas, scores, whole, share=0.9):
    best = None
    for area, score in sorted(zip(areas, scores, strict=True), reverse=True):
        if score < share * whole:
            break
        best = area
    return best


@mistake(
    "You decide at the first area that you look at. Return None only when all have been looked at: "
    "after the loop."
)
def _decides_at_the_first(areas, scores, whole, share=0.9):
    area, score = min(zip(areas, scores, strict=True))
    return area if score >= share * whole else None


@mistake("All the areas that are enough are here. Return the smallest of them.")
def _all_of_them(areas, scores, whole, share=0.9):
    return [a for a, s in zip(areas, scores, strict=True) if s >= share * whole]


@mistake(
    "You take the area with the lowest score that is enough. The smallest *area* is asked for."
)
def _lowest_score_that_is_enough(areas, scores, whole, share=0.9):
    enough = [(s, a) for a, s in zip(areas, scores, strict=True) if s >= share * whole]
    return min(enough)[1] if enough else None


@mistake("You return a score. The area that it belongs to is asked for.")
def _a_score(areas, scores, whole, share=0.9):
    enough = [s for s in scores if s >= share * whole]
    return min(enough) if enough else None


@mistake("You return a place in the list. The area there is asked for.")
def _a_place(areas, scores, whole, share=0.9):
    enough = [i for i, s in enumerate(scores) if s >= share * whole]
    return min(enough) if enough else None


@mistake("You return the area with the highest score. A smaller one may be enough.")
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


mistake("Where no area is enough, 0 would say that nothing at all is. Return None.")(_or_else(0))

mistake("Where no area is enough, 1 would claim an area that nobody tried. Return None.")(
    _or_else(1.0)
)


@mistake("Where nothing else is said, the share is nine tenths: `share=0.9`.")
def _another_share(areas, scores, whole, share=0.5):
    return smallest_area(areas, scores, whole, share)


@mistake("You always take nine tenths. Use the argument `share`.")
def _always_nine_tenths(areas, scores, whole, share=0.9):
    return smallest_area(areas, scores, whole)


EXERCISE = Exercise(
    name="smallest_area",
    lesson=LESSON.id,
    after="extremal_masks",
    points=1,
    answer="smallest_area",
    reference=smallest_area,
    probe=probe_smallest_area,
    mistakes=mistake,
    hints=HINTS,
)
