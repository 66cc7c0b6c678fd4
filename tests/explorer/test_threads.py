from __future__ import annotations

import threading

import pytest
import torch

from course_lib.explorer import threads
from course_lib.explorer.threads import one_core_free


@pytest.fixture(autouse=True)
def _four_threads():
    torch.set_num_threads(4)
    yield
    torch.set_num_threads(1)


@pytest.mark.parametrize(("cores", "inside"), [(1, 1), (2, 1), (3, 2), (16, 4), (None, 1)])
def test_one_core_is_left_and_given_back(monkeypatch, cores, inside):
    monkeypatch.setattr(threads.os, "cpu_count", lambda: cores)
    with one_core_free():
        assert torch.get_num_threads() == inside
    assert torch.get_num_threads() == 4


def test_an_error_gives_it_back():
    with pytest.raises(KeyError), one_core_free():
        raise KeyError
    assert torch.get_num_threads() == 4


def test_two_at_once_put_back_what_was_there_before_both(monkeypatch):
    monkeypatch.setattr(threads.os, "cpu_count", lambda: 2)
    seen = {}
    first_in, second_in, first_out = (threading.Event() for _ in range(3))

    def first():
        with one_core_free():
            first_in.set()
            second_in.wait(10)
        first_out.set()

    def second():
        first_in.wait(10)
        with one_core_free():
            seen["second"] = torch.get_num_threads()
            second_in.set()
            first_out.wait(10)

    jobs = [threading.Thread(target=job) for job in (first, second)]
    for job in jobs:
        job.start()
    for job in jobs:
        job.join(20)

    def later():
        seen["later"] = torch.get_num_threads()

    job = threading.Thread(target=later)
    job.start()
    job.join(10)
    assert seen == {"second": 1, "later": 4}
