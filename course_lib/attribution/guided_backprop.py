"""Guided backpropagation: the gradient's and DeConvNet's conditions together."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from .inputs.targets import Target
from .rules.graph_rules import GraphRule, positive
from .rules.relu_rules import RuleContext
from .saliency import saliency

__all__ = ["GuidedBackpropContext", "GuidedBackpropReLU", "guided_backprop"]


_NAME = "Guided backprop"


class GuidedBackpropReLU(torch.autograd.Function):
    """max(x, 0) forward; backward the gradient where both it and x are positive.

    >>> x = torch.tensor([-1.0, 1.0, -1.0, 1.0], requires_grad=True)
    >>> GuidedBackpropReLU.apply(x).backward(torch.tensor([2.0, 2.0, -2.0, -2.0]))
    >>> x.grad.tolist()
    [0.0, 2.0, 0.0, 0.0]
    """

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor) -> torch.Tensor:
        ctx.save_for_backward(x)
        return x.clamp(min=0)

    @staticmethod
    def backward(ctx: Any, p: torch.Tensor) -> torch.Tensor:
        (x,) = ctx.saved_tensors
        return p.clamp(min=0) * (x > 0)


class _Rule(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        x: torch.Tensor,
        high: float | None,
        in_place: bool,
        run: Callable[[], torch.Tensor],
    ) -> torch.Tensor:
        y = run()
        if in_place:
            ctx.mark_dirty(x)
            y = x
        # 0 < y < high just where 0 < x < high. As torch's own, ReLU keeps y, which the next layer
        # keeps alive anyway, and ReLU6 x, so that the network may overwrite y.
        ctx.save_for_backward(y if high is None or in_place else x)
        ctx.high = high
        return y

    @staticmethod
    def backward(ctx: Any, p: torch.Tensor) -> Any:
        (kept,) = ctx.saved_tensors
        if ctx.high is None:
            p = torch.ops.aten.threshold_backward(p, kept, 0)
        else:
            p = torch.ops.aten.hardtanh_backward(p, kept, 0, ctx.high)
        return p.clamp_min_(0), None, None, None


class GuidedBackpropContext(RuleContext):
    """While active, ReLU and ReLU6 go backward by p where p > 0 and 0 < x (< 6), 0 elsewhere.

    For the manual form: `with GuidedBackpropContext(): y = model(x); y.backward(gradient)`, then
    `gradient_to_saliency(x)`. Holds in its own thread; warns on leaving if the model had no ReLU
    or other nonlinearities (see `BackwardRules`).

    >>> x = torch.tensor([-1.0, 1.0], requires_grad=True)
    >>> with GuidedBackpropContext():
    ...     torch.nn.ReLU()(x).backward(torch.tensor([2.0, 2.0]))
    >>> x.grad.tolist()
    [0.0, 2.0]
    """

    def __init__(self) -> None:
        super().__init__(GuidedBackpropReLU, _Rule, _NAME)


def _hook(node: Any) -> None:
    node.register_prehook(positive)


_GRAPH_RULE = GraphRule(GuidedBackpropContext, _hook, _NAME)


def guided_backprop(
    model: nn.Module,
    input: torch.Tensor,
    target: Target,
    saliency_layer: str | nn.Module = "",
    resize: bool | tuple[int, int] = False,
    resize_mode: str = "bilinear",
    smooth: float = 0,
    **kwargs: Any,
) -> Any:
    """Explain a score by guided backprop: s = max_c |p_c|, p the gradient with another ReLU rule.

    At each ReLU with input x and incoming gradient p, p goes on where p > 0 and x > 0; at each
    ReLU6 where p > 0 and 0 < x < 6. Takes the arguments of `saliency`: guided_backprop(model,
    input, target, saliency_layer="", resize=False, resize_mode="bilinear", smooth=0, ...), all of
    them but `context_builder`, and returns and raises the same; warns if the model has no ReLU, and
    once about nonlinearities of another kind and about autograd functions of the model's own, by
    name. The first time, a model of more than ReLUs and linear operations runs forward twice. A
    model that runs scripted functions is a ValueError.

    Paper: J. T. Springenberg, A. Dosovitskiy, T. Brox, M. Riedmiller, "Striving for simplicity:
    the all convolutional net", ICLR workshop 2015.

    >>> net = torch.nn.Sequential(torch.nn.ReLU(), torch.nn.Flatten(), torch.nn.Linear(3, 1))
    >>> with torch.no_grad():
    ...     _ = net[2].weight.copy_(torch.tensor([[3.0, -2.0, 5.0]]))
    >>> guided_backprop(net, torch.tensor([[[[-1.0, 1.0, 1.0]]]]), 0).tolist()
    [[[[0.0, 0.0, 5.0]]]]
    """
    return saliency(
        model,
        input,
        target,
        saliency_layer=saliency_layer,
        resize=resize,
        resize_mode=resize_mode,
        smooth=smooth,
        context_builder=_GRAPH_RULE,
        **kwargs,
    )
