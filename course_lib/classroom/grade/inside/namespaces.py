"""Namespaces of its own for each submission's process: nobody else's processes, files or memory.

Everything here calls Linux directly, since Python 3.11 has no `os.unshare`.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

_NEW_NS, _NEW_USER, _NEW_PID, _NEW_IPC = 0x00020000, 0x10000000, 0x20000000, 0x08000000
_NOSUID, _NODEV, _NOEXEC = 2, 4, 8
_REC, _PRIVATE = 0x4000, 0x40000
_CAPBSET_DROP = 24
_SET_DUMPABLE = 4
_TEMPORARY = "256m"


def drop_root() -> None:
    """Go on as `nobody` where the sandbox was made by root: limits on processes spare root."""
    if os.getuid() == 0:
        os.setgroups([])
        os.setresgid(65534, 65534, 65534)
        os.setresuid(65534, 65534, 65534)
        # else /proc/self stays root's, and no namespace could be set up
        _checked(_libc().prctl(_SET_DUMPABLE, 1, 0, 0, 0))


def can_nest() -> bool:
    """Tell whether a process can take namespaces of its own here, with a folder of its own."""
    if not sys.platform.startswith("linux"):
        return False
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            unshare()
            inner = os.fork()
            if inner == 0:
                _try_mounts()
            _, status = os.waitpid(inner, 0)
        finally:
            os._exit(1 if status else 0)
    _, status = os.waitpid(pid, 0)
    return status == 0


def _try_mounts() -> None:
    status = 1
    try:
        own_mounts()
        drop_capabilities()
        status = 0
    finally:
        os._exit(status)


def unshare() -> None:
    """Take user, mount, pid and ipc namespaces of one's own; the next fork is their process 1.

    Raises:
        OSError: this machine does not allow it.
    """
    user, group = os.getuid(), os.getgid()
    _checked(_libc().unshare(_NEW_USER | _NEW_NS | _NEW_PID | _NEW_IPC))
    for name, text in (
        ("setgroups", "deny"),
        ("uid_map", f"{user} {user} 1"),
        ("gid_map", f"{group} {group} 1"),
    ):
        with open(f"/proc/self/{name}", "w") as file:
            file.write(text)


def own_mounts() -> None:
    """Give the new mount namespace its own temporary folders and its own process list.

    Where a fresh list is refused (part of the outer one is covered), there is none at all.

    Raises:
        OSError: this machine does not allow it.
    """
    libc = _libc()
    _checked(libc.mount(b"none", b"/", None, _REC | _PRIVATE, None))
    flags = _NOSUID | _NODEV
    for folder in (b"/tmp", b"/dev/shm"):
        size = f"size={_TEMPORARY},mode=1777".encode()
        _checked(libc.mount(b"tmpfs", folder, b"tmpfs", flags, size))
    if libc.mount(b"proc", b"/proc", b"proc", flags | _NOEXEC, None) != 0:
        _checked(libc.mount(b"tmpfs", b"/proc", b"tmpfs", flags | _NOEXEC, b"size=4k,mode=555"))


def drop_capabilities() -> None:
    """Give up what a user namespace's first process may do, so that nothing can be unmounted."""
    libc = _libc()
    for number in range(64):
        if libc.prctl(_CAPBSET_DROP, number, 0, 0, 0) != 0:
            break
    header = (ctypes.c_uint32 * 2)(0x20080522, 0)
    _checked(libc.capset(header, (ctypes.c_uint32 * 6)()))


def forget_signals() -> None:
    """Let no handler stand, so that a namespace's process 1 can't be disturbed from inside."""
    for number in signal.valid_signals():
        if number not in (signal.SIGKILL, signal.SIGSTOP, signal.SIGCHLD):
            try:
                signal.signal(number, signal.SIG_DFL)
            except OSError:
                continue


def _libc() -> ctypes.CDLL:
    libc = ctypes.CDLL(None, use_errno=True)
    libc.mount.argtypes = [ctypes.c_char_p] * 3 + [ctypes.c_ulong, ctypes.c_char_p]
    return libc


def _checked(result: int) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
