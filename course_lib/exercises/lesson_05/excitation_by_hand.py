"""Relevance of the inputs: p'_j = x_j sum_i W+_ij p_i / z_i with z = W+ x; 0 where z_i = 0."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from ..engine.exercise import Exercise, Mistakes, Outcome
from ..engine.probes import call
from . import LESSON
from .shared import SMALL, activations, all_handed_on, note_finite, numbers


def excitation_by_hand(x: Tensor, W: Tensor, p: Tensor) -> Tensor:
    """Relevance of the inputs: p'_j = x_j sum_i W+_ij p_i / z_i with z = W+ x; 0 where z_i = 0."""
    shares = torch.zeros_like(x)
    for i in range(len(p)):
        z = sum(max(float(W[i, j]), 0) * float(x[j]) for j in range(len(x)))
        if z == 0:
            continue
        for j in range(len(x)):
            shares[j] += x[j] * max(float(W[i, j]), 0) * p[i] / z
    return shares


def probe_by_hand(answer: Callable[..., Tensor], rng: torch.Generator) -> Outcome:
    """Shares of a small layer; with outputs that nothing excites; with outputs of a small z."""
    x, W, p = activations(rng, 5), numbers(rng, 4, 5), numbers(rng, 4)
    W[:, 0] = W[:, 0].abs() + 0.5
    W[:, 1] = -W[:, 1].abs() - 0.1
    shares = call(answer, x, W, p)
    outcome: Outcome = {"shares of the inputs": shares}
    if isinstance(shares, Tensor):
        lost = abs(float(shares.sum()) - float(p.sum()))
        outcome["they add up to the relevance that came in"] = lost < 1e-4
    hardly, q = call(answer, SMALL * x, W, p.abs()), p.abs()
    if isinstance(hardly, Tensor):
        outcome["outputs that are excited by little hand on all that they have"] = all_handed_on(
            hardly, q
        )
    # output 1 has no weights that excite, and of output 2 the one that does has a silent input
    x[2] = 0
    W[1:3] = -W[1:3].abs()
    W[2, 2] = 3.0
    note_finite(outcome, "shares when nothing excites outputs 1 and 2", call(answer, x, W, p))
    return outcome


def flows(answer: Callable[..., Tensor], rng: torch.Generator) -> Outcome:
    """From a score to the inputs, one output at a time, as the lesson's picture needs it."""

    def sent(x: Tensor, W: Tensor, p: Tensor) -> Tensor:
        return torch.stack([call(answer, x, W[i : i + 1], p[i : i + 1]) for i in range(len(p))])

    x, W, V = activations(rng, 3), numbers(rng, 3, 3), numbers(rng, 1, 3)
    V[0, 0] = 1.0
    to_hidden = sent((W @ x).clamp(min=0) + 0.1, V, torch.ones(1))
    to_inputs = sent(x, W, to_hidden.sum(0))
    return {
        "what flows from the score to each hidden unit": to_hidden,
        "what flows from each hidden unit to each input": to_inputs,
    }


HINTS = [
    "Work through one output i at a time. Its relevance p_i is a cake; the inputs cut it "
    "in proportion to what they contributed.",
    "What input j contributed to output i is `max(W[i, j], 0) * x[j]`. z is the sum of "
    "these over j.",
    "Start with `shares = torch.zeros_like(x)`. A loop over i computes z; if it is 0, "
    "`continue`; an inner loop over j adds to `shares[j]`.",
    "In the inner loop: `shares[j] += x[j] * max(W[i, j], 0) * p[i] / z`.",
]

mistake = Mistakes()


@mistake(
    "The negative weights take part. They hold a unit back, they don't excite it: use "
    "max(W, 0), in the sum z and in the shares."
)
def _all_weights(x, W, p):
    z = W @ x
    return x * (torch.where(z != 0, p / z, 0) @ W)


def _by_hand(
    below: Callable[[Tensor, Tensor], Tensor] | None = None,
) -> Callable[[Tensor, Tensor, Tensor], Tensor]:
    """An answer that divides each output's p by `below(x, W)`, (I,), in place of W+ x."""

    def answer(x: Tensor, W: Tensor, p: Tensor) -> Tensor:
        above = W.clamp(min=0)
        z = above @ x if below is None else below(x, W)
        return x * (torch.where(z != 0, p / z, 0) @ above)

    return answer


