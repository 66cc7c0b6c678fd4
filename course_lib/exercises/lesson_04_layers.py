"""Exercises of lesson 04: what a layer sees, and two ways of making a map from it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from course_lib.attribution.grad_cam import gradient_to_grad_cam_saliency
from course_lib.attribution.linear_approx import gradient_to_linear_approx_saliency
from course_lib.exercises.exercise import Exercise, Lesson
from course_lib.exercises.probes import (
    call,
    model_state,
    rand,
    randint,
    same_state,
    small_network,
)

LESSON = Lesson(
    id="04_layers",
    title="The same image, seen from every layer",
    minutes=55,
    difficulty=2,
    summary="a probe for any layer; linear approximation and Grad-CAM; the layer slider",
)

Outcome = dict[str, Any]
Rule = Callable[[Tensor, Tensor], Tensor]


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


def probe_probe(answer: Callable[..., Any], rng: torch.Generator) -> Outcome:
    """Two probes at once in a network with in-place ReLUs, then on a frozen one."""
    network, x = small_network(rng, inplace=True), rand(rng, 2, 3, 8, 8)
    with torch.no_grad():
        scores = network(x)
        expected = network[:4](x)
    upper, lower = call(answer, network[3]), call(answer, network[0])
    seen = network(x)
    outcome: Outcome = {"data at the upper layer": upper.data.detach().clone()}
    outcome["the scores are the same with a probe"] = torch.equal(seen.detach(), scores)
    seen[:, 1].sum().backward()
    outcome["gradient at the upper layer"] = upper.gradient
    outcome["data after the backward pass"] = upper.data.detach().clone()
    outcome["data is what left the layer, before the in-place ReLU"] = torch.equal(
        upper.data.detach(), expected
    )
    outcome["gradient at the lower layer, with both probes on"] = lower.gradient
    upper.remove()
    lower.remove()
    outcome["remove() takes the probe off"] = not any(m._forward_hooks for m in network.modules())
    network.requires_grad_(False)
    frozen = call(answer, network[3])
    try:
        network(x)[:, 2].sum().backward()
    except RuntimeError:
        outcome["gradient when all weights are frozen"] = "PyTorch finds no way back to the probe"
    else:
        outcome["gradient when all weights are frozen"] = frozen.gradient
    frozen.remove()
    return outcome


def _probe_with(look: Callable[..., Any]) -> type[Probe]:
    """A probe with another `look`."""
    return type("Probe", (Probe,), {"look": look})


def _no_copy(self, layer, inputs, output):
    if not output.requires_grad:
        output = output.detach().requires_grad_()
    output.retain_grad()
    self.data = output
    return output


def _keeps_the_copy(self, layer, inputs, output):
    if not output.requires_grad:
        output = output.detach().requires_grad_()
    self.data = output.clone()
    self.data.retain_grad()
    return output


def _two_copies(self, layer, inputs, output):
    if not output.requires_grad:
        output = output.detach().requires_grad_()
    self.data = output.clone()
    self.data.retain_grad()
    return output.clone()


def _always_cuts(self, layer, inputs, output):
    self.data = output.detach().requires_grad_()
    return self.data.clone()


def _keeps_no_gradient(self, layer, inputs, output):
    if not output.requires_grad:
        output = output.detach().requires_grad_()
    self.data = output
    return output.clone()


def _sees_the_input(self, layer, inputs, output):
    (x,) = inputs
    if not x.requires_grad:
        x = x.detach().requires_grad_()
    x.retain_grad()
    self.data = x
    return output.clone()


def _expects_a_graph(self, layer, inputs, output):
    output.retain_grad()
    self.data = output
    return output.clone()


def non_relu_layers(model: nn.Module) -> list[str]:
    """Names of the innermost layers that are neither nn.ReLU nor nn.ReLU6."""
    return [
        name
        for name, layer in model.named_modules()
        if not list(layer.children()) and not isinstance(layer, nn.ReLU | nn.ReLU6)
    ]


class _Nested(nn.Module):
    """Layers inside layers, with names that don't say what they are."""

    def __init__(self, blocks: int, inplace: bool) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU6(inplace=inplace))
        self.blocks = nn.Sequential(
            *(
                nn.Sequential(nn.Conv2d(4, 4, 3), nn.ReLU(inplace=inplace), nn.MaxPool2d(2))
                for _ in range(blocks)
            )
        )
        self.relu_projection = nn.Linear(4, 4)
        self.act = nn.ReLU()
        self.head = nn.Linear(4, 2)


