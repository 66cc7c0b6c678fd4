"""Inside `with`, torch's two ReLU functions go back by the rule of `relu_func`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Self

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd import Function

from course_lib.attribution.guided_backprop import GuidedBackpropReLU
from course_lib.attribution.rules.patch import Patch

from ..engine.exercise import Exercise, Mistakes, Outcome
from ..engine.models import nested_network
from ..engine.probes import call, rand
from ..engine.traces import ERRORS, leaves_by, no_trace, replacements
from . import LESSON
from .shared import Functional, relu_kept


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


def gradient_of(model: nn.Module, x: Tensor) -> Tensor:
    """Gradient of the sum of all scores at x."""
    leaf = x.clone().requires_grad_()
    return torch.autograd.grad(model(leaf).sum(), leaf)[0]


def probe_relu_context(answer: Callable[..., Any], rng: torch.Generator) -> Outcome:
    """Gradients before, inside and after, for five spellings; then what people forget."""
    x = rand(rng, 2, 3, 8, 6)
    networks = {
        "nn.ReLU": nested_network(rng),
        "torch.relu": Functional(rng, lambda h: torch.relu(h)),
        "F.relu": Functional(rng, lambda h: F.relu(h)),
        "nn.ReLU(inplace=True)": nested_network(rng, inplace=True),
        "torch.relu_": Functional(rng, lambda h: torch.relu_(h)),
    }
    network = networks["nn.ReLU"]
    outcome: Outcome = {}
    with relu_kept():
        context = call(answer, Tenfold)
        outcome["the gradient before `with`"] = gradient_of(network, x)
        with no_trace(outcome, "after the context", nn.ReLU()):
            with context:
                outcome["the scores inside"] = network(x).detach()
                for name, other in networks.items():
                    outcome[f"the gradient inside, with {name}"] = gradient_of(other, x)
            for name, other in networks.items():
                outcome[f"the gradient afterwards, with {name}"] = gradient_of(other, x)
        with context:
            outcome["the gradient in the same context, entered again"] = gradient_of(network, x)
        outcome["the gradient after that"] = gradient_of(network, x)

    for error in ERRORS:
        with relu_kept():
            outcome[f"what comes out when a {error.__name__} is raised inside"] = leaves_by(
                error, lambda: call(answer, Tenfold)
            )
            outcome[f"the gradient after a {error.__name__}"] = gradient_of(network, x)

    with relu_kept():
        # both are made before the first is entered
        outer, inner = call(answer, Tenfold), call(answer, Hundredfold)
        with outer:
            with inner:
                outcome["the gradient inside two contexts"] = gradient_of(network, x)
            outcome["the gradient back in the outer one"] = gradient_of(network, x)
        outcome["the gradient after both"] = gradient_of(network, x)

    with relu_kept():
        for name in ("relu", "relu_"):
            for case, found in replacements(lambda: call(answer, Tenfold), torch, name).items():
                outcome[f"`torch.{name}`, {case}"] = found
    return outcome


def probe_rules_in_turn(answer: Callable[..., Any], rng: torch.Generator) -> Outcome:
    """The lesson's next step: contexts made by a function for each of several maps."""
    x, network = (
        rand(rng, 2, 3, 8, 6, dtype=torch.float32),
        nested_network(rng, dtype=torch.float32),
    )
    contexts = {
        "ten times p": lambda: answer(Tenfold),
        "a hundred times p": lambda: answer(Hundredfold),
        "the guided rule": lambda: answer(GuidedBackpropReLU),
    }
    outcome: Outcome = {}
    with relu_kept():
        for name, make_context in contexts.items():
            leaf = x.clone().requires_grad_()
            with make_context():
                scores = network(leaf)
            outcome[f"the gradient with {name}"] = torch.autograd.grad(scores[:, 1].sum(), leaf)[0]
    return outcome


HINTS = [
    "`__init__` only remembers relu_func. `__enter__` makes two patches and keeps them in "
    "self, `__exit__` removes them.",
    "A patch wants something to call: `relu_func.apply` is the function that an autograd "
    "Function is used through.",
    "In `__enter__`: `self.patches = [Patch('torch.relu', ...), Patch(...)]`. "
    "In `__exit__`: a loop over them with `remove()`, and no return value.",
]

mistake = Mistakes()


@mistake(
    "You replaced `torch.relu` only. A module with inplace=True calls `torch.relu_`, and "
    "keeps the ordinary rule: replace both."
)
class _OnlyTorchRelu(ReLUContext):
    def __enter__(self):
        self.patches = [Patch("torch.relu", self.relu_func.apply)]
        return self


