"""Exercises of lesson 02: find what a name stands for, replace it, put it back."""

from __future__ import annotations

import importlib
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any, Self

import torch
from torch import Tensor, nn

from course_lib.exercises.exercise import Exercise, Lesson
from course_lib.exercises.probes import call, randint, randn

LESSON = Lesson(
    id="02_patch",
    title="Change a function without touching its users",
    minutes=45,
    difficulty=2,
    summary="resolve a dotted name; a Patch that always puts back what it replaced",
)

Outcome = dict[str, Any]


def double(x: Tensor, scale: float = 2.0) -> Tensor:
    """The practice function that answers replace."""
    return x * scale


def negate(x: Tensor, scale: float = 1.0) -> Tensor:
    """One replacement."""
    return -x * scale


def square(x: Tensor, scale: float = 1.0) -> Tensor:
    """Another replacement."""
    return x * x * scale


def which(current: Any) -> str:
    """Which of the practice functions `current` is, in words."""
    names = {
        id(double): "the original",
        id(negate): "the replacement",
        id(square): "somebody else's function",
        id(None): "nothing: the name is gone",
    }
    return names.get(id(current), "some other object")


@contextmanager
def practice(function: Callable[..., Tensor] = double) -> Iterator[Any]:
    """A module `practice` with one function `f`, importable by name inside the context."""
    module: Any = ModuleType("practice")
    module.f = function
    before = sys.modules.get("practice")
    sys.modules["practice"] = module
    try:
        yield module
    finally:
        sys.modules.pop("practice", None)
        if before is not None:
            sys.modules["practice"] = before


@contextmanager
def kept(owner: Any, *attributes: str) -> Iterator[None]:
    """Puts the owner's attributes back afterwards, whatever an answer left there."""
    before = {name: getattr(owner, name) for name in attributes}
    try:
        yield
    finally:
        for name, value in before.items():
            setattr(owner, name, value)


def resolve(name: str) -> tuple[Any, str]:
    """The object that owns the last part of a dotted name, and that last part."""
    first, *rest, attribute = name.split(".")
    path = first
    owner: Any = importlib.import_module(first)
    for part in rest:
        path = f"{path}.{part}"
        if not hasattr(owner, part):
            importlib.import_module(path)
        owner = getattr(owner, part)
    return owner, attribute


@contextmanager
def unseen_package(name: str) -> Iterator[None]:
    """A package on disk, `name.inner.tools.Hammer.swing`, that nobody has imported yet."""
    with tempfile.TemporaryDirectory() as folder:
        inner = Path(folder, name, "inner")
        inner.mkdir(parents=True)
        for file in (Path(folder, name, "__init__.py"), inner / "__init__.py"):
            file.write_text("")
        (inner / "tools.py").write_text(
            "class Hammer:\n    @staticmethod\n    def swing():\n        return 'bang'\n"
        )
        sys.path.insert(0, folder)
        importlib.invalidate_caches()
        try:
            yield
        finally:
            sys.path.remove(folder)
            for loaded in [key for key in sys.modules if key.split(".")[0] == name]:
                del sys.modules[loaded]


def describe(thing: Any) -> str:
    """What `thing` is, in words that are the same in every process."""
    if isinstance(thing, ModuleType):
        return f"the module {thing.__name__}"
    if isinstance(thing, type):
        return f"the class {thing.__module__}.{thing.__qualname__}"
    if isinstance(thing, str):
        return f"the text {thing!r}"
    if callable(thing):
        return f"the function {getattr(thing, '__name__', '?')}"
    return f"an object of type {type(thing).__name__}"


def probe_resolve(answer: Callable[[str], Any], rng: torch.Generator) -> Outcome:
    """Owner and attribute for names of four kinds, the last of a package not imported before."""
    outcome: Outcome = {}

    def ask(name: str) -> None:
        found = call(answer, name)
        pair = isinstance(found, tuple | list) and len(found) == 2
        outcome[f"what resolve({name!r}) returns"] = "a pair" if pair else describe(found)
        if pair:
            outcome[f"the owner of {name!r}"] = describe(found[0])
            outcome[f"the attribute of {name!r}"] = describe(found[1])

    def ask_by_value(name: str) -> None:
        # several mistakes end in the same error here: told apart by the owners found before it
        try:
            ask(name)
        except (ImportError, AttributeError) as error:
            outcome[f"what resolve({name!r}) returns"] = f"{type(error).__name__}, raised"

    ask("torch.relu")
    ask("torch.nn.functional.relu")
    ask_by_value("torch.Tensor.relu")
    package = f"toolbox_{randint(rng, 1000, 10000)}"
    with unseen_package(package):
        ask_by_value(f"{package}.inner.tools.Hammer.swing")
    return outcome


