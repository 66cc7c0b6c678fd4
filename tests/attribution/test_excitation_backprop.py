"""Excitation backprop as it is called: reference numbers, contrast, batches, state, bad input."""

from __future__ import annotations

import copy
import gc
import threading
import warnings
from contextlib import nullcontext

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from course_lib.attribution.common import Probe, get_pointing_gradient, saliency
from course_lib.attribution.excitation_backprop import (
    EltwiseSum,
    ExcitationBackpropContext,
    contrastive_excitation_backprop,
    excitation_backprop,
    gradient_to_contrastive_excitation_backprop_saliency,
    gradient_to_excitation_backprop_saliency,
    relevance_lost,
    update_resnet,
)

DOUBLE = torch.float64
METHODS = {
    "excitation_backprop": excitation_backprop,
    "contrastive_excitation_backprop": contrastive_excitation_backprop,
}
CALLS = {
    "excitation": lambda *a, **k: excitation_backprop(*a, saliency_layer="relu1", **k),
    "excitation of the input": excitation_backprop,
    "contrastive": lambda *a, **k: contrastive_excitation_backprop(
        *a, saliency_layer="conv1", contrast_layer="relu2", **k
    ),
    "contrastive of the input": lambda *a, **k: contrastive_excitation_backprop(
        *a, saliency_layer="", contrast_layer="relu1", classifier_layer="head", **k
    ),
}
every_call = pytest.mark.parametrize("call", CALLS.values(), ids=CALLS.keys())
may_lose = pytest.mark.filterwarnings("ignore:Excitation backprop lost")


class Net(nn.Module):
    """BatchNorm, dropout, an in-place ReLU, an in-place residual sum; not square."""

    def __init__(self, spatial: bool = False) -> None:
        super().__init__()
        self.spatial = spatial
        self.conv1 = nn.Conv2d(3, 6, 3, padding=1)
        self.bn1 = nn.BatchNorm2d(6)
        self.relu1 = nn.ReLU(inplace=True)
        self.drop = nn.Dropout(0.5)
        self.block = nn.Conv2d(6, 6, 3, padding=1)
        self.conv2 = nn.Conv2d(6, 8, 3, stride=2)
        self.relu2 = nn.ReLU6(inplace=True)
        self.head = nn.Conv2d(8, 5, 1)
        with torch.no_grad():
            for layer in (self.conv1, self.block, self.conv2, self.head):
                # Positive enough for every unit that is on to be excited by some other.
                layer.weight.add_(0.2 * layer.weight.std())
                layer.bias.zero_()
                layer.weight[:, 0] = layer.weight[:, 0].abs() + 0.1
            self.conv1.weight[0] = 0.3

    def forward(self, x):
        x = self.drop(self.relu1(self.bn1(self.conv1(x))))
        out = self.block(x)
        out += x
        y = self.head(self.relu2(self.conv2(out)))
        return y if self.spatial else y.mean((2, 3))


@pytest.fixture
def net():
    torch.manual_seed(5)
    return Net().double()


@pytest.fixture
def images():
    torch.manual_seed(6)
    return torch.randn(3, 3, 9, 7, dtype=DOUBLE)


def relevance(*args, **kwargs):
    """Excitation backprop without its last step."""
    return excitation_backprop(*args, gradient_to_saliency=lambda x: x.grad, **kwargs)


@pytest.mark.parametrize("method", METHODS)
def test_equals_the_reference_numbers(method, backprop_reference, reference_network):
    cases = [c for c in backprop_reference["cases"] if c["method"] == method]
    assert cases
    for case in cases:
        found = METHODS[method](
            reference_network, backprop_reference["x"], case["target"], **case["kwargs"]
        )
        assert found.shape == case["output"].shape
        assert (found - case["output"]).abs().max() <= 1e-10 * case["output"].abs().max()


def by_hand(weight, x, p):
    """One dense layer, one unit at a time; x >= 0."""
    shares = torch.zeros_like(x)
    for i in range(len(p)):
        z = sum(max(float(weight[i, j]), 0) * float(x[j]) for j in range(len(x)))
        for j in range(len(x)):
            if z > 0:
                shares[j] += x[j] * max(float(weight[i, j]), 0) * p[i] / z
    return shares


