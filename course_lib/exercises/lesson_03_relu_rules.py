"""Exercises of lesson 03: other backward rules for the ReLU, and what they do to the maps."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Self

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd import Function

from course_lib.attribution.deconvnet import DeConvNetReLU
from course_lib.attribution.guided_backprop import GuidedBackpropReLU
from course_lib.attribution.rules.backward_rules import BackwardRules
from course_lib.attribution.rules.patch import Patch
from course_lib.exercises.exercise import Exercise, Lesson
from course_lib.exercises.probes import (
    call,
    model_state,
    rand,
    randint,
    randn,
    same_state,
    small_network,
)

LESSON = Lesson(
    id="03_relu_rules",
    title="Three ways back through a ReLU",
    minutes=55,
    difficulty=2,
    summary="DeConvNet and guided backprop as autograd functions; how alike two classes' maps are",
)

Outcome = dict[str, Any]


def probe_rule(answer: type[Function], rng: torch.Generator) -> Outcome:
    """Forward and backward of one ReLU on inputs with exact zeros, then in a network."""
    x, p = randn(rng, 2, 3, 4, 5), randn(rng, 2, 3, 4, 5)
    x[rand(rng, *x.shape) > 0.5] = 0
    p[rand(rng, *p.shape) > 0.8] = 0
    outcome: Outcome = {}
    leaf = x.clone().requires_grad_()
    y = call(answer.apply, leaf)
    outcome["forward: the output y"] = y.detach() if isinstance(y, Tensor) else y
    beside = torch.zeros_like(p, requires_grad=True)
    # the sum hands one and the same tensor p to the ReLU and to its neighbour
    score = ((y + beside) * p).sum()
    try:
        at_x, at_neighbour = torch.autograd.grad(score, (leaf, beside))
    except RuntimeError as error:
        # PyTorch's message names the class, so it would differ between two answers with one mistake
        if "incorrect number of gradients" not in str(error):
            raise
        outcome["how many gradients backward returns"] = "another number than forward has inputs"
        return outcome
    outcome["how many gradients backward returns"] = "one, as forward has one input"
    outcome["backward: the gradient at x"] = at_x
    outcome["a neighbour that gets the same p gets all of it"] = torch.equal(at_neighbour, p)

    inputs = rand(rng, 3, 6)
    first, second = rand(rng, 5, 6), rand(rng, 4, 5)
    leaf = inputs.clone().requires_grad_()
    scores = answer.apply(F.linear(answer.apply(F.linear(leaf, first)), second)).sum()
    outcome["the gradient through two layers"] = torch.autograd.grad(scores, leaf)[0]
    return outcome


def rule(
    backward: Callable[[Tensor, Tensor], Any], forward: Callable[[Tensor], Tensor] | None = None
) -> type[Function]:
    """The autograd function with forward `forward(x)`, a ReLU by default, and `backward(x, p)`."""

    class Rule(Function):
        @staticmethod
        def forward(ctx: Any, x: Tensor) -> Tensor:
            ctx.save_for_backward(x)
            return x.clamp(min=0) if forward is None else forward(x)

        @staticmethod
        def backward(ctx: Any, p: Tensor) -> Any:
            (x,) = ctx.saved_tensors
            return backward(x, p)

    return Rule


def _clamp_in_place(x, p):
    return p.clamp_(min=0)


def _guide_in_place(x, p):
    p[(x <= 0) | (p <= 0)] = 0
    return p


class _SavedTuple(Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x.clamp(min=0)

    @staticmethod
    def backward(ctx, p):
        x = ctx.saved_tensors
        return torch.where((x > 0) & (p > 0), p, 0)


class Tenfold(Function):
    """A ReLU whose backward pass returns ten times p, whatever x was: easy to recognise."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        return x.clamp(min=0)

    @staticmethod
    def backward(ctx: Any, p: Tensor) -> Tensor:
        return 10 * p


