from __future__ import annotations

import warnings

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from course_lib.attribution.guided_backprop import GuidedBackpropContext, guided_backprop
from course_lib.attribution.rules.backward_rules import (
    BackwardRules,
    bind,
    is_in_place,
    operation_name,
)
from course_lib.attribution.rules.relu import ReLUContext


class Double(torch.autograd.Function):
    """The identity, backward times two."""

    @staticmethod
    def forward(ctx, x):
        return x.clone()

    @staticmethod
    def backward(ctx, p):
        return 2 * p


@pytest.mark.parametrize(
    ("name", "call"),
    [
        ("add", lambda x: x + x),
        ("add", lambda x: 1 + x),
        ("add", lambda x: x.clone().add_(x)),
        ("add", lambda x: torch.add(x, x)),
        ("cat", lambda x: torch.cat([x, x])),
        ("cat", lambda x: torch.concat([x, x])),
        ("linear", lambda x: F.linear(x, torch.ones(4, 4))),
        ("conv2d", lambda x: F.conv2d(x[None, None], torch.ones(1, 1, 1, 1))),
        ("batch_norm", lambda x: F.batch_norm(x, torch.zeros(4), torch.ones(4))),
        ("max_pool2d", lambda x: F.max_pool2d(x[None], 2)),
        ("avg_pool2d", lambda x: F.avg_pool2d(x[None], 2)),
        ("adaptive_avg_pool2d", lambda x: nn.AdaptiveAvgPool2d(1)(x[None])),
        ("mean", lambda x: x.mean((0, 1))),
    ],
)
def test_one_entry_covers_every_spelling(name, call):
    seen = []

    def rule(func, args, kwargs):
        seen.append(operation_name(func))
        return func(*args, **kwargs)

    key = {"add": torch.add, "cat": torch.cat, "mean": torch.mean}.get(name) or getattr(F, name)
    x = torch.ones(4, 4, requires_grad=True)
    rules = BackwardRules({key: rule})
    with rules:
        call(x)
    assert seen == [name]
    assert rules.met == {name: 1}


def test_in_place_is_recognised():
    x = torch.zeros(1)
    assert is_in_place(torch.relu_, (x,), {})
    assert is_in_place(F.relu, (x, True), {})
    assert is_in_place(F.relu6, (x,), {"inplace": True})
    assert is_in_place(torch.Tensor.__iadd__, (x, x), {})
    assert not is_in_place(torch.Tensor.__add__, (x, x), {})
    assert not is_in_place(F.relu, (x, False), {})
    assert not is_in_place(F.hardtanh, (x, 0.0, 6.0), {})


def test_bind_gives_arguments_by_name_however_they_came():
    weight, x = torch.ones(2, 3), torch.ones(1, 3)
    assert bind(F.linear, (x,), {"weight": weight})["weight"] is weight
    bound = bind(torch.conv2d, (x, weight, None, 2), {"groups": 4})
    assert (bound["stride"], bound["groups"], bound["padding"]) == (2, 4, 0)
    assert bind(torch.cat, ([x],), {}) is None


def test_an_autograd_function_for_another_operation():
    x = torch.ones(3, requires_grad=True)
    with BackwardRules({torch.tanh: Double}):
        x.tanh().sum().backward()
    assert x.grad.tolist() == [2.0] * 3


def test_no_rule_is_applied_to_the_backward_pass_itself():
    calls = []

    def add(func, args, kwargs):
        calls.append(func)
        return func(*args, **kwargs)

    weight = torch.ones(1, requires_grad=True)

    class AddsBackward(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x.clone()

        @staticmethod
        def backward(ctx, p):
            return p + weight

    x = torch.ones(1, requires_grad=True)
    with BackwardRules({torch.add: add}):
        (AddsBackward.apply(x) + 1).backward()
    assert len(calls) == 1


def test_unmet_context_warns_once_by_name():
    with pytest.warns(UserWarning, match="Guided backprop met no operation") as record:
        guided_backprop(nn.Sequential(nn.Conv2d(3, 2, 8), nn.Flatten()), torch.rand(1, 3, 8, 8), 0)
    assert len(record) == 1


def test_unruled_nonlinearities_are_named_in_one_warning():
    net = nn.Sequential(
        nn.Conv2d(3, 4, 3),
        nn.ReLU(),
        nn.SiLU(),
        nn.GELU(),
        nn.SiLU(inplace=True),
        nn.Hardswish(),
        nn.Sigmoid(),
        nn.Hardtanh(),
        nn.LeakyReLU(),
        nn.PReLU(),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
    )
    names = "silu, gelu, hardswish, sigmoid, hardtanh, leaky_relu, prelu"
    with pytest.warns(UserWarning, match=f"no rule for {names}:") as record:
        guided_backprop(net, torch.rand(1, 3, 8, 8), 0)
    assert len(record) == 1


def test_a_plain_relu_network_gives_no_warning(reference_network, backprop_reference):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        guided_backprop(reference_network, backprop_reference["x"], 0)
        guided_backprop(reference_network, backprop_reference["x"], 0, saliency_layer="avgpool")


def test_an_exception_is_not_drowned_in_warnings():
    def fail() -> None:
        with BackwardRules({F.relu: Double}):
            raise KeyError("mine")

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(KeyError, match="mine"):
            fail()


def test_relu_context_warns_when_it_meets_nothing():
    with pytest.warns(UserWarning, match=r"ReLUContext\(Double\) met no ReLU"), ReLUContext(Double):
        torch.ones(1).tanh()


@pytest.mark.parametrize("rule", [None, 3, "relu"])
def test_a_rule_must_be_a_function(rule):
    with pytest.raises(TypeError, match="rule for relu must be"):
        BackwardRules({F.relu: rule})


def test_a_key_must_be_a_function():
    with pytest.raises(TypeError, match="key of the rules"):
        BackwardRules({"relu": Double})


def test_counts_start_afresh_each_time_the_context_is_entered():
    context = BackwardRules({F.relu: Double})
    for _ in range(2):
        with context, context:
            F.relu(torch.ones(1, requires_grad=True))
        assert context.met == {"relu": 1}


def test_in_place_on_a_leaf_is_refused_as_by_torch():
    x = torch.ones(1, requires_grad=True)
    with pytest.raises(RuntimeError, match="leaf"), GuidedBackpropContext():
        F.relu(x, inplace=True)


def test_without_gradients_nothing_changes():
    x = torch.tensor([-1.0, 1.0])
    with GuidedBackpropContext(), torch.no_grad():
        assert F.relu(x, inplace=True) is x
    assert x.tolist() == [0.0, 1.0]
