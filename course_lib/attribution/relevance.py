"""One forward pass under rules that hand relevance down, and the relevance at a layer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field

import torch
from torch import nn

from .inputs.checks import check_image, check_model, refuse_compiled
from .network.preserved import explaining
from .network.probe import Probe, attach_debug_probes
from .rules.operations import RelevanceRules
from .saliency import Observed, arranged, observe, with_gradient

# In half precision the relevance of one of a million units would round to 0. The rules are linear
# in it, so all of it may be larger on the way.
_HALF_SCALE = 2.0**12

# (way, relevance of the scores, tensors) -> the tensors' relevance
Down = Callable[["Way", torch.Tensor, Sequence[torch.Tensor]], list[torch.Tensor | None]]


@dataclass
class Way:
    """What one forward pass left behind for relevance to come down.

    Attributes:
        context: the rules that it ran under.
        seen: the scores, and the tensor to explain by.
        images: how many there are.
        shares: layer -> share of the relevance that was lost there, summed over all ways down.
    """

    context: RelevanceRules
    seen: Observed
    images: int
    shares: dict[str, torch.Tensor] = field(default_factory=dict)

    def pull(
        self,
        y: torch.Tensor,
        p: torch.Tensor,
        ends: Sequence[torch.Tensor],
        *,
        counts: bool = True,
    ) -> list[torch.Tensor | None]:
        """The relevance of `ends`, None where none arrives, if y has p."""
        lost = self.context.lost
        lost.clear()
        found = torch.autograd.grad(y, ends, p, retain_graph=True, allow_unused=True)
        whole = p.float().abs().reshape(self.images, -1).sum(1)
        for name, left in lost.items() if counts else ():
            share = left.reshape(self.images, -1).sum(1) / whole
            self.shares[name] = self.shares[name] + share if name in self.shares else share
        return list(found)


def straight_down(
    way: Way, start: torch.Tensor, ends: Sequence[torch.Tensor]
) -> list[torch.Tensor | None]:
    return way.pull(way.seen.scores, start, ends)


@dataclass(frozen=True)
class Relevance:
    """What came down for K targets of N images.

    Attributes:
        maps: K x N x 1 x h x w, without options for their looks.
        lost: layer or operation -> N shares of the relevance that was lost there, mean of targets.
        probes: see `attach_debug_probes`; none without debug.
    """

    maps: torch.Tensor
    lost: dict[str, torch.Tensor]
    probes: dict[str, Probe]


def relevance_at(
    context: RelevanceRules,
    model: nn.Module,
    input: torch.Tensor,
    saliency_layer: str | nn.Module,
    begin: Callable[[torch.Tensor], Sequence[torch.Tensor]],
    to_map: Callable[[torch.Tensor], torch.Tensor],
    *,
    down: Down = straight_down,
    debug: bool = False,
) -> Relevance:
    """Maps of the relevance at a layer, of what a network's scores begin with.

    Args:
        context: the rules.
        model, input, saliency_layer: see `saliency`.
        begin: from the scores to their relevance, for each of K targets.
        to_map: from the layer's tensor, with its relevance in `.grad`, to a map.
        down: how it comes down from there.
        debug: keep the debug probes, with the relevance of the first target.

    Raises:
        ValueError: as `saliency`; a compiled or scripted model; relevance that arrives at an
            operation without a rule.
        TypeError: as `saliency`.
    """
    check_model(model)
    check_image(input)
    refuse_compiled(model, context.name)
    context.operations.names = {
        id(weight): name.rpartition(".")[0] or type(model).__name__
        for name, weight in model.named_parameters()
    }
    with ExitStack() as stack:
        stack.enter_context(explaining(model, input))
        probes = attach_debug_probes(model, debug)
        for probe in probes.values():
            stack.enter_context(probe)
        with context:
            seen = observe(model, input, saliency_layer)
            starts = begin(seen.scores)
            way = Way(context, seen, len(input))
            data = [x for probe in probes.values() for x in probe.data if x.requires_grad]
            scale = _HALF_SCALE if seen.scores.dtype == torch.float16 else 1.0
            found = []
            for p in starts:
                there: list[torch.Tensor | None] = [None]
                if seen.scores.requires_grad and seen.x.requires_grad:
                    there = down(way, p * scale, [seen.x, *data])
                if there[0] is None:
                    raise ValueError(
                        f"The network's scores have no gradient with respect to {seen.where}."
                    )
                found.append(there[0])
                for x, its in zip(data, there[1:], strict=True):
                    x.grad = its
                data = []
            context.operations.refuse_unseen(seen.scores, seen.x)
        x, each = arranged(seen, found, model, input, saliency_layer)
        if scale != 1:
            x, each = x.float(), each.float() / scale
        with torch.no_grad(), torch.autocast(input.device.type, enabled=False):
            maps = [to_map(with_gradient(x, p)).detach() for p in each]
    shares = {name: share / len(starts) for name, share in way.shares.items()}
    return Relevance(torch.stack(maps).to(seen.x.dtype), shares, probes)