class Hundredfold(Function):
    """The same with a factor of one hundred."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        return x.clamp(min=0)

    @staticmethod
    def backward(ctx: Any, p: Tensor) -> Tensor:
        return 100 * p


class Functional(nn.Module):
    """Two convolutions and a linear layer, with the ReLU called as the caller wants it."""

    def __init__(self, rng: torch.Generator, relu: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 5, 3, padding=1, dtype=torch.float64)
        self.conv2 = nn.Conv2d(5, 6, 3, padding=1, dtype=torch.float64)
        self.fc = nn.Linear(6, 4, dtype=torch.float64)
        with torch.no_grad():
            for parameter in self.parameters():
                parameter.copy_(rand(rng, *parameter.shape, low=-0.5, high=0.5))
        self.relu = relu

    def forward(self, x: Tensor) -> Tensor:
        x = self.relu(self.conv1(x))
        x = self.relu(self.conv2(x))
        return self.fc(x.mean((2, 3)))


def gradient_of(model: nn.Module, x: Tensor) -> Tensor:
    """Gradient of the sum of all scores at x."""
    leaf = x.clone().requires_grad_()
    return torch.autograd.grad(model(leaf).sum(), leaf)[0]


@contextmanager
def relu_kept() -> Iterator[None]:
    """Puts every spelling of the ReLU back, whatever an answer left there."""
    names = [(torch, "relu"), (torch, "relu_"), (F, "relu"), (F, "relu_"), (nn.ReLU, "forward")]
    before = [(owner, name, getattr(owner, name)) for owner, name in names]
    try:
        yield
    finally:
        for owner, name, value in before:
            setattr(owner, name, value)


class ReLUContext:
    """Inside `with`, torch's two ReLU functions go back by the rule of `relu_func`.

    The library's `ReLUContext` also reaches `x.relu()` and ReLU6; this one is what the lesson asks
    for, and the lesson goes on with what it misses.
    """

    def __init__(self, relu_func: type[Function]) -> None:
        self.relu_func = relu_func

    def __enter__(self) -> Self:
        names = ("torch.relu", "torch.relu_")
        self.patches = [Patch(name, self.relu_func.apply) for name in names]
        return self

    def __exit__(self, kind: Any, error: Any, traceback: Any) -> bool | None:
        for patch in self.patches:
            patch.remove()
        return None


def probe_relu_context(answer: Callable[..., Any], rng: torch.Generator) -> Outcome:
    """Gradients before, inside and after the context, for four spellings of the ReLU."""
    x = rand(rng, 2, 3, 8, 8)
    networks = {
        "nn.ReLU": small_network(rng),
        "torch.relu": Functional(rng, lambda h: torch.relu(h)),
        "F.relu": Functional(rng, lambda h: F.relu(h)),
        "nn.ReLU(inplace=True)": small_network(rng, inplace=True),
    }
    outcome: Outcome = {}
    with relu_kept():
        context = call(answer, Tenfold)
        outcome["the gradient before `with`"] = gradient_of(networks["nn.ReLU"], x)
        with context:
            outcome["the scores inside"] = networks["nn.ReLU"](x).detach()
            for name, network in networks.items():
                outcome[f"the gradient inside, with {name}"] = gradient_of(network, x)
        for name, network in networks.items():
            outcome[f"the gradient afterwards, with {name}"] = gradient_of(network, x)

    with relu_kept():
        try:
            with call(answer, Tenfold):
                raise KeyError("a failure on purpose")
            outcome["an exception inside with"] = "is lost"
        except KeyError:
            outcome["an exception inside with"] = "reaches the caller"
        outcome["the gradient after an exception"] = gradient_of(networks["nn.ReLU"], x)

    with relu_kept(), call(answer, Tenfold):
        with call(answer, Hundredfold):
            outcome["the gradient inside two contexts"] = gradient_of(networks["nn.ReLU"], x)
        outcome["the gradient back in the outer one"] = gradient_of(networks["nn.ReLU"], x)
    return outcome


class _OnlyTorchRelu(ReLUContext):
    def __enter__(self):
        self.patches = [Patch("torch.relu", self.relu_func.apply)]
        return self


class _OnlyFunctional(ReLUContext):
    def __enter__(self):
        def relu(x, inplace=False):
            return self.relu_func.apply(x)

        self.patches = [Patch("torch.nn.functional.relu", relu)]
        return self


class _OnlyModules(ReLUContext):
    def __enter__(self):
        def forward(module, x):
            return self.relu_func.apply(x)

        self.patches = [Patch("torch.nn.ReLU.forward", forward)]
        return self


class _FromTheStart(ReLUContext):
    def __init__(self, relu_func):
        super().__init__(relu_func)
        super().__enter__()

    def __enter__(self):
        self.entered = True
        return self


class _NeverBack(ReLUContext):
    def __exit__(self, *exception):
        self.patches = []


class _OneBack(ReLUContext):
    def __exit__(self, *exception):
        self.patches[0].remove()


class _Swallows(ReLUContext):
    def __exit__(self, *exception):
        super().__exit__(*exception)
        return True


class _OnlyOnSuccess(ReLUContext):
    def __exit__(self, kind, error, traceback):
        if kind is None:
            super().__exit__(kind, error, traceback)


def map_correlation(a: Tensor, b: Tensor, where: Tensor) -> Tensor:
    """Correlation of a[n] and b[n] over the pixels where `where` is 1, for each n."""
    a, b, where = a.flatten(1), b.flatten(1), where.flatten(1)
    count = where.sum(1, keepdim=True)
    a = (a - (a * where).sum(1, keepdim=True) / count) * where
    b = (b - (b * where).sum(1, keepdim=True) / count) * where
    return (a * b).sum(1) / (a.norm(dim=1) * b.norm(dim=1))


def probe_map_correlation(answer: Callable[..., Tensor], rng: torch.Generator) -> Outcome:
    """The correlations of random maps, and what a correlation must not depend on."""
    a, b = rand(rng, 4, 5, 7, low=0), rand(rng, 4, 5, 7, low=0)
    b[1] = b[1] + 2 * a[1]
    everywhere = torch.ones_like(a)
    where = (rand(rng, 4, 5, 7) > -0.2).to(a)
    scale = rand(rng, 4, 1, 1, low=1, high=9)
    return {
        "the correlations over all pixels": call(answer, a, b, everywhere),
        "the correlations over some of the pixels": call(answer, a, b, where),
        "a map with itself": call(answer, a, a, where),
        "a map with its negative": call(answer, a, -a, where),
        "after scaling one of the maps": call(answer, scale * a, b, where),
        "after adding a number to one of the maps": call(answer, a + scale, b, where),
        "after changing a map where nobody looks": call(answer, a + scale * (1 - where), b, where),
    }


def _inside(a, where):
    """The map minus its mean over the pixels that count, 0 at the others: shape (N, H * W)."""
    a, where = a.flatten(1), where.flatten(1)
    return (a - (a * where).sum(1, keepdim=True) / where.sum(1, keepdim=True)) * where


def _cosine(a, b, where):
    return F.cosine_similarity((a * where).flatten(1), (b * where).flatten(1), dim=1)


def _everywhere(a, b, where):
    return map_correlation(a, b, torch.ones_like(where))


def _black_outside(a, b, where):
    return map_correlation(a * where, b * where, torch.ones_like(where))


def _mean_of_all(a, b, where):
    count = where.flatten(1)[0].numel()
    a = (a - (a * where).sum((1, 2), keepdim=True) / count) * where
    b = (b - (b * where).sum((1, 2), keepdim=True) / count) * where
    return _cosine(a, b, where)


def _not_cut_again(a, b, where):
    count = where.sum((1, 2), keepdim=True)
    a = a - (a * where).sum((1, 2), keepdim=True) / count
    b = b - (b * where).sum((1, 2), keepdim=True) / count
    return _cosine(a, b, torch.ones_like(where))


def _one_for_the_batch(a, b, where):
    return map_correlation(a[None], b[None], where[None])[0]


def _mean_over_the_batch(a, b, where):
    a, b = ((m - (m * where).sum() / where.sum()) * where for m in (a, b))
    return _cosine(a, b, where)


def _covariance(a, b, where):
    return (_inside(a, where) * _inside(b, where)).sum(1) / where.sum((1, 2))


def _squared_norms(a, b, where):
    a, b = _inside(a, where), _inside(b, where)
    return (a * b).sum(1) / (a.square().sum(1) * b.square().sum(1))


def _averaged(a, b, where):
    return map_correlation(a, b, where).mean()


def guided_map(model: nn.Module, x: Tensor, target: int) -> Tensor:
    """Guided backprop's map of class `target`, largest magnitude over the channels."""
    x = x.detach().clone().requires_grad_()
    with BackwardRules({F.relu: GuidedBackpropReLU}):
        score = model(x)[:, target].sum()
    (gradient,) = torch.autograd.grad(score, x)
    return gradient.abs().amax(1, keepdim=True)


