"""What holds for every gradient method: batches, forms of target, state, dtypes, bad input."""

from __future__ import annotations

import copy
import warnings
from fractions import Fraction

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.checkpoint import checkpoint

from course_lib.attribution.common import Probe, get_backward_gradient, get_module, saliency
from course_lib.attribution.deconvnet import DeConvNetContext, deconvnet
from course_lib.attribution.grad_cam import grad_cam, gradient_to_grad_cam_saliency
from course_lib.attribution.gradient import gradient
from course_lib.attribution.guided_backprop import (
    GuidedBackpropContext,
    GuidedBackpropReLU,
    guided_backprop,
)
from course_lib.attribution.linear_approx import (
    gradient_to_linear_approx_saliency,
    linear_approx,
)
from course_lib.attribution.maps.imaging import imsmooth
from course_lib.attribution.rise import rise
from course_lib.attribution.saliency import gradient_to_saliency

# The networks here are small, and have no max pooling.
pytestmark = pytest.mark.filterwarnings("ignore:DeConvNet's map of this network")

CALLS = {
    "gradient": lambda *a, **k: gradient(*a, **k),
    "gradient at a layer": lambda *a, **k: gradient(*a, saliency_layer="conv1", **k),
    "deconvnet": lambda *a, **k: deconvnet(*a, **k),
    "guided_backprop": lambda *a, **k: guided_backprop(*a, **k),
    "grad_cam": lambda *a, **k: grad_cam(*a, saliency_layer="conv2", **k),
    "linear_approx": lambda *a, **k: linear_approx(*a, saliency_layer="relu1", **k),
    "linear_approx of the input": lambda *a, **k: linear_approx(*a, **k),
}
every_call = pytest.mark.parametrize("call", CALLS.values(), ids=CALLS.keys())


class Net(nn.Module):
    """Small, with BatchNorm, dropout, an in-place ReLU and a shape that is not square."""

    def __init__(self, spatial: bool = False) -> None:
        super().__init__()
        self.spatial = spatial
        self.conv1 = nn.Conv2d(3, 6, 3, padding=1)
        self.bn1 = nn.BatchNorm2d(6)
        self.relu1 = nn.ReLU(inplace=True)
        self.drop = nn.Dropout(0.5)
        self.conv2 = nn.Conv2d(6, 8, 3, stride=2)
        self.relu2 = nn.ReLU(inplace=True)
        self.head = nn.Conv2d(8, 5, 1)
        self.bn1.running_mean.normal_()

    def forward(self, x):
        x = self.relu2(self.conv2(self.drop(self.relu1(self.bn1(self.conv1(x))))))
        y = self.head(x)
        return y if self.spatial else y.mean((2, 3))


@pytest.fixture
def net():
    return Net().double()


@pytest.fixture
def images():
    return torch.randn(3, 3, 9, 7, dtype=torch.float64)


@every_call
@pytest.mark.parametrize("spatial", [False, True])
def test_a_batch_is_a_loop(call, spatial, images):
    net = Net(spatial).double()
    expected = torch.cat([call(net, images[i : i + 1], t) for i, t in enumerate((4, 0, 2))])
    for targets in ([4, 0, 2], (4, 0, 2), torch.tensor([4, 0, 2])):
        torch.testing.assert_close(call(net, images, targets), expected, rtol=1e-10, atol=1e-14)
    same = torch.cat([call(net, images[i : i + 1], 1) for i in range(3)])
    torch.testing.assert_close(call(net, images, 1), same, rtol=1e-10, atol=1e-14)


@every_call
def test_several_targets_of_one_image(call, net, images):
    expected = torch.cat([call(net, images[:1], t) for t in (4, 0, 2)])
    for targets in ([4, 0, 2], torch.tensor([4, 0, 2])):
        torch.testing.assert_close(call(net, images[:1], targets), expected, rtol=1e-9, atol=1e-14)


@every_call
def test_several_targets_of_several_images(call, net, images):
    targets = torch.tensor([[4, 0], [1, 2], [3, 3]])
    found = call(net, images, targets, resize=True)
    assert found.shape == (3, 2, 9, 7)
    for n in range(3):
        for k in range(2):
            one = call(net, images[n : n + 1], int(targets[n, k]), resize=True)
            torch.testing.assert_close(found[n, k], one[0, 0], rtol=1e-9, atol=1e-14)
    assert call(net, images[:1], [[1]]).shape == call(net, images[:1], 1).shape


