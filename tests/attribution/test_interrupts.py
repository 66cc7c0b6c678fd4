"""Ctrl-C at any moment: a real signal at one line after the other, and everything is as before."""

import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
import torch
from torch import nn

import course_lib.attribution
from course_lib.attribution.excitation_backprop import (
    contrastive_excitation_backprop,
    excitation_backprop,
)
from course_lib.attribution.extremal_area import extremal_area
from course_lib.attribution.extremal_perturbation import extremal_perturbation
from course_lib.attribution.grad_cam import grad_cam
from course_lib.attribution.gradient import gradient
from course_lib.attribution.guided_backprop import guided_backprop
from course_lib.attribution.interrupts import freely, shielded
from course_lib.attribution.rise import rise

FOLDER = str(Path(course_lib.attribution.__file__).parent)
X = torch.rand(1, 3, 12, 12, generator=torch.Generator().manual_seed(0))


def make() -> nn.Sequential:
    torch.manual_seed(0)
    layers = (nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(inplace=True), nn.MaxPool2d(2))
    more = (nn.Conv2d(4, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 5))
    net = nn.Sequential(*layers, *more).train()
    # Excitation backprop loses nothing.
    net[-1].weight.data.abs_()
    return net


def state_of(model: nn.Module) -> tuple:
    return (
        [(m.training, "forward" in vars(m)) for m in model.modules()],
        [len(m._forward_hooks) + len(m._forward_pre_hooks) for m in model.modules()],
        [(p.requires_grad, p.grad) for p in model.parameters()],
        torch.get_rng_state().tolist(),
        torch.is_grad_enabled(),
        torch.is_inference_mode_enabled(),
        torch._C._len_torch_function_stack(),
        signal.getsignal(signal.SIGINT),
    )


class Interrupting:
    """Sends an interrupt at the given line of those that run in the attribution methods."""

    def __init__(self, at: int | None = None) -> None:
        self.at = at
        self.lines = 0

    def __call__(self, frame: FrameType, event: str, argument: Any) -> Any:
        if not frame.f_code.co_filename.startswith(FOLDER):
            return None
        if event == "line":
            self.lines += 1
            if self.lines == self.at:
                signal.raise_signal(signal.SIGINT)
        return self


@contextmanager
def traced(tracer: Interrupting) -> Iterator[None]:
    before = sys.gettrace()
    sys.settrace(tracer)
    try:
        yield
    finally:
        sys.settrace(before)


METHODS: dict[str, Callable[[nn.Module], Any]] = {
    "gradient": lambda net: gradient(net, X, 1, smooth=0.1),
    "guided backprop": lambda net: guided_backprop(net, X, [1, 2]),
    "with probes": lambda net: gradient(net, X, 1, debug=True),
    "grad-cam": lambda net: grad_cam(net, X, 1, saliency_layer="5"),
    "excitation backprop": lambda net: excitation_backprop(net, X, 1, saliency_layer="3"),
    "contrastive": lambda net: contrastive_excitation_backprop(
        net, X, 1, saliency_layer="3", contrast_layer="5", classifier_layer="8"
    ),
    "rise": lambda net: rise(net, X, 1, num_masks=40, num_cells=3),
    "extremal": lambda net: extremal_perturbation(net, X, 1, areas=[0.3], max_iter=4),
    "extremal at a layer": lambda net: extremal_perturbation(
        net, X, 1, areas=[0.3], max_iter=3, layer="5", schedule="paper"
    ),
    "extremal area": lambda net: extremal_area(
        net, X, 1, areas=[0.3, 0.6], max_iter=3, activation=torch.sigmoid
    ),
}


@pytest.mark.parametrize("name", METHODS)
def test_a_real_interrupt_at_any_line(name: str) -> None:
    method = METHODS[name]
    net = make()
    found = method(net)
    counter = Interrupting()
    with traced(counter):
        method(net)
    before = state_of(net)
    assert counter.lines > 50
    for at in range(1, counter.lines, max(1, counter.lines // 60)):
        with pytest.raises(KeyboardInterrupt), traced(Interrupting(at)):
            method(net)
        assert state_of(net) == before, at
    if isinstance(found, torch.Tensor):
        assert torch.equal(method(net), found)


def test_it_strikes_within_a_pass_and_waits_otherwise() -> None:
    done = []

    def passes() -> None:
        signal.raise_signal(signal.SIGINT)
        done.append("pass")

    def method() -> None:
        with shielded():
            signal.raise_signal(signal.SIGINT)
            done.append("set up")
            freely(passes)
            done.append("not reached")

    with pytest.raises(KeyboardInterrupt):
        method()
    assert done == ["set up"]


def test_it_comes_in_the_end_if_nothing_else_did_it() -> None:
    done = []

    def method() -> None:
        with shielded():
            signal.raise_signal(signal.SIGINT)
            done.append(1)

    with pytest.raises(KeyboardInterrupt):
        method()
    assert done == [1]


@pytest.mark.parametrize("after", [None, ValueError])
def test_it_is_not_lost_where_a_network_swallows_it(after: type[Exception] | None) -> None:
    def passes() -> None:
        try:
            signal.raise_signal(signal.SIGINT)
        except KeyboardInterrupt:
            if after is not None:
                raise after from None

    def method() -> None:
        with shielded():
            freely(passes)

    with pytest.raises(KeyboardInterrupt):
        method()


def test_another_pass_does_not_begin_after_it() -> None:
    passes = []

    def swallow() -> None:
        passes.append(1)
        try:
            signal.raise_signal(signal.SIGINT)
        except KeyboardInterrupt:
            return

    def method() -> None:
        with shielded():
            freely(swallow)
            freely(swallow)

    with pytest.raises(KeyboardInterrupt):
        method()
    assert passes == [1]


def test_a_method_within_a_pass_is_shielded_again() -> None:
    done = []

    def inner() -> None:
        with shielded():
            signal.raise_signal(signal.SIGINT)
            done.append("inner")
        freely(done.append, "open again, and broken off before")

    def method() -> None:
        with shielded():
            freely(inner)

    with pytest.raises(KeyboardInterrupt):
        method()
    assert done == ["inner"]


def test_handlers_that_take_note_only_are_asked_and_stay() -> None:
    seen = []

    def handler(number: int, frame: FrameType | None) -> None:
        seen.append(number)

    before = signal.signal(signal.SIGINT, handler)
    try:
        with shielded():
            freely(partial(signal.raise_signal, signal.SIGINT))
            freely(partial(signal.raise_signal, signal.SIGINT))
            signal.raise_signal(signal.SIGINT)
            assert len(seen) == 2
        assert len(seen) == 3
        assert signal.getsignal(signal.SIGINT) is handler
    finally:
        signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize("setting", [signal.SIG_IGN, signal.SIG_DFL])
def test_where_it_is_ignored_it_stays_so(setting: signal.Handlers) -> None:
    before = signal.signal(signal.SIGINT, setting)
    try:
        with shielded():
            assert signal.getsignal(signal.SIGINT) is setting
        assert signal.getsignal(signal.SIGINT) is setting
    finally:
        signal.signal(signal.SIGINT, before)


def test_other_threads_do_as_ever() -> None:
    found: list[int] = []

    def run() -> None:
        with shielded():
            found.append(freely(max, 1, 2))

    with shielded():
        other = threading.Thread(target=run)
        other.start()
        other.join()
    assert found == [2]
