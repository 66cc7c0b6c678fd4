"""Which class reacts to a change of the images: its mean change of score, and flipped answers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from ..engine.exercise import Exercise, Mistakes, Outcome
from ..engine.models import in_use, nested_network
from ..engine.probes import call, rand
from ..engine.traces import no_trace
from . import LESSON


def reactions(model: nn.Module, before: Tensor, after: Tensor) -> Tensor:
    """For each class the mean change of its score, and the share of answers that flip."""
    with torch.no_grad():
        first, then = model(before), model(after)
    flipped = (first > 0) != (then > 0)
    return torch.stack([(then - first).mean(0), flipped.to(first).mean(0)], 1)


class _Centred(nn.Module):
    """A network whose scores are moved, so that about half of its answers are yes."""

    middle: Tensor

    def __init__(self, network: nn.Module, x: Tensor) -> None:
        super().__init__()
        self.network = network
        with torch.no_grad():
            # Between two images, so that no score is 0 but for rounding.
            ranked = network(x).sort(0).values
            self.register_buffer("middle", ranked[len(x) // 2 - 1 : len(x) // 2 + 1].mean(0))

    def forward(self, x: Tensor) -> Tensor:
        scores: Tensor = self.network(x)
        return 20 * (scores - self.middle)


def probe_reactions(answer: Callable[..., Any], rng: torch.Generator) -> Outcome:
    """A patch that changes answers both ways, no change at all, one image; a network in use."""
    before = rand(rng, 8, 3, 6, 6, low=0)
    after = before.clone()
    after[:, :, 3:, :3] = rand(rng, 1, 3, 3, 3, low=0)
    model = in_use(_Centred(nested_network(rng), before).eval(), rng)
    outcome: Outcome = {}
    with no_trace(outcome, "after a call", model, before, after):
        outcome["the table"] = call(answer, model, before, after)
    found = outcome["the table"]
    if isinstance(found, Tensor):
        outcome["the table has no graph"] = not found.requires_grad
    outcome["the table the other way round"] = call(answer, model, after, before)
    outcome["the table when nothing changes"] = call(answer, model, before, before.clone())
    outcome["the table of one image"] = call(answer, model, before[2:3], after[2:3])
    outcome["the table when other things change"] = call(
        answer, model, before[:5], rand(rng, 5, 3, 6, 6, low=0)
    )
    return outcome


HINTS = [
    "Run the model on both: that gives two tables of scores, (N, classes). What is asked compares "
    "them.",
    "Inside `with torch.no_grad():` nothing is kept for gradients, as in the lessons before.",
    "The first column: `(then - first).mean(0)`, a mean over the images. The second: where is "
    "`first > 0` another answer than `then > 0`?",
    "`!=` compares booleans, `.float().mean(0)` makes a share of them, and "
    "`torch.stack([..., ...], 1)` puts two rows of numbers side by side.",
]

mistake = Mistakes()


def _scores(model, *images):
    with torch.no_grad():
        return [model(x) for x in images]


def _table(change, flipped):
    return torch.stack([change, flipped.to(change)], 1)


@mistake("Before and after have changed places: a score that rises has a positive change.")
def _backwards(model, before, after):
    change, flipped = reactions(model, before, after).T
    return torch.stack([-change, flipped], 1)


@mistake(
    "You take the magnitude of each change. Whether the score falls or rises is the question: keep "
    "the sign."
)
def _magnitude(model, before, after):
    first, then = _scores(model, before, after)
    return _table((then - first).abs().mean(0), ((first > 0) != (then > 0)).to(first).mean(0))


@mistake(
    "You compare probabilities in the first column. The change is asked of the scores, as the "
    "model gives them."
)
def _probabilities(model, before, after):
    first, then = _scores(model, before, after)
    change = (then.sigmoid() - first.sigmoid()).mean(0)
    return _table(change, ((first > 0) != (then > 0)).to(first).mean(0))


@mistake("The first column holds the sum over the images. It should be the mean.")
def _sum(model, before, after):
    change, flipped = reactions(model, before, after).T
    return torch.stack([change * len(before), flipped], 1)


@mistake("The second column counts images. It should be their share, from 0 to 1.")
def _count(model, before, after):
    change, flipped = reactions(model, before, after).T
    return torch.stack([change, flipped * len(before)], 1)


@mistake(
    "Your second column is the share of yes after the change. Asked is how many answers are "
    "*another* one than before."
)
def _yes_after(model, before, after):
    first, then = _scores(model, before, after)
    return _table((then - first).mean(0), (then > 0).to(first).mean(0))


@mistake(
    "You count only the answers that turn from no to yes. A yes that turns to no has flipped as "
    "well."
)
def _to_yes(model, before, after):
    first, then = _scores(model, before, after)
    return _table((then - first).mean(0), ((first <= 0) & (then > 0)).to(first).mean(0))


@mistake(
    "You count only the answers that turn from yes to no. A no that turns to yes has flipped as "
    "well."
)
def _to_no(model, before, after):
    first, then = _scores(model, before, after)
    return _table((then - first).mean(0), ((first > 0) & (then <= 0)).to(first).mean(0))


@mistake(
    "You subtract the shares of yes. Where as many answers flip one way as the other, that is 0: "
    "compare image by image."
)
def _difference_of_shares(model, before, after):
    first, then = _scores(model, before, after)
    yes = [(s > 0).to(first).mean(0) for s in (first, then)]
    return _table((then - first).mean(0), (yes[1] - yes[0]).abs())


@mistake(
    "A network of this course answers for each class by itself: yes is a score above 0. You look "
    "only at the class with the highest score."
)
def _best_class(model, before, after):
    first, then = _scores(model, before, after)
    classes = torch.arange(first.shape[1])
    flipped = (first.argmax(1, keepdim=True) == classes) != (
        then.argmax(1, keepdim=True) == classes
    )
    return _table((then - first).mean(0), flipped.to(first).mean(0))


@mistake("You average over the classes. The mean goes over the images, `.mean(0)`.")
def _over_classes(model, before, after):
    first, then = _scores(model, before, after)
    return _table((then - first).mean(1), ((first > 0) != (then > 0)).to(first).mean(1))


@mistake("Your table lies on its side: a row for each class, `torch.stack([...], 1)`.")
def _transposed(model, before, after):
    return reactions(model, before, after).T


@mistake("The two columns have changed places: first the change of score, then the share.")
def _columns_swapped(model, before, after):
    return reactions(model, before, after).flip(1)


@mistake(
    "Your table still carries the graph for gradients. Run the model inside "
    "`with torch.no_grad():`."
)
def _with_graph(model, before, after):
    first, then = model(before), model(after)
    return _table((then - first).mean(0), ((first > 0) != (then > 0)).to(first).mean(0))


EXERCISE = Exercise(
    name="reactions",
    lesson=LESSON.id,
    after="paste",
    points=2,
    answer="reactions",
    reference=reactions,
    probe=probe_reactions,
    mistakes=mistake,
    hints=HINTS,
)
