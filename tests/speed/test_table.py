from __future__ import annotations

import json

import pytest
import torch
from torch import nn

from speed import __main__ as bench
from speed.cases import (
    EXTREMAL,
    METHODS,
    forward_passes,
    iterations,
    make_case,
    to_input,
    to_layer,
)
from speed.peers import MODULES, PEERS
from speed.rows import middle, row, timed_row
from speed.timing import interleaved

# Those of the issue that asked for speed, on tiny_vgg.
GOALS = {
    "gradient": 1.15,
    "deconvnet": 1.15,
    "guided_backprop": 1.15,
    "grad_cam": 1.1,
    "linear_approx": 1.1,
    "rise": 0.55,
}


@pytest.fixture
def network():
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 4, 3), nn.ReLU(inplace=True), nn.AdaptiveAvgPool2d(1), nn.Flatten()
    )


def test_runs_take_turns_and_their_medians_come_back(monkeypatch):
    calls = []
    clock = iter(range(10_000))
    monkeypatch.setattr("speed.timing.time.perf_counter", lambda: float(next(clock)))
    medians = interleaved(
        {"a": lambda: calls.append("a"), "b": lambda: calls.append("b")}, seconds=0, least=3
    )
    assert calls == ["a", "b"] * 4
    assert medians == {"a": 1.0, "b": 1.0}


def test_floors_are_the_network_s_own_passes(network):
    x = torch.rand(1, 3, 6, 6)
    leaf = x.clone().requires_grad_()
    network(leaf)[:, 3].sum().backward()
    torch.testing.assert_close(to_input(network, x)(), leaf.grad)
    assert to_layer(network, x, "0")().shape == (1, 4, 4, 4)
    assert not network[0]._forward_hooks
    sizes = []
    network.register_forward_pre_hook(lambda module, inputs: sizes.append(len(inputs[0])))
    forward_passes(network, x, 6, 2)()
    assert sizes == [2, 2, 2]


def test_an_iteration_is_the_time_between_two_calls_back(monkeypatch):
    clock = iter([0.0, 1.0, 2.5, 3.5])
    monkeypatch.setattr("speed.cases.time.perf_counter", lambda: next(clock))
    assert iterations(lambda callback: [callback(i, 4) for i in range(4)]) == 1.0


def test_the_table_marks_what_misses_its_goal(tmp_path):
    rows = [
        row("tiny_vgg", 1, "gradient", 1.1, {"floor": 0.01, "ours": 0.0105}),
        row("tiny_vgg", 1, "rise", 0.5, {"floor": 0.1, "ours": 0.06, "captum": 0.2}),
    ]
    bench.write(tmp_path, rows, [])
    text = (tmp_path / "speed.md").read_text()
    assert "| tiny_vgg | 1 | gradient | 10.0 | 1.05 | 1.10 |" in text
    assert "| tiny_vgg | 1 | rise | 100.0 | 0.60 (missed) | 0.50 | 2.00 |" in text
    assert "MB" not in text
    assert json.loads((tmp_path / "speed.json").read_text())["rows"] == rows
    assert (tmp_path / "speed.png").read_bytes().startswith(b"\x89PNG")


def test_what_was_measured_before_an_interrupt_is_shown_and_kept(tmp_path, capsys, monkeypatch):
    def until_vgg16(network, threads, method, seconds, *, peers):
        if network == "vgg16":
            raise KeyboardInterrupt
        return row(network, threads, method, None, {"floor": 0.01, "ours": 0.0105})

    monkeypatch.setattr(bench, "timed_row", until_vgg16)
    with pytest.raises(KeyboardInterrupt):
        bench.main(["--threads", "1", "--out", str(tmp_path)])
    each = len(METHODS) + 1
    kept = json.loads((tmp_path / "speed.json").read_text())["rows"]
    assert [r["network"] for r in kept] == ["tiny_vgg"] * each + ["resnet18"] * each
    assert capsys.readouterr().out.count("| 1.05 |") == 2 * each


def test_the_tables_are_printed_as_they_are_written(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(
        bench,
        "timed_row",
        lambda *a, **_: row(*a[:3], 1.1, {"floor": 0.01, "ours": 0.02}),
    )
    monkeypatch.setattr(bench, "measure", lambda method, network: 12.0)
    bench.main(["--networks", "tiny_vgg", "--threads", "1", "2", "--out", str(tmp_path)])
    printed = capsys.readouterr().out
    assert printed.count("2.00 (missed)") == 2 * (len(METHODS) + 1)
    assert printed.count("| 12 | 12 |") == 2
    assert (tmp_path / "speed.md").read_text().endswith(printed)


@pytest.mark.filterwarnings("ignore:Integrated gradients")
@pytest.mark.parametrize("method", METHODS)
def test_a_case_compares_the_method_with_its_floor(method):
    case = make_case("tiny_vgg", method, peers=False)
    assert case.goal == GOALS.get(method)
    case.floor()
    assert case.ours().shape[:2] == (1, 1)


def test_a_line_is_the_middle_of_several():
    rows = [
        row("tiny_vgg", 1, "rise", 0.5, {"floor": 0.1, "ours": 0.06, "zennit": 0.1}),
        row("tiny_vgg", 1, "rise", 0.5, {"floor": 0.2, "ours": 0.08, "zennit": 0.8}),
        row("tiny_vgg", 1, "rise", 0.5, {"floor": 0.3, "ours": 0.06, "zennit": 0.6}),
    ]
    wanted = {"network": "tiny_vgg", "threads": 1, "method": "rise", "goal": 0.5}
    found = middle(rows)
    assert found == pytest.approx(wanted | {"floor_ms": 200, "ours": 0.4, "zennit": 2})


@pytest.mark.parametrize("method", ["gradient", EXTREMAL])
def test_a_line_is_timed_in_processes_of_its_own(monkeypatch, method):
    monkeypatch.setattr("speed.rows.PROCESSES", 1)
    threads = torch.get_num_threads()
    found = timed_row("tiny_vgg", threads + 1, method, 0, peers=False)
    assert torch.get_num_threads() == threads
    assert (found["threads"], found["method"]) == (threads + 1, method)
    assert found["floor_ms"] > 0
    assert found["ours"] > 0


def test_every_peer_is_one_that_the_extra_installs():
    assert {peer for peer, _ in PEERS} == set(MODULES)
