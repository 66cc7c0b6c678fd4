"""`import course_lib` is cheap, and the library needs no network."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys

import pytest

HEAVY = ("matplotlib", "ipywidgets", "torchvision", "jupyterlab", "nbgrader", "IPython", "pandas")


def python(code: str, **environment: str) -> str:
    """Run code in a new interpreter and return what it printed."""
    run = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stderr
    return run.stdout


@pytest.mark.parametrize("modules", ["course_lib", "course_lib.attribution", "course_lib.cli"])
def test_importing_loads_nothing_heavy(modules):
    loaded = json.loads(
        python(f"import {modules}, sys, json; print(json.dumps(sorted(sys.modules)))")
    )
    assert not {name.partition(".")[0] for name in loaded}.intersection(HEAVY)


def test_importing_costs_little_beyond_torch():
    code = (
        "import torch, time; begin = time.process_time(); "
        "import course_lib, course_lib.attribution; print(time.process_time() - begin)"
    )
    assert min(float(python(code)) for _ in range(3)) < 0.3


def test_attribution_imports_nothing_of_ours_but_itself():
    code = (
        "import importlib, pkgutil, sys, json, course_lib.attribution as package\n"
        "for found in pkgutil.iter_modules(package.__path__):\n"
        "    importlib.import_module(f'course_lib.attribution.{found.name}')\n"
        "print(json.dumps(sorted(m for m in sys.modules if m.startswith('course_lib'))))"
    )
    allowed = ("course_lib", "course_lib.attribution")
    loaded = json.loads(python(code))
    assert len(loaded) > len(allowed)
    assert [m for m in loaded if m not in allowed and not m.startswith(allowed[1] + ".")] == []


@pytest.mark.parametrize("host", ["192.0.2.1", "2001:db8::1", "example.org"])
def test_every_test_runs_without_a_network(host):
    with pytest.raises(OSError, match="the network is blocked"):
        socket.create_connection((host, 80), timeout=1)


def test_this_machine_can_still_be_reached():
    with socket.create_server(("127.0.0.1", 0)) as server:
        socket.create_connection(server.getsockname(), timeout=1).close()