@may_lose
@pytest.mark.parametrize("target", range(4))
def test_contrastive_by_hand(target):
    """Two passes through each layer, subtracted at the contrast layer."""
    net = nn.Sequential(
        nn.Flatten(), nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 7), nn.ReLU(), nn.Linear(7, 4)
    )
    net.double().requires_grad_(False)
    x = torch.rand(1, 1, 2, 3, dtype=DOUBLE)
    with torch.no_grad():
        a = net[2](net[1](x.flatten(1)))
        b = net[4](net[3](a))
    kept = {}
    for sign in (1, -1):
        p = by_hand(sign * net[5].weight, b[0], torch.eye(4, dtype=DOUBLE)[target])
        kept[sign, "4"] = p
        kept[sign, "2"] = by_hand(net[3].weight, a[0], p)
    at_contrast = {layer: kept[1, layer] - kept[-1, layer] for layer in ("4", "2")}
    expected = by_hand(net[1].weight, x.flatten(), at_contrast["2"]).view_as(x).clamp(min=0)
    assert at_contrast["2"].abs().max() > 0
    for contrast, classifier in (("2", None), ("2", "5"), ("4", None), ("4", net[5])):
        found = contrastive_excitation_backprop(net, x, target, "", contrast, classifier)
        torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-15)
    for layer in ("4", "2"):
        found = contrastive_excitation_backprop(
            net, x, target, layer, layer, gradient_to_saliency=lambda x: x.grad
        )
        torch.testing.assert_close(found[0], at_contrast[layer], rtol=1e-12, atol=1e-15)