def _resolve_too_far(name: str) -> tuple[Any, str]:
    owner, attribute = resolve(name)
    return getattr(owner, attribute), attribute


def _resolve_first_package(name: str) -> tuple[Any, str]:
    first, *rest, attribute = name.split(".")
    owner: Any = importlib.import_module(first)
    for part in rest:
        owner = getattr(owner, part)
    return owner, attribute


def _resolve_all_modules(name: str) -> tuple[Any, str]:
    path, attribute = name.rsplit(".", 1)
    return importlib.import_module(path), attribute


def _resolve_dunder_import(name: str) -> tuple[Any, str]:
    path, attribute = name.rsplit(".", 1)
    return __import__(path), attribute


def _resolve_first_dot(name: str) -> tuple[Any, str]:
    first, rest = name.split(".", 1)
    return importlib.import_module(first), rest


def _resolve_text(name: str) -> tuple[Any, str]:
    path, attribute = name.rsplit(".", 1)
    return path, attribute


def _resolve_swapped(name: str) -> tuple[Any, Any]:
    owner, attribute = resolve(name)
    return attribute, owner


def _resolve_function_only(name: str) -> Any:
    owner, attribute = resolve(name)
    return getattr(owner, attribute)


def run_with(
    owner: Any, attribute: str, replacement: Callable[..., Any], function: Callable[[], Any]
) -> Any:
    """What `function()` returns while `owner.attribute` is `replacement`."""
    original = getattr(owner, attribute)
    setattr(owner, attribute, replacement)
    try:
        return function()
    finally:
        setattr(owner, attribute, original)


def probe_run_with(answer: Callable[..., Any], rng: torch.Generator) -> Outcome:
    """The result, what is left behind, and what an exception does."""
    x = randn(rng, 3)
    desk = SimpleNamespace(f=double)
    calls = []

    def work() -> Tensor:
        calls.append(1)
        return desk.f(x)

    result = call(answer, desk, "f", negate, work)
    outcome: Outcome = {
        "what run_with returns": "nothing" if result is None else "the result of function()",
        "how often function() was called": len(calls),
    }
    if isinstance(result, Tensor):
        outcome["the result, computed with the replacement"] = result
    outcome["afterwards, owner.attribute is"] = which(getattr(desk, "f", None))

    desk = SimpleNamespace(f=double)

    def fail() -> None:
        raise KeyError("a failure on purpose")

    try:
        call(answer, desk, "f", negate, fail)
        outcome["an exception in function()"] = "is lost"
    except KeyError:
        outcome["an exception in function()"] = "reaches the caller"
    outcome["after that exception, owner.attribute is"] = which(getattr(desk, "f", None))
    return outcome


def _run_without_finally(owner, attribute, replacement, function):
    original = getattr(owner, attribute)
    setattr(owner, attribute, replacement)
    result = function()
    setattr(owner, attribute, original)
    return result


def _run_remember_too_late(owner, attribute, replacement, function):
    setattr(owner, attribute, replacement)
    original = getattr(owner, attribute)
    try:
        return function()
    finally:
        setattr(owner, attribute, original)


def _run_swallow(owner, attribute, replacement, function):
    original = getattr(owner, attribute)
    setattr(owner, attribute, replacement)
    result = None
    with suppress(Exception):
        result = function()
    setattr(owner, attribute, original)
    return result


def _run_no_result(owner, attribute, replacement, function):
    run_with(owner, attribute, replacement, function)


def _run_delete(owner, attribute, replacement, function):
    setattr(owner, attribute, replacement)
    try:
        return function()
    finally:
        delattr(owner, attribute)


def _run_local(owner, attribute, replacement, function):
    original = getattr(owner, attribute)
    try:
        current = replacement  # noqa: F841  the mistake: this binds a local name only
        return function()
    finally:
        setattr(owner, attribute, original)


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


