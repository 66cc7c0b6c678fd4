"""Answers of lesson 02 that no exercise lists."""

from __future__ import annotations

from course_lib.exercises.engine.answers import Answers

answers = Answers()

# resolve

answers.right(
    "resolve",
    """
    import pkgutil

    def resolve(name):
        path, attribute = name.rsplit(".", 1)
        return pkgutil.resolve_name(path), attribute
    """,
)
answers.right(
    "resolve",
    """
    import importlib

    def resolve(name):
        *path, attribute = name.split(".")
        for i in range(len(path), 0, -1):
            try:
                owner = importlib.import_module(".".join(path[:i]))
                break
            except ModuleNotFoundError:
                continue
        for part in path[i:]:
            owner = getattr(owner, part)
        return owner, attribute
    """,
)
answers.right(
    "resolve",
    """
    import importlib

    def resolve(name):
        parts = name.split(".")
        owner = __import__(parts[0])
        for i, part in enumerate(parts[1:-1], start=2):
            try:
                owner = getattr(owner, part)
            except AttributeError:
                owner = importlib.import_module(".".join(parts[:i]))
        return [owner, parts[-1]]
    """,
)
answers.right(
    "resolve",
    """
    import importlib

    def resolve(name):
        def walk(path):
            if "." not in path:
                return importlib.import_module(path)
            above, _, part = path.rpartition(".")
            owner = walk(above)
            return getattr(owner, part) if hasattr(owner, part) else importlib.import_module(path)

        path, _, attribute = name.rpartition(".")
        return walk(path), attribute
    """,
)
answers.right(
    "resolve",
    """
    import pydoc

    def resolve(name):
        path, attribute = name.rsplit(".", 1)
        return pydoc.locate(path), attribute
    """,
)
answers.wrong(
    "resolve",
    """
    def resolve(name):
        path, attribute = name.rsplit(".", 1)
        return eval(path), attribute
    """,
)
answers.wrong(
    "resolve",
    """
    import sys

    def resolve(name):
        path, attribute = name.rsplit(".", 1)
        return sys.modules[path], attribute
    """,
)
answers.wrong(
    "resolve",
    """
    import importlib

    def resolve(name):
        path, attribute = name.rsplit(".", 1)
        try:
            owner = importlib.import_module(path)
        except ModuleNotFoundError:
            module, cls = path.rsplit(".", 1)
            owner = getattr(importlib.import_module(module), cls)
        return owner, attribute
    """,
)
answers.wrong(
    "resolve",
    """
    import importlib

    def resolve(name):
        first, *rest, attribute = name.split(".")
        owner = importlib.import_module(first)
        for part in rest:
            if not hasattr(owner, part):
                importlib.import_module(part)
            owner = getattr(owner, part)
        return owner, attribute
    """,
    says="whole path",
)
answers.wrong(
    "resolve",
    """
    import importlib

    def resolve(name):
        first, *rest = name.split(".")
        owner = importlib.import_module(first)
        for part in rest:
            owner = getattr(owner, part)
        return owner, rest[-1]
    """,
    says="one step too far, to the function",
)
answers.wrong(
    "resolve",
    """
    import importlib

    def resolve(name):
        a, b, c = name.split(".")
        return getattr(importlib.import_module(a), b), c
    """,
)
answers.wrong(
    "resolve",
    """
    import importlib

    def resolve(name):
        first, *rest, attribute = name.split(".")
        owner = importlib.import_module(first)
        for part in rest:
            getattr(owner, part)
        return owner, attribute
    """,
)
answers.wrong(
    "resolve",
    """
    import importlib

    def resolve(name):
        first, *rest, attribute = name.split(".")
        path = first
        owner = importlib.import_module(first)
        for part in rest:
            path = path + "." + part
            if not hasattr(owner, part):
                importlib.import_module(path)
                owner = getattr(owner, part)
        return owner, attribute
    """,
)
answers.wrong(
    "resolve",
    """
    import importlib

    def resolve(name):
        first, *rest, attribute = name.split(".")
        path = first
        owner = importlib.import_module(first)
        for part in rest:
            path = path + "." + part
            if not hasattr(owner, part):
                importlib.import_module(path)
            owner = getattr(owner, part)
        owner, attribute
    """,
    says="Is a `return` missing?",
)
answers.wrong(
    "resolve",
    """
    import importlib

    def resolve(name):
        first, *rest, attribute = name.split(".")
        path = first
        owner = importlib.import_module(first)
        for part in rest:
            path += part
            if not hasattr(owner, part):
                importlib.import_module(path)
            owner = getattr(owner, part)
        return owner, attribute
    """,
)
answers.wrong(
    "resolve",
    """
    import importlib

    def resolve(name):
        path, _, attribute = name.rpartition(".")
        try:
            return importlib.import_module(path), attribute
        except ImportError:
            return torch, attribute
    """,
)

# run_with

