"""What the two websocket servers have in common: upkeep of one connection.

In:  a picows transport. Out: text frames, pings every 20 s, an end for clients that stop answering or reading.
Source: developers.binance.com, "General WSS information" (web-socket-streams.md), read 2026-11-22: a ping every 20 s,
disconnected without a pong within a minute.
"""

import asyncio
import contextlib
import os
import time
from typing import Any

from picows import WSCloseCode, WSFrame, WSListener, WSMsgType, WSTransport

PING_SECONDS = 20.0
PONG_SECONDS = 60.0
MOST_BUFFERED = 64 * 1024 * 1024  # a client that is this far behind is disconnected


class Connection(WSListener):
    """One websocket client. Subclasses answer `on_text`."""

    def __init__(self) -> None:
        self.transport: WSTransport | None = None
        self.paused = False
        self._pong_s = time.monotonic()
        self._pings: asyncio.TimerHandle | None = None
        self._dead = False
        self._socket = -1

    def on_text(self, text: bytes) -> None:
        raise NotImplementedError

    def on_end(self) -> None:
        raise NotImplementedError

    def send(self, *frames: bytes) -> None:
        """Messages of text; many of them in one write, which a message each would take most of the time of sending."""
        transport = self.transport
        if transport is None or transport.is_close_frame_sent or self._dead:
            return
        if len(frames) == 1:
            transport.send(WSMsgType.TEXT, frames[0])
        else:
            self._write(transport.underlying_transport, b"".join(map(framed, frames)))
        if self.paused and transport.underlying_transport.get_write_buffer_size() > MOST_BUFFERED:
            self.drop()

    def die(self) -> None:
        """Stay open, but hear and say nothing any more, as a line whose other end is gone."""
        self._dead = True
        if self.transport is not None:
            self.transport.underlying_transport.pause_reading()

    def drop(self) -> None:
        """Cut the connection without a goodbye."""
        if self.transport is not None:
            self.transport.disconnect(graceful=False)

    def close(self, code: WSCloseCode, reason: bytes) -> None:
        if self.transport is not None:
            self.transport.send_close(code, reason)
            self.transport.disconnect()

    def on_ws_connected(self, transport: WSTransport) -> None:
        self.transport = transport
        self._socket = transport.underlying_transport.get_extra_info("socket").fileno()
        self._schedule()

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        self.transport = None
        self._socket = -1
        self.paused = False
        if self._pings is not None:
            self._pings.cancel()
        self.on_end()

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        kind: Any = frame.msg_type
        if kind == WSMsgType.TEXT:
            self.on_text(frame.get_payload_as_bytes())
        elif kind == WSMsgType.PONG:
            self._pong_s = time.monotonic()
        elif kind == WSMsgType.PING:
            transport.send_pong(frame.get_payload_as_bytes())
        elif kind == WSMsgType.CLOSE:
            transport.send_close(frame.get_close_code(), frame.get_close_message())
            transport.disconnect()

    def pause_writing(self) -> None:
        self.paused = True

    def resume_writing(self) -> None:
        self.paused = False

    def _write(self, line: asyncio.Transport, data: bytes) -> None:
        """At once as far as the system takes it, as the library does it: what was sent is on its way if we drop the line."""
        if line.is_closing():
            return
        written = 0
        if self._socket >= 0 and not line.get_write_buffer_size():
            with contextlib.suppress(OSError):  # the rest waits, or its line tells what is wrong
                written = os.write(self._socket, data)
        if written < len(data):
            line.write(data[written:])

    def _schedule(self) -> None:
        self._pings = asyncio.get_running_loop().call_later(PING_SECONDS, self._ping)

    def _ping(self) -> None:
        if self.transport is None:
            return
        if time.monotonic() - self._pong_s > PONG_SECONDS:
            self.drop()
            return
        if self._dead:
            self._schedule()
            return
        self.transport.send_ping(str(time.time_ns() // 1_000_000).encode())
        self._schedule()


def framed(message: bytes) -> bytes:
    """A whole message of text from a server (RFC 6455, 5.2).

    >>> framed(b"[]"), framed(bytes(300))[:4]
    (b'\\x81\\x02[]', b'\\x81~\\x01,')
    """
    length = len(message)
    if length <= 125:
        return b"\x81%c%b" % (length, message)
    if length < 1 << 16:
        return b"\x81\x7e%b%b" % (length.to_bytes(2), message)
    return b"\x81\x7f%b%b" % (length.to_bytes(8), message)