@every_call
def test_one_forward_pass_for_all_targets(call, net, images):
    runs = []
    net.register_forward_hook(lambda *_: runs.append(1))
    call(net, images[:1], list(range(5)))
    assert len(runs) == 1


@every_call
def test_a_gradient_as_the_target(call, net, images):
    start = torch.zeros(3, 5, dtype=torch.float64)
    start[torch.arange(3), torch.tensor([4, 0, 2])] = 1
    torch.testing.assert_close(call(net, images, start), call(net, images, [4, 0, 2]))
    assert not torch.allclose(call(net, images, 2 * start - 0.5), call(net, images, start))


def snapshot(model, *tensors):
    return (
        [m.training for m in model.modules()],
        [(p.requires_grad, p.grad, p.detach().clone()) for p in model.parameters()],
        [b.clone() for b in model.buffers()],
        [
            (len(m._forward_hooks), len(m._forward_pre_hooks), len(m._backward_hooks))
            for m in model.modules()
        ],
        [getattr(m, "inplace", None) for m in model.modules()],
        [(t.requires_grad, t.grad, t.detach().clone()) for t in tensors],
        torch.get_rng_state(),
    )


def same(a, b) -> bool:
    if isinstance(a, torch.Tensor):
        return torch.equal(a, b)
    if isinstance(a, (list, tuple)):
        return len(a) == len(b) and all(map(same, a, b))
    return a == b


class Boom(Exception):
    pass


@every_call
@pytest.mark.parametrize("training", [False, True])
def test_all_is_as_before(call, training, net, images):
    net.train(training)
    net.bn1.eval()
    net.conv1.weight.requires_grad_(False)
    net.conv2.weight.grad = torch.ones_like(net.conv2.weight)
    images.requires_grad_()
    images.grad = torch.ones_like(images)
    before = snapshot(net, images)
    result = call(net, images, 1, resize=True, smooth=0.1)
    assert same(before, snapshot(net, images))
    assert not result.requires_grad
    assert result.grad_fn is None


@pytest.mark.parametrize("share", [torch.tensor(0.25), np.float32(0.25), Fraction(1, 4)])
def test_smooth_is_a_number_of_any_type(share, net, images):
    expected = gradient(net, images, 1, smooth=0.25)
    assert torch.equal(gradient(net, images, 1, smooth=share), expected)


@every_call
@pytest.mark.parametrize("error", [Boom, KeyboardInterrupt])
def test_all_is_as_before_after_an_exception(call, error, net, images):
    net.train()
    images.requires_grad_()
    expected = call(net, images, 1)

    def fail(*_):
        torch.rand(1)
        raise error

    for register in (
        net.register_forward_pre_hook,
        net.bn1.register_forward_hook,
        net.register_forward_hook,
    ):
        handle = register(fail)
        before = snapshot(net, images)
        with pytest.raises(error):
            call(net, images, 1)
        assert same(before, snapshot(net, images))
        handle.remove()
    torch.testing.assert_close(call(net, images, 1), expected)


def test_exceptions_in_the_callers_functions_restore_too(net, images):
    def fail(*_):
        raise Boom

    before = snapshot(net, images)
    for kwargs in (
        {"gradient_to_saliency": fail},
        {"get_backward_gradient": fail},
        {"context_builder": fail},
    ):
        with pytest.raises(Boom):
            saliency(net, images, 0, **kwargs)
        assert same(before, snapshot(net, images))


def test_an_interrupted_set_up_is_undone(net, images, monkeypatch):
    before = snapshot(net, images)
    frozen = []

    def freeze_some(self: torch.Tensor, requires_grad: bool = True) -> torch.Tensor:
        frozen.append(self)
        if len(frozen) == 2:
            raise ZeroDivisionError
        return ordinary(self, requires_grad)

    ordinary = torch.Tensor.requires_grad_
    monkeypatch.setattr(torch.Tensor, "requires_grad_", freeze_some)
    with pytest.raises(ZeroDivisionError):
        gradient(net, images, 0)
    assert same(before, snapshot(net, images))


@every_call
def test_training_mode_is_used_as_eval(call, net, images):
    torch.testing.assert_close(call(net.train(), images, 1), call(net.eval(), images, 1))


@every_call
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16, torch.float16])
def test_dtypes(call, dtype, net, images):
    found = call(copy.deepcopy(net).to(dtype), images.to(dtype), 1)
    assert found.dtype == dtype
    expected = call(net, images, 1)
    tolerance = {torch.float64: 1e-12, torch.float32: 1e-4}.get(dtype, 0.1)
    assert (found.double() - expected).abs().max() <= tolerance * expected.abs().max()


