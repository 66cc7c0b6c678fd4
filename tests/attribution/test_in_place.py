"""ReLUs that write over what nobody else holds: the same numbers, and nobody is fooled."""

import copy
import pickle
import threading
import warnings
from collections.abc import Callable
from contextlib import contextmanager
from unittest.mock import patch

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torchvision.models import mobilenet_v2
from torchvision.ops.misc import Conv2dNormActivation

from course_lib.attribution import in_place
from course_lib.attribution.in_place import in_place_relus
from course_lib.world.networks import TinyVGG


@pytest.fixture
def sizes(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, ...]]:
    """The sizes of what ReLUs wrote over, as long as the test runs."""
    found = []

    def noted(x: torch.Tensor) -> torch.Tensor:
        found.append(tuple(x.shape))
        return torch.relu_(x)

    monkeypatch.setattr(in_place, "_relu_", noted)
    return found


def row(*more: nn.Module) -> nn.Sequential:
    torch.manual_seed(0)
    layers = (nn.Conv2d(3, 4, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2))
    return nn.Sequential(*layers, *more).eval()


def image() -> torch.Tensor:
    return torch.randn(2, 3, 8, 8, generator=torch.Generator().manual_seed(1))


def inside_and_outside(net: nn.Module, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    with torch.no_grad():
        outside = net(x)
        with in_place_relus(net):
            return net(x), outside


NETWORKS: dict[str, Callable[[], nn.Module]] = {
    "the row itself": row,
    "tiny_vgg": TinyVGG,
    "batch normalisation": lambda: row(nn.BatchNorm2d(4), nn.ReLU()),
    "linear": lambda: row(nn.Flatten(), nn.Linear(1024, 5), nn.ReLU(), nn.Linear(5, 2)),
    "ReLU twice": lambda: nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.ReLU()),
    "in place already": lambda: nn.Sequential(
        nn.Conv2d(3, 4, 3), nn.ReLU(inplace=True), nn.MaxPool2d(3, 2, padding=1, ceil_mode=True)
    ),
    "transposed": lambda: nn.Sequential(nn.ConvTranspose2d(3, 4, 3), nn.ReLU(), nn.MaxPool2d(2)),
    "pooled twice": lambda: row(nn.MaxPool2d(2), nn.Conv2d(4, 4, 1), nn.ReLU()),
    "a row in a row": lambda: row(nn.Sequential(nn.Conv2d(4, 4, 1), nn.ReLU())),
    "a subclass": lambda: Conv2dNormActivation(3, 4, inplace=False),
    "mobilenet": lambda: mobilenet_v2(num_classes=4),
}


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_the_same_numbers(name: str, dtype: torch.dtype) -> None:
    torch.manual_seed(0)
    net = NETWORKS[name]().eval().to(dtype)
    x = torch.randn(2, 3, 32, 32).to(dtype)
    for layout in (torch.contiguous_format, torch.channels_last):
        kept = x.to(memory_format=layout, copy=True)
        inside, outside = inside_and_outside(net, kept)
        assert torch.equal(inside, outside)
        assert torch.equal(kept, x)


@pytest.mark.parametrize("odd", [float("nan"), float("inf"), -float("inf"), -0.0])
def test_numbers_that_are_none_go_the_same_way(odd: float) -> None:
    net = row()
    with torch.no_grad():
        net[0].bias[1] = odd
    inside, outside = inside_and_outside(net, image())
    torch.testing.assert_close(inside, outside, rtol=0, atol=0, equal_nan=True)


def test_relus_write_over_what_went_through_the_pooling(sizes: list[tuple[int, ...]]) -> None:
    inside_and_outside(row(nn.Conv2d(4, 5, 3), nn.ReLU()), image())
    assert sizes == [(2, 4, 4, 4), (2, 5, 2, 2)]


