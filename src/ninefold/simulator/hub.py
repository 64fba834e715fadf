"""From published payloads to the connections that subscribed.

In:  (stream name, payload), connections and their subscriptions.
Out: each payload encoded once per form (raw, combined) and handed to every subscriber's socket.
"""

from typing import Protocol

from ninefold.simulator.faults import Faults
from ninefold.simulator.frames import combined


class Subscriber(Protocol):
    """A connection to market streams."""

    combined: bool
    paused: bool

    def send(self, frame: bytes) -> None: ...

    def drop(self) -> None: ...


class Hub:
    """Who listens to what."""

    def __init__(self, faults: Faults) -> None:
        self.faults = faults
        self.topics: dict[str, dict[Subscriber, None]] = {}
        self.subscribers: dict[Subscriber, None] = {}
        self.frames_sent = 0

    def subscribe(self, subscriber: Subscriber, stream: str) -> None:
        self.topics.setdefault(stream, {})[subscriber] = None

    def unsubscribe(self, subscriber: Subscriber, stream: str) -> None:
        listening = self.topics.get(stream)
        if listening is not None:
            listening.pop(subscriber, None)
            if not listening:
                del self.topics[stream]

    def publish(self, stream: str, payload: bytes) -> None:
        """Send to everybody who subscribed to this stream now."""
        listening = self.topics.get(stream)
        if not listening:
            return
        if not self.faults.active:
            self._send(listening, stream, payload)
            return
        for each in self.faults.outcome(payload):
            self._send(listening, stream, each)

    def disconnect_all(self) -> None:
        for subscriber in list(self.subscribers):
            subscriber.drop()

    def any_paused(self) -> bool:
        """Whether some subscriber's socket is full."""
        return any(each.paused for each in self.subscribers)

    def _send(self, listening: dict[Subscriber, None], stream: str, payload: bytes) -> None:
        wrapped: bytes | None = None
        for subscriber in list(listening):
            if subscriber.combined:
                wrapped = wrapped or combined(stream, payload)
                subscriber.send(wrapped)
            else:
                subscriber.send(payload)
            self.frames_sent += 1