@may_lose
def test_contrast_of_one_path_of_several(images):
    """What goes past the contrast layer takes no part in it."""

    class Forked(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.stem, self.one, self.two = (nn.Conv2d(3, 3, 1) for _ in range(3))
            self.left, self.right = nn.Identity(), nn.Identity()
            self.fc = nn.Conv2d(6, 4, 1)

        def forward(self, x):
            x = F.relu(self.stem(x))
            sides = self.left(F.relu(self.one(x))), self.right(F.relu(self.two(x)))
            return self.fc(torch.cat(sides, 1)).mean((2, 3))

    net = Forked().double()
    whole, left, right = (
        contrastive_excitation_backprop(
            net, images, 1, "stem", contrast, gradient_to_saliency=lambda x: x.grad
        )
        for contrast in ("stem", "left", "right")
    )
    assert left.abs().max() > 0
    torch.testing.assert_close(left + right, whole)


@pytest.mark.parametrize("trainable", [False, True])
def test_the_manual_forms(trainable, net, images):
    net.eval().requires_grad_(trainable)
    x = images[:1]
    probe = Probe(net.relu1, target="output")
    with ExcitationBackpropContext():
        net(x)[0, 2].backward()
    found = gradient_to_excitation_backprop_saliency(probe.data[0])
    probe.remove()
    torch.testing.assert_close(found, excitation_backprop(net, x, 2, "relu1"))

    saliency_probe = Probe(net.relu1, target="output")
    contrast_probe = Probe(net.relu2, target="output")
    with ExcitationBackpropContext():
        y = net(x)[0, 2]
        net.head.weight.data.neg_()
        y.backward()
        net.head.weight.data.neg_()
        contrast_probe.contrast = [contrast_probe.data[0].grad]
        net(x)[0, 2].backward()
    saliency_probe.remove()
    contrast_probe.remove()
    found = gradient_to_contrastive_excitation_backprop_saliency(saliency_probe.data[0])
    expected = contrastive_excitation_backprop(net, x, 2, "relu1", "relu2", "head")
    torch.testing.assert_close(found, expected)
    assert expected.max() > 0


@pytest.mark.parametrize("target", [1, [[0, 1], [2, 2], [4, 3]]])
def test_the_context_in_saliency(target, net, images):
    found = saliency(
        net,
        images,
        target,
        "block",
        context_builder=lambda: ExcitationBackpropContext(residual="branch"),
        gradient_to_saliency=gradient_to_excitation_backprop_saliency,
    )
    expected = excitation_backprop(net, images, target, "block", residual="branch")
    torch.testing.assert_close(found, expected)


@every_call
@pytest.mark.parametrize("spatial", [False, True])
def test_a_batch_is_a_loop(call, spatial, images):
    net = Net(spatial).double()
    expected = torch.cat([call(net, images[i : i + 1], t) for i, t in enumerate((4, 0, 2))])
    found = call(net, images, [4, 0, 2])
    torch.testing.assert_close(found, expected, rtol=1e-10, atol=1e-14)


@every_call
def test_several_targets_are_a_loop(call, net, images):
    expected = torch.cat([call(net, images[:1], t) for t in (4, 0, 2)])
    runs = []
    net.register_forward_hook(lambda *_: runs.append(1))
    found = call(net, images[:1], [4, 0, 2])
    assert len(runs) == 1
    torch.testing.assert_close(found, expected, rtol=1e-10, atol=1e-14)
    targets = torch.tensor([[4, 0], [1, 2], [3, 3]])
    found = call(net, images, targets)
    for n in range(3):
        for k in range(2):
            one = call(net, images[n : n + 1], int(targets[n, k]))
            torch.testing.assert_close(found[n, k], one[0, 0], rtol=1e-10, atol=1e-14)


@every_call
def test_forms_of_target_and_arguments(call, net, images):
    expected = call(net, images, [4, 0, 2])
    start = F.one_hot(torch.tensor([4, 0, 2]), 5).double()
    for target in (torch.tensor([4, 0, 2]), (4, 0, 2), start):
        torch.testing.assert_close(call(net, images, target), expected)
    assert call(net, images, 1, resize=True).shape == (3, 1, 9, 7)
    assert call(net, images, 1, resize=(4, 6), smooth=0.1).shape == (3, 1, 6, 4)
    spatial = Net(spatial=True).double()
    assert call(spatial, images, 1, get_backward_gradient=get_pointing_gradient).min() >= 0


def test_the_contrasts_arguments_by_position(net, images):
    by_name = contrastive_excitation_backprop(
        net,
        images,
        target=1,
        saliency_layer="conv1",
        contrast_layer="relu2",
        classifier_layer="head",
        resize=(5, 4),
        resize_mode="nearest",
        smooth=0.1,
    )
    by_place = contrastive_excitation_backprop(
        net, images, 1, "conv1", "relu2", "head", (5, 4), "nearest", 0.1
    )
    assert torch.equal(by_name, by_place)


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


@every_call
@pytest.mark.parametrize("training", [False, True])
def test_all_is_as_before(call, training, net, images):
    net.train(training)
    net.conv1.weight.requires_grad_(False)
    net.conv2.weight.grad = torch.ones_like(net.conv2.weight)
    images.requires_grad_()
    before = snapshot(net, images)
    result = call(net, images, 1)
    assert same(before, snapshot(net, images))
    assert not result.requires_grad


class Boom(Exception):
    pass


@every_call
@pytest.mark.parametrize("error", [Boom, KeyboardInterrupt])
@pytest.mark.parametrize("layer", ["conv1", "block", "head", None])
def test_all_is_as_before_after_an_exception(call, error, layer, net, images):
    net.train()

    def fail(*_):
        torch.rand(1)
        raise error

    if layer is not None:
        net.get_submodule(layer).register_forward_hook(fail)
    before = snapshot(net, images)
    with pytest.raises(error):
        call(net, images, 1, **({} if layer else {"gradient_to_saliency": fail}))
    assert same(before, snapshot(net, images))


@every_call
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16, "autocast"])
def test_dtypes(call, dtype, net, images):
    expected = call(net, images, 1)
    kept = torch.float32 if dtype == "autocast" else dtype
    with torch.autocast("cpu", torch.bfloat16) if dtype == "autocast" else nullcontext():
        found = call(copy.deepcopy(net).to(kept), images.to(kept), 1)
    assert found.dtype == kept or dtype == "autocast"
    tolerance = {torch.float32: 1e-4}.get(dtype, 0.15)
    assert (found.double() - expected).abs().max() <= tolerance * expected.abs().max()


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_relevance_survives_half_precision_over_many_units(dtype):
    """Each of 150,000 pixels has 7e-6 of it, half of which float16 would round away."""
    net = nn.Sequential(
        nn.Conv2d(3, 8, 1, bias=False), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 2)
    )
    net[0].weight.data.abs_()
    net[3].weight.data.abs_()
    x = torch.rand(1, 3, 224, 224).to(dtype)
    shares = relevance(net.to(dtype), x, 0)
    expected = relevance(net.float(), x.float(), 0)
    assert float(shares.double().sum()) == pytest.approx(1, abs=0.02)
    assert (shares.float() - expected).abs().max() <= 0.02 * expected.max()


