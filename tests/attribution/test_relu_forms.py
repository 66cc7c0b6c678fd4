"""ReLU in every form it is written in goes by the rule, and forward is unchanged to the bit."""

from __future__ import annotations

import threading
import warnings

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from course_lib.attribution.deconvnet import DeConvNetContext, DeConvNetReLU, deconvnet
from course_lib.attribution.gradient import gradient
from course_lib.attribution.guided_backprop import (
    GuidedBackpropContext,
    GuidedBackpropReLU,
    guided_backprop,
)
from course_lib.attribution.rules.backward_rules import BackwardRules
from course_lib.attribution.rules.relu import ReLUContext

# The networks here are small, and have no max pooling.
pytestmark = pytest.mark.filterwarnings("ignore:DeConvNet's map of this network")

_SHARED = nn.ReLU()
_SHARED6 = nn.ReLU6()

RELU = {
    "module": lambda x: nn.ReLU()(x),
    "module in place": lambda x: nn.ReLU(inplace=True)(x),
    "reused module": lambda x: _SHARED(_SHARED(x)),
    "F.relu": lambda x: F.relu(x),
    "F.relu keyword": lambda x: F.relu(input=x),
    "F.relu in place": lambda x: F.relu(x, inplace=True),
    "F.relu in place by position": lambda x: F.relu(x, True),
    "F.relu_": lambda x: F.relu_(x),
    "torch.relu": lambda x: torch.relu(x),
    "torch.relu_": lambda x: torch.relu_(x),
    "method": lambda x: x.relu(),
    "method in place": lambda x: x.relu_(),
}
RELU |= {
    f"{name}, result not used": lambda x, form=form: (form(x), x)[1]
    for name, form in RELU.items()
    if name.endswith("_") or "in place" in name
}
CLAMPED = {
    "clamp": lambda x: x.clamp(min=0),
    "clamp by position": lambda x: torch.clamp(x, 0),
    "clamp_": lambda x: x.clamp_(min=0),
    "clamp_min": lambda x: x.clamp_min(0),
    "clip": lambda x: x.clip(min=0.0),
    "threshold": lambda x: F.threshold(x, 0, 0),
    "threshold in place": lambda x: F.threshold_(x, 0.0, 0.0),
}
RELU6 = {
    "module": lambda x: nn.ReLU6()(x),
    "module in place": lambda x: nn.ReLU6(inplace=True)(x),
    "reused module": lambda x: _SHARED6(_SHARED6(x)),
    "F.relu6": lambda x: F.relu6(x),
    "F.relu6 in place": lambda x: F.relu6(x, inplace=True),
    "F.hardtanh": lambda x: F.hardtanh(x, 0.0, 6.0),
    "F.hardtanh keyword": lambda x: F.hardtanh(x, max_val=6.0, min_val=0.0),
    "F.hardtanh_": lambda x: F.hardtanh_(x, 0.0, 6.0),
}
RELU6 |= {
    f"{name}, result not used": lambda x, form=form: (form(x), x)[1]
    for name, form in RELU6.items()
    if name.endswith("_") or "in place" in name
}
CLAMPED6 = {"clamp": lambda x: x.clamp(0, 6), "clamp_": lambda x: x.clamp_(min=0, max=6)}

X = torch.tensor([-3.0, -0.0, 0.0, 2.0, -3.0, 2.0, 9.0, 9.0])
P = torch.tensor([1.0, 1.0, 1.0, 1.0, -1.0, -1.0, 1.0, -1.0])
RULES = {
    (DeConvNetContext, False): [1.0, 1, 1, 1, 0, 0, 1, 0],
    (DeConvNetContext, True): [1.0, 1, 1, 1, 0, 0, 1, 0],
    (GuidedBackpropContext, False): [0.0, 0, 0, 1, 0, 0, 1, 0],
    (GuidedBackpropContext, True): [0.0, 0, 0, 1, 0, 0, 0, 0],
}
FORMS = [
    *((name, form, False) for name, form in (RELU | CLAMPED).items()),
    *((name, form, True) for name, form in (RELU6 | CLAMPED6).items()),
]


