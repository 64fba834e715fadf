"""What a portfolio of several instruments is drawn on: all of them held in equal parts, as one series of bars.

In:  bars of one width, each instrument's from when to when it has them. Out: `Bars` that begin at 100; values at their closes.

Money is spread evenly over the instruments that have a bar and evened out at each close, as the portfolio's own is. A bar goes from
the close before to its own; it is unknown where no instrument's is known.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import numpy as np

from ninefold.backtest.bars import MOST_TICKS, UNKNOWN, Bars
from ninefold.backtest.statistics.checked import Times
from ninefold.backtest.statistics.portfolio import portfolio_returns

CANDLES = "all instruments in equal parts, 100 at the start"
START = 100
TICK = Fraction(1, 10_000)


def bars_together(each: Sequence[Bars]) -> Bars:
    """raises: ValueError if there are none."""
    close_ns, returns = portfolio_returns([bars.close_ns for bars in each], [_returns(bars) for bars in each])
    width_ns = int(each[0].close_ns[0] - each[0].open_ns[0])
    closes = np.arange(int(close_ns[0]), int(close_ns[-1]) + width_ns, width_ns)
    worth = at_closes(closes, close_ns, START * np.cumprod(1 + returns))
    price = np.clip(np.rint(worth / float(TICK)), 1, MOST_TICKS).astype(np.int64)
    before = np.concatenate(([round(START / TICK)], price[:-1]))
    told = np.unique(np.concatenate([bars.close_ns[bars.known] for bars in each]))
    known = np.searchsorted(told, closes, "right") > np.searchsorted(told, closes - width_ns, "right")
    high, low = np.maximum(before, price), np.minimum(before, price)
    volume = np.where(known, 1, UNKNOWN)  # no one instrument's
    return Bars(closes - width_ns, closes, before, high, low, price, volume, TICK)


def at_closes(closes: np.ndarray, close_ns: Times, values: np.ndarray) -> np.ndarray:
    """The last value known at each close. closes: none before the first of close_ns.

    >>> at_closes(np.array([1, 2, 3]), np.array([1, 3]), np.array([5.0, 6.0]))
    array([5., 5., 6.])
    """
    found: np.ndarray = values[np.searchsorted(close_ns, closes, "right") - 1]
    return found


def _returns(bars: Bars) -> np.ndarray:
    """Of each close over the one before, the first over its open, as fractions."""
    found: np.ndarray = bars.close / np.concatenate((bars.open[:1], bars.close[:-1])) - 1.0
    return found
