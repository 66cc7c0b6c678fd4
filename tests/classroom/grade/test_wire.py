"""What crosses from a sandbox: everything a probe can give, and nothing else."""

from __future__ import annotations

import json
import socket
import struct
import time

import pytest
import torch

from course_lib.classroom.grade import wire
from course_lib.classroom.grade.wire import (
    BadFrame,
    Silence,
    pack_runs,
    receive,
    send,
    unpack_runs,
)
from course_lib.exercises.engine.comparing import Foreign, difference
from course_lib.exercises.engine.judging import Run

OUTPUTS = {
    "float64": torch.randn(2, 3, dtype=torch.float64),
    "float16": torch.randn(4).half(),
    "bfloat16": torch.randn(4).bfloat16(),
    "whole": torch.arange(5),
    "bool": torch.tensor([True, False]),
    "complex": torch.randn(3, dtype=torch.complex64),
    "scalar": torch.tensor(2.5),
    "empty": torch.zeros(0, 3),
    "a view": torch.arange(12.0).reshape(3, 4).T[1:],
    "not finite": torch.tensor([float("nan"), float("inf")]),
    "number": 1.5,
    "none": None,
    "text": "it is √2",
    "list": [1, [True, torch.ones(2)], None],
    "odd": Foreign("a SomethingElse"),
}


@pytest.fixture
def channel():
    """Two connected ends."""
    one, other = socket.socketpair()
    with one, other:
        yield one, other


def soon() -> float:
    """A deadline that a test can wait for."""
    return time.monotonic() + 0.2


def test_what_is_sent_arrives(channel):
    runs = [Run(dict(OUTPUTS), calls=("a tensor",)), Run(symptom="E: x", traceback="line 1")]
    packed, tensors = pack_runs(runs)
    send(channel[0], {"runs": packed}, tensors)
    frame = receive(channel[1], time.monotonic() + 10)
    got = unpack_runs(frame.data["runs"], frame.tensors)
    assert got[0].outputs is not None
    assert list(got[0].outputs) == list(OUTPUTS)
    for name, value in OUTPUTS.items():
        if name == "not finite":
            assert torch.equal(got[0].outputs[name].isnan(), value.isnan())
        elif name == "odd":
            assert got[0].outputs[name] == value
        else:
            assert difference(value, got[0].outputs[name]) is None, name
    assert got[0].calls == ("a tensor",)
    assert (got[1].symptom, got[1].traceback, got[1].outputs) == ("E: x", "line 1", None)


def test_a_sparse_tensor_is_only_described():
    packed, tensors = pack_runs([Run({"x": torch.eye(3).to_sparse()})])
    (run,) = unpack_runs(packed, tensors)
    assert run.outputs == {"x": Foreign("a tensor of shape (3, 3), torch.sparse_coo")}


def test_what_is_no_plain_array_or_number_is_only_described():
    values = {
        "meta": torch.ones(2, device="meta"),
        "huge": 1 << 10**6,
    }
    (run,) = unpack_runs(*pack_runs([Run(values)]))
    assert run.outputs == {
        "meta": Foreign("a tensor of shape (2,), meta"),
        "huge": Foreign("a whole number of 1,000,001 bits"),
    }


GOOD = pack_runs([Run({"x": torch.ones(2)})])
ODD = pack_runs([Run({"x": torch.ones(3)})])


@pytest.mark.parametrize(
    ("runs", "tensors"),
    [
        (None, GOOD[1]),
        (7, GOOD[1]),
        ([None], GOOD[1]),
        ([{}], GOOD[1]),
        (GOOD[0], b""),
        (GOOD[0], b"\xff" * 100),
        (GOOD[0], GOOD[1][:-1]),
        ([{**GOOD[0][0], "outputs": {"x": {"tensor": "1"}}}], GOOD[1]),
        (
            [{**GOOD[0][0], "outputs": {"x": {"complex": "0"}}}],
            pack_runs([Run({"x": torch.ones(3)})])[1],
        ),
        ([{**GOOD[0][0], "outputs": {"x": {"pickle": "0"}}}], GOOD[1]),
        ([{**GOOD[0][0], "outputs": {"x": {"plain": {"a": 1}}}}], GOOD[1]),
        ([{**GOOD[0][0], "outputs": {"x": 3}}], GOOD[1]),
        ([{**GOOD[0][0], "outputs": [1]}], GOOD[1]),
        ([{**GOOD[0][0], "finding": 3}], GOOD[1]),
        ([{**GOOD[0][0], "calls": 3}], GOOD[1]),
    ],
)
def test_what_is_no_result_is_refused(runs, tensors):
    with pytest.raises(BadFrame):
        unpack_runs(runs, tensors)


def test_a_deep_result_is_refused():
    deep: dict = {"plain": 1}
    for _ in range(100_000):
        deep = {"list": [deep]}
    with pytest.raises(BadFrame):
        unpack_runs([{**GOOD[0][0], "outputs": {"x": deep}}], GOOD[1])
    while "list" in deep:  # taken apart by hand: Python's own way of doing it is recursive
        (deep,) = deep.pop("list")


@pytest.mark.parametrize(
    "sent",
    [
        struct.pack(">II", 2**31, 0),
        struct.pack(">II", 2, 2**31) + b"{}",
        struct.pack(">II", 3, 0) + b"{,}",
        struct.pack(">II", 1, 0) + b"7",
        struct.pack(">II", 2, 0) + b"\xff\xff",
        struct.pack(">II", 200_000, 0) + b"[" * 200_000,
    ],
)
def test_what_is_no_frame_is_refused(channel, sent):
    channel[0].sendall(sent) if len(sent) < 65536 else _send_aside(channel[0], sent)
    with pytest.raises(BadFrame):
        receive(channel[1], time.monotonic() + 10)


def _send_aside(end: socket.socket, data: bytes) -> None:
    from threading import Thread

    Thread(target=end.sendall, args=(data,), daemon=True).start()


def test_silence_and_the_end_are_told_apart(channel):
    with pytest.raises(Silence):
        receive(channel[1], soon())
    channel[0].sendall(b"\x00\x00")
    with pytest.raises(Silence):
        receive(channel[1], soon())
    channel[0].close()
    with pytest.raises(EOFError):
        receive(channel[1], soon())


def test_a_text_is_cut():
    packed, tensors = pack_runs([Run({"x": "x" * 100_000}, traceback="y" * 100_000)])
    assert len(json.dumps(packed)) < 3 * wire.TEXT_LIMIT
    (run,) = unpack_runs(packed, tensors)
    assert len(run.traceback) == wire.TEXT_LIMIT
