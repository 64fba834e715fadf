"""Trades out of fills: a trade is a position from flat to flat, or to the other side.

In:  fills of one instrument, oldest first.
Out: one row a trade; the last may still be open.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np

from ninefold.backtest.outcome import table_of
from ninefold.market.compiled import compiled

TRADES = np.dtype(
    [
        ("entry_bar", "<i8"),
        ("exit_bar", "<i8"),  # -1 of an open trade
        ("entry_ns", "<i8"),  # of the first fill: the bar's opening
        ("exit_ns", "<i8"),  # of the last one: the bar's opening, or its end if it was within it; -1 of an open trade
        ("size", "<i8"),  # lots that were opened in all; negative: short
        ("entry_price", "<f8"),  # ticks: mean of what opened, by size
        ("exit_price", "<f8"),  # of what closed; NaN where nothing did
        ("fees", "<i8"),  # units
        ("slippage", "<i8"),
        ("funding", "<i8"),
        ("pnl", "<i8"),  # units, after all costs; of an open trade with what is left at the last close
        ("reason", "<i8"),  # `Reason` of the last fill
    ]
)


class Times(Protocol):
    """When each bar, or whatever fills are counted by, began and ended, ns."""

    @property
    def open_ns(self) -> np.ndarray: ...
    @property
    def close_ns(self) -> np.ndarray: ...


def trades_of(fills: np.ndarray, bars: Times, last_close: int) -> np.ndarray:
    """TRADES rows of FILLS rows, oldest first."""
    rows = np.empty(len(fills), TRADES)
    count = _fold(table_of(fills), bars.open_ns, bars.close_ns, last_close, rows)
    return rows[:count]


@compiled
def _fold(fills: np.ndarray, open_ns: np.ndarray, close_ns: np.ndarray, last_close: int, trades: np.ndarray) -> int:
    count, position, opened, money, fees, slips, funding, first, why = 0, 0, 0, 0, 0, 0, 0, 0, 0
    bought, closed, closed_size = 0.0, 0.0, 0
    for place in range(len(fills)):
        row, price, size = fills[place, 0], fills[place, 1], fills[place, 2]
        if position == 0 and size != 0:
            opened, money, fees, slips, funding, first = 0, 0, 0, 0, 0, row
            bought, closed, closed_size = 0.0, 0.0, 0
        money -= price * size
        fees += fills[place, 3]
        slips += fills[place, 4]
        funding += fills[place, 5]
        why = fills[place, 6] if size != 0 else why
        if position == 0 or (size > 0) == (position > 0):
            opened += size
            bought += float(price * size)
        else:
            closed_size += size
            closed += float(price * size)
        position += size
        ends = position == 0 and size != 0
        if ends or place == len(fills) - 1:
            trades[count]["entry_bar"] = first
            trades[count]["exit_bar"] = row if ends else -1
            trades[count]["entry_ns"] = open_ns[first]
            trades[count]["exit_ns"] = (close_ns[row] if fills[place, 7] else open_ns[row]) if ends else -1
            trades[count]["size"] = opened
            trades[count]["entry_price"] = bought / opened
            trades[count]["exit_price"] = closed / closed_size if closed_size else np.nan
            trades[count]["fees"] = fees
            trades[count]["slippage"] = slips
            trades[count]["funding"] = funding
            trades[count]["pnl"] = money + position * last_close - fees - slips - funding
            trades[count]["reason"] = why
            count += 1
    return count