class Keeps(nn.Module):
    """Holds its input, and gives it on."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.held = x
        return x


@pytest.mark.parametrize(
    "first",
    [(), (nn.Identity(),), (nn.Dropout(),), (Keeps(),), (nn.Conv2d(3, 3, 1), Keeps())],
    ids=["nothing", "identity", "dropout", "a layer that keeps it", "one behind a convolution"],
)
def test_what_others_may_hold_is_not_written_over(
    sizes: list[tuple[int, ...]], first: tuple[nn.Module, ...]
) -> None:
    net = nn.Sequential(*first, nn.ReLU(), nn.MaxPool2d(2)).eval()
    x = image()
    inside, outside = inside_and_outside(net, x)
    assert torch.equal(inside, outside)
    assert torch.equal(x, image())
    assert not sizes
    for layer in first:
        if isinstance(layer, Keeps):
            assert bool((layer.held < 0).any())


class Seen(TorchFunctionMode):
    def __torch_function__(self, func, types, args=(), kwargs=None):
        return func(*args, **(kwargs or {}))


class SeenBelow(TorchDispatchMode):
    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        return func(*args, **(kwargs or {}))


@contextmanager
def hooked(handle: torch.utils.hooks.RemovableHandle):
    try:
        yield
    finally:
        handle.remove()


def nothing(*_: object) -> None:
    return None


WATCHERS = {
    "a function mode": lambda net: Seen(),
    "a dispatch mode": lambda net: SeenBelow(),
    "a device as default": lambda net: torch.device("cpu"),
    "gradients": lambda net: torch.enable_grad(),
    "a hook on all modules": lambda net: hooked(
        nn.modules.module.register_module_forward_hook(nothing)
    ),
    "a hook on the convolution": lambda net: hooked(net[0].register_forward_hook(nothing)),
    "a hook before the ReLU": lambda net: hooked(net[1].register_forward_pre_hook(nothing)),
    "another convolution": lambda net: patch.object(net[0], "forward", net[0].forward),
    "another way to convolve": lambda net: patch.object(
        net[0], "_conv_forward", net[0]._conv_forward
    ),
    "another function for ReLU": lambda net: patch.object(
        F, "relu", lambda x, inplace: x.clamp(min=0)
    ),
    "another function for all": lambda net: patch.object(torch, "relu", lambda x: x.clamp(min=0)),
    "another way to call a convolution": lambda net: patch.object(
        nn.Conv2d, "__call__", lambda self, x: self._call_impl(x)
    ),
    "another way to call a ReLU": lambda net: patch.object(
        nn.ReLU, "_call_impl", lambda self, x: self.forward(x)
    ),
    "another way to call this ReLU": lambda net: patch.object(
        net[1], "_call_impl", net[1]._call_impl
    ),
    "another way to convolve in all": lambda net: patch.object(
        nn.Conv2d, "_conv_forward", lambda self, x, w, b: F.conv2d(x, w, b, padding=1)
    ),
    "another function in place": lambda net: patch.object(torch, "relu_", lambda x: x.clamp_(0)),
    "another ReLU": lambda net: patch.object(nn.ReLU, "forward", lambda self, x: x.clamp(min=0)),
}


@pytest.mark.parametrize("name", WATCHERS)
def test_nobody_who_looks_is_fooled(name: str, sizes: list[tuple[int, ...]]) -> None:
    net, x = row(), image()
    with torch.no_grad(), in_place_relus(net):
        with WATCHERS[name](net):
            y = net(x)
        assert not sizes
        assert torch.equal(net(x), y.detach())
        assert sizes


def test_a_hook_on_the_pooling_sees_no_negative_numbers(sizes: list[tuple[int, ...]]) -> None:
    net, seen = row(), []
    with hooked(net[2].register_forward_pre_hook(lambda _, args: seen.append(args[0]))):
        inside, outside = inside_and_outside(net, image())
    assert torch.equal(inside, outside)
    assert all(bool((x >= 0).all()) for x in seen)
    assert sizes == [(2, 4, 8, 8)]


def test_the_places_of_the_largest_units_stay(sizes: list[tuple[int, ...]]) -> None:
    net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.MaxPool2d(2, return_indices=True))
    with torch.no_grad():
        outside = net(image())
        with in_place_relus(net):
            inside = net(image())
    assert all(map(torch.equal, inside, outside))
    assert sizes == [(2, 4, 6, 6)]


class Parameter(nn.Parameter):
    pass


class Convolution(nn.Conv2d):
    pass


class Backwards(nn.Sequential):
    def __iter__(self):
        return iter(list(self._modules.values())[::-1])


class Residual(nn.Sequential):
    def forward(self, input: torch.Tensor) -> torch.Tensor:
        return input + super().forward(input)


def with_parameter_of_its_own() -> nn.Sequential:
    net = row()
    net[0].weight = Parameter(net[0].weight)
    return net


UNKNOWN: dict[str, Callable[[], nn.Module]] = {
    "a convolution of its own": lambda: nn.Sequential(Convolution(3, 3, 1), nn.ReLU()),
    "a parameter of its own": with_parameter_of_its_own,
    "a row in its own order": lambda: Backwards(nn.ReLU(), nn.Conv2d(3, 3, 1)),
    "a row of its own": lambda: Residual(nn.Conv2d(3, 3, 1), nn.ReLU()),
}


@pytest.mark.parametrize("name", UNKNOWN)
def test_what_it_does_not_know_runs_as_it_is(name: str, sizes: list[tuple[int, ...]]) -> None:
    inside, outside = inside_and_outside(UNKNOWN[name](), image())
    assert torch.equal(inside, outside)
    assert not sizes


def test_activations_of_another_kind_stay_of_that_kind(sizes: list[tuple[int, ...]]) -> None:
    class Labelled(torch.Tensor):
        pass

    inside, outside = inside_and_outside(row(), image().as_subclass(Labelled))
    assert type(inside) is type(outside) is Labelled
    assert not sizes


class Compiled(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.features = row()

    @torch.compile(backend="eager")
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.features(x)


@pytest.mark.parametrize(
    "net",
    [Compiled(), torch.compile(row(), backend="eager"), row().to("meta")],
    ids=["its class is compiled", "compiled", "not on a CPU"],
)
def test_networks_that_are_left_alone(net: nn.Module) -> None:
    with in_place_relus(net):
        assert not any(isinstance(vars(m).get("forward"), in_place._Forward) for m in net.modules())


def test_all_is_as_before_afterwards() -> None:
    net = nn.Sequential(row(), nn.Sequential(nn.Conv2d(4, 4, 1), nn.ReLU()))
    before = [dict(vars(m)) for m in net.modules()]

    def broken_off() -> None:
        with torch.no_grad(), in_place_relus(net):
            with in_place_relus(net):
                net(image())
            assert all("forward" in vars(m) for m in net)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        broken_off()
    assert [dict(vars(m)) for m in net.modules()] == before


def test_a_forward_put_there_meanwhile_stays() -> None:
    net = row()
    with in_place_relus(net):
        net.forward = nothing
    assert net.forward is nothing


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))])
def test_a_copy_made_meanwhile_runs_its_own_layers(copied: Callable) -> None:
    net, x = nn.Sequential(row(), nn.Sequential(nn.Conv2d(4, 4, 1), nn.ReLU())), image()
    with in_place_relus(net):
        assert b"course_lib" not in pickle.dumps(net)
        other = copied(net)
    with torch.no_grad():
        assert torch.equal(other(x), net(x))
        other[1][0].weight.zero_()
        other[1][0].bias.fill_(2.0)
        assert bool((other(x) == 2).all())


def test_a_part_compiled_as_a_function_is_not_compiled_anew() -> None:
    class PartlyCompiled(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.features = row()
            self.fast = torch.compile(self.slow, backend=self.compiled, fullgraph=True)
            self.times = 0

        def compiled(self, graph: torch.fx.GraphModule, inputs: list) -> Callable:
            self.times += 1
            return graph

        def slow(self, x: torch.Tensor) -> torch.Tensor:
            return self.features(x)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.fast(x)

    net = PartlyCompiled().eval()
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        net(image())
        with in_place_relus(net):
            net(image())
    assert net.times == 1


@pytest.mark.parametrize("shape", [(3, 1, 8), (3, 8, 1), (1, 8, 8)])
def test_layers_get_the_same_strides(shape: tuple[int, int, int]) -> None:
    class Strides(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            self.found = x.stride()
            return x

    channels, height, width = shape
    strides = Strides()
    net = nn.Sequential(nn.Conv2d(5, channels, 1), nn.ReLU(), strides)
    x = torch.rand(2, 5, height, width).contiguous(memory_format=torch.channels_last)
    with torch.no_grad():
        net(x)
        outside = strides.found
        with in_place_relus(net):
            net(x)
    assert strides.found == outside


def test_windows_of_nothing_but_padding_stay_behind_the_relu() -> None:
    pool = nn.MaxPool2d(2, stride=1, padding=1, dilation=3)
    inside, outside = inside_and_outside(
        nn.Sequential(nn.Conv2d(3, 4, 1), nn.ReLU(), pool), image()[..., :2, :2]
    )
    assert torch.equal(inside, outside)
    assert bool(outside.isinf().any())


def test_layers_may_change_while_they_run(sizes: list[tuple[int, ...]]) -> None:
    class Meddles(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            net[1].register_forward_hook(lambda _, args, y: seen.append((y, y.clone())))
            net[4] = nn.Conv2d(4, 2, 1)
            nn.init.ones_(net[4].weight)
            nn.init.ones_(net[4].bias)
            return x

    seen: list[tuple[torch.Tensor, torch.Tensor]] = []
    conv = nn.Conv2d(3, 4, 1)
    net = nn.Sequential(Meddles(), conv, nn.ReLU(), nn.ReLU(), nn.Conv2d(4, 2, 1), nn.ReLU())
    with torch.no_grad(), in_place_relus(net):
        y = net(image())
    assert all(torch.equal(*pair) for pair in seen)
    assert torch.equal(y, 1 + seen[0][0].clamp(min=0).sum(1, keepdim=True).expand(-1, 2, -1, -1))
    assert sizes == [(2, 2, 8, 8)]


def test_other_threads_see_the_network_as_it_is(sizes: list[tuple[int, ...]]) -> None:
    net, x, found = row(), image(), []

    def run() -> None:
        with torch.no_grad():
            found.append(net(x))

    with in_place_relus(net):
        other = threading.Thread(target=run)
        other.start()
        other.join()
        assert not sizes
        with torch.no_grad():
            assert torch.equal(net(x), found[0])
    assert sizes


def test_two_threads_at_once() -> None:
    net, x = row(), image()
    inside, go_on = threading.Event(), threading.Event()

    def first() -> None:
        with in_place_relus(net):
            inside.set()
            go_on.wait(10)

    other = threading.Thread(target=first)
    other.start()
    inside.wait(10)
    with in_place_relus(net), torch.no_grad():
        go_on.set()
        other.join()
        y = net(x)
    assert "forward" not in vars(net)
    with torch.no_grad():
        assert torch.equal(net(x), y)


def test_a_compiled_caller_gets_the_same() -> None:
    net, x = row(), image()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        compiled = torch.compile(lambda x: net(x), backend="eager", fullgraph=True)
        with torch.no_grad(), in_place_relus(net):
            y = compiled(x)
        assert torch.equal(y, net(x))