def probe_non_relu_layers(answer: Callable[..., Any], rng: torch.Generator) -> Outcome:
    """The names found in a flat network and in a nested one with ReLU6."""
    nested = _Nested(randint(rng, 1, 4), inplace=randint(rng, 0, 2) == 1)
    before = model_state(nested)
    return {
        "layers of a flat network": _written(call(answer, small_network(rng))),
        "layers of a nested network": _written(call(answer, nested)),
        "the model is as before": same_state(before, model_state(nested)),
    }


def _written(names: Any) -> Any:
    """The names, with a layer among them written as its type."""
    if isinstance(names, nn.Module):
        return f"a {type(names).__name__} layer"
    if isinstance(names, list | tuple):
        return [_written(name) for name in names]
    return names


def _by_name(model):
    return [
        name
        for name, layer in model.named_modules()
        if not list(layer.children()) and "relu" not in name.lower()
    ]


def _with_containers(model):
    return [n for n, m in model.named_modules() if not isinstance(m, nn.ReLU | nn.ReLU6)]


def _top_level(model):
    return [
        n
        for n, m in model.named_children()
        if not list(m.children()) and not isinstance(m, nn.ReLU | nn.ReLU6)
    ]


def _without_relu6(model):
    return [
        n for n, m in model.named_modules() if not list(m.children()) and not isinstance(m, nn.ReLU)
    ]


def _asks_the_generator(model):
    return [
        n
        for n, m in model.named_modules()
        if not m.children() and not isinstance(m, nn.ReLU | nn.ReLU6)
    ]


def _one_test_is_enough(model):
    return [
        n
        for n, m in model.named_modules()
        if not list(m.children()) or not isinstance(m, nn.ReLU | nn.ReLU6)
    ]


def _relus(model):
    return [
        n
        for n, m in model.named_modules()
        if not list(m.children()) and isinstance(m, nn.ReLU | nn.ReLU6)
    ]


def _without_sequentials(model):
    return [
        n for n, m in model.named_modules() if not isinstance(m, nn.ReLU | nn.ReLU6 | nn.Sequential)
    ]


def _pairs(model):
    return [
        (n, m)
        for n, m in model.named_modules()
        if not list(m.children()) and not isinstance(m, nn.ReLU | nn.ReLU6)
    ]


def _layers_themselves(model):
    return [
        m
        for m in model.modules()
        if not list(m.children()) and not isinstance(m, nn.ReLU | nn.ReLU6)
    ]


def linear_approximation(x: Tensor, g: Tensor) -> Tensor:
    """sum over channels of x times g: (N, 1, H, W)."""
    return (x * g).sum(1, keepdim=True)


def grad_cam_map(x: Tensor, g: Tensor) -> Tensor:
    """Positive part of the channels of x, each weighted by its mean gradient: (N, 1, H, W)."""
    weights = g.mean((2, 3), keepdim=True)
    return (x * weights).sum(1, keepdim=True).clamp(min=0)


def probe_linear(answer: Callable[..., Any], rng: torch.Generator) -> Outcome:
    """The map of random activations and gradients, and the theory for a linear network."""
    x, g = rand(rng, 2, 5, 4, 3), rand(rng, 2, 5, 4, 3)
    s = call(answer, x, g)
    outcome: Outcome = {"map": s}
    if isinstance(s, Tensor):
        outcome["its sum is the score of a linear network"] = torch.allclose(
            s.sum(), (x * g).sum(), rtol=1e-9
        )
    return outcome


def probe_grad_cam(answer: Callable[..., Any], rng: torch.Generator) -> Outcome:
    """The map of random activations and gradients, and that nothing in it is negative."""
    x, g = rand(rng, 2, 5, 4, 3), rand(rng, 2, 5, 4, 3)
    s = call(answer, x, g)
    return {"map": s, "no negative values": bool((torch.as_tensor(s) >= 0).all())}


