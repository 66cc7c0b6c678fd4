"""Exercises of lesson 05: relevance that is handed down and shared, and never grows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd import Function

from course_lib.attribution.network.probe import Probe
from course_lib.attribution.rules.backward_rules import BackwardRules
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
    id="05_excitation_backprop",
    title="Who contributed how much?",
    minutes=60,
    difficulty=2,
    summary="relevance shared among contributors, conserved, through residual sums; the contrast",
)

Outcome = dict[str, Any]


def excitation_by_hand(x: Tensor, W: Tensor, p: Tensor) -> Tensor:
    """Relevance of the inputs: p'_j = x_j sum_i W+_ij p_i / z_i with z = W+ x; 0 where z_i = 0."""
    shares = torch.zeros_like(x)
    for i in range(len(p)):
        z = sum(max(float(W[i, j]), 0) * float(x[j]) for j in range(len(x)))
        if z == 0:
            continue
        for j in range(len(x)):
            shares[j] += x[j] * max(float(W[i, j]), 0) * p[i] / z
    return shares


def note_finite(outcome: Outcome, name: str, value: Any) -> None:
    """Note whether a result is finite, and the result with any NaN as 0.

    Two results that both have NaN somewhere are never equal, so this mistake could not be named.
    """
    if isinstance(value, Tensor):
        outcome[f"{name}: all numbers are finite"] = bool(torch.isfinite(value).all())
        value = value.nan_to_num(posinf=0, neginf=0)
    outcome[name] = value


def probe_by_hand(answer: Callable[..., Tensor], rng: torch.Generator) -> Outcome:
    """Shares of a small layer; of one with a silent input and an output that nothing excites."""
    # float32, so that an answer may start from torch.zeros(J)
    x = rand(rng, 4, low=0.1, dtype=torch.float32)
    W = rand(rng, 3, 4, dtype=torch.float32)
    p = rand(rng, 3, low=0.1, dtype=torch.float32)
    W[:, 0] = W[:, 0].abs() + 0.1
    W[:, 1] = -W[:, 1].abs() - 0.1
    shares = call(answer, x, W, p)
    outcome: Outcome = {"shares of the inputs": shares}
    if isinstance(shares, Tensor):
        lost = abs(float(shares.sum()) - float(p.sum()))
        outcome["they add up to the relevance that came in"] = lost < 1e-4
    x[2] = 0
    W[1] = -W[1].abs()
    note_finite(outcome, "shares when nothing excites output 1", call(answer, x, W, p))
    return outcome


def shared(x: Tensor, W: Tensor, p: Tensor) -> Tensor:
    """Shares of the inputs x (N, J) of a linear layer with weights W (I, J) in p (N, I)."""
    above = W.clamp(min=0)
    z = x @ above.T
    return x * (torch.where(z > 0, p / z, 0) @ above)


def _by_hand(
    below: Callable[[Tensor, Tensor], Tensor] | None = None,
) -> Callable[[Tensor, Tensor, Tensor], Tensor]:
    """An answer that divides each output's p by `below(x, W)`, (I,), in place of W+ x."""

    def answer(x: Tensor, W: Tensor, p: Tensor) -> Tensor:
        above = W.clamp(min=0)
        z = above @ x if below is None else below(x, W)
        return x * (torch.where(z != 0, p / z, 0) @ above)

    return answer


def _all_weights(x, W, p):
    z = W @ x
    return x * (torch.where(z != 0, p / z, 0) @ W)


def _without_x(x, W, p):
    above = W.clamp(min=0)
    z = above @ x
    return torch.where(z > 0, p / z, 0) @ above


def _last_output_only(x, W, p):
    shares = torch.zeros_like(x)
    for i in range(len(p)):
        z = (W[i].clamp(min=0) * x).sum()
        if z > 0:
            shares = x * W[i].clamp(min=0) * p[i] / z
    return shares


def _z_goes_on(x, W, p):
    shares, z = torch.zeros_like(x), 0.0
    for i in range(len(p)):
        excitation = W[i].clamp(min=0) * x
        z = z + excitation.sum()
        if z > 0:
            shares = shares + excitation / z * p[i]
    return shares


def _stops_at_zero(x, W, p):
    shares = torch.zeros_like(x)
    for i in range(len(p)):
        excitation = W[i].clamp(min=0) * x
        if excitation.sum() == 0:
            break
        shares = shares + excitation / excitation.sum() * p[i]
    return shares


def _indexed_the_other_way(x, W, p):
    return torch.stack([W[j, 0] * x[j] for j in range(len(x))])


def _magnitudes(x, W, p):
    z = W.abs() @ x
    return x * (torch.where(z > 0, p / z, 0) @ W.abs())


def _one_for_each_output(x, W, p):
    z = W.clamp(min=0) @ x
    return x * (torch.where(z > 0, 1 / z, 0) @ W.clamp(min=0))


def _not_collected(x, W, p):
    parts = W.clamp(min=0) * x
    z = parts.sum(1, keepdim=True)
    return torch.where(z > 0, parts / z, 0) * p[:, None]


def _plain_gradient(x, W, p):
    return p @ W


def _not_divided(x, W, p):
    return x * (p @ W.clamp(min=0))


