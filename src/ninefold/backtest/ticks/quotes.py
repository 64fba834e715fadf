"""Quotes on both sides, as a strategy wants them at some of the events.

In:  prices and sizes, as known at these events. Out: `Quotes`, checked; `BadQuotes` names the row and the rule.

At each decision a side is renewed: an order that is still there at the wanted price stays, with what is left of it and its
place in the queue; else it is cancelled, and if a size is wanted, another is sent. Both travel together. A side whose position,
as known at this event, has reached `most` is not quoted.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ninefold.backtest.ticks.events import Session
from ninefold.backtest.ticks.latency import Latency
from ninefold.backtest.ticks.orders import Life


class BadQuotes(ValueError):
    """Quotes that cannot be used: the row, what was found, what is allowed."""


@dataclass(frozen=True, eq=False, slots=True)
class Quotes:
    """Arrays of shape (k,), int64. at: events, rising. bid, ask: ticks. bid_size, ask_size: lots; 0: none is wanted.
    most: lots, of the position either way. life: POST_ONLY, or GTC for quotes that may take. decided_ns: when, if that is
    later than the event was known (a timer, see `every`), rising; None: as it was known."""

    at: np.ndarray
    bid: np.ndarray
    bid_size: np.ndarray
    ask: np.ndarray
    ask_size: np.ndarray
    most: int
    life: Life = Life.POST_ONLY
    from_best: bool = False
    decided_ns: np.ndarray | None = None

    @property
    def sides(self) -> tuple[np.ndarray, ...]:
        return self.bid, self.bid_size, self.ask, self.ask_size

    def arrivals(self, session: Session, latency: Latency) -> np.ndarray:
        """When what is sent at each decision reaches the venue, int64, not falling."""
        if self.decided_ns is None:
            return latency.arrivals(session, self.at, 0)
        arrival = latency.order.arrival_ns(session.exchange_ns[self.at], self.decided_ns)
        found: np.ndarray = np.maximum.accumulate(arrival)
        return found

    def check(self, session: Session) -> None:
        """raises: BadQuotes for events that are not there, and prices beyond those that the session keeps."""
        if any(of.shape != self.at.shape for of in self.sides) or self.at.ndim != 1:
            raise BadQuotes(f"quotes have shapes {[of.shape for of in (self.at, *self.sides)]}; all must be (k,)")
        if len(self.at) and (self.at[0] < 0 or self.at[-1] >= len(session) or (np.diff(self.at) <= 0).any()):
            raise BadQuotes(
                f"quotes are decided at events that rise from 0 to {len(session) - 1}; sort them, once each"
            )
        if self.decided_ns is not None and (
            self.decided_ns.shape != self.at.shape or (np.diff(self.decided_ns) < 0).any()
        ):
            raise BadQuotes("decided_ns has a time for each event of `at`, rising; make both by `every`")
        least, most = (-session.span, session.span) if self.from_best else (session.low, session.highest)
        for name, price, size in (("bid", self.bid, self.bid_size), ("ask", self.ask, self.ask_size)):
            bad = (size < 0) | ((size > 0) & ((price < least) | (price > most)))
            if bad.any():
                row = int(bad.argmax())
                raise BadQuotes(
                    f"quote {row} has a {name} of {size[row]} lots at {price[row]} ticks: sizes are at least 0, prices lie from "
                    f"{least} to {most}, near what was shown"
                )


def every(session: Session, latency: Latency, interval_ns: int) -> tuple[np.ndarray, np.ndarray]:
    """A timer from the first event on: events that were the last known at its ticks, and those ticks, ns. Ticks between which
    nothing became known are left out.

    raises: BadQuotes for an interval that is not positive.
    """
    if interval_ns <= 0:
        raise BadQuotes(f"the interval is {interval_ns} ns; it must be above 0")
    known = latency.feed.known_ns(session, np.arange(len(session)))
    at_ns = np.arange(known[0] + interval_ns, known[-1], interval_ns)
    rows = np.searchsorted(known, at_ns, "right") - 1
    first = np.append(True, np.diff(rows) > 0)[: len(rows)]
    return rows[first], at_ns[first]
