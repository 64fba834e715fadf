"""The websocket: one client's subscription, resumed by number.

In:  {"subscribe": [topics], "since": "123" or null}; a later one replaces the earlier.
Out: {"seq": "124", "topic": ..., "data": {...}}, asked of the feed 20 times a second. Without `since`, or when it is
     too old to be continued, the first message has topic "snapshot" and `data` from topic to what REST answers for it.
A client that does not take a message for SEND_SECONDS, or falls behind what is held, is told and cut: its memory
would be ours.
"""

from __future__ import annotations

import asyncio

import msgspec
from litestar import WebSocket
from litestar.exceptions import WebSocketDisconnect

from ninefold.api.feed import Message, Subscription, TooSlow
from ninefold.api.live import LiveView
from ninefold.market.time import TIMEFRAMES

PULL_SECONDS = 0.05
SEND_SECONDS = 5.0
MOST_TOPICS = 16  # a page needs seven; a snapshot of all is made on the loop
LONGEST_REQUEST = 10_000  # characters
PLAIN_TOPICS = ("status", "services", "messages", "orders", "fills", "equity")
BAD_REQUEST, TOO_SLOW, GOING_AWAY = 4400, 4408, 1001


class Request(msgspec.Struct, forbid_unknown_fields=True):
    """What a client sends."""

    subscribe: list[str]
    since: str | None = None


class BadRequest(ValueError):
    """What a client sent and cannot be followed."""


class Client:
    """One open websocket; `serve` returns when it is over."""

    def __init__(self, socket: WebSocket, view: LiveView, stopping: asyncio.Event) -> None:  # type: ignore[type-arg]
        self._socket = socket
        self._view = view
        self._stopping = stopping
        self._subscription: Subscription | None = None

    async def serve(self) -> None:
        tasks = [asyncio.ensure_future(work) for work in (self._listen(), self._tell(), self._stopping.wait())]
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in tasks:
            task.cancel()
        ends = await asyncio.gather(*tasks, return_exceptions=True)
        for end in ends:
            match end:
                case BadRequest():
                    await self._close(BAD_REQUEST, str(end))
                case TooSlow() | TimeoutError():
                    await self._close(TOO_SLOW, "too slow: connect again with the last seq as since")
                case WebSocketDisconnect() | asyncio.CancelledError():
                    continue
                case BaseException():
                    raise end
        if self._stopping.is_set():
            await self._close(GOING_AWAY, "the server stops")

    async def _listen(self) -> None:
        while True:
            text = await self._socket.receive_text()
            topics, since = asked(text)
            self._subscription = Subscription(self._view, topics, since)

    async def _tell(self) -> None:
        while True:
            for message in self._subscription.pull() if self._subscription else ():
                await asyncio.wait_for(self._socket.send_text(_text(message)), SEND_SECONDS)
            await asyncio.sleep(PULL_SECONDS)

    async def _close(self, code: int, reason: str) -> None:
        try:
            await asyncio.wait_for(self._socket.close(code, reason[:120]), 1.0)
        except (TimeoutError, RuntimeError):
            return  # it is gone already, or takes nothing any more


def asked(text: str) -> tuple[tuple[str, ...], int | None]:
    """Topics and number of a request. raises: BadRequest with the rule."""
    if len(text) > LONGEST_REQUEST:
        raise BadRequest(f"{len(text)} characters; allowed are {LONGEST_REQUEST}")
    try:
        request = msgspec.json.decode(text, type=Request)
    except msgspec.DecodeError as error:
        raise BadRequest(f'{error}; write {{"subscribe": ["status"], "since": null}}') from None
    if len(request.subscribe) > MOST_TOPICS:
        raise BadRequest(f"{len(request.subscribe)} topics; allowed are {MOST_TOPICS}")
    for topic in request.subscribe:
        _check(topic)
    if request.since is not None and not (
        request.since.isascii() and request.since.isdigit() and len(request.since) < 20
    ):
        raise BadRequest(f"since is {request.since[:30]!r}; it is the seq of a message, or null")
    return tuple(dict.fromkeys(request.subscribe)), None if request.since is None else int(request.since)


def _check(topic: str) -> None:
    kind, _, rest = topic.partition(":")
    is_bars = kind == "bars" and rest.rpartition(":")[2] in TIMEFRAMES
    if topic not in PLAIN_TOPICS and not is_bars and not (kind == "quotes" and rest):
        raise BadRequest(f"no topic {topic[:50]!r}; allowed: {' '.join(PLAIN_TOPICS)} bars:NAME:TIMEFRAME quotes:NAME")


def _text(message: Message) -> str:
    return msgspec.json.encode({"seq": str(message.number), "topic": message.topic, "data": message.data}).decode()
