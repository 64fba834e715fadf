"""Trades out of fills: a trade is a position from flat to flat, or to the other side.

In:  fills of one instrument, oldest first, all at once or part by part.
Out: one row a trade; the last may still be open.
"""

from __future__ import annotations

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

# of the trade that is open, whole numbers: what is held, what was opened and closed in all, ...
POSITION, OPENED, CLOSED, MONEY, FEES, SLIPS, FUNDING, FIRST, ENTERED, WHY, HELD = range(11)
SUMS = 2  # price times size of what opened, and of what closed


class Folding:
    """Trades out of fills that come part by part; of a trade that is still open only sums are kept."""

    def __init__(self) -> None:
        self._held, self._sums = np.zeros(HELD, np.int64), np.zeros(SUMS)

    def take(self, fills: np.ndarray, opens_ns: np.ndarray, closes_ns: np.ndarray) -> np.ndarray:
        """TRADES rows of those that these fills end.

        fills: FILLS rows, behind all before. opens_ns, closes_ns: of the bar of each fill; both the time of the fill where that is
        known.
        """
        rows = np.empty(len(fills), TRADES)
        count = _fold(table_of(fills), opens_ns, closes_ns, self._held, self._sums, rows)
        return rows[:count]

    def open_trade(self, last_close: int) -> np.ndarray:
        """The TRADES row of what is held, valued at this price, ticks; nothing held: shape (0,)."""
        held, (bought, closed) = self._held, self._sums.tolist()
        row = np.zeros(int(held[POSITION] != 0), TRADES)
        for one in row:
            one["entry_bar"], one["entry_ns"], one["size"] = held[FIRST], held[ENTERED], held[OPENED]
            one["exit_bar"] = one["exit_ns"] = -1
            one["entry_price"] = bought / held[OPENED]
            one["exit_price"] = closed / held[CLOSED] if held[CLOSED] else np.nan
            one["fees"], one["slippage"], one["funding"] = held[FEES], held[SLIPS], held[FUNDING]
            costs = held[FEES] + held[SLIPS] + held[FUNDING]
            one["pnl"], one["reason"] = held[MONEY] + held[POSITION] * last_close - costs, held[WHY]
        return row


def trades_of(fills: np.ndarray, opens_ns: np.ndarray, closes_ns: np.ndarray, last_close: int) -> np.ndarray:
    """All at once, as `Folding.take` has it; the last one may be open."""
    folding = Folding()
    over = folding.take(fills, opens_ns, closes_ns)
    return np.concatenate((over, folding.open_trade(last_close)))


@compiled
def _fold(
    fills: np.ndarray,
    opens_ns: np.ndarray,
    closes_ns: np.ndarray,
    held: np.ndarray,
    sums: np.ndarray,
    trades: np.ndarray,
) -> int:
    count = 0
    for place in range(len(fills)):
        row, price, size = fills[place, 0], fills[place, 1], fills[place, 2]
        if held[POSITION] == 0 and size != 0:
            held[:] = 0
            sums[:] = 0.0
            held[FIRST], held[ENTERED] = row, opens_ns[place]
        held[MONEY] -= price * size
        held[FEES] += fills[place, 3]
        held[SLIPS] += fills[place, 4]
        held[FUNDING] += fills[place, 5]
        if size == 0:
            continue
        held[WHY] = fills[place, 6]
        if held[POSITION] == 0 or (size > 0) == (held[POSITION] > 0):
            held[OPENED] += size
            sums[0] += float(price * size)
        else:
            held[CLOSED] += size
            sums[1] += float(price * size)
        held[POSITION] += size
        if held[POSITION] == 0:
            trades[count]["entry_bar"], trades[count]["exit_bar"] = held[FIRST], row
            trades[count]["entry_ns"] = held[ENTERED]
            trades[count]["exit_ns"] = closes_ns[place] if fills[place, 7] else opens_ns[place]
            trades[count]["size"] = held[OPENED]
            trades[count]["entry_price"] = sums[0] / held[OPENED]
            trades[count]["exit_price"] = sums[1] / held[CLOSED]
            trades[count]["fees"], trades[count]["slippage"] = held[FEES], held[SLIPS]
            trades[count]["funding"] = held[FUNDING]
            trades[count]["pnl"] = held[MONEY] - held[FEES] - held[SLIPS] - held[FUNDING]
            trades[count]["reason"] = held[WHY]
            count += 1
    return count