def run(form, context, view: bool = False):
    leaf = X.clone().requires_grad_()
    hidden = leaf.clone()
    if view:
        hidden = hidden.view(2, 4)[:].view(8)
    with context:
        y = form(hidden)
        overwritten = y.data_ptr() == hidden.data_ptr()
        y.backward(P)
    return y.detach(), leaf.grad, overwritten


@pytest.mark.parametrize("view", [False, True])
@pytest.mark.parametrize("context", [DeConvNetContext, GuidedBackpropContext])
@pytest.mark.parametrize(("name", "form", "bounded"), FORMS)
def test_every_form_by_rules(name, form, bounded, context, view):
    y, grad, overwritten = run(form, context(), view)
    plain = X.clone()
    expected = form(plain)
    assert torch.equal(y.view(torch.int32), expected.view(torch.int32))
    assert overwritten == (expected.data_ptr() == plain.data_ptr())
    assert grad.tolist() == RULES[context, bounded]


@pytest.mark.parametrize("rule", [DeConvNetReLU, GuidedBackpropReLU])
@pytest.mark.parametrize("how", ["patch", "rules"])
@pytest.mark.parametrize(("name", "form"), RELU.items())
def test_every_form_by_a_learners_function(name, form, rule, how):
    context = ReLUContext(rule) if how == "patch" else BackwardRules({F.relu: rule})
    y, grad, overwritten = run(form, context)
    plain = X.clone()
    expected = form(plain)
    assert torch.equal(y, expected)
    assert overwritten == (expected.data_ptr() == plain.data_ptr())
    of = DeConvNetContext if rule is DeConvNetReLU else GuidedBackpropContext
    assert grad.tolist() == RULES[of, False]


@pytest.mark.parametrize(("name", "form"), RELU6.items())
def test_relu_context_covers_relu6(name, form):
    y, grad, _ = run(form, ReLUContext(GuidedBackpropReLU))
    assert torch.equal(y, form(X.clone()))
    assert grad.tolist() == RULES[GuidedBackpropContext, True]


def network(activation):
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv1, self.conv2 = nn.Conv2d(3, 6, 3), nn.Conv2d(6, 6, 3)

        def forward(self, x):
            return activation(self.conv2(activation(self.conv1(x)))).mean((2, 3))

    return Net().double()


@pytest.mark.parametrize("method", [deconvnet, guided_backprop])
@pytest.mark.parametrize("forms", [RELU | CLAMPED, RELU6 | CLAMPED6])
def test_all_forms_give_one_map(method, forms):
    x = torch.randn(2, 3, 8, 8, dtype=torch.float64)
    weights = None
    maps = []
    for form in forms.values():
        net = network(form)
        weights = weights or net.state_dict()
        net.load_state_dict(weights)
        maps.append(method(net, x, 1))
        assert not torch.equal(maps[-1], gradient(net, x, 1))
    for other in maps[1:]:
        assert torch.equal(maps[0], other)


def test_other_clamps_are_left_alone():
    x = torch.tensor([-1.0, 0.5, 2.0], requires_grad=True)
    with pytest.warns(UserWarning, match="met no operation"), GuidedBackpropContext():
        x.clamp(0, 1).backward(torch.ones(3))
    assert x.grad.tolist() == [0, 1, 0]


def test_a_clipped_image_does_not_count_as_relu():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with DeConvNetContext():
            x = torch.tensor([-0.5], requires_grad=True)
            x.clamp(-1, 1).backward(torch.tensor([-1.0]))
    assert x.grad.tolist() == [-1.0]


def test_forward_of_torchvision_networks_is_unchanged_to_the_bit():
    torchvision = pytest.importorskip("torchvision")
    x = torch.randn(2, 3, 64, 64)
    for name in ("resnet18", "mobilenet_v2", "densenet121"):
        net = getattr(torchvision.models, name)(weights=None).eval()
        net.requires_grad_(False)
        expected = net(x)
        leaf = x.clone().requires_grad_()
        for context in (DeConvNetContext, GuidedBackpropContext):
            with context():
                y = net(leaf)
                (p,) = torch.autograd.grad(y[:, 3].sum(), leaf)
            assert torch.equal(y, expected)
            (plain,) = torch.autograd.grad(net(leaf)[:, 3].sum(), leaf)
            assert (p - plain).norm() > 0.1 * plain.norm()