def _zero_over_zero(x, W, p):
    above = W.clamp(min=0)
    return x * ((p / (above @ x)) @ above)


def _shared_among_outputs(x, W, p):
    parts = W.clamp(min=0) * x
    total = parts.sum(0)
    return (torch.where(total > 0, parts / total, 0) * p[:, None]).sum(0)


class ExcitationLinear(Function):
    """A linear layer; backward, the inputs share the relevance p of the outputs.

    The library's own (`course_lib.attribution.rules.excitation`) also takes inputs that are
    negative, half precision, and any linear operation.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        ctx.save_for_backward(x, weight)
        return F.linear(x, weight, bias)

    @staticmethod
    def backward(ctx: Any, p: Tensor) -> Any:
        x, weight = ctx.saved_tensors
        above = weight.clamp(min=0)
        z = x @ above.T
        q = torch.where(z > 0, p / z, 0)
        return x * (q @ above), None, None


_WRONG_COUNT = "another number than forward has arguments"


def _way_back(score: Tensor, leaves: tuple[Tensor, ...]) -> tuple[Tensor, ...] | str:
    """Gradients at `leaves`, or in words that `backward` returned a wrong number of them."""
    try:
        return torch.autograd.grad(score, leaves)
    except RuntimeError as error:
        # PyTorch's message names the class, so it would differ between two answers with one mistake
        if "incorrect number of gradients" not in str(error):
            raise
        return _WRONG_COUNT


def probe_linear(answer: type[Function], rng: torch.Generator) -> Outcome:
    """Forward and backward of one linear layer; one output of it is excited by nothing."""
    x, weight, bias = rand(rng, 3, 5).abs(), rand(rng, 4, 5), rand(rng, 4)
    weight[:, 0] = weight[:, 0].abs() + 0.1
    p = rand(rng, 3, 4).abs()
    kept = weight.clone()
    outcome: Outcome = {}
    leaf = x.clone().requires_grad_()
    y = call(answer.apply, leaf, weight, bias)
    outcome["forward: the output"] = y.detach() if isinstance(y, Tensor) else y
    pulled = _way_back((y * p).sum(), (leaf,))
    outcome["how many gradients backward returns"] = (
        pulled if isinstance(pulled, str) else "one for each argument of forward"
    )
    if isinstance(pulled, str):
        return outcome
    outcome["backward: relevance of the inputs"] = pulled[0]
    outcome["the weights are as before"] = torch.equal(weight, kept)
    outcome["each image keeps its relevance"] = torch.allclose(pulled[0].sum(1), p.sum(1))

    silent = kept.clone()
    silent[2] = -silent[2].abs()
    leaf = x.clone().requires_grad_()
    y = answer.apply(leaf, silent, None)
    note_finite(
        outcome,
        "relevance when nothing excites output 2, without a bias",
        torch.autograd.grad((y * p).sum(), leaf)[0],
    )
    return outcome


def _linear(
    backward: Callable[[Tensor, Tensor, Tensor, Tensor | None], Any],
    forward: Callable[..., Tensor] = F.linear,
) -> type[Function]:
    """The autograd function of a linear layer with backward(p, x, weight, y), y its output."""

    class Linear(Function):
        @staticmethod
        def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
            y = forward(x, weight, bias)
            ctx.save_for_backward(x, weight, y)
            return y

        @staticmethod
        def backward(ctx: Any, p: Tensor) -> Any:
            x, weight, y = ctx.saved_tensors
            return backward(p, x, weight, y)

    return Linear


def _rule(p, x, weight, y):
    return shared(x, weight, p), None, None


def _divided_by(below: Callable[[Tensor, Tensor, Tensor], Tensor]) -> type[Function]:
    """Shares by the positive weights, with below(x, weight, y) for z."""

    def backward(p, x, weight, y):
        z = below(x, weight, y)
        return x * (torch.where(z > 0, p / z, 0) @ weight.clamp(min=0)), None, None

    return _linear(backward)


def _all_weights_batch(p, x, weight):
    z = x @ weight.T
    return x * (torch.where(z > 0, p / z, 0) @ weight)


def _not_transposed(p, x, weight, y):
    return _shares_of(p, x, x @ weight.clamp(min=0), weight)


def _transposed_twice(p, x, weight, y):
    above = weight.clamp(min=0)
    return x * ((p / (x @ above.T)) @ above.T), None, None


def _shares_of(p, x, z, weight):
    return x * (torch.where(z > 0, p / z, 0) @ weight.clamp(min=0)), None, None


class _SavesNothing(Function):
    @staticmethod
    def forward(ctx, x, weight, bias):
        return F.linear(x, weight, bias)

    @staticmethod
    def backward(ctx, p):
        x, weight = ctx.saved_tensors
        return shared(x, weight, p), None, None


def _without_x_batch(p, x, weight):
    above = weight.clamp(min=0)
    z = x @ above.T
    return torch.where(z > 0, p / z, 0) @ above


def _no_guard_batch(p, x, weight):
    above = weight.clamp(min=0)
    return x * ((p / (x @ above.T)) @ above)


def _clamps_the_weight(p, x, weight, y):
    weight.data.clamp_(min=0)
    return shared(x, weight, p), None, None


class Excitation(Function):
    """Any linear operation; backward, the inputs share the relevance p of the outputs.

    `layer(x)` is what the network computes; `positive(x)` is z, the same with its weights' positive
    part and no bias.
    """

    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        layer: Callable[[Tensor], Tensor],
        positive: Callable[[Tensor], Tensor],
    ) -> Tensor:
        ctx.save_for_backward(x)
        ctx.positive = positive
        return layer(x)

    @staticmethod
    def backward(ctx: Any, p: Tensor) -> Any:
        (x,) = ctx.saved_tensors
        with torch.enable_grad():
            u = x.detach().requires_grad_()
            z = ctx.positive(u)
            q = torch.where(z > 0, p / z, 0).detach()
            (pulled,) = torch.autograd.grad((z * q).sum(), u)
        return x * pulled, None, None


def conv_forms(weight: Tensor, bias: Tensor | None, **options: Any) -> tuple[Any, Any]:
    """A convolution as it is, and with its weights' positive part and no bias."""
    above = weight.clamp(min=0)
    return (
        lambda u: F.conv2d(u, weight, bias, **options),
        lambda u: F.conv2d(u, above, None, **options),
    )


