# ruff: noqa: PIE790 - the dots are what these tests are about
"""Empty answers, as the builder leaves them."""

from __future__ import annotations

import contextlib
import functools
from typing import Any

import pytest
import torch

from course_lib.exercises.engine.stubs import empty_methods, is_stub


def dots(x):
    """Doc."""
    ...  # your code here


def dots_alone(x): ...


def passing(x):
    """Doc."""
    pass


def doc_only(x):
    """Doc."""


@torch.no_grad()
def decorated(x):
    """Doc."""
    ...


@contextlib.contextmanager
def managed(x):
    """Doc."""
    ...


def returns(x):
    return x


def constant(x):
    return 0


def raises(x):
    raise ValueError


def generator(x):
    yield


def call_only(x):
    print()


@pytest.mark.parametrize("stub", [dots, dots_alone, passing, doc_only, decorated, managed, ...])
def test_stubs(stub: Any) -> None:
    assert is_stub(stub)


@pytest.mark.parametrize(
    "answer",
    [
        returns,
        constant,
        raises,
        generator,
        call_only,
        len,
        None,
        3,
        torch.nn.ReLU(),
        functools.partial(dots),
    ],
    ids=lambda answer: getattr(answer, "__name__", type(answer).__name__),
)
def test_attempts(answer: Any) -> None:
    assert not is_stub(answer)


class Function(torch.autograd.Function):
    """An autograd function with nothing in it."""

    @staticmethod
    def forward(ctx, x):
        """Doc."""
        ...

    @staticmethod
    def backward(ctx, p):
        """Doc."""
        ...


class WithGiven:
    """Something is there already."""

    size: int

    def __init__(self):
        self.size = 1

    @property
    def area(self): ...

    @classmethod
    def make(cls): ...

    @functools.cached_property
    def depth(self): ...


class Constant:
    """A class whose answer is an attribute."""

    value = 3


class Child(Function):
    """Nothing of its own."""


def test_classes() -> None:
    assert is_stub(Function)
    assert is_stub(Child)
    assert not is_stub(Constant)
    assert not is_stub(WithGiven)
    assert is_stub(WithGiven, given=("__init__",))
    assert empty_methods(Function) == ["forward", "backward"]
    assert empty_methods(WithGiven) == ["area", "make", "depth"]
    assert empty_methods(dots) == []


def test_a_class_that_inherits_its_work_is_not_empty() -> None:
    class Half:
        def __enter__(self):
            return self.do()

    class Whole(Half):
        def __exit__(self, *error):
            pass

    class Empty:
        def __exit__(self, *error):
            pass

    assert not is_stub(Whole)
    assert is_stub(Empty)