def map_at_layer(model: nn.Module, x: Tensor, target: int, layer: str, rule: Rule) -> Tensor:
    """The map that `rule` makes of the activations and gradients at a layer: (N, 1, h, w)."""
    probe = Probe(model.get_submodule(layer))
    try:
        scores = model(x)
    finally:
        probe.remove()
    (g,) = torch.autograd.grad(scores[:, target].sum(), probe.data)
    return rule(probe.data.detach(), g)


def probe_map_at_layer(answer: Callable[..., Any], rng: torch.Generator) -> Outcome:
    """Maps at two layers with two rules, for a batch; and whether the model is left alone."""
    network, x = small_network(rng, inplace=True), rand(rng, 2, 3, 8, 8)
    before = model_state(network)
    target = randint(rng, 0, 4)
    outcome: Outcome = {
        "Grad-CAM at layer 3": _detached(call(answer, network, x, target, "3", grad_cam_map)),
        "linear approximation at layer 0": _detached(
            call(answer, network, x, target, "0", linear_approximation)
        ),
    }
    outcome["no probe is left on a layer"] = not any(m._forward_hooks for m in network.modules())
    outcome["no gradients are left in the weights"] = all(
        p.grad is None for p in network.parameters()
    )
    outcome["the model is as before"] = same_state(before, model_state(network))
    return outcome


def _detached(value: Any) -> Any:
    return value.detach() if isinstance(value, Tensor) else value


def _leaves_the_probe(model, x, target, layer, rule):
    probe = Probe(model.get_submodule(layer))
    scores = model(x)
    (g,) = torch.autograd.grad(scores[:, target].sum(), probe.data)
    return rule(probe.data, g)


def _fills_the_weights(model, x, target, layer, rule):
    probe = Probe(model.get_submodule(layer))
    model(x)[:, target].sum().backward()
    probe.remove()
    return rule(probe.data.detach(), probe.gradient)


def _indexes_the_batch(model, x, target, layer, rule):
    probe = Probe(model.get_submodule(layer))
    scores = model(x)
    probe.remove()
    (g,) = torch.autograd.grad(scores[target % len(x)].sum(), probe.data)
    return rule(probe.data.detach(), g)


def _explains_probabilities(model, x, target, layer, rule):
    probe = Probe(model.get_submodule(layer))
    scores = model(x).softmax(1)
    probe.remove()
    (g,) = torch.autograd.grad(scores[:, target].sum(), probe.data)
    return rule(probe.data.detach(), g)


def _swaps_the_arguments(model, x, target, layer, rule):
    probe = Probe(model.get_submodule(layer))
    scores = model(x)
    probe.remove()
    (g,) = torch.autograd.grad(scores[:, target].sum(), probe.data)
    return rule(g, probe.data.detach())


def _map_of(score: Callable[[Tensor, int], Tensor]) -> Callable[..., Tensor]:
    """A `map_at_layer` that starts at something else than the sum of the target's scores."""

    def answer(model, x, target, layer, rule):
        probe = Probe(model.get_submodule(layer))
        scores = model(x)
        probe.remove()
        (g,) = torch.autograd.grad(score(scores, target), probe.data)
        return rule(probe.data.detach(), g)

    return answer


def _removes_it_too_early(model, x, target, layer, rule):
    probe = Probe(model.get_submodule(layer))
    probe.remove()
    scores = model(x)
    (g,) = torch.autograd.grad(scores[:, target].sum(), probe.data)
    return rule(probe.data, g)


def _keeps_the_tuple(model, x, target, layer, rule):
    probe = Probe(model.get_submodule(layer))
    scores = model(x)
    probe.remove()
    g = torch.autograd.grad(scores[:, target].sum(), probe.data)
    return rule(probe.data, g)


def _probes_the_name(model, x, target, layer, rule):
    probe = Probe(layer)
    scores = model(x)
    probe.remove()
    (g,) = torch.autograd.grad(scores[:, target].sum(), probe.data)
    return rule(probe.data, g)


def _records_nothing(model, x, target, layer, rule):
    probe = Probe(model.get_submodule(layer))
    with torch.no_grad():
        scores = model(x)
    probe.remove()
    (g,) = torch.autograd.grad(scores[:, target].sum(), probe.data)
    return rule(probe.data, g)


def reference_linear(x: Tensor, g: Tensor) -> Tensor:
    """The library's rule, on activations that carry their gradient."""
    return gradient_to_linear_approx_saliency(_carrying(x, g))


