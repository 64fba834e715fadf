"""What a back-test on trades found: fills, and all that follows from them, computed when it is first asked for.

In:  fills with their times, the rules, the last price of each step of time.
Out: arrays that reports and statistics read. Money is int64 in units of one tick times one lot. At every step: cash at the
     start - what fills cost and funding took + position times price == equity, to the unit.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import NamedTuple

import numpy as np

from ninefold.backtest.market_rules import Numbers, Rules
from ninefold.backtest.result import OfFills
from ninefold.backtest.ticks.tape import Ticks
from ninefold.backtest.trades import trades_of


class Steps(NamedTuple):
    """Shape (k,), int64: the last trade of each step of time that has one: its row, time and price."""

    row: np.ndarray
    ns: np.ndarray
    price: np.ndarray


class Curve:
    """Steps out of trades that come block by block."""

    def __init__(self, width_ns: int) -> None:
        self._width_ns = width_ns
        self._parts: list[np.ndarray] = []

    def take(self, ticks: Ticks, first: int) -> None:
        """first: row of the tape at which this block begins."""
        if not len(ticks):
            return
        step = ticks.exchange_ns // self._width_ns
        last = np.append(np.flatnonzero(step[1:] != step[:-1]), len(ticks) - 1)
        part = np.array([step[last], last + first, ticks.exchange_ns[last], ticks.price[last]])
        if self._parts and self._parts[-1][0, -1] == part[0, 0]:
            self._parts[-1] = self._parts[-1][:, :-1]
        self._parts.append(part)

    def steps(self) -> Steps:
        return Steps(*np.concatenate(self._parts, axis=1)[1:])


@dataclass(frozen=True, eq=False)
class TickResult(OfFills):
    """ticks: how many trades there were. fills: FILLS rows (`outcome`; `bar` is the trade's row), oldest first; fill_ns: when
    the venue made these trades."""

    tick: Fraction
    lot: Fraction
    ticks: int
    rules: Rules
    numbers: Numbers
    fills: np.ndarray
    fill_ns: np.ndarray
    steps: Steps

    @property
    def unit(self) -> Fraction:
        """What a unit of money is worth, in quote: one tick times one lot."""
        return self.tick * self.lot

    @cached_property
    def position(self) -> np.ndarray:
        """Lots held at each step, shape (k,); negative is short."""
        return self._at_steps(self.fills["size"])

    @cached_property
    def equity(self) -> np.ndarray:
        """Cash and position at the last price of each step, units, shape (k,)."""
        fills = self.fills
        paid = fills["price"] * fills["size"] + fills["fee"] + fills["slippage"] + fills["funding"]
        found: np.ndarray = self.numbers.cash - self._at_steps(paid) + self.position * self.steps.price
        return found

    @cached_property
    def returns(self) -> np.ndarray:
        """Equity of a step over that of the step before, less 1; the first over the cash at the start. NaN where there was no
        equity left."""
        before = np.concatenate(([self.numbers.cash], self.equity[:-1])).astype(np.float64)
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(before > 0, self.equity / before - 1.0, np.nan)

    @property
    def trades(self) -> np.ndarray:
        """TRADES rows (`trades`) that are over, oldest first; bars are rows of trades."""
        return self._trades[self._trades["exit_bar"] >= 0]

    @property
    def open_trade(self) -> np.ndarray:
        """The TRADES row of the position held at the end; none: shape (0,)."""
        return self._trades[self._trades["exit_bar"] < 0]

    def to_quote(self, units: np.ndarray | int) -> np.ndarray:
        """Units of money in the quote asset, float64."""
        found: np.ndarray = np.asarray(units, np.float64) * float(self.unit)
        return found

    @cached_property
    def _trades(self) -> np.ndarray:
        return trades_of(self.fills, self.fill_ns, self.fill_ns, int(self.steps.price[-1]))

    def _at_steps(self, amounts: np.ndarray) -> np.ndarray:
        """Sums of all fills up to each step."""
        total = np.concatenate(([0], np.cumsum(amounts)))
        found: np.ndarray = total[np.searchsorted(self.fills["bar"], self.steps.row, "right")]
        return found
