from __future__ import annotations

import threading
import warnings

import pytest
import torch
from torch import nn

from course_lib.attribution.extremal_perturbation import extremal_perturbation
from course_lib.attribution.gradient import gradient
from course_lib.attribution.network.preserved import preserved
from course_lib.attribution.rise import rise


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


def test_the_last_of_several_users_restores_the_model():
    """As when several threads explain by one model, and the first to come is the first to go."""
    model = nn.Sequential(nn.Linear(2, 2), nn.Dropout())
    first, second = preserved(model), preserved(model)
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    assert not model.training
    assert not model[0].weight.requires_grad
    second.__exit__(None, None, None)
    assert model.training
    assert model[1].training
    assert model[0].weight.requires_grad


def test_nothing_is_kept_of_a_model_afterwards():
    model = nn.Linear(2, 2)
    with preserved(model):
        pass
    model.eval()
    model.requires_grad_(False)
    with preserved(model):
        pass
    assert not model.training
    assert not model.weight.requires_grad


class Merging(nn.Linear):
    """Changes its weights with its mode, as layers of low-rank adapters do."""

    def train(self, mode: bool = True) -> Merging:
        self.weight.data.add_(-1.0 if mode else 1.0)
        return super().train(mode)


def test_layers_that_do_more_on_eval_are_left_alone():
    model = nn.Sequential(Merging(2, 2))
    before = model[0].weight.detach().clone()
    with preserved(model):
        assert not model[0].training
        assert torch.equal(model[0].weight, before)
    assert model[0].training
    assert torch.equal(model[0].weight, before)


def hooked(model: nn.Module) -> bool:
    return any(module._forward_hooks for module in model.modules())


@pytest.mark.parametrize(
    ("method", "needs_hook"),
    [
        (lambda model, x: gradient(model, x, 1), False),
        (lambda model, x: gradient(model, x, 1, saliency_layer="fc"), True),
        (lambda model, x: extremal_perturbation(model, x, 1, max_iter=2).masks, False),
    ],
    ids=["image", "layer", "extremal"],
)
def test_two_threads_may_explain_by_one_model(method, needs_hook):
    """The second comes while the first is inside the network, and goes before it."""
    a_in, b_out = threading.Event(), threading.Event()

    class Slow(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv, self.fc = nn.Conv2d(3, 4, 3), nn.Linear(4, 2)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            h = self.conv(x)
            # With a hook on the layer, if the method needs one.
            if threading.current_thread().name == "a" and (hooked(self) or not needs_hook):
                a_in.set()
                assert b_out.wait(20)
            return self.fc(h.relu().mean((2, 3)))

    model, found = Slow(), {}
    images = {"a": torch.rand(1, 3, 5, 5), "b": torch.rand(2, 3, 6, 6)}

    def explain(name: str) -> None:
        found[name] = method(model, images[name])

    thread = threading.Thread(target=explain, args="a", name="a")
    thread.start()
    assert a_in.wait(20)
    explain("b")
    b_out.set()
    thread.join(20)
    assert model.training
    assert all(p.requires_grad for p in model.parameters())
    for name, x in images.items():
        assert torch.equal(found[name], method(model, x))


def test_a_frozen_scripted_model_and_an_exported_one_are_explained():
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Flatten(), nn.Linear(64, 2)).eval()
    x = torch.rand(1, 3, 6, 6)
    expected = gradient(model, x, 1)
    exported = torch.export.export(model, (x,)).module()
    torch.testing.assert_close(gradient(exported, x, 1), expected)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        scripted = torch.jit.script(model)
        frozen = torch.jit.freeze(scripted)
    torch.testing.assert_close(gradient(frozen, x, 1), expected)
    with pytest.raises(ValueError, match="layer '0' can't be read in a scripted or traced model"):
        gradient(scripted, x, 1, saliency_layer="0")


def test_parameters_made_in_inference_mode_are_left_alone():
    with torch.inference_mode():
        model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Flatten(), nn.Linear(64, 2))
    x = torch.rand(1, 3, 6, 6)
    with pytest.raises(RuntimeError, match="Inference tensors cannot be saved for backward"):
        gradient(model, x, 1)
    assert all(p.requires_grad for p in model.parameters())
    assert rise(model, x, 1, num_masks=4).shape == (1, 1, 6, 6)
