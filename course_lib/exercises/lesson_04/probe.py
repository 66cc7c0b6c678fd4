"""Sees what leaves a layer: `data`, and after a backward pass its `gradient`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from ..engine.exercise import Exercise, Mistakes, Outcome
from ..engine.models import nested_network
from ..engine.probes import ProbeFinding, call, describe, rand
from ..engine.traces import no_trace
from . import LESSON


class Probe:
    """Sees what leaves a layer: `data`, and after a backward pass its `gradient`.

    The library's `Probe` (`attribution.common.Probe`) also looks at what enters a layer, and at
    layers that run several times or return several tensors.
    """

    def __init__(self, layer: nn.Module) -> None:
        self.data: Any = None
        self.handle = layer.register_forward_hook(self.look)

    def look(self, layer: nn.Module, inputs: tuple[Any, ...], output: Tensor) -> Any:
        """Called by PyTorch when the layer has run; what it returns goes on through the network."""
        if not output.requires_grad:
            output = output.detach().requires_grad_()
        output.retain_grad()
        self.data = output
        return output.clone()

    @property
    def gradient(self) -> Any:
        """The gradient at `data`, None before the backward pass."""
        return self.data.grad

    def remove(self) -> None:
        """Take the probe off the layer."""
        self.handle.remove()


def _data(probe: Any) -> Tensor:
    """A copy of what the probe has seen."""
    if not isinstance(probe.data, Tensor):
        raise ProbeFinding(
            "After a run of the network, `data` should be the layer's output; it is "
            f"{describe(probe.data)}."
        )
    return probe.data.detach().clone()


def probe_probe(answer: Callable[..., Any], rng: torch.Generator) -> Outcome:
    """Two probes at once in a network with in-place ReLUs, for two runs; then the odd cases."""
    network = nested_network(rng, inplace=True)
    x, other = rand(rng, 2, 3, 8, 6), rand(rng, 3, 3, 6, 8)
    upper = call(answer, network.get_submodule("features.block.norm"))
    lower = call(answer, network.get_submodule("features.conv"))
    scores = network(x)
    outcome: Outcome = {
        "data at the upper layer": _data(upper),
        "the scores with two probes": scores.detach(),
        "gradient before a backward pass": upper.gradient,
    }
    scores[:, 1].sum().backward()
    outcome["gradient at the upper layer"] = upper.gradient
    outcome["data after the backward pass"] = _data(upper)
    outcome["gradient at the lower layer, with both probes on"] = lower.gradient
    outcome["data at the lower layer"] = _data(lower)

    scores = network(other)
    outcome["data after another run"] = _data(upper)
    outcome["gradient after another run, before its backward pass"] = upper.gradient
    scores[:, 2].sum().backward()
    outcome["gradient after another run"] = upper.gradient
    upper.remove()
    lower.remove()
    outcome["remove() takes the probe off"] = not any(m._forward_hooks for m in network.modules())

    last = call(answer, network.get_submodule("classifier"))
    scores = network(x)
    outcome["the scores with a probe on the last layer"] = scores.detach()
    scores.square().sum().backward()
    outcome["gradient at a layer whose output is (N, classes)"] = last.gradient
    last.remove()

    network = nested_network(rng, inplace=True).requires_grad_(False)
    frozen = call(answer, network.get_submodule("features.block.conv"))
    with no_trace(outcome, "on a network whose weights are frozen", network, x):
        scores = network(x)
        try:
            scores[:, 2].sum().backward()
        except RuntimeError:
            found: Any = "PyTorch finds no way back to the probe"
        else:
            found = frozen.gradient
    outcome["gradient when all weights are frozen"] = found
    frozen.remove()
    return outcome


def probe_all_layers(answer: Callable[..., Any], rng: torch.Generator) -> Outcome:
    """The lesson's next step: a probe on each layer, side by side, and all their gradients."""
    network = nested_network(rng, inplace=True, dtype=torch.float32)
    names = ("features.conv", "features.pool", "features.block.conv", "pool", "classifier")
    probes = [answer(network.get_submodule(name)) for name in names]
    scores = network(rand(rng, 2, 3, 6, 8, dtype=torch.float32))
    for probe in probes:
        probe.remove()
    gradients = torch.autograd.grad(scores[:, 1].sum(), [probe.data for probe in probes])
    outcome: Outcome = {}
    for name, probe, gradient in zip(names, probes, gradients, strict=True):
        outcome[f"data at {name}"] = _data(probe)
        outcome[f"gradient at {name}, by torch.autograd.grad"] = gradient
    return outcome