def pool_forms(size: int, **options: Any) -> tuple[Any, Any]:
    """Average pooling, which has no negative weights and no bias."""
    return (lambda u: F.avg_pool2d(u, size, **options),) * 2


def probe_excitation(answer: type[Function], rng: torch.Generator) -> Outcome:
    """A convolution with a stride, one with a silent filter, an average pooling with padding."""
    x = rand(rng, 2, 3, 7, 6).abs() + 0.01
    weight, bias = rand(rng, 4, 3, 3, 3), rand(rng, 4)
    silent = weight.clone()
    silent[1] = -silent[1].abs()
    operations = {
        "a convolution": conv_forms(weight, bias, stride=2, padding=1),
        "average pooling": pool_forms(2, padding=1),
        "a convolution with a filter that nothing excites": conv_forms(silent, None),
    }
    outcome: Outcome = {}
    for name, forms in operations.items():
        leaf = x.clone().requires_grad_()
        y = call(answer.apply, leaf, *forms)
        outcome[f"forward: the output of {name}"] = y.detach() if isinstance(y, Tensor) else y
        p = rand(rng, *forms[0](x).shape).abs()
        pulled = _way_back((y * p).sum(), (leaf,))
        if isinstance(pulled, str):
            outcome["how many gradients backward returns"] = pulled
            return outcome
        note_finite(outcome, f"backward: relevance of the inputs of {name}", pulled[0])
        if "filter" not in name:
            outcome[f"relevance is conserved by {name}"] = torch.allclose(pulled[0].sum(), p.sum())
    outcome["how many gradients backward returns"] = "one for each argument of forward"
    return outcome


def _excitation(
    pull: Callable[..., Tensor],
    *,
    forward: Callable[..., Tensor] = lambda x, layer, positive: layer(x),
    returned: Callable[[Tensor], Any] = lambda shares: (shares, None, None),
) -> type[Function]:
    """The autograd function with backward pull(x, p, layer, positive)."""

    class Rule(Function):
        @staticmethod
        def forward(ctx: Any, x: Tensor, layer: Any, positive: Any) -> Tensor:
            ctx.save_for_backward(x)
            ctx.forms = layer, positive
            return forward(x, layer, positive)

        @staticmethod
        def backward(ctx: Any, p: Tensor) -> Any:
            (x,) = ctx.saved_tensors
            return returned(pull(x, p, *ctx.forms))

    return Rule


def _pull(x: Tensor, operation: Callable[[Tensor], Tensor], q: Callable[[Tensor], Tensor]) -> Any:
    """The gradient of sum(q(z) z) at x with z = operation(x)."""
    with torch.enable_grad():
        u = x.detach().requires_grad_()
        z = operation(u)
        return torch.autograd.grad((q(z) * z).sum(), u)[0]


def _shares(x, p, layer, positive):
    return x * _pull(x, positive, lambda z: torch.where(z > 0, p / z, 0).detach())


def _q_not_constant(x, p, layer, positive):
    return x * _pull(x, positive, lambda z: torch.where(z > 0, p / z, 0))


def _no_graph(x, p, layer, positive):
    u = x.detach().requires_grad_()
    z = positive(u)
    q = torch.where(z > 0, p / z, 0)
    return x * torch.autograd.grad((z * q).sum(), u)[0]


def _tuple_not_unpacked(x, p, layer, positive):
    with torch.enable_grad():
        u = x.detach().requires_grad_()
        z = positive(u)
        return x * torch.autograd.grad((p * z).sum(), u)


def _saved_tuple_not_unpacked(x, p, layer, positive):
    saved: Any = (x,)
    return saved.detach()


class _ForgetsTheFunction(Function):
    @staticmethod
    def forward(ctx, x, layer, positive):
        ctx.save_for_backward(x)
        return layer(x)

    @staticmethod
    def backward(ctx, p):
        (x,) = ctx.saved_tensors
        return _shares(x, p, None, ctx.positive), None, None


