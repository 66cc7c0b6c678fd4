"""`import course_lib` is cheap, and the library needs no network."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = ("matplotlib", "ipywidgets", "torchvision", "jupyterlab", "nbgrader", "IPython", "pandas")
ROOT = Path(__file__).parent.parent


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


def test_the_plugin_blocks_sockets(tmp_path):
    probe = tmp_path / "test_probe.py"
    probe.write_text(
        "import socket, pytest\n"
        "def test_outside():\n"
        "    for address in ('192.0.2.1', 'example.org'):\n"
        "        with pytest.raises(OSError, match='no test may use the network'):\n"
        "            socket.create_connection((address, 80), timeout=1)\n"
        "def test_inside():\n"
        "    server = socket.create_server(('127.0.0.1', 0))\n"
        "    socket.create_connection(server.getsockname(), timeout=1).close()\n"
        "    server.close()\n"
    )
    assert "2 passed" in without_network(str(probe))


@pytest.mark.slow
def test_the_librarys_tests_pass_with_sockets_blocked():
    printed = without_network("tests/attribution", "tests/exercises", "-m", "not slow")
    assert " passed" in printed


def without_network(*arguments: str) -> str:
    """Run pytest with tests/no_network.py and return what it printed; it must pass."""
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no_network", *arguments],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT / "tests")},
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    return run.stdout