@every_call
def test_autocast(call, net, images):
    net, images = net.float(), images.float()
    expected = call(net, images, 1)
    with torch.autocast("cpu", torch.bfloat16):
        found = call(net, images, 1)
    assert (found.float() - expected).abs().max() <= 0.1 * expected.abs().max()


@every_call
@pytest.mark.parametrize("mode", [torch.inference_mode, torch.no_grad])
def test_callers_without_gradients(call, mode, net, images):
    expected = call(net, images, 1)
    with mode():
        inside = images + 0
        torch.testing.assert_close(call(net, inside, 1), expected)
        torch.testing.assert_close(call(net, inside, torch.tensor([1, 1, 1])), expected)
        start = F.one_hot(torch.tensor([1, 1, 1]), 5).double()
        torch.testing.assert_close(call(net, inside, start), expected)


@pytest.mark.parametrize("layer", ["conv1", "bn1", "conv2"])
def test_a_layer_followed_by_an_in_place_relu(layer, net, images):
    other = copy.deepcopy(net)
    other.relu1.inplace = other.relu2.inplace = False
    for method in (grad_cam, linear_approx, gradient):
        torch.testing.assert_close(
            method(net, images, 1, saliency_layer=layer),
            method(other, images, 1, saliency_layer=layer),
        )