def reference_grad_cam(x: Tensor, g: Tensor) -> Tensor:
    """The library's rule, on activations that carry their gradient."""
    return gradient_to_grad_cam_saliency(_carrying(x, g))


def _carrying(x: Tensor, g: Tensor) -> Tensor:
    leaf = x.detach().clone().requires_grad_()
    leaf.grad = g
    return leaf


EXERCISES = [
    Exercise(
        name="probe",
        lesson="04_layers",
        points=3,
        answer="Probe",
        reference=Probe,
        probe=probe_probe,
        given=("__init__", "remove"),
        mistakes={
            "The network goes on with the very tensor that you keep. The ReLU after it works in "
            "place and overwrites it. Keep the tensor, and return a copy for the network to go on "
            "with.": _probe_with(_no_copy),
            "The score is not computed from what you keep, so no gradient ever reaches it. Keep "
            "the original, and send on a copy that is computed from it: `output.clone()`, without "
            "`detach`.": _probe_with(_keeps_the_copy),
            "You keep one copy and send another one on. No way leads from the score back to yours: "
            "keep the original, and send its copy on.": _probe_with(_two_copies),
            "You cut the graph at every layer, also where there is one below. The upper probe "
            "works, and the lower one no longer gets a gradient. Detach only an output that needs "
            "no gradient yet.": _probe_with(_always_cuts),
            "PyTorch throws the gradients of tensors in the middle of a network away, unless it "
            "is asked to keep them: `retain_grad()`.": _probe_with(_keeps_no_gradient),
            "You look at what enters the layer, `inputs`. This probe is to keep what leaves it, "
            "`output`.": _probe_with(_sees_the_input),
            "When the image and the weights need no gradients, the output belongs to no graph, and "
            "`retain_grad()` has nothing to keep. Start a graph there: "
            "`output.detach().requires_grad_()`.": _probe_with(_expects_a_graph),
        },
        hints=[
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
        ],
    ),
    Exercise(
        name="non_relu_layers",
        lesson="04_layers",
        points=1,
        answer="non_relu_layers",
        reference=non_relu_layers,
        probe=probe_non_relu_layers,
        mistakes={
            "You judge a layer by its name. A name says what its author called it: `features.1` "
            "is a ReLU, and a linear layer may be called `relu_projection`. Ask for the type: "
            "`isinstance(layer, nn.ReLU)`.": _by_name,
            "Containers are among your layers, and the whole model under the name `''`. An "
            "innermost layer has no children: `list(layer.children())` is empty.": _with_containers,
            "`named_children()` and `children()` see only the first level. `named_modules()` goes "
            "all the way down.": _top_level,
            "ReLU6 is still there. `nn.ReLU6` is no kind of `nn.ReLU` to Python, "
            "so name both.": _without_relu6,
            "You return the layers themselves. The names are asked for: `named_modules()` gives "
            "pairs of name and layer.": _layers_themselves,
            "You return pairs of name and layer. The names alone are asked for: `[name for name, "
            "layer in ...]`.": _pairs,
            "`layer.children()` is a generator, and Python takes a generator for true, empty or "
            "not. Make a list of it first: `list(layer.children())`.": _asks_the_generator,
            "One of your two tests is enough to get in. A layer must pass both, so join them with "
            "`and`.": _one_test_is_enough,
            "These are the ReLUs. They are to be left out.": _relus,
            "You leave out `nn.Sequential`, but that is one container among many: the model itself "
            "is another, under the name `''`. What makes a leaf is that it has no "
            "children.": _without_sequentials,
        },
        hints=[
            "Go through all layers, and keep the names of those that pass two tests.",
            "`model.named_modules()` gives (name, layer) for every layer at every depth, in order.",
            "First test: `not list(layer.children())`. Second: `isinstance` with a tuple of two "
            "types.",
            "A list comprehension: `[name for name, layer in model.named_modules() if ... and not "
            "isinstance(layer, (nn.ReLU, nn.ReLU6))]`.",
        ],
    ),
    Exercise(
        name="linear_approximation",
        lesson="04_layers",
        points=1,
        answer="linear_approximation",
        reference=reference_linear,
        probe=probe_linear,
        mistakes={
            "You take magnitudes. What speaks against the class then counts as if it spoke for "
            "it; in this formula the sign stays.": lambda x, g: (x * g).abs().sum(1, keepdim=True),
            "You average over the channels. Each channel adds its own "
            "contribution: a sum.": lambda x, g: (x * g).mean(1, keepdim=True),
            "You keep the largest channel alone. All channels contribute: a sum.": lambda x, g: (
                x * g
            ).amax(1, keepdim=True),
            "Negative values are cut off. That is Grad-CAM's last step; here contributions "
            "against the class are kept.": lambda x, g: (x * g).sum(1, keepdim=True).clamp(min=0),
            "This is the gradient alone. A contribution is the gradient *times* the activation: a "
            "channel that is 0 contributes nothing.": lambda x, g: g.sum(1, keepdim=True),
            "You add up over dimension 0, the images. They have nothing to do with each other; the "
            "channels are dimension 1.": lambda x, g: (x * g).sum(0, keepdim=True),
            "One value per channel is left at each position. Add the channels up: `.sum(1, "
            "keepdim=True)`.": lambda x, g: x * g,
            "You add up first and multiply then. Each activation belongs with its own gradient: "
            "multiply first, then add up.": lambda x, g: (
                x.sum(1, keepdim=True) * g.sum(1, keepdim=True)
            ),
            "`@` is the product of matrices. Here each activation meets its own gradient, entry by "
            "entry: `x * g`.": lambda x, g: x @ g,
            "The channel dimension is gone. Keep it, with size 1, so that a map is an image with "
            "one channel: `sum(1, keepdim=True)`.": lambda x, g: (x * g).sum(1),
        },
        hints=[
            "At each position, how much does each channel contribute? Then add the channels up.",
            "The contribution of a channel at a position is activation times gradient, element by "
            "element.",
            "The channels are dimension 1. `keepdim=True` leaves that dimension there with size 1.",
        ],
    ),
    Exercise(
        name="grad_cam_map",
        lesson="04_layers",
        points=2,
        answer="grad_cam_map",
        reference=reference_grad_cam,
        probe=probe_grad_cam,
        mistakes={
            "The map still has negative values. Grad-CAM keeps only what speaks for the class: "
            "max(0, .).": lambda x, g: (x * g.mean((2, 3), keepdim=True)).sum(1, keepdim=True),
            "You average the gradient over the channels. The mean goes over the *positions*, so "
            "that each channel has one weight: dimensions 2 and 3.": lambda x, g: (
                (x * g.mean(1, keepdim=True)).sum(1, keepdim=True).clamp(min=0)
            ),
            "You sum the gradient over the positions instead of averaging it. Each map is then "
            "too large by the number of positions.": lambda x, g: (
                (x * g.sum((2, 3), keepdim=True)).sum(1, keepdim=True).clamp(min=0)
            ),
            "You cut off the negative values before the channels are added. What one channel says "
            "against the class then can't cancel what another says for it.": lambda x, g: (
                (x * g.mean((2, 3), keepdim=True)).clamp(min=0).sum(1, keepdim=True)
            ),
            "One set of weights for the whole batch: your mean goes over the images as well. Each "
            "image has weights of its own.": lambda x, g: (
                (x * g.mean((0, 2, 3), keepdim=True)).sum(1, keepdim=True).clamp(min=0)
            ),
            "Your weights have lost their last two dimensions, so they meet the columns of x. Keep "
            "them, with size 1: `g.mean((2, 3), keepdim=True)`.": lambda x, g: (
                (g.mean((2, 3)) * x).sum(1, keepdim=True).clamp(min=0)
            ),
            "Your weights have lost their last two dimensions, and the columns of x meet them. "
            "Keep them, with size 1: `g.mean((2, 3), keepdim=True)`.": lambda x, g: (
                (x * g.mean((2, 3))).sum(1, keepdim=True).clamp(min=0)
            ),
            "The channels are averaged at the end. Each adds its own part: a sum.": lambda x, g: (
                (x * g.mean((2, 3), keepdim=True)).mean(1, keepdim=True).clamp(min=0)
            ),
            "x and g have changed places: the weights are the mean of the *gradients*, and what "
            "they weight are the activations.": lambda x, g: (
                (g * x.mean((2, 3), keepdim=True)).sum(1, keepdim=True).clamp(min=0)
            ),
            "You cut the weights off at 0. A channel that speaks against the class may cancel "
            "another one; cut the finished map.": lambda x, g: (
                x * g.mean((2, 3), keepdim=True).clamp(min=0)
            ).sum(1, keepdim=True),
            "You take the magnitude of the map. What speaks against the class then looks as if it "
            "spoke for it: cut it off instead, `.clamp(min=0)`.": lambda x, g: (
                (x * g.mean((2, 3), keepdim=True)).sum(1, keepdim=True).abs()
            ),
            "`clamp(max=0)` keeps what is below 0. What is above is wanted: "
            "`clamp(min=0)`.": lambda x, g: (
                (x * g.mean((2, 3), keepdim=True)).sum(1, keepdim=True).clamp(max=0)
            ),
            "Without the mean over the positions this is the positive part of the linear "
            "approximation.": lambda x, g: (x * g).sum(1, keepdim=True).clamp(min=0),
            "The channel dimension is gone. Keep it, with size 1: `sum(1, "
            "keepdim=True)`.": lambda x, g: (x * g.mean((2, 3), keepdim=True)).sum(1).clamp(min=0),
        },
        hints=[
            "One weight for each channel of each image: the mean of its gradient over all "
            "positions.",
            "`g.mean((2, 3), keepdim=True)` has shape (N, C, 1, 1), and multiplies with `x` as it "
            "is.",
            "Multiply, add up the channels with `keepdim=True`, and cut at zero last: "
            "`.clamp(min=0)`.",
        ],
    ),
    Exercise(
        name="map_at_layer",
        lesson="04_layers",
        points=2,
        answer="map_at_layer",
        reference=map_at_layer,
        probe=probe_map_at_layer,
        mistakes={
            "The map is right, but your probe is still on the layer. Take it off before you "
            "return.": _leaves_the_probe,
            "`backward()` fills the `.grad` of every weight on its way. "
            "`torch.autograd.grad(score, probe.data)` hands you the one gradient that you want, "
            "and leaves the model alone.": _fills_the_weights,
            "You picked an image, not a class: `scores` has shape (N, classes), so the class is "
            "the second index, `scores[:, target]`.": _indexes_the_batch,
            "You explain the probability. The softmax mixes the other classes' scores in; explain "
            "the score itself.": _explains_probabilities,
            "`autograd.grad` starts from one number, and you gave it one for each image. The "
            "images don't mix, so the sum of their scores does: `scores[:, "
            "target].sum()`.": _map_of(lambda scores, target: scores[:, target]),
            "You average over the batch, so each gradient is too small by the number of images. "
            "Add the scores up: the images don't mix.": _map_of(
                lambda scores, target: scores[:, target].mean()
            ),
            "You started from the scores of all classes. The map is of one: `scores[:, "
            "target]`.": _map_of(lambda scores, target: scores.sum()),
            "You explain the first image alone, and the others get a gradient of 0. Take all "
            "images: `scores[:, target].sum()`.": _map_of(lambda scores, target: scores[0, target]),
            "The probe was taken off before the model ran, so it has seen nothing. Run first, then "
            "`remove()`.": _removes_it_too_early,
            "`torch.autograd.grad` returns a tuple, even of one gradient. Unpack it: "
            "`(g,) = ...`, or `[0]`.": _keeps_the_tuple,
            "A probe sits on a layer, and `layer` is its name. `model.get_submodule(layer)` finds "
            "it.": _probes_the_name,
            "Inside `torch.no_grad()` PyTorch records nothing, so there is no way back from the "
            "score. Run the model without it.": _records_nothing,
            "The rule takes the activations first, then the gradients.": _swaps_the_arguments,
        },
        hints=[
            "Four steps: put a probe on the layer, run the model, take the probe off, ask for the "
            "gradient.",
            "`model.get_submodule(layer)` finds a layer by its name.",
            "The images of a batch don't mix, so the sum of their scores, `scores[:, "
            "target].sum()`, has all their gradients at once.",
            "`(g,) = torch.autograd.grad(scores[:, target].sum(), probe.data)`, and then the rule "
            "of `probe.data.detach()` and `g`.",
        ],
    ),
]