class _SavesTheFunction(Function):
    @staticmethod
    def forward(ctx, x, layer, positive):
        ctx.save_for_backward(x, positive)
        return layer(x)

    @staticmethod
    def backward(ctx, p):
        x, positive = ctx.saved_tensors
        return _shares(x, p, None, positive), None, None


def relevance_at(
    model: nn.Module,
    x: Tensor,
    target: int,
    layer: str,
    rules: Mapping[Callable[..., Any], Any],
) -> Tensor:
    """Relevance of each position of a layer's output, summed over channels: (N, 1, h, w)."""
    with Probe(model.get_submodule(layer), target="output") as probe, BackwardRules(rules):
        scores = model(x)
    (p,) = torch.autograd.grad(scores[:, target].sum(), probe.data[0])
    return p.sum(1, keepdim=True)


class PassReLU(Function):
    """A ReLU that hands the relevance of its output to its input."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        return x.clamp(min=0)

    @staticmethod
    def backward(ctx: Any, p: Tensor) -> Tensor:
        return p


def layer_rule(func: Callable[..., Tensor], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Convolution or linear layer by `Excitation`."""
    x, weight, bias, *rest = args
    above = weight.clamp(min=0)
    return Excitation.apply(
        x, lambda u: func(u, weight, bias, *rest), lambda u: func(u, above, None, *rest)
    )