@every_call
@pytest.mark.parametrize("mode", [torch.inference_mode, torch.no_grad])
def test_callers_without_gradients(call, mode, net, images):
    expected = call(net, images, 1)
    with mode():
        torch.testing.assert_close(call(net, images + 0, 1), expected)


def test_another_thread_keeps_its_gradients(net, images):
    net.eval()
    plain = torch.autograd.grad(net(images.requires_grad_())[0, 1], images)[0]
    inside, finished, found = threading.Event(), threading.Event(), []

    def other():
        inside.wait(10)
        x = images.detach().clone().requires_grad_()
        found.append(torch.autograd.grad(net(x)[0, 1], x)[0])
        finished.set()

    def pause(module, args, y):
        if threading.current_thread() is not thread:
            inside.set()
            assert finished.wait(10)

    thread = threading.Thread(target=other)
    thread.start()
    net.conv1.register_forward_hook(pause)
    excitation_backprop(net, images.detach(), 1)
    thread.join()
    torch.testing.assert_close(found[0], plain)


@every_call
def test_graphs_are_freed_by_counting_references_alone(call, net, images):
    """Sixty calls once took a gigabyte, until the garbage collector came by."""

    def living():
        kinds = (torch.Tensor, torch.autograd.function.BackwardCFunction)
        return sum(issubclass(type(thing), kinds) for thing in gc.get_objects())

    call(net, images, [[0, 1]] * 3)
    gc.collect()
    gc.disable()
    try:
        before = living()
        for _ in range(3):
            call(net, images, [[0, 1]] * 3)
        assert living() == before
    finally:
        gc.enable()


@pytest.mark.parametrize("residual", ["magnitude", "signed", "branch"])
def test_residual_options_conserve(residual, net, images):
    maps = relevance(net, images, 1, residual=residual)
    lost = sum(relevance_lost(net, images, 1, residual=residual).values())
    torch.testing.assert_close(maps.sum((1, 2, 3)) + lost, torch.ones(3).double())
    assert residual == "signed" or maps.min() >= 0
    other = "branch" if residual == "magnitude" else "magnitude"
    assert not torch.allclose(maps, relevance(net, images, 1, residual=other))


def test_a_layer_inside_a_block_gets_its_branch_share_only(net, images):
    """The skip connection ends below the layer, where relevance need not go, and still counts."""
    net.eval()
    with torch.no_grad():
        x = net.relu1(net.bn1(net.conv1(images)))
        branch = net.block(x)
    at_block = relevance(net, images, 1, saliency_layer="block")
    probe = Probe(net.conv2, target="input")
    with ExcitationBackpropContext():
        net(images)[:, 1].sum().backward()
    probe.remove()
    whole = branch.abs() + x.abs()
    expected = probe.data[0].grad * torch.where(whole > 0, branch.abs() / whole, 0)
    torch.testing.assert_close(at_block, expected)


@pytest.mark.parametrize("target", [1, [1, 2, 0]])
def test_debug_returns_probes_with_relevance(target, net, images):
    maps, probes = excitation_backprop(net, images, target, saliency_layer="relu1", debug=True)
    torch.testing.assert_close(maps, probes["relu1"].data[0].grad.sum(1, keepdim=True))
    assert all(probe.data[0].grad.sum() > 0 for probe in probes.values())
    expected = contrastive_excitation_backprop(net, images, target, "relu1", "relu2")
    maps, probes = contrastive_excitation_backprop(
        net, images, target, "relu1", "relu2", debug=True
    )
    torch.testing.assert_close(maps, expected)
    torch.testing.assert_close(probes["relu1"].data[0].grad.sum(1, keepdim=True).clamp(min=0), maps)