def probe_guided_map(answer: Callable[..., Tensor], rng: torch.Generator) -> Outcome:
    """Maps of five networks that call their ReLU in five ways, and what is left behind."""
    x = rand(rng, 2, 3, 8, 8)
    target = randint(rng, 0, 4)
    by_name = torch.relu
    networks: dict[str, nn.Module] = {
        "nn.ReLU": small_network(rng),
        "nn.ReLU(inplace=True)": small_network(rng, inplace=True),
        "F.relu": Functional(rng, lambda h: F.relu(h)),
        "a relu imported by name": Functional(rng, lambda h: by_name(h)),
        "x.relu()": Functional(rng, lambda h: h.relu()),
    }
    outcome: Outcome = {}
    with relu_kept():
        for name, network in networks.items():
            before = model_state(network)
            s = call(answer, network, x, target)
            outcome[f"the map, of a network with {name}"] = s.detach()
            outcome[f"the model is as before, with {name}"] = same_state(
                before, model_state(network)
            )
        outcome["x.requires_grad afterwards"] = x.requires_grad
    return outcome


def _map_with(make_context, reduce=lambda g: g.abs().amax(1, keepdim=True), choose=None):
    """A `guided_map` with another context, another reduction, or another score."""

    def answer(model, x, target):
        x = x.detach().clone().requires_grad_()
        with make_context():
            scores = model(x)
            score = scores[:, target].sum() if choose is None else choose(scores, target)
        return reduce(torch.autograd.grad(score, x)[0])

    return answer