HINTS = [
    "Two tensors with the same values leave `look`: one that you keep in `self.data`, and "
    "one that the network goes on with. The second is computed from the first, so the "
    "gradient flows back to the first.",
    "`output.clone()` is the second one. An in-place operation later on changes only that.",
    "To keep the gradient of a tensor in the middle of a graph, call its `retain_grad()` "
    "beforehand. It is then in its `.grad`, which is what `gradient` returns.",
    "If `output.requires_grad` is false, start a graph here: `output = "
    "output.detach().requires_grad_()`.",
    "In this order: start a graph if there is none; `output.retain_grad()`; `self.data = "
    "output`; `return output.clone()`.",
]

mistake = Mistakes()


def _probe_with(look: Callable[..., Any]) -> type[Probe]:
    """A probe with another `look`."""
    return type("Probe", (Probe,), {"look": look})


def _no_copy(self, layer, inputs, output):
    if not output.requires_grad:
        output = output.detach().requires_grad_()
    output.retain_grad()
    self.data = output
    return output


mistake(
    "The network goes on with the very tensor that you keep. The ReLU after it works in "
    "place and overwrites it. Keep the tensor, and return a copy for the network to go on "
    "with."
)(_probe_with(_no_copy))


def _keeps_the_copy(self, layer, inputs, output):
    if not output.requires_grad:
        output = output.detach().requires_grad_()
    self.data = output.clone()
    self.data.retain_grad()
    return output


mistake(
    "The score is not computed from what you keep, so no gradient ever reaches it. Keep "
    "the original, and send on a copy that is computed from it: `output.clone()`, without "
    "`detach`."
)(_probe_with(_keeps_the_copy))


def _always_cuts(self, layer, inputs, output):
    self.data = output.detach().requires_grad_()
    return self.data.clone()


mistake(
    "You cut the graph at every layer, also where there is one below. The upper probe "
    "works, and the lower one no longer gets a gradient. Detach only an output that needs "
    "no gradient yet."
)(_probe_with(_always_cuts))


def _keeps_no_gradient(self, layer, inputs, output):
    if not output.requires_grad:
        output = output.detach().requires_grad_()
    self.data = output
    return output.clone()


mistake(
    "PyTorch throws the gradients of tensors in the middle of a network away, unless it "
    "is asked to keep them: `retain_grad()`."
)(_probe_with(_keeps_no_gradient))


def _sees_the_input(self, layer, inputs, output):
    (x,) = inputs
    if not x.requires_grad:
        x = x.detach().requires_grad_()
    x.retain_grad()
    self.data = x
    return output.clone()


mistake(
    "You look at what enters the layer, `inputs`. This probe is to keep what leaves it, `output`."
)(_probe_with(_sees_the_input))


def _expects_a_graph(self, layer, inputs, output):
    output.retain_grad()
    self.data = output
    return output.clone()


mistake(
    "When the image and the weights need no gradients, the output belongs to no graph, and "
    "`retain_grad()` has nothing to keep. Start a graph there: "
    "`output.detach().requires_grad_()`."
)(_probe_with(_expects_a_graph))

EXERCISE = Exercise(
    name="probe",
    lesson=LESSON.id,
    points=3,
    answer="Probe",
    reference=Probe,
    probe=probe_probe,
    then=probe_all_layers,
    given=("__init__", "remove"),
    mistakes=mistake,
    hints=HINTS,
)
