"""Forbid a process to reach beyond this machine, to show that nothing in it needs to."""

from __future__ import annotations

import ipaddress
import socket
from typing import Any

_connect = socket.socket.connect
_resolve = socket.getaddrinfo


def _is_here(host: Any) -> bool:
    """Tell whether a host is this machine."""
    if host in (None, "", "localhost"):
        return True
    try:
        return ipaddress.ip_address(str(host).partition("%")[0]).is_loopback
    except ValueError:
        return False


def _checked_connect(self: socket.socket, address: Any) -> Any:
    """Connect to this machine only."""
    if self.family in (socket.AF_INET, socket.AF_INET6) and not _is_here(address[0]):
        raise OSError(f"the network is blocked: {address}")
    return _connect(self, address)


def _checked_resolve(host: Any, *rest: Any, **named: Any) -> Any:
    """Look up this machine only."""
    if isinstance(host, bytes):
        host = host.decode()
    if not _is_here(host) and not str(host).replace(".", "").isdigit():
        raise OSError(f"the network is blocked: {host}")
    return _resolve(host, *rest, **named)


def block() -> None:
    """Make every connection to, and every look-up of, another machine fail from now on."""
    socket.socket.connect = _checked_connect  # type: ignore[method-assign]
    socket.getaddrinfo = _checked_resolve
