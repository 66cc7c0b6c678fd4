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

from ..inputs.checks import refuse_compiled
from ..network.layers import get_module, layer_name
from ..network.preserved import is_other_thread
from ..network.probe import Probe
from ..saliency import gradient_of, saliency
from .excitation_context import ExcitationBackpropContext
from .excitation_graph import RelevanceFunction, refuse_unruled
from .excitation_shares import LinearMap
from .graph import now

# In half precision the relevance of one of a million units would round to 0. The rules are linear
# in it, so all of it may be larger on the way.
_HALF_SCALE = 2.0**12

_NOT_BEFORE = "The contrast layer must come before the classifier layer."


@dataclass
class _Start:
    """The relevance that starts at the scores: how much it is scaled, and its sum per image."""

    scale: float = 1.0
    total: torch.Tensor | None = None


class _Scores(RelevanceFunction):
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


class _Explained(RelevanceFunction):
    """The output of the layer at which the backward pass ends, whatever becomes of it later.

    The network may overwrite it in place, and its place in the graph with it. What is below gets
    no relevance, so `keeps_sign` is False.
    """

    @staticmethod
    def forward(ctx: Any, y: torch.Tensor) -> torch.Tensor:
        ctx.keeps_sign = False
        return y.detach()

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, p: torch.Tensor) -> Any:
        return p


@dataclass
class _Top:
    """The network from the contrast layer's output c up to the scores y."""

    y: torch.Tensor
    c: torch.Tensor
    classifier: LinearMap
    output: torch.Tensor
    keep: bool


class _FromContrast(RelevanceFunction):
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
            raise ValueError(_NOT_BEFORE)
        return difference, None


class Run:
    """One call of excitation backprop."""

    method = "excitation_backprop"

    def __init__(self, model: nn.Module, input: torch.Tensor, target: Any, residual: str) -> None:
        refuse_compiled(model, self.method)
        self.model, self.input, self.target = model, input, target
        self.context = ExcitationBackpropContext(residual=residual)
        self._begin()
        relevance = self.context.relevance
        relevance.names = {
            id(weight): name.rpartition(".")[0] or type(model).__name__
            for name, weight in model.named_parameters()
        }
        relevance.keep = _has_several_targets(target, input)

    @contextmanager
    def _hooked(self, layer: nn.Module | None) -> Iterator[None]:
        """Follow this thread's passes from the image by `layer` to the scores."""
        thread = threading.get_ident()

        def on_image(module: nn.Module, args: Any) -> Any:
            if is_other_thread(thread) or not args or not isinstance(args[0], torch.Tensor):
                return None
            if args[0].requires_grad:
                return None
            self.context.below = True
            # A copy, since a network may overwrite its input, and that of a leaf is forbidden.
            return args[0].detach().requires_grad_().clone(), *args[1:]

        def on_layer(module: nn.Module, args: Any, y: Any) -> Any:
            if is_other_thread(thread):
                return None
            if not torch.is_grad_enabled():
                raise ValueError(
                    f"The network's scores have no gradient with respect to layer "
                    f"{layer_name(self.model, module)!r}: it runs without gradients "
                    f"(torch.no_grad, or gradient checkpoints)."
                )
            self._on_layer()
            grows = isinstance(y, torch.Tensor) and y.requires_grad
            return _Explained.apply(y) if grows else None

        def on_scores(module: nn.Module, args: Any, y: Any) -> Any:
            if is_other_thread(thread) or self.context.below:
                return None
            if isinstance(y, torch.Tensor) and y.requires_grad:
                return self._on_scores(y)
            return None

        with ExitStack() as stack:
            if layer is not None:
                stack.callback(self.model.register_forward_pre_hook(on_image).remove)
                stack.callback(layer.register_forward_hook(on_layer).remove)
            stack.callback(self.model.register_forward_hook(on_scores).remove)
            yield

    def saliency(
        self,
        saliency_layer: str | nn.Module = "",
        *args: Any,
        gradient_to_saliency: Callable[[torch.Tensor], torch.Tensor],
        **kwargs: Any,
    ) -> Any:
        """`saliency` in this run's context."""

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
        if kwargs.get("debug"):
            # Another backward pass, for the probes' gradients.
            self.context.relevance.keep = True
        layer = None if saliency_layer == "" else get_module(self.model, saliency_layer)
        with self._hooked(layer):
            return saliency(self.model, self.input, self.target, saliency_layer, *args, **kwargs)

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
        self._since = 0
        self.context.below = False

    def _on_layer(self) -> None:
        self.context.below = False
        self._since = now()

    def _on_scores(self, y: torch.Tensor) -> torch.Tensor:
        refuse_unruled(y, self._since, self.context.ruled)
        if y.dtype == torch.float16:
            self._start.scale = _HALF_SCALE
        return _Scores.apply(y, self._start)


class ContrastiveRun(Run):
    """One call of contrastive excitation backprop."""

    method = "contrastive_excitation_backprop"

    def __init__(self, model: nn.Module, input: torch.Tensor, target: Any, residual: str) -> None:
        self._probe: Probe | None = None
        self._met: list[tuple[LinearMap, torch.Tensor]] = []
        super().__init__(model, input, target, residual)

    @contextmanager
    def between(
        self,
        saliency_layer: str | nn.Module,
        contrast_layer: str | nn.Module,
        classifier_layer: str | nn.Module | None,
    ) -> Iterator[None]:
        """Have the contrast formed between these layers."""
        contrast = get_module(self.model, contrast_layer)
        self._contrast_name = repr(layer_name(self.model, contrast_layer))
        if saliency_layer != "":
            self._saliency_name = repr(layer_name(self.model, saliency_layer))
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

    def _on_layer(self) -> None:
        super()._on_layer()
        self._met.clear()
        if self._probe is not None and self._probe.calls:
            raise ValueError(
                f"The contrast layer must come after the saliency layer, but {self._contrast_name} "
                f"comes before {self._saliency_name}."
            )

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
        if self._probe.data[0].grad_fn is output.grad_fn:
            raise ValueError(_NOT_BEFORE)
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