def test_what_a_bias_turned_on_is_lost_and_said():
    net = nn.Sequential(nn.Conv2d(1, 2, 1), nn.ReLU(), nn.Flatten(), nn.Linear(2, 1)).double()
    with torch.no_grad():
        net[0].weight.copy_(torch.tensor([1.0, -1.0]).view(2, 1, 1, 1))
        net[0].bias.copy_(torch.tensor([0.0, 2.0]))
        net[3].weight.copy_(torch.tensor([[1.0, 3.0]]))
    x = torch.tensor([1.0, 0.5, 0.0], dtype=DOUBLE).view(3, 1, 1, 1)
    with pytest.warns(UserWarning, match="lost 100% of the relevance, most of it at 0: ") as seen:
        maps = excitation_backprop(net, x, 0)
    assert seen[0].filename == __file__
    on = torch.relu(net[0](x)).detach().flatten(1)
    kept = on[:, 0] / (on[:, 0] + 3 * on[:, 1])
    torch.testing.assert_close(maps.flatten(), kept)
    lost = relevance_lost(net, x, 0)
    assert list(lost) == ["0"]
    torch.testing.assert_close(lost["0"], 1 - kept)
    assert relevance_lost(net, x, 0, saliency_layer="1") == {}
    excitation_backprop(net, x, 0, saliency_layer="1")
    # Several images, several targets: shares of one another's runs do not mix.
    both = relevance_lost(net, x[:2], torch.tensor([[0, 0], [0, 0]]))
    torch.testing.assert_close(both["0"], 1 - kept[:2])


@pytest.mark.parametrize(("contrast", "lost"), [("1", "25%"), ("3", "25%")])
def test_the_contrast_says_what_is_lost(contrast, lost):
    """Of p = (1/2, 1/2) and q = 0, half goes to a unit that its bias turned on half-way."""
    net = nn.Sequential(
        nn.Conv2d(2, 2, 1), nn.ReLU(), nn.Conv2d(2, 2, 1, bias=False), nn.ReLU(), nn.Flatten(),
        nn.Linear(2, 1),
    ).double()  # fmt: skip
    with torch.no_grad():
        net[0].weight.copy_(
            torch.eye(2).view(2, 2, 1, 1) * torch.tensor([1.0, -1]).view(2, 1, 1, 1)
        )
        net[0].bias.copy_(torch.tensor([0.0, 2.0]))
        net[2].weight.copy_(torch.tensor([[1.0, 1.0], [1.0, 0.0]]).view(2, 2, 1, 1))
        net[5].weight.copy_(torch.tensor([[0.5, 1.0]]))
    x = torch.ones(1, 2, 1, 1, dtype=DOUBLE)
    with pytest.warns(UserWarning, match=f"lost {lost} of the relevance, most of it at 0"):
        contrastive_excitation_backprop(net, x, 0, "", contrast)
    contrastive_excitation_backprop(net, x, 0, "1", contrast)