answers.right(
    "run_with",
    """
    def run_with(owner, attribute, replacement, function):
        original = getattr(owner, attribute)
        try:
            setattr(owner, attribute, replacement)
            result = function()
        except BaseException:
            setattr(owner, attribute, original)
            raise
        setattr(owner, attribute, original)
        return result
    """,
)
answers.right(
    "run_with",
    """
    from unittest import mock

    def run_with(owner, attribute, replacement, function):
        with mock.patch.object(owner, attribute, replacement):
            return function()
    """,
)
answers.right(
    "run_with",
    """
    from contextlib import contextmanager

    @contextmanager
    def replaced(owner, attribute, replacement):
        original = getattr(owner, attribute)
        setattr(owner, attribute, replacement)
        try:
            yield
        finally:
            setattr(owner, attribute, original)

    def run_with(owner, attribute, replacement, function):
        with replaced(owner, attribute, replacement):
            return function()
    """,
)
answers.right(
    "run_with",
    """
    from contextlib import ExitStack

    def run_with(owner, attribute, replacement, function):
        with ExitStack() as stack:
            stack.callback(setattr, owner, attribute, getattr(owner, attribute))
            setattr(owner, attribute, replacement)
            return function()
    """,
)
answers.right(
    "run_with",
    """
    def run_with(owner, attribute, replacement, function):
        own = attribute in vars(owner)
        original = getattr(owner, attribute)
        setattr(owner, attribute, replacement)
        try:
            result = function()
        finally:
            if own:
                setattr(owner, attribute, original)
            else:
                delattr(owner, attribute)
        return result
    """,
)
answers.wrong(
    "run_with",
    """
    def run_with(owner, attribute, replacement, function):
        original = getattr(owner, attribute)
        setattr(owner, attribute, replacement)
        try:
            result = function()
        except Exception:
            setattr(owner, attribute, original)
            raise
        setattr(owner, attribute, original)
        return result
    """,
    says="KeyboardInterrupt",
)
answers.wrong(
    "run_with",
    """
    def run_with(owner, attribute, replacement, function):
        original = owner.attribute
        owner.attribute = replacement
        try:
            return function()
        finally:
            owner.attribute = original
    """,
    says="`getattr(owner, attribute)`",
)
answers.wrong(
    "run_with",
    """
    def run_with(owner, attribute, replacement, function):
        global original
        original = getattr(owner, attribute)
        setattr(owner, attribute, replacement)
        try:
            return function()
        finally:
            setattr(owner, attribute, original)
    """,
    says="one inside the other",
)
answers.wrong(
    "run_with",
    """
    def run_with(owner, attribute, replacement, function):
        original = vars(owner)[attribute]
        setattr(owner, attribute, replacement)
        try:
            return function()
        finally:
            setattr(owner, attribute, original)
    """,
)
answers.wrong(
    "run_with",
    """
    def run_with(owner, attribute, replacement, function):
        original = getattr(owner, attribute)
        owner.__dict__[attribute] = replacement
        try:
            return function()
        finally:
            owner.__dict__[attribute] = original
    """,
)
answers.wrong(
    "run_with",
    """
    def run_with(owner, attribute, replacement, function):
        original = getattr(owner, attribute)
        setattr(owner, attribute, replacement)
        try:
            result = function()
        finally:
            setattr(owner, attribute, original)
            return result
    """,
)
answers.wrong(
    "run_with",
    """
    def run_with(owner, attribute, replacement, function):
        original = getattr(owner, attribute)
        setattr(owner, attribute, replacement)
        try:
            return function() or None
        finally:
            setattr(owner, attribute, original)
    """,
)
answers.wrong(
    "run_with",
    """
    def run_with(owner, attribute, replacement, function):
        original = getattr(owner, attribute)
        setattr(owner, attribute, replacement)
        try:
            return function
        finally:
            setattr(owner, attribute, original)
    """,
    says="`return function()`",
)
answers.wrong(
    "run_with",
    """
    def run_with(owner, attribute, replacement, function):
        original = getattr(owner, attribute)
        setattr(owner, attribute, replacement())
        try:
            return function()
        finally:
            setattr(owner, attribute, original)
    """,
)
answers.wrong(
    "run_with",
    """
    def run_with(owner, attribute, replacement, function):
        original = getattr(owner, attribute)
        setattr(owner, attribute, replacement)
        try:
            function()
            return function()
        finally:
            setattr(owner, attribute, original)
    """,
)
answers.wrong(
    "run_with",
    """
    from contextlib import contextmanager

    def run_with(owner, attribute, replacement, function):
        original = getattr(owner, attribute)

        @contextmanager
        def replaced():
            setattr(owner, attribute, replacement)
            yield
            setattr(owner, attribute, original)

        with replaced():
            return function()
    """,
)
answers.wrong(
    "run_with",
    """
    def run_with(owner, attribute, replacement, function):
        original = getattr(owner, attribute)
        setattr(owner, attribute, replacement)
        try:
            yield function()
        finally:
            setattr(owner, attribute, original)
    """,
)
answers.wrong(
    "run_with",
    """
    def run_with(owner, attribute, replacement, function):
        original = getattr(owner, attribute)
        setattr(owner, attribute, replacement)
        try:
            return function()
        except Exception as error:
            print("failed:", error)
        finally:
            setattr(owner, attribute, original)
    """,
)
answers.wrong(
    "run_with",
    """
    def run_with(owner, attribute, replacement, function):
        torch.relu = replacement
        try:
            return function()
        finally:
            torch.relu = original
    """,
)

# patch

