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


@pytest.mark.parametrize(
    ("module", "function"),
    [
        ("gradient", "gradient"),
        ("deconvnet", "deconvnet"),
        ("guided_backprop", "guided_backprop"),
        ("grad_cam", "grad_cam"),
        ("linear_approx", "linear_approx"),
        ("excitation_backprop", "excitation_backprop"),
        ("excitation_backprop", "contrastive_excitation_backprop"),
        ("rise", "rise"),
        ("rise", "rise_class"),
        ("extremal_perturbation", "extremal_perturbation"),
        ("saliency", "saliency"),
    ],
)
def test_every_method_has_an_example_and_its_paper(module, function):
    method = getattr(import_module(f"course_lib.attribution.{module}"), function)
    assert ">>> " in method.__doc__
    assert "Paper:" in method.__doc__
