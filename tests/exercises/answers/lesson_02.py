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
