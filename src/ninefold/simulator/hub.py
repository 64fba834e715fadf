"""From published payloads to the connections that subscribed.

In:  (stream name, payload), connections and their subscriptions.
Out: each payload encoded once per form (raw, combined) and handed to every subscriber's socket, unless a fault strikes
     it; a log of what was withheld from whom.
"""

import asyncio
from collections.abc import Iterable
from typing import Protocol

import msgspec

from ninefold.simulator.faults import LOSING, Faults
from ninefold.simulator.frames import combined

REORDER_SECONDS = 0.12  # a frame that nothing has overtaken by then goes out all the same; depth comes every 0.1 s


class Subscriber(Protocol):
    """A connection to market streams."""

    face: str
    number: int
    combined: bool
    paused: bool

    def send(self, *frames: bytes) -> None: ...

    def drop(self) -> None: ...


class Withheld(msgspec.Struct, frozen=True):
    """Trades or book changes first_id..last_id of a stream did not come to a connection, or (reorder) came late.

    fault: drop, silence, reorder; disconnect (nobody was subscribed since that connection ended; last_id before
    first_id if there was nothing to hear meanwhile); reset (the venue skipped these numbers, for everybody).
    Both are 0 of book changes that carry no numbers (Coinbase, Kraken).
    """

    connection: int
    stream: str
    fault: str
    first_id: int
    last_id: int


class _Trade(msgspec.Struct):
    trade_id: int = 0


class _Numbers(msgspec.Struct):
    """Of Binance (e and what follows), Coinbase (type, trade_id), Kraken (channel, data)."""

    e: str = ""
    t: int = 0
    U: int = 0
    u: int = 0
    type: str = ""
    trade_id: int = 0
    channel: str = ""
    data: list[_Trade] = []


_numbers = msgspec.json.Decoder(_Numbers)
UNNUMBERED = (0, 0)


class Hub:
    """Who listens to what. withheld: the truth about every number that was not sent in its place."""

    def __init__(self, faults: Faults) -> None:
        self.faults = faults
        self.topics: dict[str, dict[Subscriber, None]] = {}
        self.subscribers: dict[Subscriber, None] = {}
        self.frames_sent = 0
        self.withheld: list[Withheld] = []
        self.harmed: dict[str, None] = {}  # streams that lost or swapped what has no numbers since somebody subscribed
        self._joined = 0
        self._last: dict[str, bytes] = {}  # newest payload of a stream that somebody listened to
        self._left: dict[str, tuple[int, bytes]] = {}  # streams nobody listens to: who was the last, what came last
        self._held: dict[str, bytes] = {}
        self._leaving: dict[Subscriber, list[bytes]] = {}

    def join(self, subscriber: Subscriber) -> None:
        self._joined += 1
        subscriber.number = self._joined
        self.subscribers[subscriber] = None

    def leave(self, subscriber: Subscriber) -> None:
        self.subscribers.pop(subscriber, None)

    def subscribe(self, subscriber: Subscriber, stream: str) -> None:
        self.topics.setdefault(stream, {})[subscriber] = None
        self.harmed.pop(stream, None)

    def unsubscribe(self, subscriber: Subscriber, stream: str) -> None:
        listening = self.topics.get(stream)
        if listening is None:
            return
        listening.pop(subscriber, None)
        if not listening:
            del self.topics[stream]
            held = self._held.pop(stream, None)
            if held is not None:
                self._note(subscriber.number, stream, "disconnect", held)
            if stream in self._last:
                self._left.setdefault(stream, (subscriber.number, self._last[stream]))

    def publish(self, frames: Iterable[tuple[str, bytes]]) -> None:
        """Send payloads to everybody who subscribed to their streams now: to each all of them at once."""
        for stream, payload in frames:
            self._publish(stream, payload)
        self._let_go()

    def _publish(self, stream: str, payload: bytes) -> None:
        listening = self.topics.get(stream)
        if not listening:
            return
        if self._left and stream in self._left:
            self._note_unheard(stream, *self._left.pop(stream), payload)
        self._last[stream] = payload
        if self.faults.active or self._held:
            self._send_or_not(listening, stream, payload)
        else:
            self._send(listening, stream, payload)

    def disconnect_all(self, only: str = "") -> None:
        """only: a part of the names of the faces whose clients are cut."""
        for subscriber in list(self.subscribers):
            if only in subscriber.face:
                subscriber.drop()

    def any_paused(self) -> bool:
        """Whether some subscriber's socket is full."""
        return any(each.paused for each in self.subscribers)

    def _send_or_not(self, listening: dict[Subscriber, None], stream: str, payload: bytes) -> None:
        fault = self.faults.outcome(stream)
        if fault in LOSING:
            self._note_all(listening, stream, fault, payload)
            return
        held = self._held.pop(stream, None)
        if held is None and fault == "reorder":
            self._held[stream] = payload
            asyncio.get_running_loop().call_later(REORDER_SECONDS, self._release, stream, payload)
            return
        if fault == "malformed":
            self._send(listening, stream, self.faults.broken(payload))
        for _ in range(2 if fault == "duplicate" else 1):
            self._send(listening, stream, payload)
        if held is not None:
            self._note_all(listening, stream, "reorder", held)
            self._send(listening, stream, held)

    def _release(self, stream: str, payload: bytes) -> None:
        """Nothing has overtaken it."""
        if self._held.get(stream) is payload:
            self._send(self.topics.get(stream, {}), stream, self._held.pop(stream))
            self._let_go()

    def _send(self, listening: dict[Subscriber, None], stream: str, payload: bytes) -> None:
        wrapped: bytes | None = None
        for subscriber in listening:
            if subscriber.combined:
                frame = wrapped = wrapped or combined(stream, payload)
            else:
                frame = payload
            self._leaving.setdefault(subscriber, []).append(frame)
            self.frames_sent += 1

    def _let_go(self) -> None:
        leaving, self._leaving = self._leaving, {}
        for subscriber, frames in leaving.items():
            subscriber.send(*frames)

    def _note_all(self, listening: dict[Subscriber, None], stream: str, fault: str, payload: bytes) -> None:
        for subscriber in listening:
            self._note(subscriber.number, stream, fault, payload)

    def _note(self, connection: int, stream: str, fault: str, payload: bytes) -> None:
        found = numbers(payload)
        if found is not None:
            self.withheld.append(Withheld(connection, stream, fault, *found))
        if found == UNNUMBERED:
            self.harmed[stream] = None

    def _note_unheard(self, stream: str, connection: int, before: bytes, after: bytes) -> None:
        """What a stream had while nobody listened, if it had anything."""
        last, first = numbers(before), numbers(after)
        if last is not None and first is not None and 0 < last[1] < first[0] - 1:
            self.withheld.append(Withheld(connection, stream, "disconnect", last[1] + 1, first[0] - 1))


def numbers(payload: bytes) -> tuple[int, int] | None:
    """First and last id of trades or book changes, zeros where these carry none; None for what needs none to be whole."""
    found = _numbers.decode(payload)
    if found.e == "trade":
        return found.t, found.t
    if found.e == "depthUpdate":
        return found.U, found.u
    if found.type == "match":
        return found.trade_id, found.trade_id
    if found.channel == "trade":
        return found.data[0].trade_id, found.data[-1].trade_id
    return UNNUMBERED if found.type == "l2update" or found.channel == "book" else None
