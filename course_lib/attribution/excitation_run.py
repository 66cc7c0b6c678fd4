"""One run of excitation backprop: what is done at the scores, and at the contrast layer."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from numbers import Integral
from typing import Any

import torch
from torch import nn
from torch.autograd.function import once_differentiable

from .excitation_context import ExcitationBackpropContext
from .excitation_shares import LinearMap
from .modules import get_module, layer_name
from .probe import Probe
from .saliency import gradient_of, saliency

# In half precision the relevance of one of a million units would round to 0. The rules are linear
# in it, so all of it may be larger on the way.
_HALF_SCALE = 2.0**12


@dataclass
class _Start:
    """The relevance that starts at the scores: how much it is scaled, and its sum per image."""

    scale: float = 1.0
    total: torch.Tensor | None = None


class _Scores(torch.autograd.Function):
    """The scores as they are; backward, note the relevance that starts at them and scale it."""

    @staticmethod
    def forward(ctx: Any, y: torch.Tensor, start: _Start) -> torch.Tensor:
        ctx.start = start
        return y.view_as(y)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, p: torch.Tensor) -> Any:
        start = ctx.start
        p = p * start.scale
        total = p.detach().float().flatten(1).abs().sum(1)
        start.total = total if start.total is None else start.total + total
        return p, None


@dataclass
class _Top:
    """The network from the contrast layer's output c up to the scores y."""

    y: torch.Tensor
    c: torch.Tensor
    classifier: LinearMap
    output: torch.Tensor
    keep: bool


class _FromContrast(torch.autograd.Function):
    """The scores, as a function of the contrast layer's output alone.

    Backward, the relevance goes as usual from the scores to the classifier's output, and from
    there with the classifier's own rule less the rule with its weights negated.
    """

    @staticmethod
    def forward(ctx: Any, c: torch.Tensor, top: _Top) -> torch.Tensor:
        ctx.top = top
        return top.y.detach().clone()

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, p: torch.Tensor) -> Any:
        top: _Top = ctx.top
        (at_output,) = torch.autograd.grad(top.y, top.output, p, retain_graph=True)
        top.classifier.contrasted = True
        (difference,) = torch.autograd.grad(
            top.output, top.c, at_output, retain_graph=top.keep, allow_unused=True
        )
        if difference is None:
            raise ValueError("The contrast layer must come before the classifier layer.")
        return difference, None


class Run:
    """One call of excitation backprop."""

    method = "excitation_backprop"

    def __init__(self, model: nn.Module, input: torch.Tensor, target: Any, residual: str) -> None:
        self.model, self.input, self.target = model, input, target
        self.context = ExcitationBackpropContext(residual=residual)
        self._start = _Start()
        relevance = self.context.relevance
        relevance.constants = {id(buffer) for buffer in model.buffers()}
        relevance.names = {
            id(weight): name.rpartition(".")[0] or type(model).__name__
            for name, weight in model.named_parameters()
        }
        relevance.keep = _has_several_targets(target, input)

    @contextmanager
    def hooked(self) -> Iterator[None]:
        """Have this thread's next scores pass through `_on_scores`."""
        thread = threading.get_ident()

        def hook(module: nn.Module, args: Any, y: Any) -> Any:
            ours = threading.get_ident() == thread
            if ours and isinstance(y, torch.Tensor) and y.requires_grad:
                return self._on_scores(y)
            return None

        handle = self.model.register_forward_hook(hook)
        try:
            yield
        finally:
            handle.remove()

    def saliency(
        self,
        *args: Any,
        gradient_to_saliency: Callable[[torch.Tensor], torch.Tensor],
        **kwargs: Any,
    ) -> Any:
        """`saliency` in this run's context, which must be `hooked`."""

        def context_builder() -> ExcitationBackpropContext:
            self._begin()
            return self.context

        def to_map(x: torch.Tensor) -> torch.Tensor:
            if self._start.scale == 1:
                return gradient_to_saliency(x)
            wide = x.detach().float().requires_grad_()
            wide.grad = gradient_of(x).float() / self._start.scale
            return gradient_to_saliency(wide).to(x.dtype)

        context_builder.__name__ = self.method
        kwargs |= {"context_builder": context_builder, "gradient_to_saliency": to_map}
        return saliency(self.model, self.input, self.target, *args, **kwargs)

    def lost(self) -> dict[str, torch.Tensor]:
        """The share of the relevance lost at each layer, one number per image."""
        images, total = len(self.input), self._start.total
        if total is None:
            return {}
        return {
            name: amount.reshape(images, -1).sum(1) / total
            for name, amount in self.context.lost.items()
        }

    def _begin(self) -> None:
        """Forget a forward pass that was broken off, to be run again in another layout."""
        self._start = _Start()

    def _on_scores(self, y: torch.Tensor) -> torch.Tensor:
        if y.dtype == torch.float16:
            self._start.scale = _HALF_SCALE
        return _Scores.apply(y, self._start)