mistake(
    "z is the sum over *all* weights. Then the shares of an output don't add up to 1: the "
    "negative weights belong out of z too."
)(_by_hand(lambda x, W: W @ x))

mistake(
    "You cut z off at 0 after adding everything up. Cut each weight first, then add: a "
    "negative one would still have made z smaller."
)(_by_hand(lambda x, W: (W @ x).clamp(min=0)))


@mistake(
    "The factor x_j is missing. An input that is silent has contributed nothing, whatever "
    "its weight."
)
def _without_x(x, W, p):
    above = W.clamp(min=0)
    z = above @ x
    return torch.where(z > 0, p / z, 0) @ above


@mistake(
    "Each output overwrites what the earlier ones gave. An input collects from all of them: `+=`."
)
def _last_output_only(x, W, p):
    shares = torch.zeros_like(x)
    for i in range(len(p)):
        z = (W[i].clamp(min=0) * x).sum()
        if z > 0:
            shares = x * W[i].clamp(min=0) * p[i] / z
    return shares


@mistake(
    "That is the plain gradient, W transposed times p. Excitation backprop divides p among "
    "the inputs: nobody gets more than there is."
)
def _plain_gradient(x, W, p):
    return p @ W


@mistake(
    "You don't divide by z_i, so these are contributions, not shares: they don't add up to p_i."
)
def _not_divided(x, W, p):
    return x * (p @ W.clamp(min=0))


@mistake(
    "Where nothing excites an output, z_i is 0 and you divide by it. Such an output has "
    "nobody to hand its relevance to: skip it."
)
def _zero_over_zero(x, W, p):
    above = W.clamp(min=0)
    return x * ((p / (above @ x)) @ above)


@mistake(
    "You divide by the sum over the *outputs*. It is the inputs that share: for one output "
    "i, add up over j."
)
def _shared_among_outputs(x, W, p):
    parts = W.clamp(min=0) * x
    total = parts.sum(0)
    return (torch.where(total > 0, parts / total, 0) * p[:, None]).sum(0)


@mistake("z goes on from one output to the next. Each output has its own: start it at 0 again.")
def _z_goes_on(x, W, p):
    shares, z = torch.zeros_like(x), 0.0
    for i in range(len(p)):
        excitation = W[i].clamp(min=0) * x
        z = z + excitation.sum()
        if z > 0:
            shares = shares + excitation / z * p[i]
    return shares


@mistake(
    "At an output that nothing excites your loop ends, and the outputs after it are "
    "forgotten. Skip that one alone: `continue`."
)
def _stops_at_zero(x, W, p):
    shares = torch.zeros_like(x)
    for i in range(len(p)):
        excitation = W[i].clamp(min=0) * x
        if excitation.sum() == 0:
            break
        shares = shares + excitation / excitation.sum() * p[i]
    return shares


@mistake(
    "An index runs too far. There are len(p) outputs i and len(x) inputs j: `p[i]`, `x[j]`, and "
    "`W[i, j]` leads from input j to output i."
)
def _indexed_the_other_way(x, W, p):
    return torch.stack([W[j, 0] * x[j] for j in range(len(x))])


@mistake(
    "You take the magnitudes of the weights. A negative one holds its unit back: it counts "
    "as 0, max(W, 0)."
)
def _magnitudes(x, W, p):
    z = W.abs() @ x
    return x * (torch.where(z > 0, p / z, 0) @ W.abs())


@mistake("Each output gives 1 away. It has only its own relevance to give, p_i.")
def _one_for_each_output(x, W, p):
    z = W.clamp(min=0) @ x
    return x * (torch.where(z > 0, 1 / z, 0) @ W.clamp(min=0))


@mistake(
    "You return what each output sends to each input. An input collects from all outputs: "
    "add up over i."
)
def _not_collected(x, W, p):
    parts = W.clamp(min=0) * x
    z = parts.sum(1, keepdim=True)
    return torch.where(z > 0, parts / z, 0) * p[:, None]


EXERCISE = Exercise(
    name="excitation_by_hand",
    lesson=LESSON.id,
    points=2,
    answer="excitation_by_hand",
    reference=excitation_by_hand,
    probe=probe_by_hand,
    then=flows,
    mistakes=mistake,
    hints=HINTS,
)
