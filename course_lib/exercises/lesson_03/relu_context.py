"""Inside `with`, torch's two ReLU functions go back by the rule of `relu_func`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Self

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd import Function

from course_lib.attribution.rules.patch import Patch

from ..engine.exercise import Exercise, Mistakes, Outcome
from ..engine.probes import call, rand, small_network
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


EXERCISE = Exercise(
    name="relu_context",
    lesson=LESSON.id,
    after="guided_relu",
    points=2,
    answer="ReLUContext",
    reference=ReLUContext,
    probe=probe_relu_context,
    mistakes=mistake,
    hints=HINTS,
)
