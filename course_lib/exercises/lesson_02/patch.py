"""The name `target` stands for `new_callable` until remove() or the end of `with`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Self

import torch
from torch import nn

from ..engine.exercise import Exercise, Mistakes, Outcome
from ..engine.probes import call, randn
from ..engine.traces import no_trace
from . import LESSON
from .resolve import resolve
from .shared import described, double, kept, negate, practice, square, which


class Patch:
    """The name `target` stands for `new_callable` until remove() or the end of `with`.

    The library's `Patch` does more for its users (it explains names that lead nowhere, and it
    patches what a class inherits); this one is what the lesson asks for.
    """

    def __init__(self, target: str, new_callable: Callable[..., Any]) -> None:
        self.owner, self.attribute = resolve(target)
        self.original = getattr(self.owner, self.attribute)
        self.replacement = new_callable
        setattr(self.owner, self.attribute, new_callable)
        self.active = True

    def remove(self) -> None:
        """Put the original back; ValueError if somebody has replaced the name since."""
        if not self.active:
            return
        if getattr(self.owner, self.attribute) is not self.replacement:
            raise ValueError(f"{self.attribute} has been replaced since: remove that patch first.")
        setattr(self.owner, self.attribute, self.original)
        self.active = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: Any, error: Any, traceback: Any) -> bool | None:
        self.remove()
        return None


def probe_patch(answer: type, rng: torch.Generator) -> Outcome:
    """A patch's whole life: made, used, removed once and twice, failing, and out of order."""
    x = randn(rng, 4)
    outcome: Outcome = {}
    _removed_twice(answer, outcome)
    _in_a_with(answer, x, outcome)
    _with_errors(answer, outcome)
    _two_on_one_name(answer, outcome)
    _two_names(answer, outcome)
    _stale_by_others(answer, outcome)
    _on_classes(answer, outcome)
    with kept(torch, "relu"), no_trace(outcome, "after patches of torch.relu"):
        with call(answer, "torch.relu", torch.neg):
            outcome["nn.ReLU()(x) while torch.relu is torch.neg"] = nn.ReLU()(x)
        outcome["nn.ReLU()(x) afterwards"] = nn.ReLU()(x)
    with practice() as module:
        call(answer, "practice.f", negate)
        outcome["after Patch(...) that nobody keeps in a variable, the name is"] = which(module.f)
    return outcome


def _removed_twice(answer: type, outcome: Outcome) -> None:
    with practice() as module:
        patch = call(answer, "practice.f", negate)
        outcome["after Patch(...), the name is"] = which(module.f)
        patch.remove()
        outcome["after remove(), the name is"] = which(module.f)
        module.f = square
        outcome["a second remove()"] = _attempt(patch.remove)
        outcome["after a second remove(), on a name that someone else has replaced since"] = which(
            module.f
        )
    with practice() as module:
        patch = call(answer, "practice.f", negate)
        patch.remove()
        module.f = negate
        outcome["a second remove(), when the same replacement is on again"] = _attempt(patch.remove)
        outcome["after a second remove(), when the same replacement is on again, the name is"] = (
            which(module.f)
        )


def _attempt(remove: Callable[[], Any]) -> str:
    try:
        remove()
    except ValueError:
        return "raises ValueError"
    except Exception as error:
        return f"raises {type(error).__name__}"
    return "raises nothing"


def _in_a_with(answer: type, x: torch.Tensor, outcome: Outcome) -> None:
    with practice() as module:
        patch = call(answer, "practice.f", negate)
        with patch as given:
            outcome["what `with ... as` gives"] = (
                "the patch" if given is patch else described(given)
            )
            outcome["inside with, f(x) is"] = module.f(x)
        outcome["after with, the name is"] = which(module.f)
        patch = call(answer, "practice.f", negate)

        def remove_inside() -> None:
            with patch:
                patch.remove()
                outcome["after remove() inside with, the name is"] = which(module.f)
                module.f = square

        outcome["end of with, after remove()"] = _attempt(remove_inside)
        outcome["end of with, after remove(), on a name that someone else has replaced since"] = (
            which(module.f)
        )


def _with_errors(answer: type, outcome: Outcome) -> None:
    for error in (KeyError, KeyboardInterrupt):
        with practice() as module:
            came = "is lost"
            try:
                with call(answer, "practice.f", negate):
                    raise error("a failure on purpose")
            except error:
                came = "reaches the caller"
            outcome[f"a {error.__name__} inside with"] = came
            outcome[f"after a {error.__name__}, the name is"] = which(module.f)


