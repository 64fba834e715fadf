"""A websocket to a venue: the client's side of RFC 6455 over asyncio.

In:  an address. Out: to a listener, all messages in order: plain ones as they lie in the buffer, others one by one.

A library opens and closes the line, answers pings and puts together what came in fragments. Plain messages, which nearly
all are, never reach it: whoever listens takes many of them out of the buffer at once.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Protocol, cast

import numpy as np
from websockets.client import ClientProtocol
from websockets.exceptions import InvalidURI
from websockets.frames import Frame, Opcode
from websockets.protocol import State
from websockets.uri import parse_uri

BUFFER_BYTES = 256 * 1024
LEAST_FREE_BYTES = 64 * 1024
MANY_BYTES = (
    64 * 1024
)  # after so many, what has come is worked through before more is read: it is still in the cache then
LEAST_BYTES = 4 * 1024
LONG_NS = 2_000_000  # what working through one read may take: whatever else is due, a tick or an order, waits so long
PADDING = 64  # behind the buffer, so that it can be read by words
MESSAGE_MOST = 64 * 1024 * 1024
OPEN_S = 10.0
OPENS, END_OF_HEAD = b"HTTP/1.1 101 ", b"\r\n\r\n"
_HEADS = {126: 4, 127: 10}


class NotOpened(OSError):
    """The other side does not speak websocket at this address, or does not want to."""


class Listener(Protocol):
    """plain: takes whole plain messages from byte `start` of `data`, in which there are bytes up to `end`; where it stopped.
    message: one that was not plain. taken: there is no whole message any more.
    """

    def plain(self, data: np.ndarray, start: int, end: int) -> int: ...

    def message(self, payload: bytes) -> None: ...

    def taken(self) -> None: ...


class Line(asyncio.BufferedProtocol):
    """One websocket, from `open_line` until `closed` is done."""

    def __init__(self, url: str, opened: Callable[[], Listener]) -> None:
        loop = asyncio.get_running_loop()
        self.closed: asyncio.Future[None] = loop.create_future()
        self.is_open: asyncio.Future[None] = loop.create_future()
        self._opened = opened
        self._listener: Listener | None = None
        self._speech = ClientProtocol(parse_uri(url), max_size=MESSAGE_MOST)
        self._transport: asyncio.Transport | None = None
        self._parts: list[bytes] = []
        self.pongs = 0  # that have come
        self._data = np.zeros(BUFFER_BYTES + PADDING, np.uint8)
        self._end = 0
        self._most_bytes = BUFFER_BYTES  # of one read
        self._came_ns = 0

    def say(self, message: bytes) -> None:
        """Send a message of text; without an open line there is nobody to hear."""
        if self._speech.state is State.OPEN and not self.closed.done():
            self._speech.send_text(message)
            self._write()

    def ping(self) -> None:
        if self._speech.state is State.OPEN and not self.closed.done():
            self._speech.send_ping(b"")
            self._write()

    def cut(self) -> None:
        """End it now, whatever the other side says."""
        if self._transport is not None:
            self._transport.abort()

    # of asyncio

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is not derived from it
        self._speech.send_request(self._speech.connect())
        self._write()

    def get_buffer(self, sizehint: int) -> memoryview:
        free = len(self._data) - PADDING - self._end
        if free < LEAST_FREE_BYTES:
            grown = np.zeros(2 * len(self._data) + PADDING, np.uint8)
            grown[: self._end] = self._data[: self._end]
            self._data = grown
        return self._data.data[self._end : min(self._end + self._most_bytes, len(self._data) - PADDING)]

    def buffer_updated(self, nbytes: int) -> None:
        self._came_ns = time.perf_counter_ns()
        self._end += nbytes
        at = 0 if self._listener is not None else self._shake()
        if self._listener is not None:
            at = self._take(at)
        left = self._end - at
        self._data[:left] = self._data[at : self._end].copy()
        self._end = left
        is_full = nbytes >= min(MANY_BYTES, self._most_bytes)
        if is_full and self._transport is not None:
            self._transport.pause_reading()
        asyncio.get_running_loop().call_soon(
            self._read_on, nbytes, is_full
        )  # behind what the listener wants to do soon

    def eof_received(self) -> bool:
        self._speech.receive_eof()
        return False

    def connection_lost(self, error: Exception | None) -> None:
        for waited in (self.is_open, self.closed):
            if not waited.done():
                waited.set_result(None)

    # parts

    def _read_on(self, nbytes: int, is_full: bool) -> None:
        """What was read is worked through: of messages of this kind, read as many as take a moment."""
        took_ns = time.perf_counter_ns() - self._came_ns
        if took_ns > LONG_NS:
            self._most_bytes = max(min(self._most_bytes, nbytes) // 2, LEAST_BYTES)
        elif is_full and took_ns < LONG_NS // 2:
            self._most_bytes = min(self._most_bytes * 2, BUFFER_BYTES)
        if is_full and self._transport is not None and not self.closed.done():
            self._transport.resume_reading()

    def _shake(self) -> int:
        """Read the answer to our request; where what follows it begins."""
        said = bytes(self._data[: self._end])
        head = said.find(END_OF_HEAD) + len(END_OF_HEAD)
        if head < len(END_OF_HEAD):
            return 0
        at = head if said.startswith(OPENS) else self._end
        self._speech.receive_data(said[:at])
        self._speech.events_received()
        self._write()
        if self._speech.state is State.OPEN:
            self._listener = self._opened()
            self.is_open.set_result(None)
        elif self._speech.handshake_exc is not None:
            self.cut()
        return at

    def _take(self, at: int) -> int:
        """Hand on what is whole; where the rest begins. Behind the end of a line, also one that broke the protocol, nothing
        counts.
        """
        assert self._listener is not None
        while at < self._end and self._speech.state is State.OPEN:
            if not self._parts:
                at = self._listener.plain(self._data, at, self._end)
            stop = self._end_of_frame(at)
            if stop > self._end:
                break
            self._hear(bytes(self._data[at:stop]))
            at = stop
        self._listener.taken()
        return at if self._speech.state is State.OPEN else self._end

    def _end_of_frame(self, at: int) -> int:
        """Where the frame ends that begins at byte `at`, beyond what has come if that does not tell."""
        unknown = self._end + 1
        if at + 2 > self._end:
            return unknown
        second = int(self._data[at + 1])
        length, head = second & 0x7F, _HEADS.get(second & 0x7F, 2)
        if at + head > self._end:
            return unknown
        if head > 2:
            length = int.from_bytes(bytes(self._data[at + 2 : at + head]))
        if length > MESSAGE_MOST:
            self.cut()
            return unknown
        return at + head + length + (4 if second & 0x80 else 0)

    def _hear(self, frame: bytes) -> None:
        assert self._listener is not None
        self._speech.receive_data(frame)
        for event in self._speech.events_received():
            if isinstance(event, Frame) and event.opcode in (Opcode.TEXT, Opcode.BINARY, Opcode.CONT):
                self._parts.append(bytes(event.data))
                if event.fin:
                    self._listener.message(b"".join(self._parts))
                    self._parts = []
            elif isinstance(event, Frame) and event.opcode is Opcode.PONG:
                self.pongs += 1
        self._write()

    def _write(self) -> None:
        """Send what the library wants to say; nothing more from it: the line is to be ended."""
        assert self._transport is not None
        for data in self._speech.data_to_send():
            if data:
                self._transport.write(data)
            else:
                self._transport.close()

    @property
    def was_opened(self) -> bool:
        return self._listener is not None

    @property
    def refusal(self) -> Exception | None:
        """Why it was not opened, if the other side said so."""
        return self._speech.handshake_exc


async def open_line(url: str, opened: Callable[[], Listener]) -> Line:
    """A websocket to ws:// or wss://. opened: called once it is open, before anything is heard.

    raises: NotOpened, OSError, TimeoutError.
    """
    try:
        uri = parse_uri(url)
    except InvalidURI as error:
        raise NotOpened(
            f"{url!r} is no address of a websocket such as 'wss://stream.example.com:443/ws': {error}"
        ) from None
    line = Line(url, opened)
    try:
        async with asyncio.timeout(OPEN_S):
            loop = asyncio.get_running_loop()
            await loop.create_connection(lambda: line, uri.host, uri.port, ssl=True if uri.secure else None)
            await line.is_open
    except BaseException:
        line.cut()
        raise
    if not line.was_opened:
        raise NotOpened(f"{uri.host}:{uri.port} opens no websocket: {line.refusal or 'it hung up'}")
    return line
