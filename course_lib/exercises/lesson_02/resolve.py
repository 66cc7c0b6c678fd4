"""The object that owns the last part of a dotted name, and that last part."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import spec_from_loader
from types import ModuleType
from typing import Any

import torch

from ..engine.exercise import Exercise, Mistakes, Outcome
from ..engine.probes import call, randint
from . import LESSON
from .shared import describe


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


class _InMemory(MetaPathFinder, Loader):
    """Finds modules whose sources it has been given, by their full names."""

    def __init__(self, sources: dict[str, str]) -> None:
        self._sources = sources

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        if name not in self._sources:
            return None
        inside = any(other.startswith(f"{name}.") for other in self._sources)
        return spec_from_loader(name, self, is_package=inside)

    def exec_module(self, module: ModuleType) -> None:
        exec(self._sources[module.__name__], vars(module))


@contextmanager
def unseen_package(name: str, hit: int, swing: int) -> Iterator[None]:
    """A package that nobody has imported: `name.inner.tools`, with classes in classes.

    Its functions return the numbers `hit` and `swing`.
    """
    tools = (
        "class Hammer:\n"
        "    class Head:\n"
        f"        def hit():\n            return {hit}\n"
        f"    def swing():\n        return {swing}\n"
    )
    finder = _InMemory({name: "", f"{name}.inner": "", f"{name}.inner.tools": tools})
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)
        for loaded in [key for key in sys.modules if key.split(".")[0] == name]:
            del sys.modules[loaded]


def probe_resolve(answer: Callable[[str], Any], rng: torch.Generator) -> Outcome:
    """Owner and attribute for names of five kinds, the last two of a package not yet imported.

    What the last two lead to is called: its number can't be known without going there.
    """
    outcome: Outcome = {}

    def ask(name: str) -> Any:
        found = call(answer, name)
        pair = isinstance(found, tuple | list) and len(found) == 2
        other = None if found is None else describe(found)
        outcome[f"what resolve({name!r}) returns"] = "a pair" if pair else other
        if pair:
            outcome[f"the owner of {name!r}"] = describe(found[0])
            outcome[f"the attribute of {name!r}"] = describe(found[1])
        return found if pair else None

    def ask_by_value(name: str) -> Any:
        # several mistakes end in the same error here: told apart by the owners found before it
        try:
            return ask(name)
        except (ImportError, AttributeError) as error:
            outcome[f"what resolve({name!r}) returns"] = f"{type(error).__name__}, raised"

    ask("torch.relu")
    ask("torch.nn.functional.relu")
    ask_by_value("torch.Tensor.relu")
    package = f"toolbox_{randint(rng, 1000, 10000)}"
    with unseen_package(package, randint(rng, 0, 10**6), randint(rng, 0, 10**6)):
        for path in ("Hammer.swing", "Hammer.Head.hit"):
            name = f"{package}.inner.tools.{path}"
            outcome[f"what {name!r} returns when it is called"] = _number(ask_by_value(name))
    return outcome


def _number(found: Any) -> int | None:
    """What the function returns that an owner and an attribute lead to, if it is a number."""
    if found is None or not isinstance(found[1], str):
        return None
    function = getattr(found[0], found[1], None)
    value = function() if callable(function) else None
    return value if isinstance(value, int) else None


HINTS = [
    "Cut the text at the dots. The last part stays text; the parts before it lead to the owner.",
    "`importlib.import_module` of the first part gives you the object to start from. From "
    "there walk one part at a time: `owner = getattr(owner, part)`.",
    "Keep the path so far as text while you walk. Where `hasattr(owner, part)` is False, "
    "`importlib.import_module(path)` loads the submodule and hangs it on its package; "
    "after that `getattr` finds it.",
    "Almost the code: `first, *rest, attribute = name.split('.')`; owner and path start "
    "at `first`; for each part in rest: extend the path, import it if the owner lacks the "
    "part, step down; return owner, attribute.",
]

mistake = Mistakes()


@mistake(
    "You walked one step too far. The last part is what will be replaced, so you need the "
    "object that holds it: stop before the last part and leave that one as text."
)
def _resolve_too_far(name: str) -> tuple[Any, str]:
    owner, attribute = resolve(name)
    return getattr(owner, attribute), attribute


@mistake(
    "You imported the first package only. A submodule that nobody has imported yet is no "
    "attribute of its package: when `hasattr(owner, part)` is False, import the path up "
    "to there first."
)
def _resolve_first_package(name: str) -> tuple[Any, str]:
    first, *rest, attribute = name.split(".")
    owner: Any = importlib.import_module(first)
    for part in rest:
        owner = getattr(owner, part)
    return owner, attribute


@mistake(
    "You imported the whole path up to the last dot. That fails where the owner is a "
    "class: `torch.Tensor` is no module, so it can't be imported, only reached with "
    "`getattr` from `torch`."
)
def _resolve_all_modules(name: str) -> tuple[Any, str]:
    path, attribute = name.rsplit(".", 1)
    return importlib.import_module(path), attribute


@mistake(
    "`__import__('a.b.c')` imports all three and returns `a`. `importlib.import_module` "
    "returns the last one, but it can't import a class: walk the rest with `getattr`."
)
def _resolve_dunder_import(name: str) -> tuple[Any, str]:
    path, attribute = name.rsplit(".", 1)
    return __import__(path), attribute


@mistake(
    "You cut at the first dot. In 'torch.nn.functional.relu' the owner of `relu` is "
    "`torch.nn.functional`, so the cut that counts is the last one."
)
def _resolve_first_dot(name: str) -> tuple[Any, str]:
    first, rest = name.split(".", 1)
    return importlib.import_module(first), rest


@mistake(
    "The owner is still text. `setattr` needs the object itself: import the first part, "
    "then follow the others with `getattr`."
)
def _resolve_text(name: str) -> tuple[Any, str]:
    path, attribute = name.rsplit(".", 1)
    return path, attribute


@mistake("The two are swapped: the owner comes first, then the attribute's name.")
def _resolve_swapped(name: str) -> tuple[Any, Any]:
    owner, attribute = resolve(name)
    return attribute, owner


@mistake(
    "You returned the function alone. Nobody can replace a function whose owner is not "
    "known: return the pair (owner, attribute)."
)
def _resolve_function_only(name: str) -> Any:
    owner, attribute = resolve(name)
    return getattr(owner, attribute)


@mistake(
    "You import a part by its own name alone. A submodule is imported by its whole path, such as "
    "`torch.nn.functional`: keep the path so far as text while you walk."
)
def _resolve_part_alone(name: str) -> tuple[Any, str]:
    first, *rest, attribute = name.split(".")
    owner: Any = importlib.import_module(first)
    for part in rest:
        if not hasattr(owner, part):
            importlib.import_module(part)
        owner = getattr(owner, part)
    return owner, attribute


@mistake(
    "You walked one step too far, to the function itself: the last part of the name is not "
    "walked. (And a submodule that nobody has imported yet has to be imported on the way.)"
)
def _resolve_too_far_without_imports(name: str) -> tuple[Any, str]:
    first, *rest = name.split(".")
    owner: Any = importlib.import_module(first)
    for part in rest:
        owner = getattr(owner, part)
    return owner, rest[-1]


@mistake(
    "You never take the step: the owner is still the first part. Keep what `getattr` gives "
    "you: `owner = getattr(owner, part)`."
)
def _resolve_without_walking(name: str) -> tuple[Any, str]:
    first, *_, attribute = name.split(".")
    return importlib.import_module(first), attribute


@mistake(
    "You allow for one class at the end of the path. A class may stand in another class: walk "
    "the path with `getattr`, part by part, however long it is."
)
def _resolve_one_class(name: str) -> tuple[Any, str]:
    path, attribute = name.rsplit(".", 1)
    try:
        return importlib.import_module(path), attribute
    except ModuleNotFoundError:
        module, part = path.rsplit(".", 1)
        return getattr(importlib.import_module(module), part), attribute


EXERCISE = Exercise(
    name="resolve",
    lesson=LESSON.id,
    points=2,
    answer="resolve",
    reference=resolve,
    probe=probe_resolve,
    mistakes=mistake,
    hints=HINTS,
)
