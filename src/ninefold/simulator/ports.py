"""The three ports, bound before anything else happens.

In:  the port asked for (0 = the ones of last time if they are free, else any).
Out: bound sockets on loopback for REST, streams and the WebSocket API. raises: PortInUse.
"""

import socket

HOST = "127.0.0.1"
COUNT = 3


class PortInUse(Exception):
    """A port that was asked for is taken."""


def bind(port: int, last: list[int]) -> list[socket.socket]:
    """Bind REST on `port`, streams on the next and the WebSocket API on the one after; or three free ones for 0."""
    if port:
        return _all([port + at for at in range(COUNT)])
    if len(last) == COUNT:
        try:
            return _all(last)
        except PortInUse:
            pass
    return _all([0] * COUNT)


def _all(ports: list[int]) -> list[socket.socket]:
    bound: list[socket.socket] = []
    for port in ports:
        taken = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            taken.bind((HOST, port))
        except OSError as error:
            taken.close()
            for each in bound:
                each.close()
            raise PortInUse(
                f"simulator: port {port} on {HOST} cannot be used ({error.strerror}). "
                "REST, streams and WebSocket API need three ports in a row; name another with --port, or 0 for any."
            ) from None
        taken.setblocking(False)
        bound.append(taken)
    return bound
