"""Where servers listen on this machine."""

from __future__ import annotations

import socket

PORTS_TRIED = 50


def check_port(port: int) -> None:
    """Raise a ValueError that says why a server can't listen on a port, if it can't."""
    if not 0 < port < 65536:
        raise ValueError(f"A port is a number from 1 to 65535, not {port}.")
    if not _is_free(port):
        raise ValueError(
            f"Port {port} can't be used here; choose another one, or leave --port away."
        )


def free_port(first: int) -> int:
    """The first free port from `first` on.

    Raises:
        ValueError: none is free.
    """
    for port in range(first, first + PORTS_TRIED):
        if _is_free(port):
            return port
    raise ValueError(f"No port from {first} to {first + PORTS_TRIED - 1} is free.")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True
