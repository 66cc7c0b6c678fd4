"""Grading on a real Dask scheduler with two worker processes, on this machine's loopback."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path

import pytest

from course_lib.classroom.grade.command import Options, Progress, grade
from course_lib.classroom.rehearsal.notebooks import as_bytes, blank, solved, with_cell

pytest.importorskip("distributed", reason="the cluster extra is not installed")

pytestmark = pytest.mark.slow

LESSON = "00_start_here"


def started(stack: ExitStack, folder: Path, *arguments: str) -> subprocess.Popen[bytes]:
    """Start a part of the cluster in a process of its own; it is gone when the stack closes."""
    environment = {**os.environ, "DASK_DISTRIBUTED__DIAGNOSTICS__NVML": "False"}
    process = subprocess.Popen(
        [sys.executable, "-m", *arguments],
        cwd=folder,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    stack.callback(process.wait)
    stack.callback(os.killpg, process.pid, signal.SIGKILL)
    return process


@pytest.fixture
def cluster(tmp_path, sandbox):
    """The address of a scheduler that has two worker processes."""
    from distributed import Client

    with ExitStack() as stack:
        file = tmp_path / "scheduler.json"
        started(
            stack,
            tmp_path,
            *("distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", "0"),
            *("--no-dashboard", "--scheduler-file", str(file)),
        )
        deadline = time.monotonic() + 120
        while not file.exists() or not file.read_text().strip():
            assert time.monotonic() < deadline
            time.sleep(0.1)
        for _ in range(2):
            started(
                stack,
                tmp_path,
                *("distributed.cli.dask_worker", "--scheduler-file", str(file)),
                *("--nthreads", "1", "--no-nanny", "--no-dashboard", "--host", "127.0.0.1"),
            )
        with Client(scheduler_file=str(file)) as client:
            client.wait_for_workers(2, timeout=120)
            yield client.scheduler.address


@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::DeprecationWarning")
def test_a_class_is_graded_on_a_cluster(cluster, tmp_path):
    dies = with_cell(solved(LESSON), "import os\nos._exit(1)")
    notebooks = [solved(LESSON), blank(LESSON), dies] * 2
    for number, notebook in enumerate(notebooks):
        home = tmp_path / "class" / f"student {number}"
        home.mkdir(parents=True)
        (home / f"{LESSON}.ipynb").write_bytes(as_bytes(notebook))
    said: list[str] = []
    students = grade(
        tmp_path / "class", tmp_path / "grades", Options(cluster=cluster), Progress(say=said.append)
    )
    assert said == []
    assert [student.points for student in students] == [1, 0, 1] * 2


def test_a_scheduler_that_is_not_there_is_told(tmp_path, monkeypatch):
    from course_lib.classroom.grade import cluster as module

    monkeypatch.setattr(module, "_SECONDS", 1)
    home = tmp_path / "class" / "ada"
    home.mkdir(parents=True)
    (home / f"{LESSON}.ipynb").write_bytes(as_bytes(blank(LESSON)))
    with pytest.raises(ValueError, match="There is no Dask scheduler at"):
        grade(tmp_path / "class", tmp_path / "grades", Options(cluster="tcp://127.0.0.1:9"))