def described(thing: Any) -> str:
    """`describe`, with None said as a learner would."""
    return "None" if thing is None else describe(thing)


class _PatchSwallows(Patch):
    def __exit__(self, *exception):
        self.remove()
        return True


class _PatchOnlyOnSuccess(Patch):
    def __exit__(self, kind, error, traceback):
        if kind is None:
            self.remove()


class _PatchSecondOverwrites(Patch):
    def remove(self):
        setattr(self.owner, self.attribute, self.original)


class _PatchSecondComplains(Patch):
    def remove(self):
        if getattr(self.owner, self.attribute) is not self.replacement:
            raise ValueError("somebody else has replaced the name since")
        setattr(self.owner, self.attribute, self.original)


class _PatchNoStaleCheck(Patch):
    def remove(self):
        if self.active:
            setattr(self.owner, self.attribute, self.original)
        self.active = False


class _PatchStaleButDone(Patch):
    def remove(self):
        if not self.active:
            return
        self.active = False
        stale = getattr(self.owner, self.attribute) is not self.replacement
        setattr(self.owner, self.attribute, self.original)
        if stale:
            raise ValueError("somebody else has replaced the name since")


class _PatchSilentlyStale(Patch):
    def remove(self):
        if self.active and getattr(self.owner, self.attribute) is self.replacement:
            setattr(self.owner, self.attribute, self.original)
            self.active = False


class _PatchEntersNone(Patch):
    def __enter__(self):
        self.entered = True


class _PatchOnEnter(Patch):
    def __init__(self, target, new_callable):
        super().__init__(target, new_callable)
        setattr(self.owner, self.attribute, self.original)
        self.active = False

    def __enter__(self):
        setattr(self.owner, self.attribute, self.replacement)
        self.active = True
        return self


class _PatchRemembersTooLate(Patch):
    def __init__(self, target, new_callable):
        super().__init__(target, new_callable)
        self.original = getattr(self.owner, self.attribute)


class _PatchForgetsOnExit(Patch):
    def __exit__(self, *exception):
        self.entered = False


def count_calls(name: str, function: Callable[[], Any]) -> int:
    """How often `name` is called while `function()` runs; everything else stays as it was."""
    owner, attribute = resolve(name)
    original = getattr(owner, attribute)
    calls = 0

    def counting(*args: Any, **kwargs: Any) -> Any:
        nonlocal calls
        calls += 1
        return original(*args, **kwargs)

    with Patch(name, counting):
        function()
    return calls


def probe_count_calls(answer: Callable[..., int], rng: torch.Generator) -> Outcome:
    """The count, and whether anybody could have noticed the counting."""
    x = randn(rng, 3)
    times = randint(rng, 2, 7)
    outcome: Outcome = {}

    with practice() as module:
        seen: list[Any] = []

        def work() -> None:
            for i in range(times):
                try:
                    result = module.f(x + i) if i % 2 == 0 else module.f(x, scale=3.0 + i)
                except (TypeError, RecursionError) as error:
                    result = f"{type(error).__name__}, raised"
                seen.append(result)

        count = call(answer, "practice.f", work)
        outcome["the count"] = count if isinstance(count, int) else described(count)
        odd = [value for value in seen if not isinstance(value, Tensor)]
        outcome["what the calls got back while they were counted"] = (
            described(odd[0]) if odd else "tensors"
        )
        if not odd:
            outcome["the values that they got back"] = torch.stack(seen)
        outcome["afterwards, the name is"] = which(module.f)

    with practice() as module:
        outcome["the count for a function that never calls it"] = call(
            answer, "practice.f", lambda: None
        )

    with practice() as module:

        def fail() -> None:
            raise KeyError("a failure on purpose")

        try:
            call(answer, "practice.f", fail)
            outcome["an exception in function()"] = "is lost"
        except KeyError:
            outcome["an exception in function()"] = "reaches the caller"
        outcome["after that exception, the name is"] = which(module.f)

    network = nn.Sequential(nn.Linear(3, 3), nn.ReLU(), nn.Linear(3, 2), nn.ReLU()).double()
    with kept(torch, "relu"):
        outcome["calls of torch.relu in a network with two nn.ReLU"] = call(
            answer, "torch.relu", lambda: network(x)
        )
    return outcome