def test_a_layer_that_runs_twice_is_explained_at_its_last_run():
    class Twice(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(3, 3, 3, padding=1)
            self.relu = nn.ReLU(inplace=True)
            self.head = nn.Conv2d(3, 4, 1)

        def forward(self, x):
            x = self.relu(self.conv(x))
            x = self.relu(self.conv(x))
            return self.head(x).mean((2, 3))

    net, x = Twice().double(), torch.rand(2, 3, 6, 5, dtype=DOUBLE)
    with torch.no_grad():
        net.conv.weight.abs_()
        net.head.weight.copy_(net.head.weight.abs() - 0.1)
    with torch.no_grad():
        last = F.relu(net.conv(F.relu(net.conv(x))))
    head = nn.Sequential(net.head, nn.AdaptiveAvgPool2d(1), nn.Flatten())
    with pytest.warns(UserWarning, match="'relu' runs 2 times"):
        found = excitation_backprop(net, x, 1, saliency_layer="relu")
    torch.testing.assert_close(found, excitation_backprop(head, last, 1))
    with pytest.warns(UserWarning, match="'relu' runs 2 times"):
        found = contrastive_excitation_backprop(net, x, 1, "relu", "relu")
    assert found.shape == (2, 1, 6, 5)
    found = contrastive_excitation_backprop(net, x, 1, "", "relu")
    assert found.shape == (2, 1, 6, 5)


@every_call
def test_a_network_with_full_backward_hooks(call, net, images):
    net.relu1, net.relu2 = nn.ReLU(), nn.ReLU6()
    expected, seen = call(net, images, 1), []
    net.head.register_full_backward_hook(lambda module, below, above: seen.append(above[0]))
    net.conv2.register_full_backward_hook(lambda module, below, above: None)
    torch.testing.assert_close(call(net, images, 1), expected)
    assert seen


def test_update_resnet_changes_nothing():
    net = nn.Sequential(nn.Conv2d(3, 4, 3), EltwiseSum())
    assert update_resnet(net, debug=True) is net
    with pytest.raises(TypeError, match=r"nn\.Module"):
        update_resnet(3)


BAD = {
    "three dimensions": (lambda n, x: (n, x[0], 0), "N x C x H x W"),
    "no image": (lambda n, x: (n, x[:0], 0), "at least one image"),
    "NaN": (lambda n, x: (n, x * float("nan"), 0), "must be finite, but holds NaN"),
    "class too high": (lambda n, x: (n, x, 5), "out of range: the network has 5 classes, 0 to 4"),
    "too few targets": (lambda n, x: (n, x, [0, 1]), "one target per image"),
    "wrong gradient": (lambda n, x: (n, x, torch.zeros(3, 4)), "shape of the scores"),
    "compiled": (lambda n, x: (torch.compile(n), x, 0), "compiled or scripted"),
}


@every_call
@pytest.mark.parametrize(("build", "message"), BAD.values(), ids=BAD.keys())
def test_bad_input_gives_one_sentence_and_changes_nothing(call, build, message, net, images):
    model, x, target = build(net, images)
    before = snapshot(net)
    with pytest.raises(ValueError, match=message) as error:
        call(model, x, target)
    assert "\n" not in str(error.value)
    assert same(before, snapshot(net))


@pytest.mark.parametrize("debug", [False, True])
@pytest.mark.parametrize(
    ("layers", "message"),
    [
        (("conv3", "relu2"), "no layer 'conv3'; did you mean"),
        (("conv1", "relu3"), "no layer 'relu3'; did you mean"),
        (("conv1", "relu2", "haed"), "no layer 'haed'; did you mean 'head'"),
        (("relu2", "conv1"), "must come after the saliency layer, but 'conv1' comes before"),
        (("conv1", "head"), "contrast layer must come before the classifier layer"),
        (("conv1", "head", "conv2"), "contrast layer must come before the classifier layer"),
        (("head", "head"), "must be a linear layer .* but the last one is not"),
        (("conv1", "relu2", "relu1"), "must be a linear layer .* but 'relu1' is not"),
        (("conv2", "relu2", "conv1"), "after the saliency layer, but 'conv1' is not"),
        (("conv1", "unused"), "'unused' never runs"),
        (("conv1", "relu2", "aside"), "that the scores come from .* but 'aside' is not"),
        (("conv1", "relu2", "unused"), "must be a linear layer .* but 'unused' is not"),
    ],
)
def test_bad_contrasts(layers, message, debug, net, images):
    net.unused, net.aside = (nn.Conv2d(8, 1, 1, dtype=DOUBLE) for _ in range(2))
    beside = []
    net.relu2.register_forward_hook(lambda relu, args, y: beside.append(net.aside(y)))
    before = snapshot(net)
    with pytest.raises(ValueError, match=message):
        contrastive_excitation_backprop(net, images, 1, *layers, debug=debug)
    assert same(before, snapshot(net))


def test_other_bad_arguments(net, images):
    with pytest.raises(ValueError, match="residual must be one of"):
        excitation_backprop(net, images, 0, residual="half")
    for method in (excitation_backprop, relevance_lost):
        with pytest.raises(TypeError, match=r"nn\.Module"):
            method(lambda x: x, images, 0)
    with pytest.raises(TypeError, match=r"nn\.Module"):
        contrastive_excitation_backprop(lambda x: x, images, 0, "", "conv1")
    for to_map in (
        gradient_to_excitation_backprop_saliency,
        gradient_to_contrastive_excitation_backprop_saliency,
    ):
        with pytest.raises(ValueError, match="no gradient yet"):
            to_map(images)
    with pytest.raises(ValueError, match="must have the shape of the network's output, 3 x 5"):
        excitation_backprop(net, images, 0, get_backward_gradient=lambda y, t: y[:, :2])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        scripted = torch.jit.script(nn.Sequential(nn.Conv2d(3, 2, 1), nn.Flatten()).eval())
    with pytest.raises(ValueError, match=r"excitation_backprop changes .* original model"):
        contrastive_excitation_backprop(scripted, images, 1, "", "0")
