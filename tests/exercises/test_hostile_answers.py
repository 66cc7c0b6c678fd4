# ruff: noqa: NPY002 - the global generator is what these tests are about
"""Answers that hang, quit, lie about themselves or leave things changed."""

from __future__ import annotations

import importlib
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from course_lib.exercises.engine import isolation
from course_lib.exercises.engine.exercise import Exercise
from course_lib.exercises.engine.judging import Verdict, judge
from course_lib.exercises.engine.probes import in_thread
from course_lib.exercises.engine.tracebacks import trimmed

DEFAULT_LIMIT = isolation.TIME_LIMIT


@pytest.fixture
def short_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(isolation, "TIME_LIMIT", 0.3)


def loop(x: torch.Tensor, p: torch.Tensor) -> torch.Tensor:
    while True:
        pass


def stubborn(x: torch.Tensor, p: torch.Tensor) -> torch.Tensor:
    stop = time.monotonic() + 20
    for _ in range(3):
        try:
            while time.monotonic() < stop:
                pass
        except BaseException:
            continue
    return p * (x > 0)


def sleep(x: torch.Tensor, p: torch.Tensor) -> torch.Tensor:
    time.sleep(20)
    return p


def in_a_thread(function: Callable[[], Verdict]) -> Verdict:
    return in_thread(function)


def directly(function: Callable[[], Verdict]) -> Verdict:
    return function()


@pytest.mark.usefixtures("short_limit")
@pytest.mark.parametrize("where", [directly, in_a_thread])
@pytest.mark.parametrize("answer", [loop, stubborn])
def test_endless_answers_are_stopped(
    gate_exercise: Exercise, answer: Any, where: Callable[..., Verdict]
) -> None:
    start = time.monotonic()
    verdict = where(lambda: judge(gate_exercise, answer))
    assert time.monotonic() - start < 10
    assert verdict.kind == "error"
    assert verdict.finding == (
        "Your `gate` ran for more than 0.3 seconds and was stopped. "
        "Is there a loop that never ends?"
    )
    time.sleep(0.6)  # no alarm or watchdog of it is left


@pytest.mark.usefixtures("short_limit")
def test_waiting_is_stopped_in_the_main_thread(gate_exercise: Exercise) -> None:
    assert "was stopped" in judge(gate_exercise, sleep).finding


@pytest.mark.usefixtures("short_limit")
def test_an_endless_thread_of_a_probe_is_stopped() -> None:
    def forever() -> None:
        while True:
            pass

    before = threading.active_count()
    with pytest.raises(isolation.TimeUp), isolation.time_limit():
        in_thread(forever)
    deadline = time.monotonic() + 10
    while threading.active_count() > before and time.monotonic() < deadline:
        time.sleep(0.05)
    assert threading.active_count() == before


def test_a_limit_in_a_thread_leaves_debuggers_alone() -> None:
    # In Python 3.11 an error that is taken back makes the next trace function hang.
    script = (
        "import sys, threading\n"
        "from course_lib.exercises.engine import isolation\n"
        "def limited():\n"
        "    with isolation.time_limit():\n"
        "        pass\n"
        "thread = threading.Thread(target=limited)\n"
        "thread.start()\n"
        "thread.join()\n"
        "sys.settrace(lambda *_: None)\n"
        "limited()\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True, timeout=30)


def test_the_default_limit_is_ten_seconds() -> None:
    assert DEFAULT_LIMIT == 10


def test_alarms_of_others_are_given_back(gate_exercise: Exercise) -> None:
    def ring(*_: Any) -> None:
        raise AssertionError

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, 100)
    try:
        judge(gate_exercise, lambda x, p: p)
        assert signal.getsignal(signal.SIGALRM) is ring
        assert 90 < signal.getitimer(signal.ITIMER_REAL)[0] <= 100
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@pytest.mark.parametrize(
    "error", [SystemExit(3), KeyboardInterrupt(), GeneratorExit(), MemoryError(), RecursionError()]
)
def test_whatever_is_raised_is_an_error(gate_exercise: Exercise, error: BaseException) -> None:
    def gate(x, p):
        raise error

    verdict = judge(gate_exercise, gate)
    assert verdict.kind == "error"
    assert type(error).__name__ in verdict.traceback
    assert "raise error" in verdict.traceback


def test_a_real_interruption_interrupts(gate_exercise: Exercise) -> None:
    def gate(x, p):
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(5)
        return p

    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        judge(gate_exercise, gate)
    assert signal.getsignal(signal.SIGINT) is before


