"""An address to listen on, tried before a server gets it.

Granian binds with SO_REUSEPORT, which would share a port with another process without a word.
"""

from __future__ import annotations

import errno
import socket


class CannotListen(OSError):
    """An address that cannot be listened on."""


def free_port(host: str, port: int) -> int:
    """`port`, or for 0 a free one. raises: CannotListen if another program has it, or the address is not ours."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
            probe.listen()
        except OSError as error:
            raise CannotListen(error.errno, _why(host, port, error)) from None
        found: int = probe.getsockname()[1]
    return found


def _why(host: str, port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"port {port} of {host} is in use by another program; choose another with --port, or 0 for any free one"
    if error.errno == errno.EACCES:
        return f"port {port} of {host} may only be used by root; choose one from 1024 to 65535"
    return f"cannot listen on {host}:{port}: {error.strerror}; use 127.0.0.1 or an address of this machine"
