"""Small markets for the tests of back-tests, and a plain reading of trades."""

from __future__ import annotations

import math
from dataclasses import replace
from fractions import Fraction

import numpy as np

from ninefold.backtest.bars import UNKNOWN, Bars

MINUTE_NS = 60_000_000_000


def bars(*rows: tuple[int, int, int, int, int] | int | None, tick: str = "1", lot: str = "1") -> Bars:
    """Minute bars of (open, high, low, close, volume); a number is a bar of one price with volume 1000, None unknown."""
    full = [
        (1, 1, 1, 1, UNKNOWN) if row is None else (row, row, row, row, 1000) if isinstance(row, int) else row
        for row in rows
    ]
    table = np.array(full, np.int64).T
    open_ns = np.arange(len(rows)) * MINUTE_NS
    return Bars(open_ns, open_ns + MINUTE_NS, *table, tick=Fraction(tick), lot=Fraction(lot))


def days_apart(of: Bars, width_ns: int) -> Bars:
    """The same bars, each as wide as said."""
    open_ns = np.arange(len(of)) * width_ns
    return replace(of, open_ns=open_ns, close_ns=open_ns + width_ns)


def random_bars(seed: int, count: int, holes: bool = True) -> Bars:
    """A random walk with gaps between bars, and quiet and unknown bars if there are holes."""
    random = np.random.default_rng(seed)
    price, made = 400, []
    for row in range(count):
        open_ = max(1, price + int(random.integers(-4, 5)) * int(random.integers(0, 8)))
        close = max(1, open_ + int(random.integers(-25, 26)))
        high = max(open_, close) + int(random.integers(0, 12))
        low = max(1, min(open_, close) - int(random.integers(0, 12)))
        kind = random.integers(0, 12) if holes and row else 11
        volume = int(random.integers(1, 60))
        made.append({0: (price, price, price, price, 0), 1: None}.get(int(kind), (open_, high, low, close, volume)))
        price = price if kind < 2 else close
    return bars(*made)


def plain_trades(fills: np.ndarray, of: Bars, last_close: int) -> list[tuple[float, ...]]:
    """Trades read off fills the slow way, as tuples in the order of TRADES."""
    found, held, trade = [], 0, []
    for fill in fills.tolist():
        trade.append(fill)
        held += fill[2]
        if held == 0 and fill[2]:
            found.append(_trade(trade, of, 0, last_close))
            trade = []
    if trade:
        found.append(_trade(trade, of, held, last_close))
    return found


def _trade(fills: list[tuple[int, ...]], of: Bars, held: int, last_close: int) -> tuple[float, ...]:
    traded = [fill for fill in fills if fill[2]]
    side = 1 if traded[0][2] > 0 else -1
    ins, outs = ([fill for fill in traded if fill[2] * side * way > 0] for way in (1, -1))
    mean = [
        sum(float(f[1] * f[2]) for f in part) / sum(f[2] for f in part) if part else math.nan for part in (ins, outs)
    ]
    costs = [sum(fill[place] for fill in fills) for place in (3, 4, 5)]
    last = traded[-1]
    end_ns = -1 if held else int((of.close_ns if last[7] else of.open_ns)[last[0]])
    return (
        traded[0][0],
        -1 if held else last[0],
        int(of.open_ns[traded[0][0]]),
        end_ns,
        sum(fill[2] for fill in ins),
        *mean,
        *costs,
        held * last_close - sum(fill[1] * fill[2] for fill in fills) - sum(costs),
        last[6],
    )
