"""Warnings name the line that called, and are shown once for each such line."""

import inspect
import warnings
from collections.abc import Callable

import pytest
import torch
from torch import nn

from course_lib.attribution.deconvnet import DeConvNetReLU, deconvnet
from course_lib.attribution.excitation_backprop import excitation_backprop
from course_lib.attribution.guided_backprop import GuidedBackpropContext, guided_backprop
from course_lib.attribution.rules.relu import ReLUContext

X = torch.ones(1, 1, 2, 2)


def lossy() -> nn.Module:
    net = nn.Sequential(nn.Conv2d(1, 2, 1), nn.ReLU(), nn.Flatten(), nn.Linear(8, 1))
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.fill_(1.0)
        net[0].weight.fill_(-0.1)
    return net


def in_a_context() -> None:
    with GuidedBackpropContext():
        nn.Flatten()(X)


def with_a_patched_relu() -> None:
    with ReLUContext(DeConvNetReLU):
        nn.Flatten()(X)


CALLS: dict[str, Callable[[], object]] = {
    "no ReLU": lambda: guided_backprop(nn.Flatten(), X, 0),
    "no ReLU at a layer": lambda: deconvnet(
        nn.Sequential(nn.Identity(), nn.Flatten()), X, 0, saliency_layer="0"
    ),
    "another nonlinearity": lambda: guided_backprop(
        nn.Sequential(nn.ReLU(), nn.SiLU(), nn.Flatten()), X, 0
    ),
    "lost relevance": lambda: excitation_backprop(lossy(), X, 0),
    "a context": in_a_context,
    "a patched ReLU": with_a_patched_relu,
}


@pytest.mark.parametrize("name", CALLS)
def test_they_name_the_callers_line(name: str) -> None:
    lines, first = inspect.getsourcelines(CALLS[name])
    with pytest.warns(UserWarning, match="(?i)relu|silu|lost") as seen:
        CALLS[name]()
    for warning in seen:
        assert warning.filename == __file__
        assert first <= warning.lineno < first + len(lines)


def test_the_second_network_is_warned_of_too() -> None:
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("default")
        for _ in range(3):
            guided_backprop(nn.Flatten(), X, 0)
        guided_backprop(nn.Flatten(), X, 0)
    assert len(seen) == 2