def test_a_real_interruption_that_the_answer_swallows_interrupts(gate_exercise: Exercise) -> None:
    def gate(x, p):
        try:
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(5)
        except BaseException:
            return p

    with pytest.raises(KeyboardInterrupt):
        judge(gate_exercise, gate)


def test_traceback_has_the_learners_lines_only(gate_exercise: Exercise) -> None:
    def helper(x):
        return F.conv2d(x, x.undefined)

    def gate(x, p):
        return helper(x)

    probe = gate_exercise.probe
    lines = judge(gate_exercise, gate).traceback.splitlines()
    assert [line for line in lines if line.startswith("line")] == [
        f"line {probe.__code__.co_firstlineno + 2}, in probe_gate",  # not in course_lib
        f"line {gate.__code__.co_firstlineno + 1}, in gate",
        f"line {helper.__code__.co_firstlineno + 1}, in helper",
    ]
    assert lines[-1] == "AttributeError: 'Tensor' object has no attribute 'undefined'"
    assert not any("course_lib" in line or "site-packages" in line for line in lines)


def test_deep_traceback_is_short() -> None:
    def deeper(n: int) -> int:
        return deeper(n - 1) if n else 1 // 0

    with pytest.raises(ZeroDivisionError) as caught:
        deeper(50)
    text = trimmed(caught.value)
    assert text.splitlines()[0] == "... 48 more calls"
    assert len(text.splitlines()) == 10


def test_an_error_that_has_no_text(gate_exercise: Exercise) -> None:
    class Mute(Exception):
        def __str__(self) -> str:
            raise ValueError

    def gate(x, p):
        raise Mute

    assert judge(gate_exercise, gate).traceback.endswith("Mute: (it has no text that can be shown)")


class Liar:
    """Claims to equal everything, and fails when looked at."""

    def __eq__(self, other: object) -> bool:
        return True

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        raise RuntimeError("do not look")

    __str__ = __repr__

    def __getattr__(self, name: str) -> Any:
        raise RuntimeError("do not touch")

    @property
    def __class__(self) -> Any:
        raise RuntimeError("do not ask")

    @__class__.setter
    def __class__(self, value: Any) -> None:
        raise RuntimeError


class LyingText(str):
    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        return True

    __hash__ = str.__hash__


class LyingNumber(float):
    def __eq__(self, other: object) -> bool:
        return True

    __hash__ = float.__hash__

    def __float__(self) -> float:
        return 1.0

    def __pos__(self) -> float:
        return 1.0


class LyingTensor(torch.Tensor):
    @classmethod
    def __torch_function__(cls, func, types, args=(), kwargs=None):  # type: ignore[no-untyped-def]
        raise RuntimeError("hands off")


class Metaclass(type):
    @property
    def __name__(cls) -> str:
        raise RuntimeError("nameless")


class Nameless(metaclass=Metaclass):
    attempted = True


@pytest.mark.parametrize(
    ("made", "finding"),
    [
        (Liar, "expected a tensor of shape (2, 3), got a Liar"),
        (Nameless, "expected a tensor of shape (2, 3), got a Nameless"),
        (lambda: [Liar()], "expected a tensor of shape (2, 3), got [a Liar]"),
        (
            lambda: torch.zeros(2, 3, dtype=torch.float64).as_subclass(LyingTensor),
            "values differ at [",
        ),
    ],
    ids=range(4),
)
def test_objects_that_lie_are_seen_through(
    gate_exercise: Exercise, made: Callable[[], Any], finding: str
) -> None:
    verdict = judge(gate_exercise, lambda x, p: made())
    assert verdict.kind == "wrong"
    assert verdict.finding.startswith(finding)


def test_a_tensor_subclass_with_the_right_numbers_is_right(gate_exercise: Exercise) -> None:
    def gate(x, p):
        return torch.nn.Parameter(p * (x > 0))

    assert judge(gate_exercise, gate).kind == "right"


@pytest.mark.parametrize(
    ("expected", "lie"),
    [("a", LyingText("b")), (1.0, LyingNumber(2.0)), (True, 1), (1, True)],
    ids=range(4),
)
def test_values_that_lie_are_seen_through(
    layers_exercise: Exercise, expected: Any, lie: Any
) -> None:
    exercise = replace(layers_exercise, reference=expected)
    assert judge(exercise, expected).kind == "right"
    assert judge(exercise, lie).kind == "wrong"