def _two_on_one_name(answer: type, outcome: Outcome) -> None:
    with practice() as module:
        first = call(answer, "practice.f", negate)
        second = call(answer, "practice.f", square)
        outcome["removing the older of two patches first"] = _attempt(first.remove)
        outcome["after that, the name is"] = which(module.f)
        if module.f is square:
            outcome["removing the newer one"] = _attempt(second.remove)
            outcome["after removing the newer one, the name is"] = which(module.f)
            outcome["removing the older one again"] = _attempt(first.remove)
            outcome["after removing both, the name is"] = which(module.f)
    with practice() as module:

        def nest() -> None:
            with call(answer, "practice.f", square):
                with call(answer, "practice.f", negate):
                    outcome["in two nested with, the name is"] = which(module.f)
                outcome["after the inner of two nested with, the name is"] = which(module.f)

        outcome["two nested with"] = _attempt(nest)
        outcome["after two nested with, the name is"] = which(module.f)


def _two_names(answer: type, outcome: Outcome) -> None:
    """Two patches that have nothing to do with each other; the older is removed first."""
    with practice() as module:
        first = call(answer, "practice.f", negate)
        second = call(answer, "practice.Tool.f", square)
        outcome["patches of two names: removing the older"] = _attempt(first.remove)
        outcome["patches of two names: after that, the older's name is"] = which(module.f)
        outcome["patches of two names: after that, the newer's name is"] = which(module.Tool.f)
        outcome["patches of two names: removing the newer"] = _attempt(second.remove)
        outcome["patches of two names: in the end, the newer's name is"] = which(module.Tool.f)


def _stale_by_others(answer: type, outcome: Outcome) -> None:
    """Somebody else has turned the name while the patch was on."""
    with practice() as module:

        def leave() -> None:
            with call(answer, "practice.f", negate):
                module.f = square

        outcome["end of with, when someone else has replaced the name since"] = _attempt(leave)
        outcome["after that end of with, the name is"] = which(module.f)
    with practice() as module:
        patch = call(answer, "practice.f", negate)
        module.f = double
        outcome["remove(), when someone else has put the original back"] = _attempt(patch.remove)


def _on_classes(answer: type, outcome: Outcome) -> None:
    with practice() as module:
        for owner, what in ((module.Tool, "a class"), (module.Handle, "a class that inherits it")):
            with call(answer, f"practice.{owner.__name__}.f", negate):
                outcome[f"inside with, the name on {what} is"] = which(owner.f)
            outcome[f"after with, the name on {what} is"] = which(owner.f)


HINTS = [
    "`__init__` does the first half of `run_with`, `remove` the second. What `remove` "
    "needs to know, `__init__` keeps in `self`: owner, attribute, original, replacement.",
    "One more thing to keep is whether the patch is on. `remove` of a patch that is off "
    "returns at once.",
    "A patch that is on may be removed only if the name still stands for its replacement: "
    "`getattr(self.owner, self.attribute) is self.replacement`. Otherwise raise a "
    "ValueError before you change anything.",
    "`__enter__` is one line, `return self`, and `__exit__` is one line, `self.remove()`.",
    "Almost the code of remove: `if not self.active: return`; `if <the name stands for "
    "something else>: raise ValueError(...)`; `setattr(...)`; `self.active = False`.",
]

mistake = Mistakes()


@mistake(
    "`__exit__` swallows the exception: a true return value tells Python to forget it. "
    "Return nothing."
)
class _PatchSwallows(Patch):
    def __exit__(self, *exception):
        self.remove()
        return True


@mistake(
    "`__exit__` restores only when all went well. It is called after an exception too, "
    "and then it is needed most: remove always."
)
class _PatchOnlyOnSuccess(Patch):
    def __exit__(self, kind, error, traceback):
        if kind is None:
            self.remove()


@mistake(
    "Each `remove()` writes the original again, so a late or second one wipes out what "
    "someone else put there since. Remember that you are done, and look whether the name "
    "still stands for your replacement."
)
class _PatchSecondOverwrites(Patch):
    def remove(self):
        setattr(self.owner, self.attribute, self.original)


@mistake(
    "A second `remove()` complains. It has nothing left to do: remember that the patch is "
    "off, and return at once."
)
class _PatchSecondComplains(Patch):
    def remove(self):
        if getattr(self.owner, self.attribute) is not self.replacement:
            raise ValueError("somebody else has replaced the name since")
        setattr(self.owner, self.attribute, self.original)


@mistake(
    "You remove a patch that lies under a newer one. That wipes out the newer one now, "
    "and the newer one's own `remove()` will bring yours back for good. Refuse with a "
    "ValueError when the name no longer stands for your replacement."
)
class _PatchNoStaleCheck(Patch):
    def remove(self):
        if self.active:
            setattr(self.owner, self.attribute, self.original)
        self.active = False


@mistake(
    "You refuse, but after having written the original, so the newer patch is lost all "
    "the same. Look first, raise, and change nothing."
)
class _PatchStaleButDone(Patch):
    def remove(self):
        if not self.active:
            return
        self.active = False
        stale = getattr(self.owner, self.attribute) is not self.replacement
        setattr(self.owner, self.attribute, self.original)
        if stale:
            raise ValueError("somebody else has replaced the name since")


