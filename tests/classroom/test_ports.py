"""Ports: the first that is free, and one sentence for those that can't be used."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from course_lib.classroom import ports
from course_lib.classroom.ports import check_port, free_port


@pytest.fixture
def taken() -> Iterator[int]:
    """A port that somebody listens on."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        yield other.getsockname()[1]


def test_a_port_in_use_is_passed_over(taken: int) -> None:
    assert free_port(taken) > taken
    with pytest.raises(ValueError, match=f"Port {taken} can't be used"):
        check_port(taken)


def test_a_free_port_may_be_used(taken: int) -> None:
    check_port(free_port(taken))


def test_no_free_port_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ports, "PORTS_TRIED", 0)
    with pytest.raises(ValueError, match="No port"):
        free_port(8866)


@pytest.mark.parametrize("port", [0, -1, 65536])
def test_numbers_that_are_no_ports(port: int) -> None:
    with pytest.raises(ValueError, match=f"from 1 to 65535, not {port}"):
        check_port(port)
