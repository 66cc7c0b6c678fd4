from __future__ import annotations

import pytest
import torch
from torch import nn

from course_lib.attribution.state import preserved


def test_everything_comes_back_after_an_exception():
    model = nn.Sequential(nn.Linear(2, 2), nn.Dropout(), nn.Linear(2, 2))
    model[1].eval()
    model[2].bias.requires_grad_(False)
    grad = torch.ones(2, 2)
    model[0].weight.grad = grad
    x = torch.zeros(2, requires_grad=True)
    random = torch.get_rng_state()

    def fail() -> None:
        with preserved(model, x):
            spoil()

    def spoil() -> None:
        assert not any(m.training for m in model.modules())
        assert not any(p.requires_grad for p in model.parameters())
        model.train()
        model.requires_grad_(True)
        model[0].weight.grad = None
        x.requires_grad_(False)
        x.grad = torch.ones(2)
        torch.rand(3)
        raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert [m.training for m in model.modules()] == [True, True, False, True]
    assert [p.requires_grad for p in model.parameters()] == [True, True, True, False]
    assert model[0].weight.grad is grad
    assert x.requires_grad
    assert x.grad is None
    assert torch.equal(torch.get_rng_state(), random)


def test_a_function_instead_of_a_model():
    random = torch.get_rng_state()
    with preserved(lambda x: x):
        torch.rand(1)
    assert torch.equal(torch.get_rng_state(), random)


def test_nests():
    model = nn.Linear(2, 2)
    with preserved(model):
        with preserved(model):
            pass
        assert not model.training
        assert not model.weight.requires_grad
    assert model.training
    assert model.weight.requires_grad