def _count_with(make: Callable[[Any, str, list[int]], Callable[..., Any]]):
    """A `count_calls` whose replacement is what `make(owner, attribute, calls)` returns."""

    def answer(name, function):
        owner, attribute = resolve(name)
        calls: list[int] = []
        with Patch(name, make(owner, attribute, calls)):
            function()
        return len(calls)

    return answer


def _counting_drops_result(owner, attribute, calls):
    original = getattr(owner, attribute)

    def counting(*args, **kwargs):
        calls.append(1)
        original(*args, **kwargs)

    return counting


def _counting_drops_keywords(owner, attribute, calls):
    original = getattr(owner, attribute)

    def counting(x):
        calls.append(1)
        return original(x)

    return counting


def _counting_calls_itself(owner, attribute, calls):
    def counting(*args, **kwargs):
        calls.append(1)
        return getattr(owner, attribute)(*args, **kwargs)

    return counting


def _count_stays_patched(name, function):
    owner, attribute = resolve(name)
    original = getattr(owner, attribute)
    calls: list[int] = []

    def counting(*args, **kwargs):
        calls.append(1)
        return original(*args, **kwargs)

    patch = Patch(name, counting)
    function()
    patch.remove()
    return len(calls)


def _count_at_most_one(name, function):
    return min(1, count_calls(name, function))


def _count_the_function(name, function):
    count_calls(name, function)
    return 1


def _count_no_return(name, function):
    count_calls(name, function)


