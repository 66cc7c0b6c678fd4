"""The examples in the docstrings of the benchmark run as printed."""

from __future__ import annotations

import doctest
from importlib import import_module
from pkgutil import walk_packages

import pytest

from course_lib import benchmark
from course_lib.world import grids

MODULES = [m.name for m in walk_packages(benchmark.__path__, f"{benchmark.__name__}.")]


@pytest.mark.parametrize("name", [*MODULES, grids.__name__])
def test_examples(name: str) -> None:
    assert doctest.testmod(import_module(name)).failed == 0