@mistake(
    "You replaced `F.relu` only. Code that calls `torch.relu` itself never comes through "
    "there: replace what F.relu itself calls, `torch.relu` and `torch.relu_`."
)
class _OnlyFunctional(ReLUContext):
    def __enter__(self):
        def relu(x, inplace=False):
            return self.relu_func.apply(x)

        self.patches = [Patch("torch.nn.functional.relu", relu)]
        return self


@mistake(
    "You replaced the forward of nn.ReLU. That misses every network that calls the "
    "function: replace `torch.relu` and `torch.relu_`."
)
class _OnlyModules(ReLUContext):
    def __enter__(self):
        def forward(module, x):
            return self.relu_func.apply(x)

        self.patches = [Patch("torch.nn.ReLU.forward", forward)]
        return self


@mistake("The patches are on as soon as the context is made. They belong into `__enter__`.")
class _FromTheStart(ReLUContext):
    def __init__(self, relu_func):
        super().__init__(relu_func)
        super().__enter__()

    def __enter__(self):
        self.entered = True
        return self


@mistake("Nothing is put back: `__exit__` must remove the patches.")
class _NeverBack(ReLUContext):
    def __exit__(self, *exception):
        self.patches = []


@mistake("You put one of the two back. Remove both patches.")
class _OneBack(ReLUContext):
    def __exit__(self, *exception):
        self.patches[0].remove()


@mistake("`__exit__` swallows the exception: a true return value tells Python to forget it.")
class _Swallows(ReLUContext):
    def __exit__(self, *exception):
        super().__exit__(*exception)
        return True


@mistake(
    "After an exception the ReLU is still replaced. `__exit__` is called then too: remove "
    "the patches always."
)
class _OnlyOnSuccess(ReLUContext):
    def __exit__(self, kind, error, traceback):
        if kind is None:
            super().__exit__(kind, error, traceback)


@mistake(
    "When a KeyboardInterrupt passes through (Ctrl-C, the stop button), the ReLU stays replaced: "
    "it is no `Exception`. Remove the patches always, and don't ask what has passed through."
)
class _OnlyAfterExceptions(ReLUContext):
    def __exit__(self, kind, error, traceback):
        if kind is None or issubclass(kind, Exception):
            super().__exit__(kind, error, traceback)


@mistake(
    "You put back what the names stood for when the context was *made*. Another context may have "
    "been entered since: take note of the functions in `__enter__`."
)
class _RemembersTooEarly(ReLUContext):
    def __init__(self, relu_func):
        super().__init__(relu_func)
        self.originals = torch.relu, torch.relu_

    def __enter__(self):
        torch.relu = torch.relu_ = self.relu_func.apply
        return self

    def __exit__(self, *exception):
        torch.relu, torch.relu_ = self.originals


@mistake(
    "Both names get one and the same function back. `torch.relu` and `torch.relu_` are two: note "
    "each, and put each back."
)
class _OneForBoth(ReLUContext):
    def __enter__(self):
        self.original = torch.relu
        torch.relu = torch.relu_ = self.relu_func.apply
        return self

    def __exit__(self, *exception):
        torch.relu = torch.relu_ = self.original


@mistake(
    "You replace a name by the class itself. An autograd function is called through its `apply`: "
    "`Patch('torch.relu', self.relu_func.apply)`."
)
class _WithoutApply(ReLUContext):
    def __enter__(self):
        self.patches = [Patch(n, self.relu_func) for n in ("torch.relu", "torch.relu_")]
        return self


@mistake(
    "`F` is a short name of your notebook. `Patch` wants the full one; and the functions to "
    "replace are `torch.relu` and `torch.relu_`, which `F.relu` calls."
)
class _ShortName(ReLUContext):
    def __enter__(self):
        self.patches = [Patch("F.relu", self.relu_func.apply)]
        return self


@mistake(
    "Python calls `__exit__` with four things: self, and the kind of an exception, the exception "
    "and its traceback (three times None, if there was none)."
)
class _ExitTakesNothing(ReLUContext):
    def __exit__(self):
        for patch in self.patches:
            patch.remove()


@mistake(
    "`F.relu` itself is called with `inplace=...`, which `apply` does not take. Replace what "
    "`F.relu` calls: `torch.relu` and `torch.relu_`."
)
class _FunctionalByApply(ReLUContext):
    def __enter__(self):
        self.patches = [Patch("torch.nn.functional.relu", self.relu_func.apply)]
        return self


EXERCISE = Exercise(
    name="relu_context",
    lesson=LESSON.id,
    after="guided_relu",
    points=2,
    answer="ReLUContext",
    reference=ReLUContext,
    probe=probe_relu_context,
    then=probe_rules_in_turn,
    mistakes=mistake,
    hints=HINTS,
)
