"""Correlation of a[n] and b[n] over the pixels where `where` is 1, for each n."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from ..engine.exercise import Exercise, Mistakes, Outcome
from ..engine.probes import call, rand, within
from . import LESSON


def map_correlation(a: Tensor, b: Tensor, where: Tensor) -> Tensor:
    """Correlation of a[n] and b[n] over the pixels where `where` is 1, for each n."""
    a, b, where = a.flatten(1), b.flatten(1), where.flatten(1)
    count = where.sum(1, keepdim=True)
    a = (a - (a * where).sum(1, keepdim=True) / count) * where
    b = (b - (b * where).sum(1, keepdim=True) / count) * where
    return (a * b).sum(1) / (a.norm(dim=1) * b.norm(dim=1))


def probe_map_correlation(answer: Callable[..., Tensor], rng: torch.Generator) -> Outcome:
    """The correlations of random maps, and what a correlation must not depend on."""
    a, b = rand(rng, 4, 5, 7, low=0), rand(rng, 4, 5, 7, low=0)
    b[1] = b[1] + 2 * a[1]
    everywhere = torch.ones_like(a)
    where = (rand(rng, 4, 5, 7) > -0.2).to(a)
    scale = rand(rng, 4, 1, 1, low=1, high=9)
    signed = rand(rng, 3, 6, 4), rand(rng, 3, 6, 4), (rand(rng, 3, 6, 4) > -0.5).double()

    def r(*maps: Tensor) -> Tensor:
        return within("a correlation", call(answer, *maps), -1, 1)

    return {
        "the correlations over all pixels": r(a, b, everywhere),
        "the correlations over some of the pixels": r(a, b, where),
        "a map with itself": r(a, a, where),
        "a map with its negative": r(a, -a, where),
        "after scaling one of the maps": r(scale * a, b, where),
        "after adding a number to one of the maps": r(a + scale, b, where),
        "after changing a map where nobody looks": r(a + scale * (1 - where), b, where),
        "maps of other sides, with negative values": r(*signed),
        "the correlation of a single pair of maps": r(*(m[:1] for m in signed)),
    }


def probe_alike(answer: Callable[..., Tensor], rng: torch.Generator) -> Outcome:
    """The lesson's next step: two lists of correlations in one, and the median."""
    a, b = rand(rng, 5, 6, 4, dtype=torch.float32), rand(rng, 5, 6, 4, dtype=torch.float32)
    where = (rand(rng, 5, 6, 4) > 0).float()
    both = torch.cat([answer(a, b, where), answer(a, b, 1 - where)])
    return {"the correlations on two objects": both, "their median": both.median()}


HINTS = [
    "Make everything one long row for each map: `a.flatten(1)` has shape (N, H*W). From "
    "there all sums go along dimension 1.",
    "The mean of the pixels that count is "
    "`(a * where).sum(1, keepdim=True) / where.sum(1, keepdim=True)`.",
    "Subtract it, and multiply by `where` again, so that the pixels outside are 0 and add "
    "nothing to any sum.",
    "Then the cosine of the two rows: `(a * b).sum(1)` divided by `a.norm(dim=1) * b.norm(dim=1)`.",
]

mistake = Mistakes()


@mistake(
    "You left the means in: that is the cosine. Two maps without a negative value always "
    "have a positive cosine, even when they have nothing in common."
)
def _cosine(a, b, where):
    return F.cosine_similarity((a * where).flatten(1), (b * where).flatten(1), dim=1)


@mistake("You did not use `where`: the pixels outside count too.")
def _everywhere(a, b, where):
    return map_correlation(a, b, torch.ones_like(where))


@mistake(
    "You made the outside black and then correlated over all pixels. The outside is the "
    "same in both maps now, so it makes them look alike: the means are those of the pixels "
    "that count, and the sums too."
)
def _black_outside(a, b, where):
    return map_correlation(a * where, b * where, torch.ones_like(where))


@mistake(
    "You divided the sums for the means by the number of all pixels. Divide by the number "
    "of those that count, `where.sum(...)`."
)
def _mean_of_all(a, b, where):
    count = where.flatten(1)[0].numel()
    a = (a - (a * where).sum((1, 2), keepdim=True) / count) * where
    b = (b - (b * where).sum((1, 2), keepdim=True) / count) * where
    return _cosine(a, b, where)


@mistake(
    "The means are right, but after subtracting them the outside is not 0 any more, and it "
    "counts in the sums. Multiply by `where` once more."
)
def _not_cut_again(a, b, where):
    count = where.sum((1, 2), keepdim=True)
    a = a - (a * where).sum((1, 2), keepdim=True) / count
    b = b - (b * where).sum((1, 2), keepdim=True) / count
    return _cosine(a, b, torch.ones_like(where))


@mistake(
    "You flattened the batch as well, which gives one number for all the pairs. Keep "
    "dimension 0: `flatten(1)`."
)
def _one_for_the_batch(a, b, where):
    return map_correlation(a[None], b[None], where[None])[0]


@mistake(
    "You subtracted one mean, of the whole batch. Each map has a mean of its own: sum over "
    "dimension 1, with `keepdim=True`, after `flatten(1)`."
)
def _mean_over_the_batch(a, b, where):
    a, b = ((m - (m * where).sum() / where.sum()) * where for m in (a, b))
    return _cosine(a, b, where)


def _inside(a, where):
    """The map minus its mean over the pixels that count, 0 at the others: shape (N, H * W)."""
    a, where = a.flatten(1), where.flatten(1)
    return (a - (a * where).sum(1, keepdim=True) / where.sum(1, keepdim=True)) * where


@mistake("That is the covariance: it grows with the maps. Divide by both norms.")
def _covariance(a, b, where):
    return (_inside(a, where) * _inside(b, where)).sum(1) / where.sum((1, 2))


@mistake("You divided by the squares of the norms: take the square roots.")
def _squared_norms(a, b, where):
    a, b = _inside(a, where), _inside(b, where)
    return (a * b).sum(1) / (a.square().sum(1) * b.square().sum(1))


@mistake(
    "With a single pair of maps the result has lost its only dimension. `squeeze()` removes each "
    "dimension of size 1, that of the pairs too: the shape should be (1,)."
)
def _squeezed(a, b, where):
    return map_correlation(a, b, where).squeeze()


@mistake("You averaged over the batch: return one number per pair, shape (N,).")
def _averaged(a, b, where):
    return map_correlation(a, b, where).mean()


EXERCISE = Exercise(
    name="map_correlation",
    lesson=LESSON.id,
    after="relu_context",
    points=2,
    answer="map_correlation",
    reference=map_correlation,
    probe=probe_map_correlation,
    then=probe_alike,
    mistakes=mistake,
    hints=HINTS,
)
