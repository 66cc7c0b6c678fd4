"""The examples in the docstrings of every module of the package run as printed."""

from __future__ import annotations

import doctest
from importlib import import_module
from pkgutil import walk_packages

import pytest

from course_lib import attribution, utils

MODULES = [m.name for m in walk_packages(attribution.__path__, f"{attribution.__name__}.")]


@pytest.mark.parametrize("name", [*MODULES, utils.__name__])
def test_examples(name):
    result = doctest.testmod(import_module(name))
    assert result.failed == 0