def test_a_network_that_works_on_its_input_in_place(net, images):
    class Centred(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.net = net

        def forward(self, x):
            return self.net(x.sub_(0.5).relu_())

    before = images.clone()
    gradient(Centred(), images, 1)
    grad_cam(Centred(), images, 1, saliency_layer="net.conv2")
    assert torch.equal(images, before)


def test_functions_in_the_place_of_layers_do_not_disturb(images):
    net = nn.Sequential(
        nn.Conv2d(3, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 5)
    )
    net.double()
    expected = guided_backprop(net, images, 1)
    guided = {"saliency_layer": net[0], "context_builder": GuidedBackpropContext}
    at_a_layer = grad_cam(net, images, 1, **guided)
    later = linear_approx(net, images, 1, saliency_layer=net[2])
    ranked = rise(net, images, 1, num_masks=8)
    net._modules["1"] = GuidedBackpropReLU.apply
    assert get_module(net, net[0]) is net[0]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert torch.equal(gradient(net, images, 1), expected)
        assert torch.equal(grad_cam(net, images, 1, saliency_layer=net[0]), at_a_layer)
        assert torch.equal(linear_approx(net, images, 1, saliency_layer=net[2]), later)
        torch.testing.assert_close(rise(net, images, 1, num_masks=8), ranked)
        x = images.clone().requires_grad_()
        with Probe(net[0], "output") as probe:
            net(x)[:, 1].sum().backward()
    torch.testing.assert_close(gradient_to_saliency(x), expected)
    assert probe.data[0].grad.shape == net[0](images).shape


def test_the_layer_may_be_given_itself(net, images):
    torch.testing.assert_close(
        grad_cam(net, images, 1, saliency_layer=net.conv2),
        grad_cam(net, images, 1, saliency_layer="conv2"),
    )


def test_resize_and_smooth(net, images):
    raw = grad_cam(net, images, 1, saliency_layer="conv2")
    assert raw.shape == (3, 1, 4, 3)
    assert grad_cam(net, images, 1, saliency_layer="conv2", resize=(5, 11)).shape[2:] == (11, 5)
    big = grad_cam(net, images, 1, saliency_layer="conv2", resize=True)
    assert big.shape == (3, 1, 9, 7)
    smooth = grad_cam(net, images, 1, saliency_layer="conv2", resize=True, smooth=0.2)
    assert smooth.std() < big.std()


def test_torchrays_manual_forms(net, images):
    net.eval().requires_grad_(False)
    x = images.clone().requires_grad_()
    for context, method in (
        (DeConvNetContext, deconvnet),
        (GuidedBackpropContext, guided_backprop),
    ):
        x.grad = None
        with context():
            y = net(x)
            y.backward(get_backward_gradient(y, [1, 2, 3]))
        torch.testing.assert_close(gradient_to_saliency(x), method(net, images, [1, 2, 3]))
    for function, method in (
        (gradient_to_grad_cam_saliency, grad_cam),
        (gradient_to_linear_approx_saliency, linear_approx),
    ):
        probe = Probe(net.conv2, target="output")
        y = net(images)
        y[:, 2].sum().backward()
        probe.remove()
        expected = method(net, images, 2, saliency_layer="conv2")
        torch.testing.assert_close(function(probe.data[0]), expected)


def test_debug_returns_probes_with_gradients(net, images):
    result, probes = saliency(net, images, 1, debug=True)
    torch.testing.assert_close(result, gradient(net, images, 1))
    torch.testing.assert_close(probes[""].data[0].grad.abs().amax(1, keepdim=True), result)
    assert probes["conv2"].data[0].grad.shape == (3, 8, 4, 3)
    assert all(not m._forward_hooks and not m._forward_pre_hooks for m in net.modules())
    assert all(p.grad is None for p in net.parameters())


def test_a_custom_start(net, images):
    def negative(y, target):
        return -get_backward_gradient(y, target)

    found = saliency(
        net,
        images,
        1,
        gradient_to_saliency=gradient_to_linear_approx_saliency,
        get_backward_gradient=negative,
    )
    torch.testing.assert_close(found, -linear_approx(net, images, 1))


BAD = {
    "three dimensions": (lambda n, x: (n, x[0], 0), "N x C x H x W"),
    "no image": (lambda n, x: (n, x[:0], 0), "at least one image"),
    "NaN": (lambda n, x: (n, x * float("nan"), 0), "must be finite, but holds NaN"),
    "integer image": (lambda n, x: (n, x.long(), 0), "floating dtype"),
    "class too high": (lambda n, x: (n, x, 5), "out of range: the network has 5 classes, 0 to 4"),
    "negative class": (lambda n, x: (n, x, -1), "out of range"),
    "too few targets": (lambda n, x: (n, x, [0, 1]), "one target per image"),
    "wrong gradient": (lambda n, x: (n, x, torch.zeros(3, 4)), "shape of the scores"),
    "tuple output": (lambda n, x: (nn.Sequential(n, Tuple()), x, 0), "returned a tuple"),
    "flat output": (lambda n, x: (nn.Sequential(n, nn.Flatten(0)), x, 0), "returned 15"),
    "NaN scores": (
        lambda n, x: (nn.Sequential(n, Apply(lambda y: y / 0 * 0)), x, 0),
        "output must be finite, but holds NaN",
    ),
    "no gradient": (
        lambda n, x: (nn.Sequential(n, Apply(torch.Tensor.detach)), x, 0),
        "no gradient with respect to the input",
    ),
}


class Checkpointed(nn.Module):
    """The same network, its first layers' activations computed again on the way back."""

    def __init__(self, model, reentrant) -> None:
        super().__init__()
        self.lower = nn.Sequential(model.conv1, model.bn1, nn.ReLU())
        self.upper = nn.Sequential(model.conv2, nn.ReLU(), model.head)
        self.reentrant = reentrant

    def forward(self, x):
        return self.upper(checkpoint(self.lower, x, use_reentrant=self.reentrant)).mean((2, 3))


# torch 2.4's, about a line of its own.
@pytest.mark.filterwarnings("ignore:.*torch.cpu.amp.autocast:FutureWarning")
@pytest.mark.parametrize("method", [gradient, deconvnet, guided_backprop])
def test_other_gradient_checkpoints_change_nothing(method, net, images):
    expected = method(net, images, [0, 1, 2])
    torch.testing.assert_close(method(Checkpointed(net, False), images, [0, 1, 2]), expected)


class Apply(nn.Module):
    def __init__(self, function) -> None:
        super().__init__()
        self.function = function

    def forward(self, x):
        return self.function(x)


class Tuple(nn.Module):
    def forward(self, x):
        return x, x


@pytest.mark.parametrize("method", [gradient, guided_backprop])
@pytest.mark.parametrize(("build", "message"), BAD.values(), ids=BAD.keys())
def test_bad_input_gives_one_sentence_and_changes_nothing(method, build, message, net, images):
    model, x, target = build(net, images)
    before = snapshot(model, x)
    with pytest.raises(ValueError, match=message) as error:
        method(model, x, target)
    assert "\n" not in str(error.value)
    assert same(before, snapshot(model, x)) or x.isnan().any()


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"saliency_layer": "conv3"}, "no layer 'conv3'; did you mean"),
        ({"saliency_layer": "never"}, "Layer 'never' never runs"),
        ({"saliency_layer": "ids"}, "gives no floating tensor"),
        ({"saliency_layer": "unused"}, "no gradient with respect to layer 'unused'"),
        ({"saliency_layer": "flat"}, "must have shape N x C"),
        ({"resize": "big"}, "resize must be"),
        ({"resize": True, "resize_mode": "best"}, "resize_mode must be"),
        ({"saliency_layer": "pooled", "resize": True}, "can be resized"),
        ({"smooth": -1}, "smooth must be"),
        ({"smooth": float("nan")}, "smooth must be"),
        ({"smooth": float("inf")}, "smooth must be"),
        ({"smooth": "much"}, "smooth must be"),
    ],
)
def test_bad_layers_and_options(kwargs, message, net, images):
    class Odd(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv1 = net
            self.conv2 = nn.Identity()
            self.never = nn.ReLU()
            self.twice = nn.ReLU()
            self.unused = nn.Identity()
            self.ids = Apply(lambda x: x.argmax(1))
            self.flat = nn.Flatten(0)
            self.pooled = nn.Identity()

        def forward(self, x):
            self.unused(x * 2)
            y = self.pooled(self.conv1(self.twice(self.twice(x))))
            self.ids(y)
            return y + self.flat(y).sum()

    model = Odd()
    before = snapshot(model, images)
    with pytest.raises(ValueError, match=message):
        saliency(model, images, 0, **kwargs)
    assert same(before, snapshot(model, images))


def test_a_layer_that_runs_twice_is_explained_at_its_last_run(images):
    """As TorchRay's and our Probe see it; a note says so."""
    first, head = nn.Conv2d(3, 3, 3, padding=1).double(), nn.Conv2d(3, 5, 1).double()
    twice = nn.ReLU()

    class Twice(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.twice, self.head = first, twice, head

        def forward(self, x):
            return self.head(self.twice(self.first(self.twice(x)))).mean((2, 3))

    with pytest.warns(UserWarning, match="Layer 'twice' runs 2 times.*the last time is explained"):
        found = linear_approx(Twice(), images, 1, saliency_layer="twice")
    leaf = twice(first(twice(images))).detach().requires_grad_()
    (g,) = torch.autograd.grad(head(leaf).mean((2, 3))[:, 1].sum(), leaf)
    torch.testing.assert_close(found, (leaf.detach() * g).sum(1, keepdim=True))


def test_debug_with_functions_in_the_place_of_layers(images):
    net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    net.double()._modules["1"] = torch.relu
    result, probes = gradient(net, images, 1, debug=True)
    torch.testing.assert_close(result, gradient(net, images, 1))
    assert list(probes) == ["", "0", "2", "3"]
    assert all(probe.gradient[0] is not None for probe in probes.values())


def test_a_layer_that_returns_a_tuple_works(net, images):
    class Two(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.body = nn.Sequential(net.conv1, Tuple())
            self.head = nn.Conv2d(6, 5, 1).double()

        def forward(self, x):
            a, b = self.body(x)
            return self.head(a.relu() + 0 * b).mean((2, 3))

    model = Two()
    found = grad_cam(model, images, 1, saliency_layer="body")
    a = model.body(images)[0]
    weights = model.head.weight[1].view(6, 1, 1) * (a > 0).double().mean((2, 3), keepdim=True) / 63
    torch.testing.assert_close(found, (a * weights).sum(1, keepdim=True).clamp(min=0).detach())


def test_kinds(net, images):
    with pytest.raises(TypeError, match=r"model must be a torch\.nn\.Module, not function"):
        gradient(lambda x: x, images, 0)
    with pytest.raises(TypeError, match="must be a class index, not a bool"):
        gradient(net, images, True)
    with pytest.raises(TypeError, match=r"input must be a torch\.Tensor"):
        gradient(net, images.numpy(), 0)


def test_grad_cam_needs_a_layer_with_positions(net, images):
    with pytest.raises(ValueError, match="needs a layer"):
        grad_cam(net, images, 0)
    pooled = nn.Sequential(net, nn.Identity())
    with pytest.raises(ValueError, match="shape N x C x H x W, not 3 x 5"):
        grad_cam(pooled, images, 0, saliency_layer="1")
    for function in (gradient_to_saliency, gradient_to_grad_cam_saliency):
        with pytest.raises(ValueError, match="no gradient yet"):
            function(images)


@pytest.mark.parametrize("method", [deconvnet, guided_backprop])
def test_compiled_and_scripted_models_are_refused(method, net, images):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        scripted = torch.jit.trace(net.eval(), images)
    with pytest.raises(ValueError, match="compiled or scripted"):
        method(scripted, images, 0)
    compiled = torch.compile(net)
    with pytest.raises(ValueError, match="compiled or scripted"):
        method(compiled, images, 0)
    with pytest.raises(ValueError, match="compiled or scripted"):
        method(nn.Sequential(compiled), images, 0)
    net.compile()
    with pytest.raises(ValueError, match="compiled or scripted"):
        method(net, images, 0)


def test_twenty_classes_cost_one_forward_and_one_batched_backward(images, monkeypatch):
    calls = []
    original = torch.autograd.grad

    def counted(*args, **kwargs):
        calls.append(kwargs.get("is_grads_batched", False))
        return original(*args, **kwargs)

    net = Net().double()
    net.head = nn.Conv2d(8, 20, 1).double()
    monkeypatch.setattr(torch.autograd, "grad", counted)
    found = grad_cam(net, images[:1], list(range(20)), saliency_layer="conv2")
    assert found.shape == (20, 1, 4, 3)
    assert calls == [True]


def test_operations_without_a_batched_backward_pass_fall_back_to_a_loop(net, images):
    class Opaque(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 2

        @staticmethod
        def backward(ctx, p):
            return p * 2

    net.head = nn.Sequential(Apply(Opaque.apply), net.head)
    expected = torch.cat([grad_cam(net, images[:1], t, saliency_layer="conv2") for t in range(5)])
    found = grad_cam(net, images[:1], list(range(5)), saliency_layer="conv2")
    torch.testing.assert_close(found, expected)


def test_a_layer_is_named_as_it_is(net, images):
    net.AuxLogits = nn.Conv2d(3, 3, 1)
    with pytest.raises(ValueError, match=r"^Layer 'AuxLogits' never runs in a forward pass"):
        gradient(net, images, 0, saliency_layer="AuxLogits")


def test_a_model_without_layers_is_said_to_have_none(images):
    class Bare(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x.mean((2, 3))

    with pytest.raises(ValueError, match="no layer 'conv': it has no layers at all"):
        gradient(Bare(), images, 0, saliency_layer="conv")


def test_maps_of_a_layer_without_positions_are_not_smoothed():
    net = nn.Sequential(nn.Flatten(), nn.Linear(48, 5), nn.ReLU(), nn.Linear(5, 2))
    x = torch.rand(2, 3, 4, 4)
    assert gradient(net, x, 1, saliency_layer="1").shape == (2, 1)
    with pytest.raises(ValueError, match="can be smoothed, and these are 2 x 1"):
        gradient(net, x, 1, saliency_layer="1", smooth=0.1)


def test_maps_are_smoothed_in_full_precision_under_autocast(net, images):
    net, images = net.float(), images.float()
    with torch.autocast("cpu", torch.bfloat16):
        plain = gradient(net, images, 1)
        smooth = gradient(net, images, 1, smooth=0.1)
    assert smooth.dtype == plain.dtype == torch.float32
    wide = max(plain.shape[2:]) * 0.1
    torch.testing.assert_close(smooth, imsmooth(plain, wide, padding_mode="replicate"))


@pytest.mark.parametrize("target", [3.0, torch.tensor(3.0)])
def test_a_class_is_no_floating_number(target, net, images):
    with pytest.raises(TypeError, match="must hold class indices, not"):
        gradient(net, images, target)


def test_a_forward_left_out_of_compilation_is_not_compiled(images):
    class Left(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(3, 4, 3)

        @torch.compiler.disable
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.conv(x).relu().mean((2, 3))

    assert guided_backprop(Left(), images.float(), 1).shape[1] == 1


@pytest.mark.parametrize(
    "bounded",
    [F.relu6, lambda x: F.hardtanh(x, 0, 6), lambda x: x.clamp(0, 6)],
    ids=["relu6", "hardtanh", "clamp"],
)
def test_the_network_may_overwrite_what_a_bounded_relu_gives(bounded):
    class Net(nn.Module):
        def __init__(self, over: bool) -> None:
            super().__init__()
            self.over = over

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            a = bounded(4 * x)
            if self.over:
                a += x
            else:
                a = a + x
            return a.square().mean((2, 3))

    x = torch.randn(1, 3, 5, 5, dtype=torch.float64)
    torch.testing.assert_close(guided_backprop(Net(True), x, 1), guided_backprop(Net(False), x, 1))