answers.right(
    "patch",
    """
    from contextlib import AbstractContextManager

    class Patch(AbstractContextManager):
        def __init__(self, target, new_callable):
            self.owner, self.name = resolve(target)
            self.new = new_callable
            self.old = [getattr(self.owner, self.name)]
            setattr(self.owner, self.name, new_callable)

        def remove(self):
            if self.old:
                if getattr(self.owner, self.name) is not self.new:
                    raise ValueError("replaced since")
                setattr(self.owner, self.name, self.old.pop())

        def __exit__(self, *exception):
            self.remove()
            return False
    """,
)
answers.right(
    "patch",
    """
    from dataclasses import dataclass
    from typing import Any

    @dataclass
    class Patch:
        target: str
        new_callable: Any

        def __post_init__(self):
            self.owner, self.name = resolve(self.target)
            self.original = getattr(self.owner, self.name)
            self.on = True
            setattr(self.owner, self.name, self.new_callable)

        def remove(self):
            if self.on and getattr(self.owner, self.name) is not self.new_callable:
                raise ValueError("stale")
            if self.on:
                self.on = False
                setattr(self.owner, self.name, self.original)

        def __enter__(self):
            return self

        def __exit__(self, kind, error, traceback):
            self.remove()
    """,
)
answers.right(
    "patch",
    """
    from unittest import mock

    class Stale(ValueError):
        pass

    class Patch:
        def __init__(self, target, new_callable):
            self._find = lambda: getattr(*resolve(target))
            self._new = new_callable
            self._mock = mock.patch(target, new_callable)
            self._mock.start()

        def remove(self):
            if self._mock is None:
                return
            if self._find() != self._new:
                raise Stale
            self._mock.stop()
            self._mock = None

        def __enter__(self):
            return self

        def __exit__(self, kind, error, traceback):
            self.remove()
            return kind is None
    """,
)
answers.right(
    "patch",
    """
    import importlib

    class Patch:
        __slots__ = ("owner", "attribute", "original", "replacement", "state")

        def __init__(self, target, new_callable):
            self.owner, self.attribute = resolve(target)
            self.original, self.replacement = getattr(self.owner, self.attribute), new_callable
            setattr(self.owner, self.attribute, new_callable)
            self.state = "on"

        def remove(self):
            match self.state:
                case "off":
                    pass
                case "on" if getattr(self.owner, self.attribute) is self.replacement:
                    setattr(self.owner, self.attribute, self.original)
                    self.state = "off"
                case "on":
                    raise ValueError(f"{self.attribute} was replaced")

        def __enter__(self):
            return self

        def __exit__(self, *_):
            return self.remove()
    """,
)
answers.wrong(
    "patch",
    """
    class Patch:
        def __init__(self, target, new_callable):
            self.owner, self.attribute = resolve(target)
            self.original = getattr(self.owner, self.attribute)
            self.replacement = new_callable
            setattr(self.owner, self.attribute, new_callable)
            self.active = True

        def remove(self):
            if not self.active:
                return
            if getattr(self.owner, self.attribute) is not self.replacement:
                raise ValueError
            setattr(self.owner, self.attribute, self.original)
            self.active = False

        def __enter__(self):
            return self

        def __exit__(self, kind, error, traceback):
            if kind is None or issubclass(kind, Exception):
                self.remove()
    """,
    says="KeyboardInterrupt",
)
answers.wrong(
    "patch",
    """
    class Patch:
        def __init__(self, target, new_callable):
            self.owner, self.attribute = resolve(target)
            self.original = getattr(self.owner, self.attribute)
            self.replacement = new_callable
            setattr(self.owner, self.attribute, new_callable)
            self.active = True

        def remove(self):
            if not self.active:
                return
            if getattr(self.owner, self.attribute) is not self.replacement:
                raise ValueError
            setattr(self.owner, self.attribute, self.original)
            self.active = False

        def __enter__(self):
            return self

        def __exit__(self, kind, error, traceback):
            setattr(self.owner, self.attribute, self.original)
            self.active = False
    """,
    says="end of with",
)
answers.wrong(
    "patch",
    """
    class Patch:
        def __init__(self, target, new_callable):
            Patch.owner, Patch.attribute = resolve(target)
            Patch.original = getattr(Patch.owner, Patch.attribute)
            self.replacement = new_callable
            setattr(Patch.owner, Patch.attribute, new_callable)
            self.active = True

        def remove(self):
            if not self.active:
                return
            if getattr(Patch.owner, Patch.attribute) is not self.replacement:
                raise ValueError
            setattr(Patch.owner, Patch.attribute, Patch.original)
            self.active = False

        def __enter__(self):
            return self

        def __exit__(self, kind, error, traceback):
            self.remove()
    """,
)
answers.wrong(
    "patch",
    """
    class Patch:
        def __init__(self, target, new_callable):
            self.owner, self.attribute = resolve(target)
            self.original = getattr(self.owner, self.attribute)
            self.replacement = new_callable
            setattr(self.owner, self.attribute, new_callable)

        def remove(self):
            now = getattr(self.owner, self.attribute)
            if now is self.replacement:
                setattr(self.owner, self.attribute, self.original)
                self.original = None
            elif self.original is not None:
                raise ValueError

        def __enter__(self):
            return self

        def __exit__(self, kind, error, traceback):
            self.remove()
    """,
)
answers.wrong(
    "patch",
    """
    class Patch:
        def __init__(self, target, new_callable):
            self.owner, self.attribute = resolve(target)
            self.original = getattr(self.owner, self.attribute)
            self.replacement = new_callable
            setattr(self.owner, self.attribute, new_callable)
            self.active = True

        def remove(self):
            now = getattr(self.owner, self.attribute)
            if not self.active or now is self.original:
                return
            if now is not self.replacement:
                raise ValueError
            setattr(self.owner, self.attribute, self.original)
            self.active = False

        def __enter__(self):
            return self

        def __exit__(self, kind, error, traceback):
            self.remove()
    """,
)
answers.wrong(
    "patch",
    """
    class Patch:
        def __init__(self, target, new_callable):
            self.owner, self.attribute = resolve(target)
            self.original = getattr(self.owner, self.attribute)
            self.replacement = new_callable
            setattr(self.owner, self.attribute, new_callable)
            self.active = True

        def remove(self):
            if not self.active:
                return
            assert getattr(self.owner, self.attribute) is self.replacement
            setattr(self.owner, self.attribute, self.original)
            self.active = False

        def __enter__(self):
            return self

        def __exit__(self, kind, error, traceback):
            self.remove()
    """,
    says="raises AssertionError",
)
answers.wrong(
    "patch",
    """
    class Patch:
        def __init__(self, target, new_callable):
            self.owner, self.attribute = resolve(target)
            self.original = getattr(self.owner, self.attribute)
            self.replacement = new_callable
            setattr(self.owner, self.attribute, new_callable)
            self.active = True

        def remove(self):
            if not self.active:
                return
            self.active = False
            if getattr(self.owner, self.attribute) is not self.replacement:
                raise ValueError
            setattr(self.owner, self.attribute, self.original)

        def __enter__(self):
            return self

        def __exit__(self, kind, error, traceback):
            self.remove()
    """,
)
answers.wrong(
    "patch",
    """
    class Patch:
        def __init__(self, target, new_callable):
            self.owner, self.attribute = resolve(target)
            self.original = getattr(self.owner, self.attribute)
            self.replacement = new_callable
            setattr(self.owner, self.attribute, new_callable)
            self.active = True

        def remove(self):
            if not self.active:
                return
            if getattr(self.owner, self.attribute) is not self.replacement:
                return ValueError("replaced since")
            setattr(self.owner, self.attribute, self.original)
            self.active = False

        def __enter__(self):
            return self

        def __exit__(self, kind, error, traceback):
            self.remove()
    """,
)
answers.wrong(
    "patch",
    """
    class Patch:
        def __init__(self, target, new_callable):
            self.owner, self.attribute = resolve(target)
            self.original = self.owner.__dict__[self.attribute]
            self.replacement = new_callable
            setattr(self.owner, self.attribute, new_callable)
            self.active = True

        def remove(self):
            if not self.active:
                return
            if self.owner.__dict__[self.attribute] is not self.replacement:
                raise ValueError
            setattr(self.owner, self.attribute, self.original)
            self.active = False

        def __enter__(self):
            return self

        def __exit__(self, kind, error, traceback):
            self.remove()
    """,
)
answers.wrong(
    "patch",
    """
    class Patch:
        def __init__(self, target, new_callable):
            self.owner, self.attribute = resolve(target)
            self.original = getattr(self.owner, self.attribute)
            self.replacement = new_callable
            setattr(self.owner, self.attribute, new_callable)
            self.active = True

        def remove(self):
            if not self.active:
                return
            if getattr(self.owner, self.attribute) is not self.replacement:
                raise ValueError
            setattr(self.owner, self.attribute, self.original)
            self.active = False

        def __enter__(self):
            return self

        def __exit__(self):
            self.remove()
    """,
    says="three",
)
answers.wrong(
    "patch",
    """
    class Patch:
        def __init__(self, target, new_callable):
            self.owner, self.attribute = resolve(target)
            self.original = getattr(self.owner, self.attribute)
            self.replacement = new_callable
            setattr(self.owner, self.attribute, new_callable)
            self.active = True

        def remove(self):
            if self.active and getattr(self.owner, self.attribute) is not self.replacement:
                raise ValueError
            setattr(self.owner, self.attribute, self.original)
            self.active = False

        def __enter__(self):
            return self

        def __exit__(self, kind, error, traceback):
            self.remove()
    """,
)
answers.wrong(
    "patch",
    """
    class Patch:
        def __init__(self, target, new_callable):
            self.owner, self.attribute = resolve(target)
            self.original = getattr(self.owner, self.attribute)
            self.replacement = new_callable
            setattr(self.owner, self.attribute, new_callable)
            self.active = True

        def remove(self):
            if not self.active:
                return
            if getattr(self.owner, self.attribute) is not self.replacement:
                raise ValueError
            setattr(self.owner, self.attribute, self.original)
            self.active = False

        def __enter__(self):
            return self

        def __exit__(self, kind, error, traceback):
            self.remove()

        def __del__(self):
            self.remove()
    """,
)
answers.wrong(
    "patch",
    """
    class Patch:
        def __init__(self, target, new_callable):
            owner, attribute = resolve(target)
            original = getattr(owner, attribute)
            setattr(owner, attribute, new_callable)

        def remove(self):
            setattr(owner, attribute, original)

        def __enter__(self):
            return self

        def __exit__(self, kind, error, traceback):
            self.remove()
    """,
    says="`self.owner, ",
)

