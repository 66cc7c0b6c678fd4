"""What can and cannot be reached from inside: tried by cells that report what they found."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import textwrap
import threading

import pytest

from course_lib.classroom.grade import sandbox as the_sandbox
from course_lib.classroom.grade.command import Options, grade
from course_lib.classroom.grade.sandbox import NoSandbox, require_sandbox
from course_lib.classroom.grade.slot import Slot
from course_lib.classroom.rehearsal.notebooks import as_bytes, blank, solved, with_cell
from course_lib.exercises.engine.registry import exercises

from .conftest import LESSON

pytestmark = pytest.mark.slow

SEEDS = [1, 2, 3]


@pytest.fixture(scope="module")
def slot(sandbox):
    """One slot for all that follows, so that each test has siblings in the past."""
    with Slot() as started:
        yield started


def reported(slot: Slot, code: str, seeds: list[int] = SEEDS) -> str:
    """Run some code as a student's cell and give what it says by raising it."""
    body = textwrap.indent(textwrap.dedent(code).strip(), "    ")
    source = f"def report():\n{body}\nraise RuntimeError(repr(report()))"
    collected = slot.collect("x.ipynb", as_bytes(with_cell(blank(LESSON), source)), seeds)
    (trouble,) = [t for t in collected.troubles if t["label"] == "cell 1"]
    return str(trouble["trouble"]).splitlines()[-1].removeprefix("RuntimeError: ")


def test_submissions_have_namespaces_of_their_own(slot):
    assert slot.nested


def test_no_other_process_can_be_seen(slot):
    code = """
        import os
        found = os.listdir("/proc") if os.path.isdir("/proc") else []
        seen = [int(name) for name in found if name.isdigit()]
        return [pid for pid in seen if pid not in (1, os.getpid())]
    """
    assert reported(slot, code) == "[]"


def test_no_other_process_can_be_signalled(slot):
    code = """
        import os
        reached = []
        for pid in range(1, 400):
            if pid != os.getpid():
                try:
                    os.kill(pid, 0)
                    reached.append(pid)
                except OSError: pass
        return reached
    """
    # process 1 of its own namespace is a helper that waits for it; it can't be killed from inside
    assert reported(slot, code) in ("[]", "[1]")
    killing = "import os, signal; os.kill(1, signal.SIGKILL); os.kill(1, 15); return 'alive'"
    assert reported(slot, killing) == "'alive'"


def test_a_sibling_leaves_nothing_behind(slot):
    leave = """
        import os, subprocess, sys, threading, time
        for folder in ("/tmp", "/dev/shm"):
            open(f"{folder}/left-behind", "w").write("hello")
        for folder in ("/", "/dev", "/course", "/proc", "/var", sys.prefix):
            try: open(f"{folder}/left-behind", "w").write("hello")
            except OSError: pass
        if os.fork() == 0:
            os.setsid()
            time.sleep(600)
        return "left"
    """
    assert reported(slot, leave) == "'left'"
    look = """
        import os
        folders = ("/tmp", "/dev/shm", "/", "/dev", "/course", "/proc")
        return [f for f in folders if os.path.exists(f + "/left-behind")]
    """
    assert reported(slot, look) == "[]"