def _guided_rules():
    return BackwardRules({F.relu: GuidedBackpropReLU})


@contextmanager
def _no_rules():
    yield


def _leaves_gradients(model, x, target):
    x = x.detach().clone().requires_grad_()
    with _guided_rules():
        model(x)[:, target].sum().backward()
    return x.grad.abs().amax(1, keepdim=True)


def _leaves_flag(model, x, target):
    x.requires_grad_()
    return guided_map(model, x, target)


EXERCISES = [
    Exercise(
        name="deconvnet_relu",
        lesson=LESSON.id,
        points=2,
        answer="DeConvNetReLU",
        reference=DeConvNetReLU,
        probe=probe_rule,
        mistakes={
            "It gates on the sign of the input x: that is the ordinary ReLU. DeConvNet does not "
            "look at x on the way back; it asks for the sign of p.": rule(
                lambda x, p: torch.where(x > 0, p, 0)
            ),
            "It gates on both signs, of x and of p: that is the guided rule, which comes next. "
            "DeConvNet asks for the sign of p alone.": rule(
                lambda x, p: torch.where((x > 0) & (p > 0), p, 0)
            ),
            "It lets all of p through, the negative part too. DeConvNet keeps only the positive "
            "part.": rule(lambda x, p: p.clone()),
            "You clamped x on the way back. That is the forward pass once more; the thing to be "
            "clamped is the gradient p.": rule(lambda x, p: x.clamp(min=0)),
            "You kept the negative part of p and dropped the positive one.": rule(
                lambda x, p: p.clamp(max=0)
            ),
            "You took the magnitude of p. A negative p is to become 0, not positive.": rule(
                lambda x, p: p.abs()
            ),
            "You returned the gate, 1 where p > 0, in place of p itself.": rule(
                lambda x, p: (p > 0).to(p.dtype)
            ),
            "The result is right, but you changed p itself to get it. The same tensor may be on "
            "its way to other branches of the network: make a new one (`clamp`, not `clamp_`).": (
                rule(_clamp_in_place)
            ),
            "Your forward pass is no ReLU any more. Only the way back changes: forward returns x "
            "where x is positive, else 0.": rule(
                lambda x, p: p.clamp(min=0), forward=lambda x: x.clone()
            ),
            "`backward` returns one gradient per input of `forward`. `forward` has one, x, so "
            "return one tensor.": rule(lambda x, p: (p.clamp(min=0), p)),
        },
        hints=[
            "The forward pass is that of any ReLU. Only backward differs, and it needs nothing "
            "but p.",
            "backward treats p as the forward pass treats x: a ReLU, applied to the gradient.",
            "`t.clamp(min=0)` returns a new tensor, t where it is positive and 0 elsewhere. "
            "As backward does not ask for x, nothing has to be saved in ctx.",
        ],
    ),
    Exercise(
        name="guided_relu",
        lesson=LESSON.id,
        points=2,
        answer="GuidedBackpropReLU",
        reference=GuidedBackpropReLU,
        probe=probe_rule,
        mistakes={
            "It gates on the sign of the input x alone: that is the ordinary ReLU. The guided rule "
            "asks for a positive p as well.": rule(lambda x, p: torch.where(x > 0, p, 0)),
            "It gates on the sign of p alone: that is DeConvNet. The guided rule asks for a "
            "positive x as well, so save x in forward.": rule(lambda x, p: p.clamp(min=0)),
            "You let p through where x > 0 *or* p > 0. Both must be positive: `&`, not `|`.": rule(
                lambda x, p: torch.where((x > 0) | (p > 0), p, 0)
            ),
            "You asked for a positive product of x and p. That is so too where both are "
            "negative.": rule(lambda x, p: torch.where(x * p > 0, p, 0)),
            "You used `x >= 0`. Where x is exactly 0 the ReLU is shut, and real networks have many "
            "exact zeros: `x > 0`.": rule(lambda x, p: torch.where(x >= 0, p, 0).clamp(min=0)),
            "You clamped x on the way back. What flows back is p: x only decides where.": rule(
                lambda x, p: torch.where(p > 0, x, 0).clamp(min=0)
            ),
            "You returned the gate, 1 where both are positive, in place of p itself.": rule(
                lambda x, p: ((x > 0) & (p > 0)).to(p.dtype)
            ),
            "The result is right, but you changed p itself to get it. The same tensor may be on "
            "its way to other branches of the network: clone it first, or use `torch.where`.": rule(
                _guide_in_place
            ),
            "`ctx.saved_tensors` is a tuple, also when only one tensor was saved: unpack it, "
            "`(x,) = ctx.saved_tensors`.": _SavedTuple,
            "`backward` returns one gradient per input of `forward`. `forward` has one, x, so "
            "return one tensor.": rule(
                lambda x, p: (torch.where((x > 0) & (p > 0), p, 0), p.clone())
            ),
        },
        hints=[
            "Two gates in a row: the ordinary ReLU's, which asks x, and DeConvNet's, which asks p.",
            "backward needs x: `ctx.save_for_backward(x)` in forward, `(x,) = ctx.saved_tensors` "
            "in backward.",
            "`torch.where(condition, p, 0)` returns p where the condition holds, 0 elsewhere. Two "
            "conditions are joined by `&`, each in brackets.",
        ],
    ),
    Exercise(
        name="relu_context",
        lesson=LESSON.id,
        points=2,
        answer="ReLUContext",
        reference=ReLUContext,
        probe=probe_relu_context,
        mistakes={
            "You replaced `torch.relu` only. A module with inplace=True calls `torch.relu_`, and "
            "keeps the ordinary rule: replace both.": _OnlyTorchRelu,
            "You replaced `F.relu` only. Code that calls `torch.relu` itself never comes through "
            "there: replace what F.relu itself calls, `torch.relu` and `torch.relu_`.": (
                _OnlyFunctional
            ),
            "You replaced the forward of nn.ReLU. That misses every network that calls the "
            "function: replace `torch.relu` and `torch.relu_`.": _OnlyModules,
            "The patches are on as soon as the context is made. They belong into `__enter__`.": (
                _FromTheStart
            ),
            "Nothing is put back: `__exit__` must remove the patches.": _NeverBack,
            "You put one of the two back. Remove both patches.": _OneBack,
            "`__exit__` swallows the exception: a true return value tells Python to forget it.": (
                _Swallows
            ),
            "After an exception the ReLU is still replaced. `__exit__` is called then too: remove "
            "the patches always.": _OnlyOnSuccess,
        },
        hints=[
            "`__init__` only remembers relu_func. `__enter__` makes two patches and keeps them in "
            "self, `__exit__` removes them.",
            "A patch wants something to call: `relu_func.apply` is the function that an autograd "
            "Function is used through.",
            "In `__enter__`: `self.patches = [Patch('torch.relu', ...), Patch(...)]`. "
            "In `__exit__`: a loop over them with `remove()`, and no return value.",
        ],
    ),
    Exercise(
        name="map_correlation",
        lesson=LESSON.id,
        points=2,
        answer="map_correlation",
        reference=map_correlation,
        probe=probe_map_correlation,
        mistakes={
            "You left the means in: that is the cosine. Two maps without a negative value always "
            "have a positive cosine, even when they have nothing in common.": _cosine,
            "You did not use `where`: the pixels outside count too.": _everywhere,
            "You made the outside black and then correlated over all pixels. The outside is the "
            "same in both maps now, so it makes them look alike: the means are those of the pixels "
            "that count, and the sums too.": _black_outside,
            "You divided the sums for the means by the number of all pixels. Divide by the number "
            "of those that count, `where.sum(...)`.": _mean_of_all,
            "The means are right, but after subtracting them the outside is not 0 any more, and it "
            "counts in the sums. Multiply by `where` once more.": _not_cut_again,
            "You flattened the batch as well, which gives one number for all the pairs. Keep "
            "dimension 0: `flatten(1)`.": _one_for_the_batch,
            "You subtracted one mean, of the whole batch. Each map has a mean of its own: sum over "
            "dimension 1, with `keepdim=True`, after `flatten(1)`.": _mean_over_the_batch,
            "That is the covariance: it grows with the maps. Divide by both norms.": _covariance,
            "You divided by the squares of the norms: take the square roots.": _squared_norms,
            "You averaged over the batch: return one number per pair, shape (N,).": _averaged,
        },
        hints=[
            "Make everything one long row for each map: `a.flatten(1)` has shape (N, H*W). From "
            "there all sums go along dimension 1.",
            "The mean of the pixels that count is "
            "`(a * where).sum(1, keepdim=True) / where.sum(1, keepdim=True)`.",
            "Subtract it, and multiply by `where` again, so that the pixels outside are 0 and add "
            "nothing to any sum.",
            "Then the cosine of the two rows: `(a * b).sum(1)` divided by "
            "`a.norm(dim=1) * b.norm(dim=1)`.",
        ],
    ),
    Exercise(
        name="guided_map",
        lesson=LESSON.id,
        points=2,
        answer="guided_map",
        reference=guided_map,
        probe=probe_guided_map,
        mistakes={
            "That is the map of the plain gradient. The model must run inside the context: the "
            "rule is chosen when the ReLU is called, on the way forward.": _map_with(_no_rules),
            "It works where the ReLU is looked up in torch, and gives the plain gradient where it "
            "was imported by name or is called as a method. That is what ReLUContext misses: use "
            "BackwardRules.": _map_with(lambda: ReLUContext(GuidedBackpropReLU)),
            "That is the deconvnet map: the table names another class than GuidedBackpropReLU.": (
                _map_with(lambda: BackwardRules({F.relu: DeConvNetReLU}))
            ),
            "You took the largest value over the channels, not the largest magnitude: `abs()` "
            "first.": _map_with(_guided_rules, lambda g: g.amax(1, keepdim=True)),
            "You averaged the magnitudes over the channels: take the largest.": _map_with(
                _guided_rules, lambda g: g.abs().mean(1, keepdim=True)
            ),
            "The channels' dimension is gone: `keepdim=True` keeps the shape (N, 1, H, W).": (
                _map_with(_guided_rules, lambda g: g.abs().amax(1))
            ),
            "You differentiated the sum of all scores. The map is about one class: "
            "`[:, target]`.": _map_with(_guided_rules, choose=lambda scores, target: scores.sum()),
            "`backward()` leaves gradients in the model's parameters too. `torch.autograd.grad` "
            "gives you the one for x and leaves no trace.": _leaves_gradients,
            "You changed the caller's x: its requires_grad is on now. Work on a copy, "
            "`x.detach().clone().requires_grad_()`.": _leaves_flag,
        },
        hints=[
            "Take a copy of x that requires a gradient, run the model inside the context, and "
            "differentiate the class's score.",
            "`with BackwardRules({F.relu: GuidedBackpropReLU}):` around the call of the model; "
            "the score is `model(x)[:, target].sum()`.",
            "`(gradient,) = torch.autograd.grad(score, x)` has the shape of x. From there to the "
            "map: magnitude, then `amax(1, keepdim=True)`.",
        ],
    ),
]
