"""Hands on what is positive where the ReLU let something through: guided backpropagation."""

from __future__ import annotations

import torch
from torch.autograd import Function

from course_lib.attribution.guided_backprop import GuidedBackpropReLU

from ..engine.exercise import Exercise, Mistakes
from . import LESSON
from .shared import probe_rule, probe_rule_in_network, rule

HINTS = [
    "Two gates in a row: the ordinary ReLU's, which asks x, and DeConvNet's, which asks p.",
    "backward needs x: `ctx.save_for_backward(x)` in forward, `(x,) = ctx.saved_tensors` "
    "in backward.",
    "`torch.where(condition, p, 0)` returns p where the condition holds, 0 elsewhere. Two "
    "conditions are joined by `&`, each in brackets.",
]

mistake = Mistakes()


mistake(
    "It gates on the sign of the input x alone: that is the ordinary ReLU. The guided rule "
    "asks for a positive p as well."
)(rule(lambda x, p: torch.where(x > 0, p, 0)))

mistake(
    "It gates on the sign of p alone: that is DeConvNet. The guided rule asks for a "
    "positive x as well, so save x in forward."
)(rule(lambda x, p: p.clamp(min=0)))

mistake("You let p through where x > 0 *or* p > 0. Both must be positive: `&`, not `|`.")(
    rule(lambda x, p: torch.where((x > 0) | (p > 0), p, 0))
)

mistake("You asked for a positive product of x and p. That is so too where both are negative.")(
    rule(lambda x, p: torch.where(x * p > 0, p, 0))
)

mistake(
    "You used `x >= 0`. Where x is exactly 0 the ReLU is shut, and real networks have many "
    "exact zeros: `x > 0`."
)(rule(lambda x, p: torch.where(x >= 0, p, 0).clamp(min=0)))

mistake("You clamped x on the way back. What flows back is p: x only decides where.")(
    rule(lambda x, p: torch.where(p > 0, x, 0).clamp(min=0))
)

mistake("You returned the gate, 1 where both are positive, in place of p itself.")(
    rule(lambda x, p: ((x > 0) & (p > 0)).to(p.dtype))
)


def _guide_in_place(x, p):
    p[(x <= 0) | (p <= 0)] = 0
    return p


mistake(
    "p is on its way to other branches of the network as well, and they would get what you "
    "made of it. Make a new tensor, with `torch.where`, or take `p.clone()` first."
)(rule(_guide_in_place))


@mistake(
    "x is kept in a place that all ReLUs of the network share, so each finds what another one "
    "left there. `ctx` belongs to one call: `ctx.save_for_backward(x)`."
)
class _SharedByAll(Function):
    @staticmethod
    def forward(ctx, x):
        _SharedByAll.x = x
        return x.clamp(min=0)

    @staticmethod
    def backward(ctx, p):
        return torch.where((_SharedByAll.x > 0) & (p > 0), p, 0)


@mistake(
    "`ctx.saved_tensors` is a tuple, also when only one tensor was saved: unpack it, "
    "`(x,) = ctx.saved_tensors`."
)
class _SavedTuple(Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x.clamp(min=0)

    @staticmethod
    def backward(ctx, p):
        x = ctx.saved_tensors
        return torch.where((x > 0) & (p > 0), p, 0)


mistake(
    "`backward` returns one gradient per input of `forward`. `forward` has one, x, so "
    "return one tensor."
)(rule(lambda x, p: (torch.where((x > 0) & (p > 0), p, 0), p.clone())))

EXERCISE = Exercise(
    name="guided_relu",
    lesson=LESSON.id,
    after="deconvnet_relu",
    points=2,
    answer="GuidedBackpropReLU",
    reference=GuidedBackpropReLU,
    probe=probe_rule,
    then=probe_rule_in_network,
    mistakes=mistake,
    hints=HINTS,
)