def test_no_file_of_the_host_can_be_seen(slot, tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("an instructor's own")
    code = f"""
        import os
        folders = [{str(secret)!r}, "/etc/passwd", "/etc/shadow", "/home", "/var", "/sys", "/run"]
        return [path for path in folders if os.path.exists(path)]
    """
    assert reported(slot, code) == "[]"


def test_the_course_and_python_cannot_be_changed(slot):
    code = """
        import course_lib, os, torch
        changed = []
        for module in (os, torch, course_lib):
            try:
                open(module.__file__, "a").close()
                changed.append(module.__name__)
            except OSError: pass
        return changed
    """
    assert reported(slot, code) == "[]"


def test_there_is_no_network(slot):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        code = f"""
            import socket
            try: socket.create_connection(("127.0.0.1", {port}), 2)
            except OSError: return "refused"
            return "connected"
        """
        assert reported(slot, code) == "'refused'"


def test_it_is_not_root_and_cannot_mount(slot):
    code = """
        import ctypes, os
        libc = ctypes.CDLL(None)
        return os.getuid() == 0, libc.umount(b"/tmp"), libc.mount(b"x", b"/tmp", b"tmpfs", 0, None)
    """
    assert reported(slot, code) == "(False, -1, -1)"


def test_the_environment_tells_nothing(slot, monkeypatch):
    code = "import os; return sorted(os.environ)"
    assert "TOKEN" not in reported(slot, code)
    assert "SECRET" not in reported(slot, code)


def test_seeds_are_not_there_while_cells_run(slot):
    seed = 2_906_150_427
    code = f"""
        import gc, os
        found = [o for o in gc.get_objects() if isinstance(o, list) and {seed} - 1 + 1 in
                 [x for x in o if type(x) is int]]
        return len([o for o in found if len(o) == 3])
    """
    assert slot.collect("x", b"", [seed] * 3).unreadable == "The file is empty."
    assert reported(slot, code, [seed] * 3) == "0"


def test_nothing_runs_any_more_when_a_slot_has_stopped(sandbox):
    with Slot() as slot:
        process = slot._template._process
        code = "import os, time\nif os.fork() == 0: time.sleep(600)\nreturn 0"
        reported(slot, code)
    assert process.poll() is not None


def test_a_template_that_is_killed_from_outside_costs_nobody_anything(sandbox):
    slow = with_cell(solved(LESSON), "import time\ntime.sleep(2)")
    with Slot() as slot:
        template = slot._template
        killer = threading.Timer(1.0, os.kill, (template._process.pid, signal.SIGKILL))
        killer.start()
        collected = slot.collect("x.ipynb", as_bytes(slow), SEEDS)
        killer.join()
        assert slot._template is not template
    assert (collected.troubles, collected.ended) == ([], {})
    assert all("runs" in frame.data for frame in collected.answers.values())
    assert len(collected.answers) == len(exercises(LESSON))


def test_without_namespaces_each_submission_gets_a_cold_sandbox(sandbox, monkeypatch):
    from course_lib.classroom.grade import started as module

    def without(settings, *, sandboxed):
        settings = {**settings, "nested": False}
        return the_sandbox.command(settings, sandboxed=sandboxed)

    monkeypatch.setattr(module, "command", without)
    with Slot() as slot:
        assert not slot.nested
        first = slot._template
        leave = "open('/tmp/left-behind', 'w').write('hello'); return 'left'"
        assert reported(slot, leave) == "'left'"
        look = "import os; return os.path.exists('/tmp/left-behind')"
        assert reported(slot, look) == "False"
        assert slot._template is not first


def test_without_bubblewrap_grading_stops_and_says_so(monkeypatch, tmp_path):
    monkeypatch.setattr(the_sandbox.shutil, "which", lambda name: None)
    (tmp_path / "class" / "ada").mkdir(parents=True)
    (tmp_path / "class" / "ada" / f"{LESSON}.ipynb").write_bytes(as_bytes(blank(LESSON)))
    with pytest.raises(NoSandbox, match=r"There is no bubblewrap .*; install it .*--no-sandbox"):
        grade(tmp_path / "class", tmp_path / "grades")
    assert not (tmp_path / "grades").exists()


def test_a_bubblewrap_that_is_forbidden_is_told_with_its_reason(monkeypatch):
    monkeypatch.setattr(the_sandbox.shutil, "which", lambda name: f"/usr/bin/{name}")
    said = "import sys; print('bwrap: No permissions', file=sys.stderr); sys.exit(1)"
    monkeypatch.setattr(the_sandbox, "_bwrap", lambda: [sys.executable, "-c", said])
    with pytest.raises(NoSandbox, match="does not work on this machine: bwrap: No permissions"):
        require_sandbox()


def test_without_a_sandbox_there_are_still_other_processes(tmp_path):
    home = tmp_path / "class" / "ada"
    home.mkdir(parents=True)
    source = "import os\nos._exit(0)"
    (home / f"{LESSON}.ipynb").write_bytes(as_bytes(with_cell(blank(LESSON), source)))
    options = Options(workers=1, sandboxed=False)
    (student,) = grade(tmp_path / "class", tmp_path / "grades", options)
    assert {grade.verdict for grade in student.lessons[0].grades} == {"not attempted"}


def test_the_command_warns_of_no_sandbox(tmp_path):
    run = subprocess.run(
        [sys.executable, "-m", "course_lib.cli", "grade", str(tmp_path / "none"), "--out", "x"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
    )
    assert run.returncode == 1
    assert "There is no folder or zip file" in run.stderr
