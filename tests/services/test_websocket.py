"""A websocket's client side against a server that writes its frames by hand: whatever they are and however they are cut."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import random
import struct
from collections.abc import Awaitable, Callable

import numpy as np
import pytest
import uvloop

from ninefold.journal.pack_loop import packed, warm
from ninefold.journal.plain import plain_messages
from ninefold.services import websocket
from ninefold.services.websocket import Line, NotOpened, open_line

ACCEPT = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
TEXT, BYTES, MORE, CLOSE, PING, PONG = 1, 2, 0, 8, 9, 10
Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def frame(payload: bytes, opcode: int = TEXT, *, last: bool = True, masked: bool = False) -> bytes:
    head = bytes([opcode | 0x80 * last])
    if len(payload) < 126:
        head += bytes([len(payload) | 0x80 * masked])
    elif len(payload) < 2**16:
        head += bytes([126 | 0x80 * masked]) + struct.pack(">H", len(payload))
    else:
        head += bytes([127 | 0x80 * masked]) + struct.pack(">Q", len(payload))
    return head + b"\0\0\0\0" * masked + payload


class Heard:
    """What a listener was given, in order; compiled: by the loop that packs them."""

    def __init__(self, compiled: bool) -> None:
        self.messages: list[bytes] = []
        self.by_itself = 0  # messages that the library handed on
        self._compiled = compiled

    def plain(self, data: np.ndarray, start: int, end: int) -> int:
        if not self._compiled:
            found = list(plain_messages(data.data, start, end))
            self.messages += [payload for _, payload in found]
            return found[-1][0] if found else start
        while start < end:
            frames, start = packed(data, start, end, 1, 1, 0)
            if frames is None:
                break
            at = 0
            while at < frames.end:
                at, record = frames.record(at)
                self.messages.append(record.payload)
        return start

    def message(self, payload: bytes) -> None:
        self.by_itself += 1
        self.messages.append(payload)

    def taken(self) -> None:
        """Nothing waits."""


def told(
    talk: Talk, compiled: bool = False, act: Callable[[Line], None] = lambda line: None, heard: Heard | None = None
) -> Heard:
    """What is heard of a server until it hangs up. act: done once the line is open."""
    heard = heard or Heard(compiled)
    if compiled:  # before the clock runs: to compile takes seconds
        warm()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        key = next(line for line in head.split(b"\r\n") if line.lower().startswith(b"sec-websocket-key:"))
        accept = base64.b64encode(hashlib.sha1(key.split(b":")[1].strip() + ACCEPT).digest())
        writer.write(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n")
        writer.write(b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n")
        await talk(reader, writer)
        writer.write_eof()
        await reader.read()  # pongs, until the client hangs up: what is closed unread takes with it what was sent
        writer.close()

    async def work() -> None:
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        async with server:
            line = await open_line(f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/ws", lambda: heard)
            act(line)
            await line.closed

    uvloop.run(asyncio.wait_for(work(), 60))
    return heard


def sends(*pieces: bytes) -> Talk:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for piece in pieces:
            writer.write(piece)
            await writer.drain()

    return talk


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize("seed", range(6))
def test_all_messages_come_whole_and_in_order_however_the_stream_is_cut(compiled: bool, seed: int) -> None:
    chance = random.Random(seed)
    sent: list[bytes] = []
    stream = b""
    for _ in range(300):
        payload = chance.randbytes(
            chance.choice((0, 1, 7, 125, 126, 127, 3000, 65535, 65536)) if chance.random() < 0.3 else 90
        )
        kind = chance.choice((TEXT, BYTES))
        sent.append(payload)
        if chance.random() < 0.1:  # in fragments, with a ping between them
            cut = chance.randrange(len(payload) + 1)
            stream += frame(payload[:cut], kind, last=False) + frame(b"?", PING) + frame(payload[cut:], MORE)
        else:
            stream += frame(payload, kind)
    pieces, at = [], 0
    while at < len(stream):
        size = chance.choice((1, 2, 3, 100, 5000, 300_000))
        pieces.append(stream[at : at + size])
        at += size
    assert told(sends(*pieces), compiled).messages == sent


def test_what_follows_the_handshake_in_one_piece_is_heard() -> None:
    assert told(sends(frame(b"a") + frame(b"b"))).messages == [b"a", b"b"]


def test_a_message_larger_than_the_buffer_is_heard() -> None:
    large = bytes(websocket.BUFFER_BYTES + 70_000)
    heard = told(sends(frame(b"before") + frame(large) + frame(b"after")), compiled=True)
    assert (heard.messages, heard.by_itself) == ([b"before", large, b"after"], 1)


def test_a_ping_is_answered_with_what_it_says() -> None:
    answers: list[bytes] = []

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(frame(b"alive?", PING))
        head = await reader.readexactly(2)
        mask = await reader.readexactly(4)
        body = await reader.readexactly(head[1] & 0x7F)
        answers.append(bytes([head[0]]) + bytes(byte ^ mask[place % 4] for place, byte in enumerate(body)))

    told(talk)
    assert answers == [bytes([0x80 | PONG]) + b"alive?"]


def test_what_is_said_is_heard_masked_as_the_protocol_wants_it() -> None:
    said: list[bytes] = []

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readexactly(2)
        mask = await reader.readexactly(4)
        body = await reader.readexactly(head[1] & 0x7F)
        said.append(bytes([head[0], head[1] & 0x80]) + bytes(byte ^ mask[n % 4] for n, byte in enumerate(body)))

    told(talk, act=lambda line: line.say(b"subscribe"))
    assert said == [b"\x81\x80subscribe"]


@pytest.mark.parametrize(
    "wrong",
    [frame(b"x", MORE), frame(b"x", 3), b"\xc1\x01x", frame(b"x", masked=True), frame(b"x", last=False) + frame(b"y")],
    ids=["nothing to go on with", "unknown", "compressed", "masked", "two at once"],
)
def test_what_breaks_the_protocol_ends_the_line_and_is_no_message(wrong: bytes) -> None:
    assert told(sends(frame(b"good") + wrong + frame(b"later"))).messages == [b"good"]


def test_after_a_close_the_line_is_closed() -> None:
    answers: list[int] = []

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(frame(b"bye") + frame(struct.pack(">H", 1000), CLOSE) + frame(b"later"))
        answers.append((await reader.readexactly(1))[0])

    assert (told(talk).messages, answers) == ([b"bye"], [0x80 | CLOSE])


def test_a_message_beyond_the_limit_ends_the_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(websocket, "MESSAGE_MOST", 70_000)
    assert told(sends(frame(b"good") + frame(bytes(70_001)) + frame(b"later"))).messages == [b"good"]


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (b"HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\nnone", "404"),
        (
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
            "Sec-WebSocket-Accept",
        ),
        (b"", "valid HTTP response"),
        (b"SSH-2.0-nothing\r\n\r\n", "opens no websocket"),
    ],
)
def test_who_does_not_open_the_line_is_named_with_what_was_said(answer: bytes, said: str) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        writer.close()

    async def work() -> None:
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        async with server:
            port = server.sockets[0].getsockname()[1]
            with pytest.raises(NotOpened, match=f"127.0.0.1:{port} opens no websocket: .*{said}|{said}"):
                await open_line(f"ws://127.0.0.1:{port}/", lambda: Heard(False))

    uvloop.run(asyncio.wait_for(work(), 60))


def test_an_address_that_is_none_is_named() -> None:
    with pytest.raises(NotOpened, match="'http://x' is no address of a websocket"):
        asyncio.run(open_line("http://x", lambda: Heard(False)))


def test_what_has_come_is_worked_through_before_much_more_is_read() -> None:
    """However much lies in the socket: what waits stays as small as the buffer."""

    class Working(Heard):
        waiting = most = 0

        def plain(self, data: np.ndarray, start: int, end: int) -> int:
            stop = super().plain(data, start, end)
            self.waiting += stop - start
            self.most = max(self.most, self.waiting)
            return stop

        def taken(self) -> None:
            asyncio.get_running_loop().call_soon(self.work)

        def work(self) -> None:
            self.waiting = 0

    heard = Working(compiled=True)
    payloads = [bytes(200)] * 10_000
    told(sends(b"".join(map(frame, payloads))), heard=heard)
    assert heard.messages == payloads
    assert heard.most <= websocket.BUFFER_BYTES
