"""How long news takes to us and orders to the venue: named models.

In:  trades, and the rows at which something was decided.
Out: when each trade was known; when what was decided then reaches the venue. Orders do not overtake each other.

RecordedFeed:  as it was received while it was recorded (`known_ns`): with the clocks of venue and collector as they were.
FixedFeed:     so long after the venue's own time.
FixedOrder:    so long from the decision to the venue.
OrderLikeFeed: as long as the news of that moment took, times a factor, and at least so long.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from ninefold.backtest.exact import BadRules
from ninefold.backtest.ticks.tape import BadTicks


def _not_negative(name: str, value: int) -> None:
    if value < 0:
        raise BadRules(f"{name} is {value}; it is at least 0: nothing is known, or arrives, before it happened")


class Timed(Protocol):
    """Trades or events, oldest first: when they happened, and when they were received, if that was recorded; shape (n,)."""

    @property
    def exchange_ns(self) -> np.ndarray: ...
    @property
    def known_ns(self) -> np.ndarray | None: ...


@dataclass(frozen=True, slots=True)
class RecordedFeed:
    """raises: BadTicks if it was not recorded."""

    def known_ns(self, of: Timed, rows: np.ndarray) -> np.ndarray:
        """When the trades of these rows were known, int64."""
        if of.known_ns is None:
            raise BadTicks(
                "these trades have no known_ns, when each was received; load it, or take FixedFeed(ns) for the way of news"
            )
        found: np.ndarray = of.known_ns[rows]
        return found


@dataclass(frozen=True, slots=True)
class FixedFeed:
    ns: int = 10_000_000

    def __post_init__(self) -> None:
        _not_negative("the way of news", self.ns)

    def known_ns(self, of: Timed, rows: np.ndarray) -> np.ndarray:
        """When the trades of these rows were known, int64."""
        found: np.ndarray = of.exchange_ns[rows] + self.ns
        return found


@dataclass(frozen=True, slots=True)
class FixedOrder:
    ns: int = 50_000_000

    def __post_init__(self) -> None:
        _not_negative("the way of orders", self.ns)

    def arrival_ns(self, exchange_ns: np.ndarray, known_ns: np.ndarray) -> np.ndarray:
        """When orders that were decided on these trades reach the venue."""
        del exchange_ns
        found: np.ndarray = known_ns + self.ns
        return found


@dataclass(frozen=True, slots=True)
class OrderLikeFeed:
    times: int = 1
    least_ns: int = 0

    def __post_init__(self) -> None:
        _not_negative("the factor of the way of orders", self.times)
        _not_negative("the shortest way of orders", self.least_ns)

    def arrival_ns(self, exchange_ns: np.ndarray, known_ns: np.ndarray) -> np.ndarray:
        """When orders that were decided on these trades reach the venue."""
        found: np.ndarray = known_ns + np.maximum((known_ns - exchange_ns) * self.times, self.least_ns)
        return found


@dataclass(frozen=True, slots=True)
class Latency:
    feed: RecordedFeed | FixedFeed = FixedFeed()
    order: FixedOrder | OrderLikeFeed = FixedOrder()

    def arrivals(self, of: Timed, rows: np.ndarray, before_ns: int) -> np.ndarray:
        """When what was decided at these rows, rising, reaches the venue, int64; not before `before_ns`.

        >>> from ninefold.backtest.ticks.tape import Ticks
        >>> ticks = Ticks(np.array([100, 200]), price=np.array([5, 6]), size=np.array([1, 1]))
        >>> Latency(FixedFeed(10), FixedOrder(30)).arrivals(ticks, np.array([0, 1]), 0)
        array([140, 240])
        """
        found: np.ndarray = np.maximum.accumulate(np.maximum(self.alone(of, rows), before_ns))
        return found

    def alone(self, of: Timed, rows: np.ndarray) -> np.ndarray:
        """The same of orders that have no others before them."""
        found: np.ndarray = self.order.arrival_ns(of.exchange_ns[rows], self.feed.known_ns(of, rows))
        return found
