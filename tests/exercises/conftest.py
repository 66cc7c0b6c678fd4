"""What the tests of the exercises share: progress of their own, and small made-up exercises."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from course_lib.exercises.engine import beating, checking, isolation, predictions, progress
from course_lib.exercises.engine.exercise import Exercise
from course_lib.exercises.engine.probes import call, rand


@pytest.fixture(autouse=True)
def progress_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No test writes into the user's own progress, nor sees what another test did."""
    path = tmp_path / "progress" / "progress.json"
    monkeypatch.setenv("COURSE_PROGRESS", str(path))
    monkeypatch.delenv("NBGRADER_EXECUTION", raising=False)
    monkeypatch.setattr(progress, "_warned_of", set())
    monkeypatch.setattr(checking, "_hints_shown", {})
    monkeypatch.setattr(predictions, "_asked", {})
    monkeypatch.setattr(beating, "_bests", {})
    return path


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a busy machine an answer that takes milliseconds may take seconds."""
    monkeypatch.setattr(isolation, "TIME_LIMIT", 6 * isolation.TIME_LIMIT)


def gate(x: torch.Tensor, p: torch.Tensor) -> torch.Tensor:
    """The gradient of a ReLU."""
    return p * (x > 0)


def probe_gate(answer: Any, rng: torch.Generator) -> dict[str, Any]:
    x, p = rand(rng, 2, 3), rand(rng, 2, 3)
    return {"gradient": call(answer, x, p)}


class Doubler:
    """Multiplies by two and counts."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        self.count += 1
        return 2 * x


class Tripler(Doubler):
    """A mistake."""

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        self.count += 1
        return 3 * x


def multiplier(times: int) -> type[Doubler]:
    """Another mistake."""

    class Multiplier(Doubler):
        def __call__(self, x: torch.Tensor) -> torch.Tensor:
            self.count += 1
            return times * x

    return Multiplier


NO_LAYERS: dict[str, Any] = {"Nothing.": [], "One that is not there.": ["conv9"]}


def probe_doubler(answer: Any, rng: torch.Generator) -> dict[str, Any]:
    doubler = call(answer)
    y = call(doubler, rand(rng, 3))
    return {"the doubled": y, "count": doubler.count}


def ungated(x: torch.Tensor, p: torch.Tensor) -> torch.Tensor:
    return p


def gated_by_gradient(x: torch.Tensor, p: torch.Tensor) -> torch.Tensor:
    return p * (p > 0)


def shape_error(x: torch.Tensor, p: torch.Tensor) -> torch.Tensor:
    return p @ x


@pytest.fixture
def gate_exercise() -> Exercise:
    """A function to write: `gate(x, p)`."""
    return Exercise(
        name="gate",
        lesson="99_fake",
        points=2,
        answer="gate",
        reference=gate,
        probe=probe_gate,
        mistakes={
            "Nothing is gated.": ungated,
            "It gates on the *gradient*, not on `x`.": gated_by_gradient,
            "That is a matrix product.": shape_error,
            "Only signs are left.": lambda x, p: p.sign() * (x > 0),
        },
        hints=["Think of `x`.", "Where is x > 0?", "Use:\n\n    p * (x > 0)"],
    )


@pytest.fixture
def doubler_exercise() -> Exercise:
    """A class to write: `Doubler`."""
    return Exercise(
        name="doubler",
        lesson="99_fake",
        points=1,
        answer="Doubler",
        reference=Doubler,
        probe=probe_doubler,
        mistakes={
            "Three times is too much.": Tripler,
            **{f"{times} times is too much.": multiplier(times) for times in (4, 5, 6)},
        },
        hints=["a", "b", "c"],
        given=("__init__",),
    )


@pytest.fixture
def layers_exercise() -> Exercise:
    """A value to name: `layers`."""
    return Exercise(
        name="layers",
        lesson="99_fake",
        points=1,
        answer="layers",
        reference=["conv1", "conv2"],
        probe=lambda answer, rng: {"layers": answer},
        mistakes={"Only one.": ["conv1"], "Turned round.": ["conv2", "conv1"], **NO_LAYERS},
        hints=["a", "b", "c"],
    )


@pytest.fixture
def registered(
    monkeypatch: pytest.MonkeyPatch,
    gate_exercise: Exercise,
    doubler_exercise: Exercise,
    layers_exercise: Exercise,
) -> dict[str, Exercise]:
    """Let `check`, `hint` and `solution` know the made-up exercises."""
    known = {e.name: e for e in (gate_exercise, doubler_exercise, layers_exercise)}
    monkeypatch.setattr(checking, "find_exercise", known.__getitem__)
    monkeypatch.setattr(checking, "next_exercise", lambda e: {"gate": doubler_exercise}.get(e.name))
    return known