def average_rule(func: Callable[..., Tensor], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Average pooling by `Excitation`."""
    x, *rest = args
    return Excitation.apply(x, lambda u: func(u, *rest), lambda u: func(u, *rest))


RULES: dict[Callable[..., Any], Any] = {
    F.relu: PassReLU,
    F.conv2d: layer_rule,
    F.linear: layer_rule,
    F.adaptive_avg_pool2d: average_rule,
}


def probe_relevance_at(answer: Callable[..., Any], rng: torch.Generator) -> Outcome:
    """Maps at two layers of a network with in-place ReLUs, and what is left behind."""
    network, x = small_network(rng, inplace=True), rand(rng, 2, 3, 8, 8).abs()
    target = randint(rng, 0, 4)
    convolution, classifier = network[3], network[7]
    assert isinstance(convolution, nn.Conv2d)
    assert isinstance(classifier, nn.Linear)
    with torch.no_grad():
        classifier.weight[target, 0] = 0.5
        convolution.get_parameter("bias").add_(0.5)
    before = model_state(network)
    outcome: Outcome = {}
    for name, layer in (
        ("the upper layer", "4"),
        ("the lower layer", "1"),
        ("a convolution", "3"),
    ):
        s = call(answer, network, x, target, layer, RULES)
        outcome[f"the map at {name}"] = s.detach() if isinstance(s, Tensor) else s
    after = model_state(network)
    outcome["no hook is left on a layer"] = not any(m._forward_hooks for m in network.modules())
    outcome["no gradients are left in the weights"] = all(
        p.grad is None for p in network.parameters()
    )
    outcome["the model is as before"] = same_state(before, after)
    return outcome


def _map_with(
    reduce: Callable[[Tensor, Tensor], Tensor] = lambda p, data: p.sum(1, keepdim=True),
    score: Callable[[Tensor, int], Tensor] = lambda scores, target: scores[:, target].sum(),
    ruled: bool = True,
    side: str = "output",
) -> Callable[..., Tensor]:
    """A `relevance_at` with another last step, start or side of the layer, or without the rules."""

    def answer(model, x, target, layer, rules):
        with Probe(model.get_submodule(layer), target=side) as probe:
            if ruled:
                with BackwardRules(rules):
                    scores = model(x)
            else:
                scores = model(x)
        (p,) = torch.autograd.grad(score(scores, target), probe.data[0])
        return reduce(p, probe.data[0].detach())

    return answer


def _probes_the_name(model, x, target, layer, rules):
    with Probe(layer, target="output") as probe, BackwardRules(rules):
        scores = model(x)
    (p,) = torch.autograd.grad(scores[:, target].sum(), probe.data[0])
    return p.sum(1, keepdim=True)


def _leaves_a_hook(model, x, target, layer, rules):
    seen = []

    def keep(module, inputs, output):
        kept = output if output.requires_grad else output.detach().requires_grad_()
        seen.append(kept)
        return kept.clone()

    model.get_submodule(layer).register_forward_hook(keep)
    with BackwardRules(rules):
        scores = model(x)
    (p,) = torch.autograd.grad(scores[:, target].sum(), seen[0])
    return p.sum(1, keepdim=True)


class ExcitationSum(Function):
    """a + b; backward, each gets its share |a| / (|a| + |b|) of p, and nothing of 0 + 0."""

    @staticmethod
    def forward(ctx: Any, a: Tensor, b: Tensor) -> Tensor:
        ctx.save_for_backward(a, b)
        return a + b

    @staticmethod
    def backward(ctx: Any, p: Tensor) -> Any:
        a, b = ctx.saved_tensors
        total = a.abs() + b.abs()
        q = torch.where(total > 0, p / total, 0)
        return a.abs() * q, b.abs() * q


def probe_sum(answer: type[Function], rng: torch.Generator) -> Outcome:
    """Shares of two terms of either sign; then where both are 0, and where they cancel."""
    a, b, p = rand(rng, 2, 3, 4), rand(rng, 2, 3, 4), rand(rng, 2, 3, 4).abs()
    outcome: Outcome = {}
    for case in ("", " where both are 0 or cancel"):
        if case:
            a[:, 0], b[:, 0] = 0, 0
            b[:, 1] = -a[:, 1]
        first, second = a.clone().requires_grad_(), b.clone().requires_grad_()
        y = call(answer.apply, first, second)
        outcome[f"forward: the sum{case}"] = y.detach() if isinstance(y, Tensor) else y
        pulled = _way_back((y * p).sum(), (first, second))
        if isinstance(pulled, str):
            outcome["how many gradients backward returns"] = pulled
            return outcome
        for term, share in zip("ab", pulled, strict=True):
            note_finite(outcome, f"backward: relevance of {term}{case}", share)
        if not case:
            outcome["the two add up to p"] = torch.allclose(pulled[0] + pulled[1], p)
    outcome["how many gradients backward returns"] = "one for each argument of forward"
    return outcome


def _sum(backward: Callable[[Tensor, Tensor, Tensor], Any]) -> type[Function]:
    """The autograd function of a + b with backward(p, a, b)."""

    class Sum(Function):
        @staticmethod
        def forward(ctx: Any, a: Tensor, b: Tensor) -> Tensor:
            ctx.save_for_backward(a, b)
            return a + b

        @staticmethod
        def backward(ctx: Any, p: Tensor) -> Any:
            return backward(p, *ctx.saved_tensors)

    return Sum


def _weighted(strength: Callable[[Tensor], Tensor]) -> type[Function]:
    """Shares of a and b in proportion to their strength."""

    def backward(p, a, b):
        a, b = strength(a), strength(b)
        q = torch.where(a + b != 0, p / (a + b), 0)
        return a * q, b * q

    return _sum(backward)


def _what_is_left(p, a, b):
    total = a.abs() + b.abs()
    share = torch.where(total > 0, a.abs() / total, 0)
    return p * share, p * (1 - share)


def _divides_by_zero(p, a, b):
    total = a.abs() + b.abs()
    return p * a.abs() / total, p * b.abs() / total


def _over(first, second, total):
    return torch.where(total > 0, first / total, 0), torch.where(total > 0, second / total, 0)


def _of_the_other(p, a, b):
    total = a.abs() + b.abs()
    q = torch.where(total > 0, p / total, 0)
    return b.abs() * q, a.abs() * q


def contrastive_relevance(x: Tensor, W: Tensor, p: Tensor) -> Tensor:
    """Shares of x (N, J) with the weights W (I, J), less those with the weights -W."""
    return shared(x, W, p) - shared(x, -W, p)


def probe_contrastive(answer: Callable[..., Any], rng: torch.Generator) -> Outcome:
    """The difference at a classifier; then with a class that no input speaks against."""
    x, W = rand(rng, 2, 6).abs(), rand(rng, 4, 6)
    W[:, 0], W[:, 1] = W[:, 0].abs() + 0.1, -W[:, 1].abs() - 0.1
    target = randint(rng, 0, 4)
    p = F.one_hot(torch.tensor([target, (target + 1) % 4]), 4).to(x)
    difference = call(answer, x, W, p)
    outcome: Outcome = {"relevance for the class less that against it": difference}
    if isinstance(difference, Tensor):
        outcome["the two halves cancel in the sum"] = bool((difference.sum(1).abs() < 1e-6).all())
    W[target] = W[target].abs()
    note_finite(outcome, "the same when no weight of the class is negative", call(answer, x, W, p))
    return outcome


def _negated_relevance(x, W, p):
    return shared(x, W, p) - shared(x, W, -p)


def _other_classes(x, W, p):
    others = (1 - p) / (p.shape[1] - 1)
    return shared(x, W, p) - shared(x, W, others)


def _same_denominator(x, W, p):
    z = x @ W.clamp(min=0).T
    return x * (torch.where(z > 0, p / z, 0) @ W)


def _contrast_without_guard(x, W, p):
    def shares(W):
        above = W.clamp(min=0)
        return x * ((p / (x @ above.T)) @ above)

    return shares(W) - shares(-W)


EXERCISES = [
    Exercise(
        name="excitation_by_hand",
        lesson=LESSON.id,
        points=2,
        answer="excitation_by_hand",
        reference=excitation_by_hand,
        probe=probe_by_hand,
        mistakes={
            "The negative weights take part. They hold a unit back, they don't excite it: use "
            "max(W, 0), in the sum z and in the shares.": _all_weights,
            "z is the sum over *all* weights. Then the shares of an output don't add up to 1: the "
            "negative weights belong out of z too.": _by_hand(lambda x, W: W @ x),
            "You cut z off at 0 after adding everything up. Cut each weight first, then add: a "
            "negative one would still have made z smaller.": _by_hand(
                lambda x, W: (W @ x).clamp(min=0)
            ),
            "The factor x_j is missing. An input that is silent has contributed nothing, whatever "
            "its weight.": _without_x,
            "Each output overwrites what the earlier ones gave. An input collects from all of "
            "them: `+=`.": _last_output_only,
            "That is the plain gradient, W transposed times p. Excitation backprop divides p among "
            "the inputs: nobody gets more than there is.": _plain_gradient,
            "You don't divide by z_i, so these are contributions, not shares: they don't add up "
            "to p_i.": _not_divided,
            "Where nothing excites an output, z_i is 0 and you divide by it. Such an output has "
            "nobody to hand its relevance to: skip it.": _zero_over_zero,
            "You divide by the sum over the *outputs*. It is the inputs that share: for one output "
            "i, add up over j.": _shared_among_outputs,
            "z goes on from one output to the next. Each output has its own: start it at 0 "
            "again.": _z_goes_on,
            "At an output that nothing excites your loop ends, and the outputs after it are "
            "forgotten. Skip that one alone: `continue`.": _stops_at_zero,
            "The indices have changed places: `W[i, j]` leads from input j to output "
            "i.": _indexed_the_other_way,
            "You take the magnitudes of the weights. A negative one holds its unit back: it counts "
            "as 0, max(W, 0).": _magnitudes,
            "Each output gives 1 away. It has only its own relevance to give, p_i.": (
                _one_for_each_output
            ),
            "You return what each output sends to each input. An input collects from all outputs: "
            "add up over i.": _not_collected,
        },
        hints=[
            "Work through one output i at a time. Its relevance p_i is a cake; the inputs cut it "
            "in proportion to what they contributed.",
            "What input j contributed to output i is `max(W[i, j], 0) * x[j]`. z is the sum of "
            "these over j.",
            "Start with `shares = torch.zeros_like(x)`. A loop over i computes z; if it is 0, "
            "`continue`; an inner loop over j adds to `shares[j]`.",
            "In the inner loop: `shares[j] += x[j] * max(W[i, j], 0) * p[i] / z`.",
        ],
    ),
    Exercise(
        name="excitation_linear",
        lesson=LESSON.id,
        points=2,
        answer="ExcitationLinear",
        reference=ExcitationLinear,
        probe=probe_linear,
        mistakes={
            "The negative weights take part. Only the positive part excites: "
            "`weight.clamp(min=0)`, in z and in the shares.": _linear(
                lambda p, x, weight, y: (_all_weights_batch(p, x, weight), None, None)
            ),
            "You divide by the layer's output, which has the negative weights and the bias in it. "
            "z is made of the positive weights alone.": _divided_by(lambda x, weight, y: y),
            "z has the bias in it. Nobody contributed the bias: z is made of the inputs and the "
            "positive weights alone.": _divided_by(
                lambda x, weight, y: x @ weight.clamp(min=0).T + (y - x @ weight.T)
            ),
            "You cut z off at 0 after adding everything up. Cut each weight first, then add: "
            "`x @ weight.clamp(min=0).T`.": _divided_by(lambda x, weight, y: (x @ weight.T).relu()),
            "For z the weights must be transposed: x is (N, J) and W is (I, J), so z = x @ W+.T is "
            "(N, I).": _linear(_not_transposed),
            "z needs the transposed weights, the way down does not: q is (N, I) and W is (I, J), "
            "so q @ W+ is (N, J).": _linear(_transposed_twice),
            "In `backward` nothing is there to unpack. What it needs must be saved in `forward`: "
            "`ctx.save_for_backward(x, weight)`.": _SavesNothing,
            "The factor x is missing: you hand on q times W+. An input that is silent has "
            "contributed nothing.": _linear(
                lambda p, x, weight, y: (_without_x_batch(p, x, weight), None, None)
            ),
            "You don't divide by z: these are contributions, not shares, and they don't add up to "
            "p.": _linear(lambda p, x, weight, y: (x * (p @ weight.clamp(min=0)), None, None)),
            "That is the ordinary gradient of a linear layer.": _linear(
                lambda p, x, weight, y: (p @ weight, None, None)
            ),
            "Where nothing excites an output, z is 0 and p / z is infinite or not a number. "
            "`torch.where(z > 0, p / z, 0)` hands on 0 there.": _linear(
                lambda p, x, weight, y: (_no_guard_batch(p, x, weight), None, None)
            ),
            "Forward must stay the layer that it is, with all weights: the network's scores may "
            "not change. Only the way back uses the positive part.": _linear(
                _rule, lambda x, weight, bias: F.linear(x, weight.clamp(min=0), bias)
            ),
            "The bias is gone from the forward pass. It gets no relevance, but the network needs "
            "it.": _linear(_rule, lambda x, weight, bias: F.linear(x, weight)),
            "`backward` returns one gradient for each argument of `forward`: for x the shares, and "
            "None for weight and bias.": _linear(lambda p, x, weight, y: shared(x, weight, p)),
            "You changed the weights themselves. They belong to the network: `clamp`, not "
            "`clamp_`.": _linear(_clamps_the_weight),
        },
        hints=[
            "Three lines: z, then p divided by z, then the shares. Each is one matrix product or "
            "less.",
            "`x` is (N, J) and `W+` is (I, J), so `x @ above.T` is z, (N, I).",
            "`q = torch.where(z > 0, p / z, 0)`; the sum over i in the formula is `q @ above`, "
            "(N, J).",
            "`save_for_backward(x, weight)` in forward; backward returns three things, "
            "`x * (q @ above), None, None`.",
        ],
    ),
    Exercise(
        name="excitation",
        lesson=LESSON.id,
        points=3,
        answer="Excitation",
        reference=Excitation,
        probe=probe_excitation,
        mistakes={
            "Everything comes out as 0. q depends on z, so the sum of q z is the sum of p, which "
            "does not change with u. Make q a constant: `.detach()`.": _excitation(_q_not_constant),
            "PyTorch has recorded nothing that leads back from z. Inside `backward` it records "
            "only in a `with torch.enable_grad():`, and only what comes from a tensor that asks "
            "for a gradient: `u = x.detach().requires_grad_()`.": _excitation(_no_graph),
            "`torch.autograd.grad` returns a tuple, even of one gradient. Unpack it: `(pulled,) = "
            "...`, or `[0]`.": _excitation(_tuple_not_unpacked),
            "`ctx.saved_tensors` is a tuple, even of one tensor. Unpack it: `(x,) = "
            "ctx.saved_tensors`.": _excitation(_saved_tuple_not_unpacked),
            "`backward` looks for a function that `forward` has not kept: `ctx.positive = "
            "positive`.": _ForgetsTheFunction,
            "`save_for_backward` is for tensors. A function is kept as an attribute: "
            "`ctx.positive = positive`.": _SavesTheFunction,
            "The factor x is missing at the end: the gradient of sum(q z) is the sum over i in the "
            "formula, and the share is x times it.": _excitation(
                lambda x, p, layer, positive: _pull(
                    x, positive, lambda z: torch.where(z > 0, p / z, 0).detach()
                )
            ),
            "You use `layer` for z, which has the negative weights and the bias in it. z is "
            "`positive(x)`.": _excitation(
                lambda x, p, layer, positive: (
                    x * _pull(x, layer, lambda z: torch.where(z > 0, p / z, 0).detach())
                )
            ),
            "You don't divide p by z. These are contributions, not shares.": _excitation(
                lambda x, p, layer, positive: x * _pull(x, positive, lambda z: p)
            ),
            "Where z is 0, p / z is infinite or not a number: `torch.where(z > 0, p / z, "
            "0)`.": _excitation(
                lambda x, p, layer, positive: x * _pull(x, positive, lambda z: (p / z).detach())
            ),
            "Forward returns `positive(x)`. The network must compute what it always does: "
            "`layer(x)`.": _excitation(_shares, forward=lambda x, layer, positive: positive(x)),
            "`backward` returns one gradient for each argument of `forward`: the shares, and None "
            "for the two functions.": _excitation(_shares, returned=lambda shares: shares),
        },
        hints=[
            "The same three steps as in the linear layer: z, q, shares. z comes from "
            "`ctx.positive`, and the product with W+ transposed from autograd.",
            "A function can be kept in ctx as an attribute: `ctx.positive = positive`. Tensors go "
            "through `save_for_backward`.",
            "In backward: `with torch.enable_grad():`, `u = x.detach().requires_grad_()`, and "
            "`z = ctx.positive(u)`.",
            "`q = torch.where(z > 0, p / z, 0).detach()`, then "
            "`(pulled,) = torch.autograd.grad((z * q).sum(), u)`.",
            "The end: `return x * pulled, None, None`.",
        ],
    ),
    Exercise(
        name="relevance_at",
        lesson=LESSON.id,
        points=2,
        answer="relevance_at",
        reference=relevance_at,
        probe=probe_relevance_at,
        mistakes={
            "That is the plain gradient. The model must run inside `with BackwardRules(rules):`, "
            "as the rules are chosen on the way forward.": _map_with(ruled=False),
            "You multiply by the activations once more. The relevance has them in it "
            "already.": _map_with(lambda p, data: (p * data).sum(1, keepdim=True)),
            "You take the largest channel. Relevance is an amount: that of a position is the *sum* "
            "over its channels.": _map_with(lambda p, data: p.abs().amax(1, keepdim=True)),
            "You take the mean over the channels, so the map's sum is not the relevance that there "
            "is.": _map_with(lambda p, data: p.mean(1, keepdim=True)),
            "The channels' dimension is gone: `sum(1, keepdim=True)` keeps the shape "
            "(N, 1, h, w).": _map_with(lambda p, data: p.sum(1)),
            "You started at all the scores. The relevance starts at one class: "
            "`scores[:, target]`.": _map_with(score=lambda scores, target: scores.sum()),
            "You look at what enters the layer. Its *output* is asked for: "
            "`target='output'`.": _map_with(side="input"),
            "You average over the batch, so each image starts with less than 1. Add the scores up: "
            "the images don't mix.": _map_with(
                score=lambda scores, target: scores[:, target].mean()
            ),
            "`autograd.grad` starts from one number, and you gave it one for each image. The "
            "images don't mix, so their sum does: `scores[:, target].sum()`.": _map_with(
                score=lambda scores, target: scores[:, target]
            ),
            "You added up over the positions, and the map is gone. Add up over the channels, "
            "dimension 1.": _map_with(lambda p, data: p.sum((2, 3), keepdim=True)),
            "A probe sits on a layer, and `layer` is its name. `model.get_submodule(layer)` finds "
            "it.": _probes_the_name,
            "Your hook stays on the layer. Use a `Probe` in a `with`, or remove what "
            "`register_forward_hook` returns.": _leaves_a_hook,
        },
        hints=[
            "Much as in lesson 04: a probe on the layer, a forward pass, `torch.autograd.grad` at "
            "what the probe has kept. New is the context around the forward pass.",
            "`with Probe(model.get_submodule(layer), target='output') as probe, "
            "BackwardRules(rules):` and in it `scores = model(x)`.",
            "`(p,) = torch.autograd.grad(scores[:, target].sum(), probe.data[0])`: the gradient of "
            "a sum starts with 1 at each score.",
            "From (N, C, h, w) to (N, 1, h, w): `p.sum(1, keepdim=True)`.",
        ],
    ),
    Exercise(
        name="excitation_sum",
        lesson=LESSON.id,
        points=2,
        answer="ExcitationSum",
        reference=ExcitationSum,
        probe=probe_sum,
        mistakes={
            "Both get all of p: that is the ordinary gradient of a sum, and the relevance has "
            "doubled.": _sum(lambda p, a, b: (p.clone(), p.clone())),
            "Each gets a half, however much it contributed. Share by magnitude.": _sum(
                lambda p, a, b: (p / 2, p / 2)
            ),
            "You share by a / (a + b). When a = 3 and b = -2 that gives a three times p, and b "
            "minus twice p: take magnitudes, |a| / (|a| + |b|).": _weighted(lambda t: t),
            "You count the positive parts alone. Then a sum of two negative terms loses all its "
            "relevance: take magnitudes.": _weighted(lambda t: t.clamp(min=0)),
            "You share by the squares, which favours the larger term. Take magnitudes.": _weighted(
                lambda t: t.square()
            ),
            "Where a and b are both 0 you divide by 0. The shares are 0 there: "
            "`torch.where(total > 0, p / total, 0)`.": _sum(_divides_by_zero),
            "You give b what a leaves, p less a's share. Where both are 0 that would be all of p: "
            "compute b's share in the same way as a's.": _sum(_what_is_left),
            "The shares are swapped: a gets what is b's.": _sum(_of_the_other),
            "You divide by |a + b|. Where the two nearly cancel that is tiny, and the shares are "
            "larger than p. Take the magnitudes first, then add: |a| + |b|.": _sum(
                lambda p, a, b: _over(p * a.abs(), p * b.abs(), (a + b).abs())
            ),
            "The signs are still there above the line: a negative term would get negative "
            "relevance. Take |a| and |b| there too.": _sum(
                lambda p, a, b: _over(p * a, p * b, a.abs() + b.abs())
            ),
            "These are the shares themselves. What is shared is p: multiply by it.": _sum(
                lambda p, a, b: _over(a.abs(), b.abs(), a.abs() + b.abs())
            ),
            "`backward` returns one gradient for each argument of `forward`: two, for a and for "
            "b.": _sum(lambda p, a, b: p * a.abs() / (a.abs() + b.abs())),
        },
        hints=[
            "The same idea as before: who contributed how much? Here there are two contributors, "
            "and their contributions are |a| and |b|.",
            "`total = a.abs() + b.abs()`, and p divided by it where it is not 0.",
            "`q = torch.where(total > 0, p / total, 0)`, then `return a.abs() * q, b.abs() * q`.",
        ],
    ),
    Exercise(
        name="contrastive_relevance",
        lesson=LESSON.id,
        points=2,
        answer="contrastive_relevance",
        reference=contrastive_relevance,
        probe=probe_contrastive,
        mistakes={
            "Nothing in your c is negative: it is the relevance for the class alone. What speaks "
            "against the class is p'(-W); subtract it, and leave the result as it is. The cut "
            "comes at the very end, in the map.": shared,
            "You negated p, not the weights. The shares of -p are those of p with a minus, so "
            "you have doubled everything.": _negated_relevance,
            "The order is turned round: for the class, less against the class.": lambda x, W, p: (
                shared(x, -W, p) - shared(x, W, p)
            ),
            "You added the two. Subtract: what speaks for the class and what speaks against it are "
            "to cancel.": lambda x, W, p: shared(x, W, p) + shared(x, -W, p),
            "Your two passes divide by the same z. Each has its own: with the weights -W, z is "
            "made of the positive part of -W.": _same_denominator,
            "You subtracted the relevance of the other classes. The contrast is with *not this "
            "class*: the same p, and the weights -W.": _other_classes,
            "A class may have no weight that speaks against it: then z of the second pass is 0, "
            "and p / z not a number. Guard it as before.": _contrast_without_guard,
        },
        hints=[
            "Two passes of the linear rule with the same x and the same p: one with W, one with "
            "-W. The answer is their difference.",
            "A small helper inside your function, `shares(W)`, saves writing the rule twice: z, "
            "q, x times q @ W+.",
            "`return shares(W) - shares(-W)`; in the helper `above = W.clamp(min=0)` and "
            "`q = torch.where(z > 0, p / z, 0)`.",
        ],
    ),
]