class ContrastiveRun(Run):
    """One call of contrastive excitation backprop."""

    method = "contrastive_excitation_backprop"

    @contextmanager
    def between(
        self,
        saliency_layer: str | nn.Module,
        contrast_layer: str | nn.Module,
        classifier_layer: str | nn.Module | None,
    ) -> Iterator[None]:
        """`hooked`, with the contrast formed between these layers."""
        contrast = get_module(self.model, contrast_layer)
        self._contrast_name = repr(layer_name(self.model, contrast_layer))
        self._met: list[tuple[LinearMap, torch.Tensor]] = []
        self._classifier_name = "the last one"
        # Where both are the same layer, the pass ends where the difference is formed.
        same = saliency_layer != "" and get_module(self.model, saliency_layer) is contrast
        with ExitStack() as stack:
            self._probe = None if same else stack.enter_context(Probe(contrast, target="output"))
            if classifier_layer is None:
                self.context.on_linear = self._last
            else:
                self._classifier_name = repr(layer_name(self.model, classifier_layer))
                classifier = get_module(self.model, classifier_layer)
                stack.enter_context(self._watched(classifier))
            with self.hooked():
                yield

    @contextmanager
    def _watched(self, classifier: nn.Module) -> Iterator[None]:
        """Note the linear layers that run while the classifier does."""

        def enter(module: nn.Module, args: Any) -> None:
            self.context.on_linear = lambda layer, output: self._met.append((layer, output))

        def leave(module: nn.Module, args: Any, output: Any) -> None:
            self.context.on_linear = None

        handles = [
            classifier.register_forward_pre_hook(enter),
            # also when the forward pass is broken off inside the layer
            classifier.register_forward_hook(leave, always_call=True),
        ]
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()

    def _last(self, layer: LinearMap, output: torch.Tensor) -> None:
        self._met[:] = [(layer, output)]

    def _begin(self) -> None:
        super()._begin()
        self._met.clear()
        if self._probe is not None:
            self._probe.clear()

    def _on_scores(self, y: torch.Tensor) -> torch.Tensor:
        if len(self._met) != 1:
            raise ValueError(
                f"The classifier layer must be one linear layer or convolution that runs once "
                f"after the saliency layer, but {self._classifier_name} is not."
            )
        layer, output = self._met.pop()
        y = super()._on_scores(y)
        if self._probe is None:
            layer.contrasted = True
            return y
        if self._probe.calls != 1 or not self._probe.data:
            raise ValueError(
                f"The contrast layer {self._contrast_name} must run once and give a tensor, but "
                f"it ran {self._probe.calls} times in one forward pass."
            )
        top = _Top(y, self._probe.data[0], layer, output, keep=self.context.relevance.keep)
        return _FromContrast.apply(top.c, top)


def _has_several_targets(target: Any, input: torch.Tensor) -> bool:
    if isinstance(target, Integral):
        return False
    try:
        given = torch.as_tensor(target)
    except (TypeError, ValueError, RuntimeError):
        # `saliency` says what is wrong with it.
        return False
    return not given.is_floating_point() and given.numel() > len(input)
