"""What a back-test on trades made, without its fills: an account as long as the bars, however often it traded.

In:  fills as they come, with when they were, and where to keep the trades that are over; at the end the bars on which money is judged.
Out: `Folded`, which in every number is the `backtest.result.Result` of these fills by the bars in which they were.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Protocol

import numpy as np

from ninefold.backtest.bars import Bars
from ninefold.backtest.market_rules import Numbers, Rules
from ninefold.backtest.result import OfFills, by_day, returns_of, turnover_of
from ninefold.backtest.ticks.stream import Filled
from ninefold.backtest.trades import Folding

SUMMED = ("fees", "slippage", "funding", "filled", "liquidations", "over", "won")


class Rows(Protocol):
    """TRADES rows, oldest first, wherever they are kept."""

    lengths: list[int]  # of its parts

    def add(self, rows: np.ndarray) -> None:
        """Behind all before."""

    def part(self, number: int) -> np.ndarray:
        """Those of one part."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Folded:
    """size, paid: what was bought less what was sold in each bar, lots, and what that cost, units; shape (n,). filled: how many
    fills traded. over, won: how many trades are over, and earned something. traded_on: value of all fills, units, by UTC day.
    trades: those that are over. open_trade: the TRADES row of the position held at the end; none: shape (0,)."""

    bars: Bars
    rules: Rules
    numbers: Numbers
    size: np.ndarray
    paid: np.ndarray
    fees: int
    slippage: int
    funding: int
    filled: int
    liquidations: int
    over: int
    won: int
    traded_on: Mapping[int, int]
    trades: Rows
    open_trade: np.ndarray

    @property
    def unit(self) -> Fraction:
        """What a unit of money is worth, in quote."""
        return self.bars.unit

    @property
    def close_ns(self) -> np.ndarray:
        return self.bars.close_ns

    @cached_property
    def position(self) -> np.ndarray:
        """Lots held at each close, shape (n,); negative is short."""
        return np.cumsum(self.size)

    @property
    def holds(self) -> np.ndarray:
        """Whether there is a position at each close, bool, shape (n,)."""
        found: np.ndarray = self.position != 0
        return found

    @cached_property
    def equity(self) -> np.ndarray:
        """Cash and position at each close, units, shape (n,)."""
        found: np.ndarray = self.numbers.cash - np.cumsum(self.paid) + self.position * self.bars.close
        return found

    @cached_property
    def returns(self) -> np.ndarray:
        """As `Result.returns`."""
        return returns_of(self.numbers.cash, self.equity)

    @property
    def turnover(self) -> float:
        """The value of all fills over the mean equity; NaN if that is not positive."""
        return turnover_of(sum(self.traded_on.values()), self.equity)


class Folds:
    """Folds fills as they come. over: where the trades that are over are kept."""

    def __init__(self, width_ns: int, over: Rows) -> None:
        self._width_ns = width_ns
        self._steps: list[np.ndarray] = []  # of steps of time with a fill: which, size, paid
        self._trades, self._over = Folding(), over
        self._sums = dict.fromkeys(SUMMED, 0)
        self._traded_on: dict[int, int] = {}

    def take(self, found: Filled) -> None:
        """Behind all before."""
        fills, fill_ns = found
        if not len(fills):
            return
        step = fill_ns // self._width_ns
        first = np.append(0, np.flatnonzero(step[1:] != step[:-1]) + 1)
        paid = fills["price"] * fills["size"] + fills["fee"] + fills["slippage"] + fills["funding"]
        self._steps.append(np.array([step[first], *(np.add.reduceat(one, first) for one in (fills["size"], paid))]))
        over = self._trades.take(fills, fill_ns, fill_ns)
        self._over.add(over)
        part = _Part(fills, over)
        for name in SUMMED:
            self._sums[name] += getattr(part, name)
        for day, value in by_day(fill_ns, np.abs(fills["price"] * fills["size"])).items():
            self._traded_on[day] = self._traded_on.get(day, 0) + value

    def found(self, bars: Bars, rules: Rules, numbers: Numbers) -> Folded:
        """bars: of all trades, of the same width; fills behind the last one, as quotes have them, count in it."""
        size, paid = np.zeros(len(bars), np.int64), np.zeros(len(bars), np.int64)
        for step, sizes, amounts in self._steps:
            at = np.clip(step - bars.open_ns[0] // self._width_ns, 0, len(bars) - 1)
            np.add.at(size, at, sizes)
            np.add.at(paid, at, amounts)
        return Folded(
            bars=bars,
            rules=rules,
            numbers=numbers,
            size=size,
            paid=paid,
            **self._sums,
            traded_on=self._traded_on,
            trades=self._over,
            open_trade=self._trades.open_trade(int(bars.close[-1])),
        )


class _Part(OfFills):
    def __init__(self, fills: np.ndarray, over: np.ndarray) -> None:
        self.fills, self._over = fills, over

    @property
    def trades(self) -> np.ndarray:
        return self._over
