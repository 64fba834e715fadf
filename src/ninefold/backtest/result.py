"""What a back-test found: fills, and all that follows from them, computed when it is first asked for.

In:  bars, rules and fills.
Out: arrays that reports and statistics read. Money is int64 in units of one tick times one lot; `to_quote` turns it into
     the quote asset. At every close: cash at the start - what fills cost + position times close == equity, to the unit.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from itertools import pairwise
from typing import Protocol

import numpy as np

from ninefold.backtest.bars import Bars
from ninefold.backtest.market_rules import Numbers, Rules
from ninefold.backtest.outcome import Reason, table_of
from ninefold.backtest.scan import hold, mark
from ninefold.backtest.trades import trades_of
from ninefold.market.time import DAY_NS


class Account(Protocol):
    """What is judged: of one instrument (`Result`) or of several on one account (`portfolio.PortfolioResult`)."""

    @property
    def numbers(self) -> Numbers: ...
    @property
    def rules(self) -> Rules: ...
    @property
    def unit(self) -> Fraction: ...
    @property
    def close_ns(self) -> np.ndarray: ...
    @property
    def equity(self) -> np.ndarray: ...
    @property
    def returns(self) -> np.ndarray: ...
    @property
    def holds(self) -> np.ndarray: ...
    @property
    def filled(self) -> int: ...
    @property
    def liquidations(self) -> int: ...
    @property
    def over(self) -> int: ...
    @property
    def won(self) -> int: ...
    @property
    def fees(self) -> int: ...
    @property
    def slippage(self) -> int: ...
    @property
    def funding(self) -> int: ...
    @property
    def turnover(self) -> float: ...
    @property
    def traded_on(self) -> Mapping[int, int]: ...


class OfFills:
    """What follows from fills (rows with the columns of FILLS) and from the trades that are over, whatever they are of."""

    fills: np.ndarray

    @property
    def trades(self) -> np.ndarray:
        """TRADES rows (`trades`) that are over, oldest first."""
        raise NotImplementedError

    @property
    def fees(self) -> int:
        """Units, of all fills."""
        return int(self.fills["fee"].sum())

    @property
    def slippage(self) -> int:
        """Units, of all fills."""
        return int(self.fills["slippage"].sum())

    @property
    def funding(self) -> int:
        """Units paid; negative: received."""
        return int(self.fills["funding"].sum())

    @property
    def filled(self) -> int:
        """How many fills traded."""
        return int(np.count_nonzero(self.fills["size"]))

    @property
    def liquidations(self) -> int:
        return int(np.count_nonzero(self.fills["reason"] == Reason.LIQUIDATION))

    @property
    def over(self) -> int:
        """How many trades are over."""
        return len(self.trades)

    @property
    def won(self) -> int:
        """How many of them earned something."""
        return int(np.count_nonzero(self.trades["pnl"] > 0))


@dataclass(frozen=True, eq=False)
class Result(OfFills):
    """fills: FILLS rows (`outcome`), oldest first: what was traded and the funding that was paid."""

    bars: Bars
    rules: Rules
    numbers: Numbers
    fills: np.ndarray

    @property
    def unit(self) -> Fraction:
        """What a unit of money is worth, in quote."""
        return self.bars.unit

    @property
    def close_ns(self) -> np.ndarray:
        return self.bars.close_ns

    @property
    def holds(self) -> np.ndarray:
        """Whether there is a position at each close, bool, shape (n,)."""
        found: np.ndarray = self.position != 0
        return found

    @cached_property
    def equity(self) -> np.ndarray:
        """Cash and position at each close, units, shape (n,). An open position is valued without the cost of leaving."""
        equity = np.empty(len(self.bars), np.int64)
        mark(self.bars.close, self.numbers.cash, table_of(self.fills), equity)
        return equity

    @cached_property
    def position(self) -> np.ndarray:
        """Lots held at each close, shape (n,); negative is short."""
        held = np.empty(len(self.bars), np.int64)
        hold(table_of(self.fills), held)
        return held

    @cached_property
    def returns(self) -> np.ndarray:
        """Equity of a bar over that of the bar before, less 1; the first over the cash at the start. Shape (n,); NaN where
        there was no equity left."""
        return returns_of(self.numbers.cash, self.equity)

    @cached_property
    def exposure(self) -> np.ndarray:
        """Value of the position at each close as a part of the equity, shape (n,); negative is short, NaN without equity."""
        value = (self.position * self.bars.close).astype(np.float64)
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(self.equity > 0, value / self.equity, np.nan)

    @property
    def trades(self) -> np.ndarray:
        """TRADES rows (`trades`) that are over, oldest first."""
        return self._trades[: len(self._trades) - len(self.open_trade)]

    @property
    def open_trade(self) -> np.ndarray:
        """The TRADES row of the position held at the end; none: shape (0,)."""
        last = self._trades[-1:]
        return last[last["exit_bar"] < 0]

    @property
    def values(self) -> np.ndarray:
        """What each fill traded, units; of funding 0."""
        found: np.ndarray = np.abs(self.fills["price"] * self.fills["size"])
        return found

    @property
    def traded(self) -> int:
        """The value of all fills, units. An exact int: it may exceed 64 bits."""
        return total(self.values)

    @property
    def traded_on(self) -> dict[int, int]:
        """The same by UTC day since 1970, of days with fills."""
        return by_day(self.bars.open_ns[self.fills["bar"]], self.values)

    @cached_property
    def turnover(self) -> float:
        """The value of all fills over the mean equity; NaN if that is not positive."""
        return turnover_of(self.traded, self.equity)

    def to_quote(self, units: np.ndarray | int) -> np.ndarray:
        """Units of money in the quote asset, float64."""
        found: np.ndarray = np.asarray(units, np.float64) * float(self.bars.unit)
        return found

    @cached_property
    def _trades(self) -> np.ndarray:
        bars, rows = self.bars, self.fills["bar"]
        return trades_of(self.fills, bars.open_ns[rows], bars.close_ns[rows], int(bars.close[-1]))


def total(values: np.ndarray) -> int:
    """The sum of whole numbers of at least 0, exactly: it may exceed 64 bits."""
    return int((values >> 32).sum()) * 2**32 + int((values & 0xFFFFFFFF).sum())


def by_day(at_ns: np.ndarray, values: np.ndarray) -> dict[int, int]:
    """The `total` of each UTC day since 1970 that has any."""
    days, found = at_ns // DAY_NS, dict[int, int]()
    edges = [0, *(np.flatnonzero(days[1:] != days[:-1]) + 1).tolist(), len(days)]
    for start, stop in pairwise(edges) if len(days) else ():
        day = int(days[start])
        found[day] = found.get(day, 0) + total(values[start:stop])
    return found


def turnover_of(traded: int, equity: np.ndarray) -> float:
    """Over the mean equity; NaN if that is not positive."""
    mean = float(equity.astype(np.float64).mean())
    return traded / mean if mean > 0 else float("nan")


def returns_of(cash: int, equity: np.ndarray) -> np.ndarray:
    """What each bar made of the equity before it, the first of the cash, as fractions; NaN where there was none left.

    >>> returns_of(100, np.array([110, 99])).round(2)
    array([ 0.1, -0.1])
    """
    before = np.concatenate(([cash], equity[:-1])).astype(np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(before > 0, equity / before - 1.0, np.nan)
