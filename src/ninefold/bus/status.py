"""What a service says about itself once a second: counters, gauges, latencies. Not part of the ordered stream.

Counter names: collect: frames trades book_changes quotes malformed gaps reconnects; record: trades_stored rows_stored
commits;
bars: bars; measure: indicators; sentiment: headlines; forecast: forecasts; decide: targets may may_scored; execute:
orders refused fills has;
notify: sent failed. Latencies: every stage: step; collect: exchange_to_receive; record: receive_to_store; decide:
receive_to_decision.
"""

from __future__ import annotations

from collections import deque

import msgspec
import numpy as np

from ninefold.market.histogram import Histogram

CHAIN = ("bars", "measure", "sentiment", "forecast", "decide", "execute")  # each works on what the one before it made
SERVICES = ("collect", "record", *CHAIN, "notify")


class Status(msgspec.Struct, kw_only=True):
    """One service's state. latencies: name to histogram counts (ns), whole run; recent: the same for the last minute."""

    service: str
    at_ns: int
    started_ns: int
    last_seq: int = 0
    counters: dict[str, int] = {}
    gauges: dict[str, float] = {}
    latencies: dict[str, dict[int, int]] = {}
    recent: dict[str, dict[int, int]] = {}
    detail: str = ""
    healthy: bool = True


class Meter:
    """Where a service counts; `status` gives what is sent."""

    def __init__(self, service: str, started_ns: int) -> None:
        self.service = service
        self.started_ns = started_ns
        self.last_seq = 0
        self.counters: dict[str, int] = {}
        self.gauges: dict[str, float] = {}
        self.latencies: dict[str, Histogram] = {}
        self.detail = ""
        self.healthy = True
        self._minute: dict[str, Histogram] = {}  # the sum of `_seconds`
        self._seconds: deque[dict[str, Histogram]] = deque()
        self._second: dict[str, Histogram] = {}  # since the last status

    def count(self, name: str, more: int = 1) -> None:
        self.counters[name] = self.counters.get(name, 0) + more

    def forget(self) -> None:
        """Begin to count anew."""
        self.counters.clear()
        for table in (self.latencies, self._minute, self._seconds, self._second):
            table.clear()

    def observe(self, name: str, nanoseconds: np.ndarray) -> None:
        """Add latencies in ns, shape (n,)."""
        self._second.setdefault(name, Histogram()).add(nanoseconds)

    def elapsed(self, name: str, nanoseconds: int) -> None:
        """Add one latency."""
        histogram = self._second.get(name)
        if histogram is None:
            histogram = self._second[name] = Histogram()
        histogram.add_one(nanoseconds)

    def status(self, at_ns: int) -> Status:
        """A snapshot; called once a second, so the last 60 calls are the last minute."""
        for name, histogram in self._second.items():
            self.latencies.setdefault(name, Histogram()).merge(histogram)
            self._minute.setdefault(name, Histogram()).merge(histogram)
        self._seconds.append(self._second)
        self._second = {}
        if len(self._seconds) > 60:
            for name, histogram in self._seconds.popleft().items():
                self._minute[name].take_away(histogram)
        return Status(
            service=self.service,
            at_ns=at_ns,
            started_ns=self.started_ns,
            last_seq=self.last_seq,
            counters=dict(self.counters),
            gauges=dict(self.gauges),
            latencies={name: dict(histogram.counts) for name, histogram in self.latencies.items()},
            recent={name: dict(histogram.counts) for name, histogram in self._minute.items()},
            detail=self.detail,
            healthy=self.healthy,
        )