def test_rules_hold_in_their_own_thread_only():
    inside, done = threading.Event(), threading.Event()
    found = []

    def other() -> None:
        inside.wait(10)
        x = torch.tensor([1.0], requires_grad=True)
        F.relu(x).backward(torch.tensor([-1.0]))
        found.append(x.grad.item())
        done.set()

    thread = threading.Thread(target=other)
    thread.start()
    with GuidedBackpropContext():
        inside.set()
        assert done.wait(10)
        F.relu(torch.ones(1, requires_grad=True))
    thread.join()
    assert found == [-1.0]


def test_two_threads_with_two_rules_at_once():
    net = network(F.relu)
    x = torch.randn(1, 3, 8, 8, dtype=torch.float64)
    expected = {m: m(net.eval().requires_grad_(False), x, 0) for m in (deconvnet, guided_backprop)}
    differences = []

    def work(method) -> None:
        for _ in range(10):
            differences.append((method(net, x, 0) - expected[method]).abs().max().item())

    threads = [threading.Thread(target=work, args=(m,)) for m in expected]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert differences == [0.0] * 20


def test_relu_context_leaks_into_other_threads():
    inside, done = threading.Event(), threading.Event()
    found = []

    def other() -> None:
        inside.wait(10)
        x = torch.tensor([1.0], requires_grad=True)
        F.relu(x).backward(torch.tensor([-1.0]))
        found.append(x.grad.item())
        done.set()

    thread = threading.Thread(target=other)
    thread.start()
    with ReLUContext(GuidedBackpropReLU):
        inside.set()
        assert done.wait(10)
    thread.join()
    assert found == [0.0]


def test_contexts_nest_and_the_innermost_decides():
    x = torch.tensor([-1.0], requires_grad=True)
    with GuidedBackpropContext():
        F.relu(torch.ones(1, requires_grad=True))
        with DeConvNetContext():
            inner = F.relu(x)
        outer = F.relu(x)
    plain = F.relu(x)
    grads = [torch.autograd.grad(y, x, torch.ones(1))[0].item() for y in (inner, outer, plain)]
    assert grads == [1.0, 0.0, 0.0]


def test_contexts_restore_after_an_exception():
    before = (torch.relu, torch.relu_, F.relu_, F.relu6, F.hardtanh, F.hardtanh_)
    with pytest.raises(RuntimeError, match="inside"), ReLUContext(GuidedBackpropReLU):
        raise RuntimeError("inside")
    assert before == (torch.relu, torch.relu_, F.relu_, F.relu6, F.hardtanh, F.hardtanh_)
    assert "relu" not in vars(torch.Tensor)
    with pytest.raises(RuntimeError, match="inside"), GuidedBackpropContext():
        raise RuntimeError("inside")
    x = torch.ones(1, requires_grad=True)
    F.relu(x).backward(torch.tensor([-1.0]))
    assert x.grad.item() == -1


def test_relu_contexts_are_relu_contexts():
    assert isinstance(GuidedBackpropContext(), ReLUContext)
    assert DeConvNetContext().relu_func is DeConvNetReLU


@pytest.mark.parametrize("bad", [F.relu, nn.ReLU, GuidedBackpropReLU.apply, None])
def test_relu_context_wants_an_autograd_function(bad):
    with pytest.raises(TypeError, match=r"torch\.autograd\.Function class"):
        ReLUContext(bad)


def test_a_map_that_cannot_depend_on_the_image_is_said_to():
    """DeConvNet's rule asks nothing of the image; only max pooling does."""
    pooled = [nn.Conv2d(3, 4, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(36, 2)]
    plain = [nn.Conv2d(3, 4, 3), nn.ReLU6(), nn.AvgPool2d(2), nn.Flatten(), nn.Linear(36, 2)]
    first, second = torch.rand(2, 1, 3, 8, 8)
    with pytest.warns(UserWarning, match="the same for every image"):
        maps = [deconvnet(nn.Sequential(*plain), x, 1) for x in (first, second)]
    assert torch.equal(*maps)
    maps = [deconvnet(nn.Sequential(*pooled), x, 1) for x in (first, second)]
    assert not torch.equal(*maps)