# count_calls

answers.right(
    "count_calls",
    """
    from unittest import mock

    def count_calls(name, function):
        original = getattr(*resolve(name))
        counter = mock.Mock(side_effect=original)
        with Patch(name, counter):
            function()
        return counter.call_count
    """,
)
answers.right(
    "count_calls",
    """
    import functools

    def count_calls(name, function):
        owner, attribute = resolve(name)
        original = getattr(owner, attribute)
        notes = []

        @functools.wraps(original)
        def counting(*args, **kwargs):
            result = original(*args, **kwargs)
            notes.append(1)
            return result

        patch = Patch(name, counting)
        try:
            function()
        finally:
            patch.remove()
        return len(notes)
    """,
)
answers.right(
    "count_calls",
    """
    def count_calls(name, function):
        owner, attribute = resolve(name)
        original = getattr(owner, attribute)
        counter = {"calls": 0}

        def counting(*a, **k):
            counter["calls"] += 1
            return original(*a, **k)

        run_with(owner, attribute, counting, function)
        return counter["calls"]
    """,
)
answers.right(
    "count_calls",
    """
    def count_calls(name, function):
        original = getattr(*resolve(name))

        def counting(*args, **kwargs):
            counting.calls += 1
            return original(*args, **kwargs)

        counting.calls = 0
        with Patch(name, counting) as patch:
            function()
        return patch.replacement.calls if hasattr(patch, "replacement") else counting.calls
    """,
)
answers.right(
    "count_calls",
    """
    import itertools

    def count_calls(name, function):
        original = getattr(*resolve(name))
        numbers = itertools.count()
        with Patch(name, lambda *args, **kwargs: (next(numbers), original(*args, **kwargs))[1]):
            function()
        return next(numbers)
    """,
)
answers.wrong(
    "count_calls",
    """
    def count_calls(name, function):
        original = getattr(*resolve(name))
        calls = 0

        def counting(*args, **kwargs):
            calls += 1
            return original(*args, **kwargs)

        with Patch(name, counting):
            function()
        return calls
    """,
    says="nonlocal calls",
)
answers.wrong(
    "count_calls",
    """
    calls = 0

    def count_calls(name, function):
        original = getattr(*resolve(name))

        def counting(*args, **kwargs):
            global calls
            calls += 1
            return original(*args, **kwargs)

        with Patch(name, counting):
            function()
        return calls
    """,
)
answers.wrong(
    "count_calls",
    """
    def count_calls(name, function):
        original = getattr(*resolve(name))
        calls = 0

        def counting(*args):
            nonlocal calls
            calls += 1
            return original(*args)

        with Patch(name, counting):
            function()
        return calls
    """,
    says="keyword",
)
answers.wrong(
    "count_calls",
    """
    def count_calls(name, function):
        original = getattr(*resolve(name))
        calls = 0

        def counting(x, scale=2.0):
            nonlocal calls
            calls += 1
            return original(x, scale)

        with Patch(name, counting):
            function()
        return calls
    """,
)
answers.wrong(
    "count_calls",
    """
    def count_calls(name, function):
        original = getattr(*resolve(name))
        calls = 0

        def counting(*args, **kwargs):
            nonlocal calls
            calls += 1
            return original(*args, **kwargs)

        function()
        with Patch(name, counting):
            function()
        return calls
    """,
    says="function()",
)
answers.wrong(
    "count_calls",
    """
    def count_calls(name, function):
        original = getattr(*resolve(name))
        calls = 0

        def counting(*args, **kwargs):
            nonlocal calls
            calls += 1
            return original(*args, **kwargs)

        patch = Patch(name, counting)
        try:
            function()
        except Exception:
            patch.remove()
            raise
        patch.remove()
        return calls
    """,
    says="KeyboardInterrupt",
)
answers.wrong(
    "count_calls",
    """
    def count_calls(name, function):
        original = torch.relu
        calls = 0

        def counting(*args, **kwargs):
            nonlocal calls
            calls += 1
            return original(*args, **kwargs)

        with Patch(name, counting):
            function()
        return calls
    """,
)
answers.wrong(
    "count_calls",
    """
    def count_calls(name, function):
        original = getattr(*resolve(name))
        calls = 0

        def counting(*args, **kwargs):
            nonlocal calls
            calls += 1
            try:
                return original(*args, **kwargs)
            except Exception:
                return None

        with Patch(name, counting):
            function()
        return calls
    """,
)
answers.wrong(
    "count_calls",
    """
    def count_calls(name, function):
        original = getattr(*resolve(name))
        calls = 0

        def counting(*args, **kwargs):
            nonlocal calls
            calls += 1
            return original(*args, **kwargs)

        with Patch(name, counting):
            calls = function()
        return calls
    """,
)
answers.wrong(
    "count_calls",
    """
    def count_calls(name, function):
        original = getattr(*resolve(name))
        calls = 0

        def counting(*args, **kwargs):
            nonlocal calls
            calls += 1
            return original(*args, **kwargs)

        with Patch(name, counting()):
            function()
        return calls
    """,
)
answers.wrong(
    "count_calls",
    """
    def count_calls(name, function):
        original = getattr(*resolve(name))
        calls = []

        def counting(*args, **kwargs):
            calls.append(args)
            return original(*args, **kwargs)

        with Patch(name, counting):
            function()
        return calls
    """,
    says="how many",
)
answers.wrong(
    "count_calls",
    """
    def count_calls(name, function):
        original = getattr(*resolve(name))
        calls = 0

        def counting(*args, **kwargs):
            nonlocal calls
            calls += 1
            return original(*args, **kwargs).clone()

        with Patch(name, counting):
            function()
        return calls
    """,
)
answers.wrong(
    "count_calls",
    """
    def count_calls(name, function):
        original = getattr(*resolve(name))
        calls = 0

        def counting(*args, **kwargs):
            nonlocal calls
            with torch.no_grad():
                calls += 1
                return original(*args, **kwargs)

        with Patch(name, counting):
            function()
        return calls
    """,
)

