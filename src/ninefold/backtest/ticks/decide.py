"""Strategies on trades that decide block by block.

In:  blocks of trades, oldest first. Out: the changes of a target in each; where the tape is cut changes nothing.
"""

from __future__ import annotations

import numpy as np

from ninefold.backtest.exact import ONE
from ninefold.backtest.target import BadTarget, Changes, changes_of_target
from ninefold.backtest.ticks.tape import Ticks
from ninefold.formula import Evaluator, Scale
from ninefold.formula.term import Term
from ninefold.market.compiled import compiled
from ninefold.strategy.plan import targets


class EmaCross:
    """+1 while the exponential average of the price over `fast` trades is above that over `slow`, else 0.

    An average begins at the first price; a = 2 / (n + 1): average = a * price + (1 - a) * average, in doubles of ticks.
    raises: BadTarget for windows below 1.
    """

    def __init__(self, fast: int, slow: int) -> None:
        if min(fast, slow) < 1:
            raise BadTarget(f"windows are {fast} and {slow}; each is at least 1 trade")
        self._weights = 2 / (fast + 1), 2 / (slow + 1)
        self._kept = np.array([np.nan, np.nan, 0.0])  # the averages, and whether the fast one was above

    def changes(self, ticks: Ticks) -> Changes:
        at, to = np.empty(len(ticks), np.int64), np.empty(len(ticks), np.int64)
        count = _ema_cross(ticks.price, *self._weights, self._kept, at, to)
        return Changes(at[:count], to[:count])


class Formula:
    """The target is a formula over `close` and `volume`: price and size of the trade. price, size: units of the scale that a
    tick and a lot are."""

    def __init__(self, term: Term, scale: Scale, price: float = 1.0, size: float = 1.0) -> None:
        self._evaluator, self._price, self._size = Evaluator([term], scale), price, size
        self._last = 0

    def changes(self, ticks: Ticks) -> Changes:
        """raises: FormulaError for other columns."""
        columns = {"close": ticks.price * self._price, "volume": ticks.size * self._size}
        found = changes_of_target(targets(self._evaluator.warm(columns)[0]), len(ticks))
        at, to = found.at, found.to
        if not len(ticks):
            return found
        starts = len(at) > 0 and at[0] == 0
        if starts and to[0] == self._last:
            at, to = at[1:], to[1:]
        elif not starts and self._last:
            at, to = np.concatenate(([0], at)), np.concatenate(([0], to))
        self._last = int(to[-1]) if len(to) else self._last
        return Changes(at, to)


class OfBars:
    """A target that was decided at the closes of bars: known at the first trade at or after each close.

    changes: by rows of the bars. close_ns: of these bars.
    """

    def __init__(self, changes: Changes, close_ns: np.ndarray) -> None:
        self._at_ns, self._to, self._told = close_ns[changes.at], changes.to, 0

    def changes(self, ticks: Ticks) -> Changes:
        at = np.searchsorted(ticks.exchange_ns, self._at_ns[self._told :], "left")
        at = at[at < len(ticks)]
        to = self._to[self._told : self._told + len(at)]
        self._told += len(at)
        last = np.append(at[1:] != at[:-1], True)[: len(at)]  # of those that no trade parted
        return Changes(at[last], to[last])


@compiled
def _ema_cross(
    price: np.ndarray, by_fast: float, by_slow: float, kept: np.ndarray, at: np.ndarray, to: np.ndarray
) -> int:
    count = 0
    if len(price) == 0:
        return count
    if np.isnan(kept[0]):
        kept[0] = kept[1] = price[0]
    fast, slow, above = kept[0], kept[1], kept[2] > 0.0
    keep_fast, keep_slow = 1.0 - by_fast, 1.0 - by_slow
    for row in range(len(price)):
        value = float(price[row])
        fast = by_fast * value + keep_fast * fast
        slow = by_slow * value + keep_slow * slow
        if (fast > slow) != above:
            above = not above
            at[count], to[count] = row, ONE if above else 0
            count += 1
    kept[0], kept[1], kept[2] = fast, slow, 1.0 if above else 0.0
    return count
