"""The sandbox around a slot: bubblewrap, with nothing in it but the interpreter and the course."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterable
from pathlib import Path

from course_lib.classroom.places import PACKAGE

_START = (
    "import sys; sys.path.insert(0, {course!r}); "
    "from course_lib.classroom.grade.inside.template import main; main()"
)
_INSIDE = "/course"


class NoSandbox(ValueError):
    """There is no sandbox on this machine; the message says why and what can be done."""


def require_sandbox() -> None:
    """Raise unless bubblewrap is there and works.

    Raises:
        NoSandbox: it is missing, or this machine forbids what it does.
    """
    otherwise = (
        "With --no-sandbox, students' code runs in separate processes with limits, but sees your "
        "files and your network."
    )
    if shutil.which("bwrap") is None:
        where = (
            "install it (on Debian and Ubuntu: apt-get install bubblewrap)"
            if sys.platform.startswith("linux")
            else "grade on a Linux machine"
        )
        raise NoSandbox(
            f"There is no bubblewrap (bwrap) to run students' code in; {where}. {otherwise}"
        )
    trial = subprocess.run(
        [*_bwrap(), "--", sys.executable, "-I", "-c", "print(1)"],
        capture_output=True,
        text=True,
        env=environment("/tmp"),
        timeout=60,
    )
    if trial.returncode != 0:
        reason = (trial.stderr.strip().splitlines() or ["it gave no reason"])[-1]
        raise NoSandbox(f"bubblewrap does not work on this machine: {reason}. {otherwise}")


def command(settings: dict[str, object], *, sandboxed: bool) -> list[str]:
    """The command line that starts a slot's template.

    Args:
        settings: for the template, as JSON.
        sandboxed: whether it runs in bubblewrap.
    """
    course = _INSIDE if sandboxed else str(PACKAGE.parent)
    start = [sys.executable, "-I", "-B", "-c", _START.format(course=course), json.dumps(settings)]
    return [*_bwrap(), "--", *start] if sandboxed else start


def environment(home: str) -> dict[str, str]:
    """All the environment variables that a sandbox has.

    Args:
        home: the folder that may be written to.
    """
    return {
        "HOME": home,
        "TMPDIR": home,
        "PATH": "/usr/bin:/bin",
        "LANG": "C.UTF-8",
        "MPLBACKEND": "agg",
        "MPLCONFIGDIR": home,
        "OMP_NUM_THREADS": "1",
        "CUDA_VISIBLE_DEVICES": "",
        "COURSE_PROGRESS": f"{home}/progress.json",
        "COURSE_CACHE": f"{home}/cache",
    }


def _bwrap() -> list[str]:
    arguments = ["bwrap", "--die-with-parent", "--new-session"]
    arguments += ["--unshare-pid", "--unshare-ipc", "--unshare-net", "--unshare-uts"]
    arguments += ["--unshare-cgroup-try"]
    if os.geteuid() == 0:
        # the template becomes nobody, which root in a user namespace of its own could not
        arguments += ["--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID"]
    else:
        arguments += ["--unshare-user"]
    folders = _folders()
    above = {parent for folder in folders for parent in folder.parents[:-1]} | {Path(_INSIDE)}
    for folder in sorted(above, key=lambda path: len(path.parts)):
        # the template is not root: it must be able to pass through where only root can, outside
        arguments += ["--perms", "0755", "--dir", str(folder)]
    for folder in folders:
        if os.path.islink(folder) and folder.parent == Path("/"):
            arguments += ["--symlink", os.readlink(folder), str(folder)]
        else:
            arguments += ["--ro-bind", str(folder), str(folder)]
    arguments += ["--ro-bind", str(PACKAGE), f"{_INSIDE}/{PACKAGE.name}"]
    arguments += ["--proc", "/proc", "--dev", "/dev", "--remount-ro", "/dev"]
    arguments += ["--tmpfs", "/tmp", "--chdir", "/tmp", "--remount-ro", "/"]
    return arguments


def _folders() -> list[Path]:
    """Where the interpreter and what it needs is, each folder once, parents before children."""
    system = ["/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib"]
    system += ["/etc/ld.so.cache", "/etc/localtime", "/usr/share/zoneinfo"]
    python = [
        sys.prefix,
        sys.base_prefix,
        *(sysconfig.get_path(kind) for kind in ("stdlib", "platstdlib", "purelib", "platlib")),
        sys.executable,
        os.path.realpath(sys.executable),
    ]
    if sys.base_prefix == "/usr":
        python.remove("/usr")
    found = [Path(name) for name in (*system, *python) if os.path.exists(name)]
    return list(_outermost(found))


def _outermost(folders: Iterable[Path]) -> Iterable[Path]:
    kept: list[Path] = []
    for folder in sorted(set(folders), key=lambda path: len(path.parts)):
        if not any(folder.is_relative_to(other) for other in kept):
            kept.append(folder)
    return kept