@mistake(
    "You leave a newer patch alone, but raise nothing. The caller now believes that the "
    "patch is off while it still lies below: `raise ValueError(...)`."
)
class _PatchSilentlyStale(Patch):
    def remove(self):
        if self.active and getattr(self.owner, self.attribute) is self.replacement:
            setattr(self.owner, self.attribute, self.original)
            self.active = False


@mistake(
    "`with Patch(...) as p` gives None: what `__enter__` returns is what `as` binds. Return self."
)
class _PatchEntersNone(Patch):
    def __enter__(self):
        self.entered = True


@mistake(
    "You replace in `__enter__`, so `Patch(...)` without a `with` does nothing. Replace "
    "in `__init__`."
)
class _PatchOnEnter(Patch):
    def __init__(self, target, new_callable):
        super().__init__(target, new_callable)
        setattr(self.owner, self.attribute, self.original)
        self.active = False

    def __enter__(self):
        setattr(self.owner, self.attribute, self.replacement)
        self.active = True
        return self


@mistake(
    "You remember the original after replacing it, so you put the replacement back. Read "
    "first, then replace."
)
class _PatchRemembersTooLate(Patch):
    def __init__(self, target, new_callable):
        super().__init__(target, new_callable)
        self.original = getattr(self.owner, self.attribute)


@mistake("Nothing is put back at the end of `with`: `__exit__` must call `remove()`.")
class _PatchForgetsOnExit(Patch):
    def __exit__(self, *exception):
        self.entered = False


@mistake(
    "`__exit__` removes the patch after an `Exception` only. Not all errors are one: when "
    "somebody presses stop, Python raises a KeyboardInterrupt. Remove always."
)
class _PatchOnlyOnExceptions(Patch):
    def __exit__(self, kind, error, traceback):
        if kind is None or issubclass(kind, Exception):
            self.remove()


@mistake(
    "At the end of with you put the original back without looking. The patch may be off by then, "
    "or somebody else's may lie on top. `remove()` looks: let `__exit__` call it."
)
class _PatchExitWritesAlways(Patch):
    def __exit__(self, kind, error, traceback):
        setattr(self.owner, self.attribute, self.original)
        self.active = False


@mistake(
    "A name that `__init__` gives ends with `__init__`. What `remove` needs to know is kept in "
    "the object: `self.owner, self.attribute = ...`."
)
class _PatchForgetsSelf(Patch):
    def remove(self):
        setattr(owner, attribute, original)  # noqa: F821  the mistake: not kept in self


@mistake(
    "At the end of with you put the original back without looking who has replaced the name "
    "since. `remove()` looks: let `__exit__` call it."
)
class _PatchExitOverwrites(Patch):
    def __exit__(self, kind, error, traceback):
        if self.active:
            setattr(self.owner, self.attribute, self.original)
        self.active = False


@mistake(
    "Your patch takes itself for removed before it has refused, so that it can't be removed any "
    "more when its turn comes. When you raise, change nothing."
)
class _PatchGivesUp(Patch):
    def remove(self):
        if not self.active:
            return
        self.active = False
        if getattr(self.owner, self.attribute) is not self.replacement:
            raise ValueError("somebody else has replaced the name since")
        setattr(self.owner, self.attribute, self.original)


@mistake(
    "A second `remove()` acts again when the name stands for the same replacement by then, put "
    "there by somebody else. What counts is whether *this* patch is on: remember it."
)
class _PatchLooksAtTheName(Patch):
    def remove(self):
        if getattr(self.owner, self.attribute) is self.replacement:
            setattr(self.owner, self.attribute, self.original)
            self.active = False
        elif self.active:
            raise ValueError("somebody else has replaced the name since")


@mistake(
    "When somebody else has put the original back, you take your patch for removed. It is still "
    "on, and the name stands for something else than `new_callable`: raise a ValueError."
)
class _PatchContentWithTheOriginal(Patch):
    def remove(self):
        if getattr(self.owner, self.attribute) is not self.original:
            super().remove()


@mistake(
    "What you remember stands on the class, which all patches share: a second patch overwrites "
    "what the first one remembered. Keep it in `self`."
)
class _PatchShares(Patch):
    def __init__(self, target, new_callable):
        cls = type(self)
        cls.owner, cls.attribute = resolve(target)
        cls.original = getattr(cls.owner, cls.attribute)
        self.replacement = new_callable
        setattr(cls.owner, cls.attribute, new_callable)
        self.active = True


@mistake(
    "Python hands `__exit__` three things, which describe the error or are None: "
    "`def __exit__(self, kind, error, traceback)`."
)
class _PatchExitTakesNothing(Patch):
    def __exit__(self):
        self.remove()


EXERCISE = Exercise(
    name="patch",
    lesson=LESSON.id,
    after="run_with",
    points=3,
    answer="Patch",
    reference=Patch,
    probe=probe_patch,
    mistakes=mistake,
    hints=HINTS,
)