@pytest.mark.parametrize(
    "made", [Liar, lambda: Nameless, Nameless, lambda: Metaclass], ids=range(4)
)
def test_answers_that_lie_are_seen_through(
    gate_exercise: Exercise, made: Callable[[], Any]
) -> None:
    assert judge(gate_exercise, made()).kind == "wrong"


def test_random_states_are_untouched(gate_exercise: Exercise) -> None:
    def gate(x, p):
        torch.manual_seed(5)
        np.random.seed(5)
        random.seed(5)
        return p * (x > 0)

    before = torch.get_rng_state(), np.random.get_state()[1].copy(), random.getstate()
    assert judge(gate_exercise, gate).kind == "right"
    assert torch.equal(torch.get_rng_state(), before[0])
    assert np.array_equal(np.random.get_state()[1], before[1])
    assert random.getstate() == before[2]


def test_answer_and_reference_draw_the_same_random_numbers(gate_exercise: Exercise) -> None:
    def noise(x, p):
        return torch.rand(3) + np.random.rand() + random.random()

    def again(x, p):
        return torch.rand(3) + np.random.rand() + random.random()

    assert judge(replace(gate_exercise, reference=noise), again).kind == "right"


def leave_dtype() -> None:
    torch.set_default_dtype(torch.float16)


def leave_no_grad() -> None:
    torch.set_grad_enabled(False)


def leave_patched_relu() -> None:
    F.relu = torch.relu = torch.Tensor.relu = lambda *_: "patched"


def leave_device() -> None:
    torch.set_default_device("meta")


def leave_mode() -> None:
    from torch.overrides import TorchFunctionMode

    class Mode(TorchFunctionMode):
        def __torch_function__(self, func, types, args=(), kwargs=None):  # type: ignore[no-untyped-def]
            return func(*args, **(kwargs or {}))

    Mode().__enter__()


def leave_anomaly() -> None:
    torch.autograd.set_detect_anomaly(True, check_nan=False)


def state() -> tuple[Any, ...]:
    return (
        torch.get_default_dtype(),
        torch.is_grad_enabled(),
        F.relu,
        torch.relu,
        torch.Tensor.relu,
        torch.empty(0).device,
        torch._C._len_torch_function_stack(),
        torch.is_anomaly_enabled(),
    )


@pytest.mark.parametrize(
    "leave",
    [leave_dtype, leave_no_grad, leave_patched_relu, leave_device, leave_mode, leave_anomaly],
)
@pytest.mark.parametrize("raises", [False, True])
@pytest.mark.filterwarnings("ignore:Anomaly Detection")
def test_settings_are_put_back(
    gate_exercise: Exercise, leave: Callable[[], None], raises: bool
) -> None:
    def gate(x, p):
        y = p * (x > 0)
        leave()
        if raises:
            raise ValueError
        return y

    before = state()
    assert judge(gate_exercise, gate).kind == ("error" if raises else "right")
    assert state() == before


def test_under_no_grad_answers_may_use_gradients(gate_exercise: Exercise) -> None:
    def gate(x, p):
        x = x.clone().requires_grad_()
        F.relu(x).backward(p)
        return x.grad

    with torch.no_grad():
        assert judge(gate_exercise, gate).kind == "right"
        assert not torch.is_grad_enabled()


def test_checks_in_many_threads_do_not_mix(
    gate_exercise: Exercise, capsys: pytest.CaptureFixture[str]
) -> None:
    verdicts: dict[int, Verdict] = {}

    def work(number: int) -> None:
        def gate(x, p):
            print(number)
            F.relu = None
            time.sleep(0.01)
            return p * (x > 0)

        verdicts[number] = judge(gate_exercise, gate)

    relu = F.relu
    threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {n: (v.kind, v.printed) for n, v in verdicts.items()} == {
        n: ("right", str(n)) for n in range(6)
    }
    assert F.relu is relu
    assert capsys.readouterr() == ("", "")


@pytest.mark.usefixtures("short_limit")
@pytest.mark.parametrize("where", [directly, in_a_thread])
def test_an_import_is_not_stopped_half_way(
    gate_exercise: Exercise,
    where: Callable[..., Verdict],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    name = f"slow_module_{where.__name__}"
    (tmp_path / f"{name}.py").write_text("import time\ntime.sleep(0.5)\ndone = True\n")
    monkeypatch.syspath_prepend(tmp_path)

    def gate(x, p):
        assert importlib.import_module(name).done
        return p * (x > 0)

    assert where(lambda: judge(gate_exercise, gate)).kind == "right"
