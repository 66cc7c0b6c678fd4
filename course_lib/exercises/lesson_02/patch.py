"""The name `target` stands for `new_callable` until remove() or the end of `with`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Self

import torch
from torch import nn

from ..engine.exercise import Exercise, Mistakes, Outcome
from ..engine.probes import call, randn
from . import LESSON
from .resolve import resolve
from .shared import described, kept, negate, practice, square, which


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

    with practice() as module:
        patch = call(answer, "practice.f", negate)
        outcome["after Patch(...), the name is"] = which(module.f)
        patch.remove()
        outcome["after remove(), the name is"] = which(module.f)
        module.f = square
        try:
            patch.remove()
            outcome["a second remove()"] = "does nothing"
        except Exception as error:
            outcome["a second remove()"] = f"raises {type(error).__name__}"
        outcome["after a second remove(), on a name that someone else has replaced since"] = which(
            module.f
        )

    with practice() as module:
        with call(answer, "practice.f", negate) as patch:
            outcome["what `with ... as` gives"] = (
                "the patch" if isinstance(patch, answer) else described(patch)
            )
            outcome["inside with, f(x) is"] = module.f(x)
        outcome["after with, the name is"] = which(module.f)

    with practice() as module:
        try:
            with call(answer, "practice.f", negate):
                raise KeyError("a failure on purpose")
            outcome["an exception inside with"] = "is lost"
        except KeyError:
            outcome["an exception inside with"] = "reaches the caller"
        outcome["after an exception, the name is"] = which(module.f)

    with practice() as module:
        first = call(answer, "practice.f", negate)
        second = call(answer, "practice.f", square)
        try:
            first.remove()
            outcome["removing the older of two patches first"] = "is accepted"
        except ValueError:
            outcome["removing the older of two patches first"] = "raises ValueError"
        outcome["after that, the name is"] = which(module.f)
        if module.f is square:
            second.remove()
            outcome["after removing the newer one, the name is"] = which(module.f)
            first.remove()
            outcome["after removing both, the name is"] = which(module.f)

    with kept(torch, "relu"):
        values = randn(rng, 5)
        with call(answer, "torch.relu", torch.neg):
            outcome["nn.ReLU()(x) while torch.relu is torch.neg"] = nn.ReLU()(values)
        outcome["nn.ReLU()(x) afterwards"] = nn.ReLU()(values)
    return outcome


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
    "You leave a newer patch alone, and say nothing. The caller now believes that the "
    "patch is off while it still lies below: raise a ValueError."
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
