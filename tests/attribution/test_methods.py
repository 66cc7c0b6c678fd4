"""What holds for every method because it is in the table, and the example in CONTRIBUTING."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from course_lib.attribution import methods as table
from course_lib.attribution.methods import methods
from tests.attribution.quick import FEW, quick

# The networks here are small, and have no max pooling.
pytestmark = pytest.mark.filterwarnings("ignore:DeConvNet's map of this network", FEW)

CONTRIBUTING = Path(__file__).parents[2] / "CONTRIBUTING.md"
METHODS = methods()
EIGHT = {
    "contrastive_excitation_backprop",
    "deconvnet",
    "excitation_backprop",
    "extremal_perturbation",
    "grad_cam",
    "gradient",
    "guided_backprop",
    "linear_approx",
    "rise",
}
every_method = pytest.mark.parametrize("name", METHODS)


class Attending(nn.Module):
    """A class token that reads from the patches."""

    def __init__(self) -> None:
        super().__init__()
        self.token = nn.Parameter(torch.randn(1, 1, 8))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        patches = x.flatten(2).transpose(1, 2)
        tokens = torch.cat([self.token.expand(len(x), -1, -1), patches], 1)[:, None]
        return (tokens + F.scaled_dot_product_attention(tokens, tokens, tokens))[:, 0, 0]


@pytest.fixture
def net(request: pytest.FixtureRequest) -> nn.Module:
    """A network that the method is defined for."""
    torch.manual_seed(0)
    name = request.node.callspec.params["name"] if hasattr(request.node, "callspec") else None
    if name is not None and METHODS[name].needs == "attention":
        return nn.Sequential(nn.Conv2d(3, 8, 3, 3), Attending(), nn.Linear(8, 5)).double()
    net = nn.Sequential(
        nn.Conv2d(3, 6, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(6, 8, 3, stride=2),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(8, 5),
    )
    for layer in (net[0], net[2], net[6]):
        layer.bias.data.zero_()
    return net.double()


def maps(name: str, net: nn.Module, x: torch.Tensor, target: object) -> torch.Tensor:
    """The maps of a method, at a layer where it takes one."""
    m = METHODS[name]
    options = quick(name, x) | ({} if m.layer == "no" else {"saliency_layer": "1"})
    if name == "contrastive_excitation_backprop":
        options["contrast_layer"] = "3"
    found = m.function(net, x, target, **options)
    return found.masks if hasattr(found, "masks") else found


def test_the_eight_are_there() -> None:
    assert METHODS.keys() >= EIGHT


@every_method
def test_a_batch_is_a_loop(name: str, net: nn.Module) -> None:
    x = torch.rand(2, 3, 12, 9, dtype=torch.float64)
    expected = torch.cat([maps(name, net, x[i : i + 1], t) for i, t in enumerate((4, 2))])
    found = maps(name, net, x, [4, 2])
    assert found.shape[:2] == (2, 1)
    torch.testing.assert_close(found, expected, rtol=1e-6, atol=1e-9)


@every_method
def test_several_targets_of_one_image(name: str, net: nn.Module) -> None:
    x = torch.rand(1, 3, 12, 9, dtype=torch.float64)
    expected = [maps(name, net, x, t)[0, 0] for t in (4, 0, 2)]
    found = maps(name, net, x, [4, 0, 2]).flatten(0, 1)
    torch.testing.assert_close(found, torch.stack(expected), rtol=1e-6, atol=1e-9)


@every_method
def test_maps_are_of_the_class_as_the_table_says(name: str, net: nn.Module) -> None:
    x = torch.rand(1, 3, 12, 9, dtype=torch.float64)
    first, second = maps(name, net, x, [1, 3]).flatten(0, 1)
    assert torch.equal(first, second) != METHODS[name].by_class


@every_method
def test_signs_are_as_the_table_says(name: str, net: nn.Module) -> None:
    found = maps(name, net, torch.rand(1, 3, 12, 9, dtype=torch.float64), 1)
    if not METHODS[name].signed:
        assert float(found.min()) >= 0


@every_method
def test_all_is_as_before(name: str, net: nn.Module) -> None:
    x = torch.rand(1, 3, 12, 9, dtype=torch.float64, requires_grad=True)
    net.train()
    net[0].weight.grad = torch.ones_like(net[0].weight)
    before = {k: v.clone() for k, v in net.state_dict().items()}
    state = torch.get_rng_state()
    found = maps(name, net, x, 1)
    assert not found.requires_grad
    assert all(m.training for m in net.modules())
    assert all(p.requires_grad for p in net.parameters())
    assert net[0].weight.grad.eq(1).all()
    assert x.grad is None
    assert not any(m._forward_hooks or m._forward_pre_hooks for m in net.modules())
    assert all(torch.equal(v, before[k]) for k, v in net.state_dict().items())
    assert torch.equal(torch.get_rng_state(), state)


@every_method
def test_the_docstring_begins_with_the_formula_and_names_each_argument(name: str) -> None:
    function = METHODS[name].function
    text = inspect.getdoc(function)
    assert "Paper" in text or "arXiv" in text
    assert ">>> " in text
    assert "{options}" not in text
    for argument, parameter in inspect.signature(function).parameters.items():
        assert parameter.kind is not inspect.Parameter.VAR_KEYWORD
        assert re.search(rf"^ +([\w, *]+, )?{argument}(, [\w, *]+)?:", text, re.M), argument


@every_method
def test_bad_input_is_one_sentence(name: str, net: nn.Module) -> None:
    x = torch.rand(1, 3, 12, 9, dtype=torch.float64)
    for bad, target, message in (
        (x[0], 1, "must have shape N x C x H x W"),
        (x * float("nan"), 1, "must be finite"),
        (x, 9, "The target 9 is out of range"),
    ):
        with pytest.raises(ValueError, match=message) as error:
            maps(name, net, bad, target)
        assert "\n" not in str(error.value)


def test_the_method_in_contributing_works(net: nn.Module, monkeypatch) -> None:
    """Several targets, layers and batches, and it is in the table as the others are."""
    monkeypatch.setattr(table, "_ENTERED", [])
    (code,) = re.findall(r"```python\n(\"\"\"LayerCAM.*?)```", CONTRIBUTING.read_text(), re.S)
    code = code.replace("from .", "from course_lib.attribution.")
    space: dict = {"__name__": "layer_cam"}
    exec(compile(code, "layer_cam.py", "exec"), space)
    (entry,) = table._ENTERED
    x = torch.rand(2, 3, 12, 9, dtype=torch.float64)
    found = entry.function(net, x, [[4, 1], [0, 2]], saliency_layer="1", resize=True)
    assert found.shape == (2, 2, 12, 9)
    for n in range(2):
        for k, target in enumerate([[4, 1], [0, 2]][n]):
            leaf = net[1](net[0](x[n : n + 1])).detach().requires_grad_()
            (g,) = torch.autograd.grad(net[2:](leaf)[0, target], leaf)
            expected = (g.clamp(min=0) * leaf.detach()).sum(1)[0].clamp(min=0)
            torch.testing.assert_close(found[n, k], expected)
    assert list(inspect.signature(entry.function).parameters)[-3:] == [
        "resize",
        "resize_mode",
        "smooth",
    ]
