"""Funding of perpetuals: what longs pay to shorts at given moments.

In:  moments and rates as the venue told them, at least as old as the moment.
Out: the bars at whose opening they are paid, and all that the kernels read. Who holds a position when the bar that holds
     the moment opens pays position * price * rate, at the bar's open; rounded up if paid, down if received.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from ninefold.backtest.bars import Bars, when
from ninefold.backtest.exact import ONE
from ninefold.backtest.fee_tiers import Tier, state_of


class BadFunding(ValueError):
    """Funding that cannot be used: the row, what was found there, what is allowed."""


@dataclass(frozen=True, eq=False, slots=True)
class Funding:
    """at_ns: int64, rising. rate: a fraction of the value, + is paid by longs, float64, held to 8 decimals. Shape (m,).

    raises: BadFunding.
    """

    at_ns: np.ndarray = field(default_factory=lambda: np.empty(0, np.int64))
    rate: np.ndarray = field(default_factory=lambda: np.empty(0, np.float64))

    def __post_init__(self) -> None:
        if self.at_ns.shape != self.rate.shape or self.at_ns.ndim != 1:
            raise BadFunding(f"moments have shape {self.at_ns.shape} and rates {self.rate.shape}; both must be (m,)")
        for row in np.flatnonzero(np.diff(self.at_ns) <= 0)[:1].tolist():
            raise BadFunding(
                f"funding {row + 1} is at {when(self.at_ns[row + 1])}, not after the one before; sort them"
            )
        for row in np.flatnonzero(~(np.abs(self.rate) <= 1))[:1].tolist():
            raise BadFunding(f"funding {row} is {self.rate[row]}; a rate lies in [-1, +1] (0.0001 is one basis point)")

    def on(self, bars: Bars) -> tuple[np.ndarray, np.ndarray]:
        """Rows of the bars at whose opening something is paid, and rates in 10**-8; those outside the bars are left out.

        raises: BadFunding for two moments in one bar: it would not be known who held what at the second.
        """
        inside = (self.at_ns >= bars.open_ns[0]) & (self.at_ns < bars.close_ns[-1])
        rows = np.searchsorted(bars.open_ns, self.at_ns[inside], side="right") - 1
        for place in np.flatnonzero(np.diff(rows) == 0)[:1].tolist():
            raise BadFunding(
                f"two fundings in the bar at row {rows[place]} ({when(bars.open_ns[rows[place]])}); take narrower bars"
            )
        return rows.astype(np.int64), self.whole[inside]

    def between(self, from_ns: int | None, to_ns: int | None) -> Funding:
        """What is paid in [from, to), None where it is open."""
        kept = np.ones(len(self.at_ns), bool)
        kept &= self.at_ns >= from_ns if from_ns is not None else True
        kept &= self.at_ns < to_ns if to_ns is not None else True
        return Funding(self.at_ns[kept], self.rate[kept])

    @property
    def content(self) -> bytes:
        """What decides a result, for the identity of data; empty if nothing is paid."""
        return self.at_ns.tobytes() + self.whole.tobytes()

    @property
    def whole(self) -> np.ndarray:
        """Rates in 10**-8, int64."""
        found: np.ndarray = np.rint(self.rate * ONE).astype(np.int64)
        return found


class Market(NamedTuple):
    """What the kernels read of bars, shape (n,) each, and of funding, shape (m,); all int64 but the state."""

    open: np.ndarray
    high: np.ndarray
    low: np.ndarray
    close: np.ndarray
    volume: np.ndarray
    state: np.ndarray  # uint8
    funding_at: np.ndarray
    funding_rate: np.ndarray
    open_ns: np.ndarray
    tiers: np.ndarray  # as `fee_tiers.state_of` makes it, before the first fill; not to be changed


NO_FUNDING = Funding()


def market_of(bars: Bars, funding: Funding, tiers: Sequence[Tier] = ()) -> Market:
    """Bars, funding and fees by tier as the kernels read them. raises: BadFunding."""
    prices = (bars.open, bars.high, bars.low, bars.close)
    return Market(*prices, bars.volume, bars.state, *funding.on(bars), bars.open_ns, state_of(tiers))