answers.right(
    "resolve",
    """
    from importlib import import_module

    def resolve(name):
        parts = name.split(".")
        owner = import_module(parts[0])
        for i in range(1, len(parts) - 1):
            owner = getattr(owner, parts[i], None) or import_module(".".join(parts[: i + 1]))
        return owner, parts[-1]
    """,
)
answers.right(
    "resolve",
    """
    import importlib, operator

    def resolve(name):
        path, attribute = name.rsplit(".", 1)
        parts = path.split(".")
        for end in range(1, len(parts) + 1):
            try:
                importlib.import_module(".".join(parts[:end]))
            except ImportError:
                break
        owner = importlib.import_module(parts[0])
        if len(parts) > 1:
            owner = operator.attrgetter(".".join(parts[1:]))(owner)
        return (owner, attribute)
    """,
)
answers.right(
    "resolve",
    """
    from unittest import mock

    def resolve(name):
        owner, attribute = mock._patch.__init__.__globals__["_get_target"](name)
        return owner(), attribute
    """,
)
answers.wrong(
    "resolve",
    """
    def resolve(name):
        first, *rest, attribute = name.split(".")
        owner = __import__(first)
        for part in rest:
            owner = vars(owner)[part]
        return owner, attribute
    """,
)
answers.wrong(
    "resolve",
    """
    import importlib

    def resolve(name):
        *parts, attribute = name.split(".")
        owner = None
        for part in parts:
            owner = importlib.import_module(part) if owner is None else getattr(owner, part)
        return owner, getattr(owner, attribute)
    """,
)
answers.wrong(
    "resolve",
    """
    import importlib

    def resolve(name):
        first, *rest, attribute = name.split(".")
        path = first
        owner = importlib.import_module(first)
        for part in rest:
            path = path + "." + part
            if not hasattr(owner, part):
                importlib.import_module(path)
            owner = getattr(owner, part)
            return owner, attribute
    """,
)
answers.wrong(
    "resolve",
    """
    import importlib

    def resolve(name):
        first, *rest, attribute = name.split(".")
        owner = importlib.import_module(first)
        for part in rest:
            owner = getattr(owner, part, owner)
        return owner, attribute
    """,
)
answers.wrong(
    "resolve",
    """
    import importlib

    def resolve(name):
        first, *rest, attribute = name.split(".")
        path = first
        owner = importlib.import_module(first)
        for part in rest:
            path = path + "." + part
            if not hasattr(owner, part):
                importlib.import_module(path)
            owner = getattr(owner, part)
        return {"owner": owner, "attribute": attribute}
    """,
)
answers.wrong(
    "resolve",
    """
    import importlib

    def resolve(name):
        first, *rest, attribute = name.split(".")
        path = first
        owner = importlib.import_module(first)
        for part in rest:
            path = path + "." + part
            if not hasattr(owner, part):
                importlib.import_module(path)
            owner = owner.part
        return owner, attribute
    """,
)
answers.wrong(
    "resolve",
    """
    import importlib

    def resolve(name):
        first, *rest, attribute = name.split(".")
        owner = importlib.import_module(first)
        for part in rest:
            try:
                owner = importlib.import_module(owner.__name__ + "." + part)
            except ImportError:
                owner = getattr(torch, part)
        return owner, attribute
    """,
)
answers.right(
    "run_with",
    """
    def run_with(owner, attribute, replacement, function):
        original = getattr(owner, attribute)
        setattr(owner, attribute, replacement)
        error = result = None
        try:
            result = function()
        except BaseException as raised:
            error = raised
        setattr(owner, attribute, original)
        if error is not None:
            raise error
        return result
    """,
)
answers.right(
    "run_with",
    """
    class _Restore:
        def __init__(self, owner, attribute):
            self.owner, self.attribute = owner, attribute
            self.value = getattr(owner, attribute)

        def __enter__(self):
            return self

        def __exit__(self, *_):
            setattr(self.owner, self.attribute, self.value)

    def run_with(owner, attribute, replacement, function):
        with _Restore(owner, attribute):
            setattr(owner, attribute, replacement)
            return function()
    """,
)
answers.right(
    "run_with",
    """
    stack = []

    def run_with(owner, attribute, replacement, function):
        stack.append(getattr(owner, attribute))
        try:
            setattr(owner, attribute, replacement)
            return function()
        finally:
            setattr(owner, attribute, stack.pop())
    """,
)
answers.wrong(
    "run_with",
    """
    def run_with(owner, attribute, replacement, function):
        original = getattr(owner, attribute)
        setattr(owner, attribute, replacement)
        try:
            return function()
        except (KeyError, ValueError, TypeError, RuntimeError):
            raise
        else:
            setattr(owner, attribute, original)
    """,
)
answers.wrong(
    "run_with",
    """
    def run_with(owner, attribute, replacement, function):
        original = getattr(owner, attribute)
        setattr(owner, attribute, replacement)
        try:
            result = function()
        finally:
            setattr(owner, attribute, lambda *args, **kwargs: original(*args, **kwargs))
        return result
    """,
)
answers.wrong(
    "run_with",
    """
    def run_with(owner, attribute, replacement, function):
        setattr(owner, "original", getattr(owner, attribute))
        setattr(owner, attribute, replacement)
        try:
            return function()
        finally:
            setattr(owner, attribute, owner.original)
    """,
)
answers.wrong(
    "run_with",
    """
    def run_with(owner, attribute, replacement, function):
        original = getattr(owner, attribute)
        try:
            return function()
        finally:
            setattr(owner, attribute, replacement)
            setattr(owner, attribute, original)
    """,
)
answers.wrong(
    "run_with",
    """
    def run_with(owner, attribute, replacement, function):
        original = getattr(owner, attribute)
        setattr(owner, attribute, replacement)
        try:
            result = function()
        except Exception as error:
            setattr(owner, attribute, original)
            raise RuntimeError("failed") from error
        except BaseException:
            setattr(owner, attribute, original)
            raise
        setattr(owner, attribute, original)
        return result
    """,
)
answers.wrong(
    "run_with",
    """
    def run_with(owner, attribute, replacement, function):
        original = getattr(owner, attribute)
        setattr(owner, attribute, replacement)
        try:
            return function() if callable(replacement) and owner is torch else None
        finally:
            setattr(owner, attribute, original)
    """,
)
answers.wrong(
    "run_with",
    """
    def run_with(owner, attribute, replacement, function):
        original = getattr(owner, attribute)
        setattr(owner, attribute, replacement)
        try:
            result = function()
            return result
        finally:
            original = setattr(owner, attribute, original)
            if original is None:
                delattr(owner, attribute)
    """,
)
answers.right(
    "patch",
    """
    class Patch:
        def __init__(self, target, new_callable):
            owner, attribute = resolve(target)
            original = getattr(owner, attribute)
            setattr(owner, attribute, new_callable)
            removed = False

            def remove():
                nonlocal removed
                if removed:
                    return
                if getattr(owner, attribute) is not new_callable:
                    raise ValueError("somebody has replaced it since")
                setattr(owner, attribute, original)
                removed = True

            self.remove = remove

        def __enter__(self):
            return self

        def __exit__(self, kind, error, traceback):
            self.remove()
    """,
)
answers.right(
    "patch",
    """
    from contextlib import ExitStack

    class Patch(ExitStack):
        def __init__(self, target, new_callable):
            super().__init__()
            self.where = resolve(target)
            self.new = new_callable
            self.old = getattr(*self.where)
            self.done = False
            setattr(*self.where, new_callable)
            self.callback(self.remove)

        def remove(self):
            if not self.done:
                if getattr(*self.where) is not self.new:
                    raise ValueError("stale patch")
                self.done = True
                setattr(*self.where, self.old)
    """,
)
answers.right(
    "patch",
    """
    class Patch:
        def __init__(self, target, new_callable):
            self.owner, self.attribute = resolve(target)
            self.inherited = self.attribute not in vars(self.owner)
            self.original = getattr(self.owner, self.attribute)
            self.new = new_callable
            setattr(self.owner, self.attribute, new_callable)
            self.owner_while_on = self.owner

        def remove(self):
            owner = self.owner_while_on
            if owner is None:
                return None
            if getattr(owner, self.attribute) is not self.new:
                raise ValueError(f"{self.attribute} was replaced by somebody else")
            if self.inherited:
                delattr(owner, self.attribute)
            else:
                setattr(owner, self.attribute, self.original)
            self.owner_while_on = None

        def __enter__(self):
            return self

        def __exit__(self, *args):
            self.remove()
            return None
    """,
)
answers.wrong(
    "patch",
    """
    class Patch:
        def __init__(self, target, new_callable):
            self.owner, self.attribute = resolve(target)
            self.original = getattr(self.owner, self.attribute)
            self.replacement = new_callable
            setattr(self.owner, self.attribute, new_callable)
            self.active = True

        def remove(self):
            if not self.active:
                return
            if getattr(self.owner, self.attribute) is not self.replacement:
                raise ValueError("replaced since")
            setattr(self.owner, self.attribute, self.original)
            self.active = False

        def __enter__(self):
            return self

        def __exit__(self, kind, error, traceback):
            self.remove()
            return True
    """,
)
answers.wrong(
    "patch",
    """
    class Patch:
        def __init__(self, target, new_callable):
            self.owner, self.attribute = resolve(target)
            self.original = getattr(self.owner, self.attribute)
            self.replacement = new_callable
            setattr(self.owner, self.attribute, new_callable)
            self.active = True

        def remove(self):
            if not self.active:
                return
            if getattr(self.owner, self.attribute) is not self.replacement:
                raise ValueError("replaced since")
            setattr(self.owner, self.attribute, self.original)
            self.active = False

        def __enter__(self):
            return self.replacement

        def __exit__(self, kind, error, traceback):
            self.remove()
    """,
)
answers.wrong(
    "patch",
    """
    class Patch:
        def __init__(self, target, new_callable):
            self.owner, self.attribute = resolve(target)
            self.original = getattr(self.owner, self.attribute)
            self.replacement = new_callable
            setattr(self.owner, self.attribute, new_callable)
            self.active = True

        def remove(self):
            if not self.active:
                return
            if getattr(self.owner, self.attribute) is not self.replacement:
                raise ValueError("replaced since")
            setattr(self.owner, self.attribute, self.original)
            self.active = False

        def __enter__(self):
            return self

        def __exit__(self, kind, error, traceback):
            try:
                self.remove()
            except ValueError:
                pass
    """,
)
answers.wrong(
    "patch",
    """
    class Patch:
        def __init__(self, target, new_callable):
            self.owner, self.attribute = resolve(target)
            self.original = getattr(self.owner, self.attribute)
            self.replacement = new_callable
            setattr(self.owner, self.attribute, lambda *args: new_callable(*args))
            self.replacement = getattr(self.owner, self.attribute)
            self.active = True

        def remove(self):
            if not self.active:
                return
            if getattr(self.owner, self.attribute) is not self.replacement:
                raise ValueError("replaced since")
            setattr(self.owner, self.attribute, self.original)
            self.active = False

        def __enter__(self):
            return self

        def __exit__(self, kind, error, traceback):
            self.remove()
    """,
)
answers.wrong(
    "patch",
    """
    class Patch:
        def __init__(self, target, new_callable):
            self.owner, self.attribute = resolve("torch." + target.split(".")[-1])
            self.original = getattr(self.owner, self.attribute)
            self.replacement = new_callable
            setattr(self.owner, self.attribute, new_callable)
            self.active = True

        def remove(self):
            if not self.active:
                return
            if getattr(self.owner, self.attribute) is not self.replacement:
                raise ValueError("replaced since")
            setattr(self.owner, self.attribute, self.original)
            self.active = False

        def __enter__(self):
            return self

        def __exit__(self, kind, error, traceback):
            self.remove()
    """,
)
answers.wrong(
    "patch",
    """
    _patches = {}


    class Patch:
        def __init__(self, target, new_callable):
            self.owner, self.attribute = resolve(target)
            self.original = _patches.setdefault(target, getattr(self.owner, self.attribute))
            self.replacement = new_callable
            setattr(self.owner, self.attribute, new_callable)
            self.active = True

        def remove(self):
            if not self.active:
                return
            if getattr(self.owner, self.attribute) is not self.replacement:
                raise ValueError("replaced since")
            setattr(self.owner, self.attribute, self.original)
            self.active = False

        def __enter__(self):
            return self

        def __exit__(self, kind, error, traceback):
            self.remove()
    """,
)
answers.wrong(
    "patch",
    """
    class Patch:
        def __init__(self, target, new_callable):
            self.owner, self.attribute = resolve(target)
            self.original = getattr(self.owner, self.attribute)
            self.replacement = new_callable
            setattr(self.owner, self.attribute, new_callable)
            self.active = True

        def remove(self):
            if not self.active:
                return
            if getattr(self.owner, self.attribute) is self.original:
                raise ValueError("not on")
            setattr(self.owner, self.attribute, self.original)
            self.active = False

        def __enter__(self):
            return self

        def __exit__(self, kind, error, traceback):
            self.remove()
    """,
)
answers.right(
    "count_calls",
    """
    class Counter:
        def __init__(self, original):
            self.original, self.calls = original, 0

        def __call__(self, *args, **kwargs):
            self.calls += 1
            return self.original(*args, **kwargs)

    def count_calls(name, function):
        counter = Counter(getattr(*resolve(name)))
        run_with(*resolve(name), counter, function)
        return counter.calls
    """,
)
answers.right(
    "count_calls",
    """
    from collections import Counter

    def count_calls(name, function):
        tally = Counter()
        original = getattr(*resolve(name))

        def counting(*args, **kwargs):
            tally[name] += 1
            return original(*args, **kwargs)

        patch = Patch(name, counting)
        with patch:
            function()
        return tally[name]
    """,
)
answers.right(
    "count_calls",
    """
    from unittest import mock

    def count_calls(name, function):
        with mock.patch(name, wraps=getattr(*resolve(name))) as spy:
            function()
        return spy.call_count
    """,
)
answers.wrong(
    "count_calls",
    """
    def count_calls(name, function):
        owner, attribute = resolve(name)
        original = getattr(owner, attribute)
        calls = 0

        def counting(*args, **kwargs):
            nonlocal calls
            calls += 1
            return original(*args, **kwargs)

        with Patch(name, counting):
            function()
        return 1 + calls
    """,
)
answers.wrong(
    "count_calls",
    """
    def count_calls(name, function):
        owner, attribute = resolve(name)
        original = getattr(owner, attribute)
        calls = 0

        def counting(*args, **kwargs):
            nonlocal calls
            calls += 1
            return original(*args)

        with Patch(name, counting):
            function()
        return calls
    """,
)
answers.wrong(
    "count_calls",
    """
    def count_calls(name, function):
        owner, attribute = resolve(name)
        original = getattr(owner, attribute)
        calls = 0

        def counting(*args, **kwargs):
            nonlocal calls
            calls += 1
            return original(*args, **kwargs)

        Patch(name, counting)
        function()
        return calls
    """,
)
answers.wrong(
    "count_calls",
    """
    def count_calls(name, function):
        owner, attribute = resolve(name)
        original = getattr(owner, attribute)
        calls = 0

        def counting(*args, **kwargs):
            nonlocal calls
            calls += 1
            return original(*args, **kwargs)

        with Patch(name, counting):
            function()
            return
        return calls
    """,
)
answers.wrong(
    "count_calls",
    """
    def count_calls(name, function):
        owner, attribute = resolve(name)
        original = getattr(owner, attribute)
        calls = 0

        def counting(*args, **kwargs):
            nonlocal calls
            calls += 1
            return original(*args, **kwargs)

        with Patch(name, counting):
            try:
                function()
            except Exception:
                pass
        return calls
    """,
)
answers.wrong(
    "count_calls",
    """
    def count_calls(name, function):
        owner, attribute = resolve(name)
        calls = 0

        def counting(*args, **kwargs):
            nonlocal calls
            calls += 1
            return attribute(*args, **kwargs)

        with Patch(name, counting):
            function()
        return calls
    """,
)
answers.wrong(
    "count_calls",
    """
    def count_calls(name, function):
        owner, attribute = resolve(name)
        original = getattr(owner, attribute)
        calls = 0
        inside = False

        def counting(*args, **kwargs):
            nonlocal calls, inside
            if not inside:
                calls += 1
            inside = True
            try:
                return original(*args, **kwargs)
            finally:
                inside = False

        with Patch(name, counting):
            function()
        return calls
    """,
)
