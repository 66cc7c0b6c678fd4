"""DeConvNet: let only what speaks for the class through each ReLU."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from .inputs.targets import Target
from .rules.graph_rules import GraphRule, positive
from .rules.relu_rules import RuleContext
from .saliency import saliency

__all__ = ["DeConvNetContext", "DeConvNetReLU", "deconvnet"]


_NAME = "DeConvNet"


class DeConvNetReLU(torch.autograd.Function):
    """max(x, 0) forward; backward the gradient's positive part, whatever x was.

    >>> x = torch.tensor([-1.0, 1.0, -1.0, 1.0], requires_grad=True)
    >>> DeConvNetReLU.apply(x).backward(torch.tensor([2.0, 2.0, -2.0, -2.0]))
    >>> x.grad.tolist()
    [2.0, 2.0, 0.0, 0.0]
    """

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor) -> torch.Tensor:
        return x.clamp(min=0)

    @staticmethod
    def backward(ctx: Any, p: torch.Tensor) -> torch.Tensor:
        return p.clamp(min=0)


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
            return x
        return y

    @staticmethod
    def backward(ctx: Any, p: torch.Tensor) -> Any:
        return p.clamp(min=0), None, None, None


class DeConvNetContext(RuleContext):
    """While active, ReLU and ReLU6 go backward by p where p > 0, 0 elsewhere.

    For the manual form: `with DeConvNetContext(): y = model(x); y.backward(gradient)`, then
    `gradient_to_saliency(x)`. Holds in its own thread; warns on leaving if the model had no ReLU
    or other nonlinearities (see `BackwardRules`).

    >>> x = torch.tensor([-1.0, 1.0], requires_grad=True)
    >>> with DeConvNetContext():
    ...     torch.nn.ReLU()(x).backward(torch.tensor([2.0, -2.0]))
    >>> x.grad.tolist()
    [2.0, 0.0]
    """

    def __init__(self) -> None:
        super().__init__(DeConvNetReLU, _Rule, _NAME)


def _hook(node: Any) -> None:
    node.register_hook(lambda _, gradients: positive(gradients))


_GRAPH_RULE = GraphRule(DeConvNetContext, _hook, _NAME)


def deconvnet(
    model: nn.Module,
    input: torch.Tensor,
    target: Target,
    saliency_layer: str | nn.Module = "",
    resize: bool | tuple[int, int] = False,
    resize_mode: str = "bilinear",
    smooth: float = 0,
    **kwargs: Any,
) -> Any:
    """Explain a score by DeConvNet: s = max_c |p_c|, p the gradient with another rule at ReLUs.

    At each ReLU or ReLU6 with input x and incoming gradient p, p goes on where p > 0. (The ordinary
    gradient: where x > 0, and for ReLU6 x < 6.) Takes the arguments of `saliency`: deconvnet(model,
    input, target, saliency_layer="", resize=False, resize_mode="bilinear", smooth=0, ...), all of
    them but `context_builder`, and returns and raises the same; warns if the model has no ReLU, and
    once about nonlinearities of another kind and about autograd functions of the model's own, by
    name. The first time, a model of more than ReLUs and linear operations runs forward twice. A
    model that runs scripted functions is a ValueError.

    Paper: M. D. Zeiler, R. Fergus, "Visualizing and understanding convolutional networks",
    ECCV 2014.

    >>> net = torch.nn.Sequential(torch.nn.ReLU(), torch.nn.Flatten(), torch.nn.Linear(2, 1))
    >>> with torch.no_grad():
    ...     _ = net[2].weight.copy_(torch.tensor([[3.0, -2.0]]))
    >>> deconvnet(net, torch.tensor([[[[-1.0, 1.0]]]]), 0).tolist()
    [[[[3.0, 0.0]]]]
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
