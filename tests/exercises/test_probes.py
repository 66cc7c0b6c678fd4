"""What probes are made of."""

from __future__ import annotations

import threading
from typing import Any

import pytest
import torch
from torch import nn

from course_lib.exercises.engine import probes


@pytest.fixture
def rng() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def test_random_inputs(rng: torch.Generator) -> None:
    x = probes.rand(rng, 50, 40, low=2, high=3)
    assert x.shape == (50, 40)
    assert x.dtype == torch.float64
    assert 2 <= x.min() < 2.1
    assert 2.9 < x.max() < 3
    assert probes.rand(rng, 1000).min() < -0.9
    assert probes.randn(rng, 3, dtype=torch.float32).dtype == torch.float32
    assert {probes.randint(rng, 1, 4) for _ in range(100)} == {1, 2, 3}


def test_small_network_depends_on_the_generator_alone(rng: torch.Generator) -> None:
    x = probes.rand(rng, 2, 3, 8, 8)
    torch.manual_seed(1)
    first = probes.small_network(torch.Generator().manual_seed(3))(x)
    torch.manual_seed(2)
    second = probes.small_network(torch.Generator().manual_seed(3), inplace=True)(x)
    assert torch.equal(first, second)
    assert first.shape == (2, 4)


def change_list(x: Any) -> None:
    x.append(1)


def change_nested(x: Any) -> None:
    x[0].zero_()


def change_weights(x: Any) -> None:
    nn.init.zeros_(x.weight)


@pytest.mark.parametrize(
    ("answer", "value"),
    [(change_list, []), (change_nested, [torch.ones(2)]), (change_weights, nn.Linear(2, 2))],
    ids=["list", "nested", "weights"],
)
def test_changed_inputs_are_found(answer: Any, value: Any) -> None:
    with pytest.raises(probes.ProbeFinding, match=r"`change_.*` changes its input `x` in place"):
        probes.call(answer, value)


def test_nan_in_an_input_is_no_change() -> None:
    x = torch.tensor([float("nan")])
    assert probes.call(lambda x: 1, x) == 1


def test_inputs_by_keyword_are_watched() -> None:
    with pytest.raises(probes.ProbeFinding, match="its input `scale` in place"):
        probes.call(lambda x, *, scale: scale.zero_(), 1, scale=torch.ones(2))
    with pytest.raises(probes.ProbeFinding, match=r"takes \(x\); .* 1 argument and `scale=`"):
        probes.call(lambda x: x, 1, scale=torch.ones(2))


def test_raised() -> None:
    assert probes.raised(int, "x") == "ValueError"
    assert probes.raised(int, "1") == "no error"
    with pytest.raises(probes.ProbeFinding):
        probes.raised(probes.call, lambda: 1, 2)


def test_in_thread() -> None:
    assert probes.in_thread(threading.get_ident) != threading.get_ident()
    with pytest.raises(ZeroDivisionError):
        probes.in_thread(lambda: 1 / 0)


def freeze(model: nn.Module) -> None:
    model[0].weight.requires_grad_(False)


def set_gradient(model: nn.Module) -> None:
    model(torch.ones(1, 3, 8, 8, dtype=torch.float64)).sum().backward()


def leave_hook(model: nn.Module) -> None:
    model[1].register_forward_hook(print)


def scale(model: nn.Module) -> None:
    with torch.no_grad():
        model[0].bias.mul_(2)


@pytest.mark.parametrize("change", [nn.Module.train, freeze, set_gradient, leave_hook, scale])
def test_model_state_sees_every_change(rng: torch.Generator, change: Any) -> None:
    model = probes.small_network(rng)
    before = probes.model_state(model)
    assert probes.same_state(before, probes.model_state(model))
    change(model)
    assert not probes.same_state(before, probes.model_state(model))


def test_describe() -> None:
    words = [probes.describe(v) for v in (None, ..., torch.zeros(2, 3), [1], 3, nn.ReLU(), nn.ReLU)]
    assert words == [
        "None",
        "`...`",
        "a tensor of shape (2, 3)",
        "a list of 1",
        "an int",
        "a ReLU",
        "the class ReLU",
    ]
