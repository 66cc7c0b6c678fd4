"""What an answer leaves behind is found."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

import pytest
import torch
from torch import nn

from course_lib.exercises.engine.isolation import isolated
from course_lib.exercises.engine.models import in_use, nested_network
from course_lib.exercises.engine.probes import rand
from course_lib.exercises.engine.traces import no_trace, replacements


def trace_of(change: Callable[[nn.Module, torch.Tensor], Any]) -> Any:
    rng = torch.Generator().manual_seed(0)
    model, x = in_use(nested_network(rng), rng), rand(rng, 2, 3, 8, 6)
    outcome: dict[str, Any] = {}
    with isolated(0), no_trace(outcome, "after a call", model, x):
        change(model, x)
    return outcome["after a call: what it changed"]


def ran_with_grad(model: nn.Module, x: torch.Tensor) -> None:
    model(x).sum().backward()
    model.zero_grad()


def frozen_and_thawed(model: nn.Module, x: torch.Tensor) -> None:
    model.requires_grad_(False).requires_grad_(True)


def grad_mode_off(model: nn.Module, x: torch.Tensor) -> None:
    torch.set_grad_enabled(False)


def inherited_made_own(model: nn.Module, x: torch.Tensor) -> None:
    torch.Tensor.relu = torch.Tensor.relu  # type: ignore[method-assign]


def replaced(model: nn.Module, x: torch.Tensor) -> None:
    torch.relu = torch.sigmoid


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda model, x: torch.autograd.grad(model(x.clone().requires_grad_()).sum(), []), ""),
        (lambda model, x: x.zero_(), "the values of the input"),
        (lambda model, x: x.requires_grad_(), "whether the input asks for a gradient: it was"),
        (ran_with_grad, "the gradient in `features.conv.weight`"),
        (lambda model, x: model.zero_grad(), "the gradient in `features.conv.weight`"),
        (frozen_and_thawed, "whether `features.conv.bias` asks for a gradient: it was False"),
        (lambda model, x: model.eval(), "the training mode of the network: it was True"),
        (lambda model, x: model.train(), "the training mode of `features`: it was False"),
        (
            lambda model, x: model.classifier.register_forward_hook(print),
            "the hooks on `classifier` (forward hooks)",
        ),
        (grad_mode_off, "the gradient mode: it was True, it is False"),
        (
            inherited_made_own,
            "`torch.Tensor.relu` is left behind, where it used to be inherited",
        ),
        (replaced, "`torch.relu` is not the object that it was"),
    ],
    ids=range(12),
)
def test_a_trace_is_said_in_words(change: Callable[..., Any], words: str) -> None:
    if words:
        assert trace_of(change).startswith(words)
    else:
        assert trace_of(lambda model, x: model(x)) == "nothing"


def test_what_torch_itself_loads_late_is_no_trace(monkeypatch: pytest.MonkeyPatch) -> None:
    def load(model: nn.Module, x: torch.Tensor) -> None:
        # Two parts of it may each be the first.
        wrapped = torch._disable_dynamo(torch._disable_dynamo(torch.manual_seed))
        monkeypatch.setattr(torch, "manual_seed", wrapped)
        monkeypatch.setattr(torch, "loaded_late", ModuleType("torch.loaded_late"), raising=False)

    assert trace_of(load) == "nothing"


def test_a_trace_is_noted_when_an_error_passes() -> None:
    outcome: dict[str, Any] = {}
    x = torch.zeros(2)

    def interrupted() -> None:
        with no_trace(outcome, "after an error", x):
            x.add_(1)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert outcome == {"after an error: what it changed": "the values of the input"}


class Base:
    def f(self, x: Any) -> Any:
        return x


class Child(Base):
    pass


def put_back_well(owner: Any) -> Callable[[], Any]:
    @contextmanager
    def context() -> Iterator[None]:
        own = "f" in vars(owner)
        before = owner.f
        owner.f = lambda *args: None
        try:
            yield
        finally:
            if own:
                owner.f = before
            else:
                del owner.f

    return context


def put_back(owner: Any, caught: type[BaseException]) -> Callable[[], Any]:
    @contextmanager
    def context() -> Iterator[None]:
        before = owner.f
        owner.f = lambda *args: None
        try:
            yield
        except caught:
            owner.f = before
            raise
        owner.f = before

    return context


def saved_early(owner: Any) -> Callable[[], Any]:
    first = owner.f

    @contextmanager
    def context() -> Iterator[None]:
        owner.f = lambda *args: None
        try:
            yield
        finally:
            owner.f = first

    return context


def test_a_good_context_leaves_everything() -> None:
    for owner in (Base, Child):
        found = replacements(put_back_well(owner), owner, "f")
        assert set(found.values()) <= {
            "as before",
            "the outer's own",
            "theirs again",
            "ValueError",
            "KeyboardInterrupt",
        }


@pytest.mark.parametrize(
    ("context", "owner", "case"),
    [
        (put_back(Base, Exception), Base, "after KeyboardInterrupt"),
        (put_back(Child, BaseException), Child, "after the context"),
        (saved_early(Base), Base, "inside the outer of two contexts"),
        (saved_early(Base), Base, "over somebody else's replacement"),
    ],
    ids=["Exception only", "inherited", "nested", "foreign"],
)
def test_a_bad_context_is_found_out(context: Any, owner: Any, case: str) -> None:
    good = replacements(put_back_well(owner), owner, "f")
    found = replacements(context, owner, "f")
    assert found[case] != good[case]
    assert "f" in vars(Base)
    assert "f" not in vars(Child)
