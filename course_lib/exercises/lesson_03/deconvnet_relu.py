"""Hands on what is positive: the rule of a deconvolutional network."""

from __future__ import annotations

import torch

from course_lib.attribution.deconvnet import DeConvNetReLU

from ..engine.exercise import Exercise, Mistakes
from . import LESSON
from .shared import probe_rule, probe_rule_in_network, rule

HINTS = [
    "The forward pass is that of any ReLU. Only backward differs, and it needs nothing but p.",
    "backward treats p as the forward pass treats x: a ReLU, applied to the gradient.",
    "`t.clamp(min=0)` returns a new tensor, t where it is positive and 0 elsewhere. "
    "As backward does not ask for x, nothing has to be saved in ctx.",
]

mistake = Mistakes()


mistake(
    "It gates on the sign of the input x: that is the ordinary ReLU. DeConvNet does not "
    "look at x on the way back; it asks for the sign of p."
)(rule(lambda x, p: torch.where(x > 0, p, 0)))

mistake(
    "It gates on both signs, of x and of p: that is the guided rule, which comes next. "
    "DeConvNet asks for the sign of p alone."
)(rule(lambda x, p: torch.where((x > 0) & (p > 0), p, 0)))

mistake("It lets all of p through, the negative part too. DeConvNet keeps only the positive part.")(
    rule(lambda x, p: p.clone())
)

mistake(
    "You clamped x on the way back. That is the forward pass once more; the thing to be "
    "clamped is the gradient p."
)(rule(lambda x, p: x.clamp(min=0)))

mistake("You kept the negative part of p and dropped the positive one.")(
    rule(lambda x, p: p.clamp(max=0))
)

mistake("You took the magnitude of p. A negative p is to become 0, not positive.")(
    rule(lambda x, p: p.abs())
)

mistake("You returned the gate, 1 where p > 0, in place of p itself.")(
    rule(lambda x, p: (p > 0).to(p.dtype))
)


def _clamp_in_place(x, p):
    return p.clamp_(min=0)


mistake(
    "p is on its way to other branches of the network as well, and they would get what you "
    "made of it. Make a new tensor: `p.clamp(min=0)`, without an underscore at the name's end "
    "and without an assignment to a part of p."
)(rule(_clamp_in_place))

mistake(
    "Your forward pass is no ReLU any more. Only the way back changes: forward returns x "
    "where x is positive, else 0."
)(rule(lambda x, p: p.clamp(min=0), forward=lambda x: x.clone()))

mistake(
    "`forward` has one input, x, so return one tensor. (`torch.max(p, 0)` gives two: it is the "
    "maximum over dimension 0. `p.clamp(min=0)` compares with 0.)"
)(rule(lambda x, p: (p.clamp(min=0), p)))

EXERCISE = Exercise(
    name="deconvnet_relu",
    lesson=LESSON.id,
    points=2,
    answer="DeConvNetReLU",
    reference=DeConvNetReLU,
    probe=probe_rule,
    then=probe_rule_in_network,
    mistakes=mistake,
    hints=HINTS,
)
