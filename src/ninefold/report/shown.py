"""One run as it is looked at: the level of detail that a stretch of time needs, its trades, its calendar.

In:  the document of a run and the bars it ran on, or none.
Out: rows of candles, equity and marks between two moments, no more than asked for. Each width is folded once, when it is
     first looked at.

A document may be of any command: what it lacks (bars, an equity curve, trades) is not shown, and nothing is made up.
"""

from __future__ import annotations

from fractions import Fraction
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from ninefold.backtest.bars import Bars
from ninefold.market.numbers import to_text
from ninefold.report.levels import (
    Candles,
    Fills,
    Line,
    Marks,
    candles_of,
    fills_of,
    line_of,
    marks_of,
    widths_of,
    within_bars,
)
from ninefold.report.periods import Row, months, weeks

APART = ("equity_curve", "trades")  # of a document: as long as its bars; they are asked for in parts
_OF_A_TRADE = {"entry_time", "exit_time", "entry_price", "exit_price", "size"}


class Level(NamedTuple):
    """line: None without an equity curve."""

    candles: Candles
    line: Line | None
    marks: Marks


class Part(NamedTuple):
    """Rows [start, stop) of a level."""

    level: Level
    start: int
    stop: int


class Shown:
    """short: the document without what is as long as its bars. trades: those that are over, then the open one, each with its
    number, from 1. equity: at the close of each bar, quote; None without one. cash: what there was before the first bar."""

    def __init__(self, document: dict[str, Any], bars: Bars | None) -> None:
        self.bars = bars
        self.short = {name: value for name, value in document.items() if name not in APART}
        self.trades = _numbered(document)
        self.equity = _equity(document, bars)
        self._leg = next(iter(document.get("legs") or {}), None)  # the one whose bars these are
        self.cash = float(document.get("equity") or 0.0) - float(document.get("net_profit") or 0.0)
        self._levels: dict[int, Level] = {}

    @cached_property
    def fills(self) -> Fills:
        """None where trades are of another form, those of several instruments say."""
        rows = [row for row in self.trades if row.get("leg") == self._leg]
        found = fills_of(rows if all(row.keys() >= _OF_A_TRADE for row in rows) else [])
        return found if self.bars is None else within_bars(found, self.bars)

    @cached_property
    def calendar(self) -> dict[str, list[Row]]:
        if self.bars is None or self.equity is None:
            return {"months": [], "weeks": []}
        given = (self.bars, self.equity, self.cash)
        return {"months": months(*given), "weeks": weeks(*given)}

    @cached_property
    def widths(self) -> list[int]:
        return widths_of(self.bars) if self.bars is not None else []

    @cached_property
    def decimals(self) -> int:
        """How many decimals a price has; a tick that no decimals write (a third) is shown with as many as a price needs."""
        return decimals_of_step(self.bars.tick) if self.bars is not None else 0

    def level(self, width_ns: int) -> Level:
        """raises: ValueError without bars."""
        if self.bars is None:
            raise ValueError("this run has no bars of one market")
        if width_ns not in self._levels:
            candles = candles_of(self.bars, width_ns)
            line = None if self.equity is None else line_of(self.equity, self.cash, candles)
            self._levels[width_ns] = Level(candles, line, marks_of(self.fills, candles))
        return self._levels[width_ns]

    def part(self, start_ns: int | None, end_ns: int | None, most: int) -> Part:
        """Rows that lie in [start_ns, end_ns), of the finest level that has at most so many there, else of the coarsest."""
        for width_ns in self.widths:
            if self._about(width_ns, start_ns, end_ns) <= most:
                return self._rows(self.level(width_ns), start_ns, end_ns)
        part = self._rows(self.level(self.widths[-1]), start_ns, end_ns)
        return part._replace(start=max(part.start, part.stop - most))

    def prices(self, ticks: np.ndarray) -> list[str]:
        """Ticks as decimal text."""
        if self.bars is None:
            raise ValueError("this run has no bars of one market")
        worth = self.bars.tick * 10**self.decimals
        return [to_text(round(int(tick) * worth), self.decimals) for tick in ticks]

    def _about(self, width_ns: int, start_ns: int | None, end_ns: int | None) -> int:
        """How many rows there are in [start_ns, end_ns), or one or two more: nothing is folded to know it."""
        if self.bars is None:
            return 0
        first, last = int(self.bars.open_ns[0]), int(self.bars.close_ns[-1])
        start = first if start_ns is None else max(first, start_ns)
        end = last if end_ns is None else min(last, end_ns)
        return max(0, -(-(end - start) // width_ns)) + (width_ns != self.widths[0])

    def _rows(self, level: Level, start_ns: int | None, end_ns: int | None) -> Part:
        opens, width_ns = level.candles.open_ns, level.candles.width_ns
        start = 0 if start_ns is None else int(np.searchsorted(opens, start_ns - width_ns, side="right"))
        stop = len(opens) if end_ns is None else int(np.searchsorted(opens, end_ns))
        return Part(level, min(start, stop), stop)


def _numbered(document: dict[str, Any]) -> list[Row]:
    found = document.get("trades")
    rows = [*found] if isinstance(found, list) else []
    if document.get("open_trade"):
        rows.append(document["open_trade"])
    return [{"number": str(number), **row} for number, row in enumerate(rows, 1)]


def _equity(document: dict[str, Any], bars: Bars | None) -> np.ndarray | None:
    found = document.get("equity_curve")
    if bars is None or not isinstance(found, list) or len(found) != len(bars):
        return None
    return np.array(found, np.float64)


def decimals_of_step(step: Fraction, most: int = 12) -> int:
    """
    >>> decimals_of_step(Fraction(1, 100)), decimals_of_step(Fraction(1, 4)), decimals_of_step(Fraction(10))
    (2, 2, 0)
    """
    return next((places for places in range(most) if (step * 10**places).denominator == 1), most)
