"""Numbered messages for websocket clients, without a queue per client.

In:  events that every client must see (orders, fills, messages, halts), and rows of which only the newest state
     matters (status, bars, quotes).
Out: for each client, when it asks, what it has not seen, in the order of the numbers. A client that comes back with the
     number it saw last gets the rest; one that was away too long, or never here, gets one snapshot.

A client that asks 20 times a second gets merged rows at most 20 times a second; memory does not grow with the number of
clients. Numbers begin at a start that no earlier process has used, so a number from before a restart is recognised and
answered with a snapshot.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import Any, NamedTuple, Protocol

import msgspec

EVENTS_HELD = 5_000  # at ten a second those of eight minutes; some 2 MB
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(dict[str, Any]).decode


class Message(NamedTuple):
    """One numbered message; `data` is JSON-ready and not changed afterwards."""

    number: int
    topic: str
    data: dict[str, Any]


class TooSlow(Exception):
    """A client has fallen behind so far that events it must see are no longer held."""


class Feed:
    """The numbers, the newest events, and the newest state of the topics that have one row."""

    def __init__(self, first_number: int) -> None:
        self.first = first_number
        self.number = first_number
        self._events: deque[tuple[int, str, bytes]] = deque()  # number, topic, data
        self._lost = first_number  # number of the newest event that is no longer held
        self._latest: dict[str, Message] = {}

    def next(self) -> int:
        """A number for a change of merged rows."""
        self.number += 1
        return self.number

    def event(self, topic: str, data: dict[str, Any]) -> None:
        """Keep a message that is never merged or dropped while a client may still need it."""
        self._events.append((self.next(), topic, _encode(data)))
        if len(self._events) > EVENTS_HELD:
            self._lost = self._events.popleft()[0]

    def state(self, topic: str, data: dict[str, Any]) -> None:
        """Keep the newest state of a topic that has one row."""
        self._latest[topic] = Message(self.next(), topic, data)

    def latest(self, topic: str) -> dict[str, Any] | None:
        message = self._latest.get(topic)
        return message.data if message else None

    def holds(self, since: int) -> bool:
        """Whether everything after `since` can still be told."""
        return self._lost <= since <= self.number

    def after(self, since: int, topics: Iterable[str]) -> list[Message]:
        """Events and states of `topics` after a number, in no order. raises: TooSlow."""
        if not self.holds(since):
            raise TooSlow(f"message {since} is older than the {EVENTS_HELD} newest events that are held")
        wanted = frozenset(topics)
        found = [message for topic, message in self._latest.items() if topic in wanted and message.number > since]
        for number, topic, data in reversed(self._events):
            if number <= since:
                break
            if topic in wanted:
                found.append(Message(number, topic, _decode(data)))
        return found


class Source(Protocol):
    """What a subscription reads: the live view."""

    feed: Feed

    def snapshot(self, topics: Iterable[str]) -> dict[str, Any]: ...
    def changed(self, topic: str, since: int) -> list[Message]: ...


class Subscription:
    """What one client wants and has seen. topics: those of `websocket.py`; since: the last number it saw, or None."""

    def __init__(self, source: Source, topics: tuple[str, ...], since: int | None) -> None:
        self._source = source
        self._topics = topics
        feed = source.feed
        self._seen = since if since is not None and feed.holds(since) else None

    def pull(self) -> list[Message]:
        """What is new for this client, oldest number first; the first pull may be one snapshot. raises: TooSlow."""
        feed = self._source.feed
        until = feed.number
        if self._seen is None:
            found = [Message(until, "snapshot", self._source.snapshot(self._topics))]
        else:
            found = feed.after(self._seen, self._topics)
            for topic in self._topics:
                found += self._source.changed(topic, self._seen)
            found.sort(key=lambda message: message.number)
        self._seen = until
        return found
