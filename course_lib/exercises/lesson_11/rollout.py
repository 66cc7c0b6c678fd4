"""Attention rollout: from which patches has the class token got what it holds?"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from ..engine.exercise import Exercise, Mistakes, Outcome
from ..engine.probes import call, rand
from . import LESSON


def rollout(attentions: Sequence[Tensor]) -> Tensor:
    """How much of each token has come to the class token through all blocks: (N, T)."""
    total = torch.eye(attentions[0].shape[-1]).to(attentions[0])
    for attention in attentions:
        mixed = (attention.mean(1) + torch.eye(attention.shape[-1]).to(attention)) / 2
        total = mixed @ total
    return total[:, 0]


def _attentions(
    rng: torch.Generator, blocks: int, images: int, heads: int, tokens: int
) -> list[Tensor]:
    """Rows that add up to 1 and differ much, as in a network that has learned something."""
    return [
        rand(rng, images, heads, tokens, tokens, low=-3, high=3).softmax(3) for _ in range(blocks)
    ]


def probe_rollout(answer: Callable[..., Any], rng: torch.Generator) -> Outcome:
    """Several blocks, one alone, one head, one image, and heads that look at one token each."""
    outcome: Outcome = {}
    cases: dict[str, tuple[int, int, int, int]] = {
        "the rollout of three blocks": (3, 2, 3, 5),
        "the rollout of one block": (1, 2, 2, 4),
        "the rollout of four blocks, one image, one head": (4, 1, 1, 6),
    }
    for name, sides in cases.items():
        outcome[name] = call(answer, _attentions(rng, *sides))
    sharp = [
        torch.eye(5, dtype=torch.float64)[torch.randint(0, 5, (2, 4, 5), generator=rng)]
        for _ in range(2)
    ]
    outcome["the rollout where each head looks at one token"] = call(answer, sharp)
    single = [a.float() for a in _attentions(rng, 5, 2, 2, 7)]
    outcome["the rollout of five blocks in float32"] = call(answer, single)
    return outcome


HINTS = [
    "One matrix for each block: the mean over the heads, `attention.mean(1)`, has the shape "
    "(N, T, T).",
    "What a token keeps of itself is the identity, `torch.eye(T)`. Half of the one and half of the "
    "other: `(attention.mean(1) + torch.eye(T)) / 2`.",
    "Begin with the first block's matrix, or with the identity, and for each block multiply from "
    "the left: `total = mixed @ total`.",
    "A row of the product says where a token's content comes from. The class token is the first "
    "one: `total[:, 0]`.",
]

mistake = Mistakes()


def _mixed(attention: Tensor) -> Tensor:
    return (attention.mean(1) + torch.eye(attention.shape[-1]).to(attention)) / 2


def _product(matrices: Sequence[Tensor]) -> Tensor:
    """The blocks' matrices multiplied, the first block's rightmost."""
    total = matrices[0]
    for matrix in matrices[1:]:
        total = matrix @ total
    return total


@mistake(
    "The residual is missing: a block adds what it gathers to what the token had before. Take half "
    "of the attention and half of the identity."
)
def _without_the_residual(attentions):
    return _product([a.mean(1) for a in attentions])[:, 0]


@mistake(
    "You add the identity and don't halve: each row then adds up to 2, and after L blocks to 2 to "
    "the power of L. Halve the sum, so that a row stays a share of 1."
)
def _without_the_half(attentions):
    return _product([2 * _mixed(a) for a in attentions])[:, 0]


@mistake(
    "Only the identity is halved: a row adds up to one and a half. Halve the sum of both, "
    "`(attention.mean(1) + torch.eye(T)) / 2`."
)
def _half_of_one(attentions):
    return _product([_mixed(a) + a.mean(1) / 2 for a in attentions])[:, 0]


@mistake(
    "The order is the other way round. What the last block gathers has gone through the first one "
    "before, so each block multiplies from the left: `mixed @ total`."
)
def _other_order(attentions):
    return _product([_mixed(a) for a in attentions][::-1])[:, 0]


@mistake(
    "You take the first column: how much of the *class token* has come to each of the others. "
    "Where the class token's content comes from is its row, `total[:, 0]`."
)
def _column(attentions):
    return _product([_mixed(a) for a in attentions])[:, :, 0]


@mistake(
    "You look at the last block alone. What its tokens hold was gathered from everywhere in the "
    "blocks before: multiply all of them."
)
def _last_block(attentions):
    return _mixed(attentions[-1])[:, 0]


@mistake(
    "This is the last block's attention as it is: without the residual, and without the blocks "
    "before it, in which each token has gathered from everywhere."
)
def _raw_last(attentions):
    return attentions[-1].mean(1)[:, 0]


@mistake("You look at the first block alone. The class token goes through all of them: multiply.")
def _first_block(attentions):
    return _mixed(attentions[0])[:, 0]


@mistake(
    "You average over the blocks. They come one after the other, each mixing what the one before "
    "has mixed: a product of matrices."
)
def _mean_of_blocks(attentions):
    return torch.stack([_mixed(a) for a in attentions]).mean(0)[:, 0]


@mistake(
    "You multiply entry by entry. On its way content may go over any token in between: that is the "
    "product of matrices, `@`."
)
def _entry_by_entry(attentions):
    total = _mixed(attentions[0])
    for attention in attentions[1:]:
        total = total * _mixed(attention)
    return total[:, 0]


@mistake("You add the heads up. Take their mean, so that a row adds up to 1.")
def _sum_of_heads(attentions):
    eyes = [torch.eye(a.shape[-1]).to(a) for a in attentions]
    return _product([(a.sum(1) + e) / 2 for a, e in zip(attentions, eyes, strict=True)])[:, 0]


@mistake(
    "You take the largest of the heads. That is done, too, but here all heads have the same say: "
    "their mean."
)
def _largest_head(attentions):
    eyes = [torch.eye(a.shape[-1]).to(a) for a in attentions]
    return _product([(a.amax(1) + e) / 2 for a, e in zip(attentions, eyes, strict=True)])[:, 0]


@mistake("You look at the first head only. Take the mean over all heads, dimension 1.")
def _first_head(attentions):
    return rollout([a[:, :1] for a in attentions])


@mistake(
    "Each head goes its own way through all blocks with you. The heads of a block are mixed before "
    "the next one sees them: take their mean in each block."
)
def _heads_apart(attentions):
    eyes = [torch.eye(a.shape[-1]).to(a) for a in attentions]
    found = _product([(a + e) / 2 for a, e in zip(attentions, eyes, strict=True)])
    return found.mean(1)[:, 0]


@mistake("You average over the images as well. Each image has its own attention: (N, T).")
def _over_the_batch(attentions):
    return _product([_mixed(a).mean(0, keepdim=True).expand(len(a), -1, -1) for a in attentions])[
        :, 0
    ]


@mistake("The class token's own number is missing. Return one number for each token, (N, T).")
def _without_the_class_token(attentions):
    return rollout(attentions)[:, 1:]


@mistake("You return the whole matrix. Of it, take the class token's row: (N, T).")
def _whole(attentions):
    return _product([_mixed(a) for a in attentions])


@mistake(
    "You take the mean over all rows, as if every token were asked. The scores are made from the "
    "class token alone: its row, `total[:, 0]`."
)
def _mean_of_rows(attentions):
    return _product([_mixed(a) for a in attentions]).mean(1)


EXERCISE = Exercise(
    name="rollout",
    lesson=LESSON.id,
    after="token_map",
    points=2,
    answer="rollout",
    reference=rollout,
    probe=probe_rollout,
    mistakes=mistake,
    hints=HINTS,
)