EXERCISES = [
    Exercise(
        name="resolve",
        lesson=LESSON.id,
        points=2,
        answer="resolve",
        reference=resolve,
        probe=probe_resolve,
        mistakes={
            "You walked one step too far. The last part is what will be replaced, so you need the "
            "object that holds it: stop before the last part and leave that one as text.": (
                _resolve_too_far
            ),
            "You imported the first package only. A submodule that nobody has imported yet is no "
            "attribute of its package: when `hasattr(owner, part)` is False, import the path up "
            "to there first.": _resolve_first_package,
            "You imported the whole path up to the last dot. That fails where the owner is a "
            "class: `torch.Tensor` is no module, so it can't be imported, only reached with "
            "`getattr` from `torch`.": _resolve_all_modules,
            "`__import__('a.b.c')` imports all three and returns `a`. `importlib.import_module` "
            "returns the last one, but it can't import a class: walk the rest with `getattr`.": (
                _resolve_dunder_import
            ),
            "You cut at the first dot. In 'torch.nn.functional.relu' the owner of `relu` is "
            "`torch.nn.functional`, so the cut that counts is the last one.": _resolve_first_dot,
            "The owner is still text. `setattr` needs the object itself: import the first part, "
            "then follow the others with `getattr`.": _resolve_text,
            "The two are swapped: the owner comes first, then the attribute's name.": (
                _resolve_swapped
            ),
            "You returned the function alone. Nobody can replace a function whose owner is not "
            "known: return the pair (owner, attribute).": _resolve_function_only,
        },
        hints=[
            "Cut the text at the dots. The last part stays text; the parts before it lead to the "
            "owner.",
            "`importlib.import_module` of the first part gives you the object to start from. From "
            "there walk one part at a time: `owner = getattr(owner, part)`.",
            "Keep the path so far as text while you walk. Where `hasattr(owner, part)` is False, "
            "`importlib.import_module(path)` loads the submodule and hangs it on its package; "
            "after that `getattr` finds it.",
            "Almost the code: `first, *rest, attribute = name.split('.')`; owner and path start "
            "at `first`; for each part in rest: extend the path, import it if the owner lacks the "
            "part, step down; return owner, attribute.",
        ],
    ),
    Exercise(
        name="run_with",
        lesson=LESSON.id,
        points=2,
        answer="run_with",
        reference=run_with,
        probe=probe_run_with,
        mistakes={
            "You put the original back only when all went well. An exception leaves the function "
            "at once, past your last line: the line that restores belongs into `finally`.": (
                _run_without_finally
            ),
            "Afterwards the replacement is still there. Read the original *before* you replace it: "
            "read later, it is the replacement.": _run_remember_too_late,
            "The exception disappeared: the caller takes a failed run for a good one. `finally` "
            "lets it pass on after the restoring; `except`, or a `return` inside `finally`, "
            "stops it.": _run_swallow,
            "You ran `function()` and threw its result away: return it.": _run_no_result,
            "You deleted the name instead of putting the original back under it.": _run_delete,
            "While `function()` ran, the name still stood for the original. Assigning to a local "
            "variable moves no signpost: use `setattr(owner, attribute, replacement)`.": _run_local,
        },
        hints=[
            "Three things in order: remember the original, replace it, put it back. Between the "
            "last two, `function()` runs.",
            "`getattr(owner, attribute)` reads and `setattr(owner, attribute, value)` writes an "
            "attribute whose name is in a variable.",
            "What stands in the `finally:` of a `try:` runs on every way out, by `return` as by an "
            "exception, and the exception goes on afterwards.",
            "The last four lines are: `try:`, `return function()`, `finally:`, and one `setattr`.",
        ],
    ),
    Exercise(
        name="patch",
        lesson=LESSON.id,
        points=3,
        answer="Patch",
        reference=Patch,
        probe=probe_patch,
        mistakes={
            "`__exit__` swallows the exception: a true return value tells Python to forget it. "
            "Return nothing.": _PatchSwallows,
            "`__exit__` restores only when all went well. It is called after an exception too, "
            "and then it is needed most: remove always.": _PatchOnlyOnSuccess,
            "Each `remove()` writes the original again, so a late or second one wipes out what "
            "someone else put there since. Remember that you are done, and look whether the name "
            "still stands for your replacement.": _PatchSecondOverwrites,
            "A second `remove()` complains. It has nothing left to do: remember that the patch is "
            "off, and return at once.": _PatchSecondComplains,
            "You remove a patch that lies under a newer one. That wipes out the newer one now, "
            "and the newer one's own `remove()` will bring yours back for good. Refuse with a "
            "ValueError when the name no longer stands for your replacement.": _PatchNoStaleCheck,
            "You refuse, but after having written the original, so the newer patch is lost all "
            "the same. Look first, raise, and change nothing.": _PatchStaleButDone,
            "You leave a newer patch alone, and say nothing. The caller now believes that the "
            "patch is off while it still lies below: raise a ValueError.": _PatchSilentlyStale,
            "`with Patch(...) as p` gives None: what `__enter__` returns is what `as` binds. "
            "Return self.": _PatchEntersNone,
            "You replace in `__enter__`, so `Patch(...)` without a `with` does nothing. Replace "
            "in `__init__`.": _PatchOnEnter,
            "You remember the original after replacing it, so you put the replacement back. Read "
            "first, then replace.": _PatchRemembersTooLate,
            "Nothing is put back at the end of `with`: `__exit__` must call `remove()`.": (
                _PatchForgetsOnExit
            ),
        },
        hints=[
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
        ],
    ),
    Exercise(
        name="count_calls",
        lesson=LESSON.id,
        points=2,
        answer="count_calls",
        reference=count_calls,
        probe=probe_count_calls,
        mistakes={
            "Your counting function calls the original and drops what it returns, so the caller "
            "gets None: return it.": _count_with(_counting_drops_result),
            "Your counting function takes one positional argument only. A call with keywords "
            "breaks: take `*args, **kwargs` and pass both on.": _count_with(
                _counting_drops_keywords
            ),
            "Your counting function looks the name up again, finds itself there, and calls itself "
            "without end. Read the original before you patch, and call that.": _count_with(
                _counting_calls_itself
            ),
            "After an exception the counting function is still in place. Use the patch in a "
            "`with`.": _count_stays_patched,
            "Your count never goes beyond 1: add 1 per call. To change a variable of the outer "
            "function from the inner one, Python wants `nonlocal`.": _count_at_most_one,
            "You counted the calls of `function`. Count those of the name: the counter belongs "
            "into the replacement.": _count_the_function,
            "You counted, but returned nothing.": _count_no_return,
        },
        hints=[
            "Replace the name by a function that adds 1 to a counter and then does what the "
            "original does.",
            "Get the original with `resolve` and `getattr` before you patch. Inside the patch the "
            "name stands for your own function.",
            "`def counting(*args, **kwargs): ... return original(*args, **kwargs)` passes every "
            "kind of argument on. To count from inside, declare `nonlocal calls`.",
            "The last lines are `with Patch(name, counting): function()` and `return calls`.",
        ],
    ),
]
